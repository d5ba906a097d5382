"""The map's counts and those of a unit's head come from indexes alone, whatever they are narrowed by."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

# Name -> columns, what it held beside them, what it holds now, and which rows.
INDEXES: dict[str, tuple[list[Any], list[str], list[str], str]] = {
    "ix_report_opened": (
        ["jurisdiction_id", sa.text("opened_at DESC"), sa.text("id DESC")],
        [],
        ["state", "service_code", "lead_unit", "is_private"],
        "",
    ),
    "ix_report_open_unit": (
        ["jurisdiction_id", "lead_unit", "promise_due_at"],
        ["state", "colour", "reopen_count"],
        ["state", "colour", "reopen_count", "about_unit", "id"],
        "closed_at IS NULL",
    ),
}


def upgrade() -> None:
    for name, (columns, _, included, where) in INDEXES.items():
        _make_again(name, columns, included, where)


def downgrade() -> None:
    for name, (columns, included, _, where) in INDEXES.items():
        _make_again(name, columns, included, where)


def _make_again(name: str, columns: list[Any], included: list[str], where: str) -> None:
    op.drop_index(name, "report")
    more: dict[str, Any] = {"postgresql_where": sa.text(where)} if where else {}
    if included:
        more["postgresql_include"] = included
    op.create_index(name, "report", columns, **more)
