"""Streets, waters and places of the basemap are found by their names."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from routing.place_words import place_vector

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

FEATURE = sa.table(
    "basemap_feature", sa.column("id"), sa.column("properties", sa.JSON), sa.column("words", TSVECTOR)
)


def upgrade() -> None:
    op.add_column("basemap_feature", sa.Column("words", TSVECTOR, nullable=True))
    if not op.get_context().as_sql:
        _fill(op.get_bind())
    op.create_index("ix_basemap_feature_words", "basemap_feature", ["words"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("ix_basemap_feature_words", "basemap_feature")
    op.drop_column("basemap_feature", "words")


def _fill(tx: sa.Connection) -> None:
    rows = []
    for row in tx.execute(sa.select(FEATURE.c.id, FEATURE.c.properties)):
        names = [str(text) for key, text in row.properties.items() if key.startswith("name_") and text]
        if names:
            rows.append({"key": row.id, "found": place_vector(names)})
    change = sa.update(FEATURE).where(FEATURE.c.id == sa.bindparam("key"))
    if rows:
        tx.execute(change.values(words=sa.cast(sa.bindparam("found", type_=sa.Text), TSVECTOR)), rows)
