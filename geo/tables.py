"""Knows the tables of layers, editions and boundaries, and owns the one MetaData of the database."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=False), primary_key=True)


def _jurisdiction() -> Column[str]:
    return Column("jurisdiction_id", Text, nullable=False)


def _geometry() -> Column[Geometry]:
    # The index is declared below, by our own naming; GeoAlchemy2 would add another.
    return Column("geom", Geometry("GEOMETRY", srid=4326, spatial_index=False), nullable=False)


layer = Table(
    "layer",
    metadata,
    _id(),
    _jurisdiction(),
    Column("name", Text, nullable=False),
    Column("title", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("tie_order", Integer, nullable=False),
    Column("snap_m", Double, nullable=False),
    Column("required", Boolean, nullable=False),
    Column("is_area", Boolean, nullable=False),
    UniqueConstraint("jurisdiction_id", "name"),
    CheckConstraint("snap_m >= 0", name="snap_m"),
    comment="A set of boundaries of one kind: districts, streets, parks.",
)

edition = Table(
    "edition",
    metadata,
    _id(),
    _jurisdiction(),
    Column("layer_id", BigInteger, ForeignKey("layer.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("valid_from", Date, comment="First day on which this map is the legal one; empty: ever since."),
    Column("valid_to", Date, comment="First day on which it no longer is; empty: until further notice."),
    Column("source_digest", Text, nullable=False, server_default=""),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("activated_at", DateTime(timezone=True)),
    Column("retired_at", DateTime(timezone=True)),
    CheckConstraint("state in ('staged', 'active', 'retired')", name="state"),
    CheckConstraint("valid_from < valid_to", name="valid"),
    comment="One version of a layer. Staged beside the active one, then switched; retired ones stay.",
)
Index(
    "uq_edition_active",
    edition.c.layer_id,
    unique=True,
    postgresql_where=edition.c.state == "active",
)

boundary = Table(
    "boundary",
    metadata,
    _id(),
    _jurisdiction(),
    Column("edition_id", BigInteger, ForeignKey("edition.id", ondelete="CASCADE"), nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("attributes", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    _geometry(),
    UniqueConstraint("edition_id", "code"),
    comment="One boundary as decisions are made with it: repaired, split at 180 degrees.",
)
Index(None, boundary.c.geom, postgresql_using="gist")

boundary_part = Table(
    "boundary_part",
    metadata,
    _id(),
    _jurisdiction(),
    Column(
        "boundary_id", BigInteger, ForeignKey("boundary.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    _geometry(),
    comment="A boundary cut into small pieces, for map queries only, never for a decision.",
)
Index(None, boundary_part.c.geom, postgresql_using="gist")
