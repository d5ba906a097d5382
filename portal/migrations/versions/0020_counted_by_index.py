"""A unit's open cases and its year are counted from their indexes alone."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

OPENED = sa.text("opened_at DESC")
# Name -> columns, what it held beside them, what it holds now, and which rows.
INDEXES: dict[str, tuple[list[str | sa.TextClause], list[str], list[str], str]] = {
    "ix_report_open_unit": (
        ["jurisdiction_id", "lead_unit", "promise_due_at"],
        [],
        ["state", "colour", "reopen_count"],
        "closed_at IS NULL",
    ),
    "ix_report_unit": (
        ["jurisdiction_id", "lead_unit", OPENED],
        ["closed_at", "state", "closing_code"],
        ["closed_at", "state", "closing_code", "reopen_count"],
        "",
    ),
}


def upgrade() -> None:
    for name, (columns, _, included, where) in INDEXES.items():
        _make_again(name, columns, included, where)


def downgrade() -> None:
    for name, (columns, included, _, where) in INDEXES.items():
        _make_again(name, columns, included, where)


def _make_again(name: str, columns: list[str | sa.TextClause], included: list[str], where: str) -> None:
    op.drop_index(name, "report")
    rows: dict[str, Any] = {"postgresql_where": sa.text(where)} if where else {}
    op.create_index(name, "report", columns, postgresql_include=included, **rows)
