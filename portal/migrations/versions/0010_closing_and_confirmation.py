"""Keep how often a case was closed and contested, what residents say of it, ratings, and ready-made answers."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
FIGURES = {
    "promise_due_at": ["lead_unit", "closed_at", "state"],
    "closed_at": ["lead_unit", "state", "promise_due_at"],
}
CLOSINGS = (
    sa.Column("closing_count", sa.SmallInteger(), nullable=False, server_default="0"),
    sa.Column("closing_unit", sa.Text(), nullable=True),
    sa.Column("reopen_count", sa.SmallInteger(), nullable=False, server_default="0"),
    sa.Column("reopened_at", INSTANT, nullable=True),
    sa.Column("confirmed_at", INSTANT, nullable=True),
)


def upgrade() -> None:
    for added in CLOSINGS:
        op.add_column("report", added)
    # What was closed before nobody counted has been closed once.
    op.execute(
        "UPDATE report SET closing_count = 1, closing_unit = lead_unit, "
        "confirmed_at = CASE WHEN state = 'confirmed' THEN updated_at END WHERE closed_at IS NOT NULL"
    )
    op.create_index(
        "ix_report_silent",
        "report",
        ["jurisdiction_id", "closed_at", "id"],
        postgresql_where=sa.text("state = 'resolved'"),
    )
    # Figures judge an ending by its code, from the index alone.
    for column, included in FIGURES.items():
        _replace_index(column, [*included, "closing_code"])
    _of_person("voice", sa.Column("says", sa.Text(), nullable=False))
    _of_person(
        "rating",
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("service_code", sa.Text(), nullable=False),
        sa.Column("speed", sa.SmallInteger(), nullable=False),
        sa.Column("result", sa.SmallInteger(), nullable=False),
        sa.Column("manner", sa.SmallInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
    )
    op.create_index(
        "ix_rating_unit",
        "rating",
        ["jurisdiction_id", "unit_code", "at"],
        postgresql_include=["role", "speed", "result", "manner"],
    )
    op.create_table(
        "answer_text",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("applies_to", sa.Text(), nullable=False),
        sa.Column("ending", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_answer_text", "answer_text", ["jurisdiction_id", "position"])


def _replace_index(column: str, included: list[str]) -> None:
    name = f"ix_report_{column.partition('_')[0]}"
    op.drop_index(name, "report")
    op.create_index(name, "report", ["jurisdiction_id", column], postgresql_include=included)


def _of_person(name: str, *columns: sa.Column[Any]) -> None:
    """A table with one row for each person and closing."""
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("closing_no", sa.SmallInteger(), nullable=False),
        sa.Column("voter_key", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        *columns,
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("report_id", "closing_no", "voter_key"),
    )


def downgrade() -> None:
    for table in ("answer_text", "rating", "voice"):
        op.drop_table(table)
    for column, included in FIGURES.items():
        _replace_index(column, included)
    op.drop_index("ix_report_silent", "report")
    for added in reversed(CLOSINGS):
        op.drop_column("report", added.name)
