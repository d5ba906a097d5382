"""Lists of a desk: what a clerk filters by stands in their indexes, and words of open cases in one of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

OPEN = sa.text("closed_at IS NULL")
LANE = sa.text("(priority <> 'emergency'::text)")
COLUMNS: dict[str, list[str | sa.TextClause]] = {
    "ix_report_due_unit": ["jurisdiction_id", "lead_unit", "state", LANE, "next_due_at", "id"],
    "ix_report_due": ["jurisdiction_id", "state", LANE, "next_due_at", "id"],
}
BEFORE = {"ix_report_due_unit": ["priority", "about_unit"], "ix_report_due": ["priority"]}
MORE = ["service_code", "colour"]


def upgrade() -> None:
    for name, included in BEFORE.items():
        _make_again(name, [*included, *MORE])
    op.create_index(
        "ix_report_open_words", "report", ["words"], postgresql_using="gin", postgresql_where=OPEN
    )


def downgrade() -> None:
    op.drop_index("ix_report_open_words", "report")
    for name, included in BEFORE.items():
        _make_again(name, included)


def _make_again(name: str, included: list[str]) -> None:
    op.drop_index(name, "report")
    op.create_index(name, "report", COLUMNS[name], postgresql_include=included, postgresql_where=OPEN)
