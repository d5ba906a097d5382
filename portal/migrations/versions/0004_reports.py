"""Create the tables of reports."""

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "report",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("client_request_id", sa.UUID(), nullable=True),
        sa.Column("client_digest", sa.LargeBinary(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("service_code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("is_anonymous", sa.Boolean(), nullable=False),
        sa.Column("is_private", sa.Boolean(), nullable=False),
        sa.Column(
            "geom",
            geoalchemy2.types.Geometry(geometry_type="POINT", srid=4326, dimension=2, spatial_index=False),
            nullable=True,
        ),
        sa.Column(
            "public_geom",
            geoalchemy2.types.Geometry(geometry_type="POINT", srid=4326, dimension=2, spatial_index=False),
            nullable=True,
        ),
        sa.Column("accuracy_m", sa.Float(), nullable=True),
        sa.Column("place_flag", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("public_text", sa.Text(), nullable=False),
        sa.Column("answers", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("lead_unit", sa.Text(), nullable=False),
        sa.Column("assist_units", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("rulebook_version", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("is_ambiguous", sa.Boolean(), nullable=False),
        sa.Column("question_code", sa.Text(), nullable=True),
        sa.Column("receipt", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column(
            "public_receipt", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False
        ),
        sa.Column("closing_code", sa.Text(), nullable=True),
        sa.Column("transfer_count", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("promise_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["case_file.id"], name=op.f("fk_report_id_case_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint(
            "jurisdiction_id", "client_request_id", name=op.f("uq_report_jurisdiction_id_client_request_id")
        ),
        sa.UniqueConstraint("token", name=op.f("uq_report_token")),
    )
    op.create_index(
        "ix_report_closed",
        "report",
        ["jurisdiction_id", "closed_at"],
        unique=False,
        postgresql_include=["lead_unit", "state", "promise_due_at"],
    )
    op.create_index(
        "ix_report_open_assist",
        "report",
        ["assist_units"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_report_open_geom",
        "report",
        ["public_geom"],
        unique=False,
        postgresql_using="gist",
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_report_open_unit",
        "report",
        ["jurisdiction_id", "lead_unit", "promise_due_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_report_opened",
        "report",
        ["jurisdiction_id", sa.literal_column("opened_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_report_promise",
        "report",
        ["jurisdiction_id", "promise_due_at"],
        unique=False,
        postgresql_include=["lead_unit", "closed_at", "state"],
    )
    op.create_index("ix_report_public_geom", "report", ["public_geom"], unique=False, postgresql_using="gist")
    op.create_index(
        "ix_report_service",
        "report",
        ["jurisdiction_id", "service_code", sa.literal_column("opened_at DESC")],
        unique=False,
    )
    op.create_index(
        "ix_report_state",
        "report",
        ["jurisdiction_id", "state", sa.literal_column("opened_at DESC")],
        unique=False,
    )
    op.create_index(
        "ix_report_unit",
        "report",
        ["jurisdiction_id", "lead_unit", sa.literal_column("opened_at DESC")],
        unique=False,
    )
    op.create_index("ix_report_updated", "report", ["jurisdiction_id", "updated_at"], unique=False)
    op.create_table(
        "clock",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("warning", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at_risk_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("span_unit", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_clock_report_id_report")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock")),
    )
    op.create_index(
        "ix_clock_next",
        "clock",
        ["next_at", "id"],
        unique=False,
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index("ix_clock_report", "clock", ["report_id"], unique=False)
    op.create_index(
        "ix_clock_unit_due",
        "clock",
        ["jurisdiction_id", "unit_code", "due_at"],
        unique=False,
        postgresql_where=sa.text("kind = 'unit' AND state = 'running'"),
    )
    op.create_table(
        "contact",
        sa.Column("report_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("has_email", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_contact_report_id_report")),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_contact")),
    )
    op.create_table(
        "media",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("capture", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_media_report_id_report")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media")),
        sa.UniqueConstraint("token", name=op.f("uq_media_token")),
    )
    op.create_index("ix_media_report", "media", ["report_id"], unique=False)
