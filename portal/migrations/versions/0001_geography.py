"""Create the tables of geography."""

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.create_table(
        "layer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "title",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("tie_order", sa.Integer(), nullable=False),
        sa.Column("snap_m", sa.Double(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("is_area", sa.Boolean(), nullable=False),
        sa.CheckConstraint("snap_m >= 0", name=op.f("ck_layer_snap_m")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_layer")),
        sa.UniqueConstraint("jurisdiction_id", "name", name=op.f("uq_layer_jurisdiction_id_name")),
        comment="A set of boundaries of one kind: districts, streets, parks.",
    )
    op.create_table(
        "edition",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("layer_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "valid_from",
            sa.Date(),
            nullable=True,
            comment="First day on which this map is the legal one; empty: ever since.",
        ),
        sa.Column(
            "valid_to",
            sa.Date(),
            nullable=True,
            comment="First day on which it no longer is; empty: until further notice.",
        ),
        sa.Column("source_digest", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('staged', 'active', 'retired')", name=op.f("ck_edition_state")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_edition_valid")),
        sa.ForeignKeyConstraint(
            ["layer_id"], ["layer.id"], name=op.f("fk_edition_layer_id_layer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition")),
        comment="One version of a layer. Staged beside the active one, then switched; retired ones stay.",
    )
    op.create_index(op.f("ix_edition_layer_id"), "edition", ["layer_id"], unique=False)
    op.create_index(
        "uq_edition_active",
        "edition",
        ["layer_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "boundary",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("edition_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "geom", geoalchemy2.types.Geometry(srid=4326, dimension=2, spatial_index=False), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["edition.id"], name=op.f("fk_boundary_edition_id_edition"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boundary")),
        sa.UniqueConstraint("edition_id", "code", name=op.f("uq_boundary_edition_id_code")),
        comment="One boundary as decisions are made with it: repaired, split at 180 degrees.",
    )
    op.create_index(op.f("ix_boundary_geom"), "boundary", ["geom"], unique=False, postgresql_using="gist")
    op.create_table(
        "boundary_part",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("boundary_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "geom", geoalchemy2.types.Geometry(srid=4326, dimension=2, spatial_index=False), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["boundary_id"],
            ["boundary.id"],
            name=op.f("fk_boundary_part_boundary_id_boundary"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boundary_part")),
        comment="A boundary cut into small pieces, for map queries only, never for a decision.",
    )
    op.create_index(op.f("ix_boundary_part_boundary_id"), "boundary_part", ["boundary_id"], unique=False)
    op.create_index(
        op.f("ix_boundary_part_geom"), "boundary_part", ["geom"], unique=False, postgresql_using="gist"
    )
