"""Count areas and units day by day, keep who subscribed, and let a unit's ages be read from its index alone."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = [sa.Column(name, sa.Text(), nullable=False) for name in ("jurisdiction_id", "layer", "code")]
    counts = [
        sa.Column(name, sa.Integer(), nullable=False)
        for name in ("opened", "closed", "judged", "on_time", "open_at_end")
    ]
    op.create_table(
        "area_day",
        *key,
        sa.Column("day", sa.Date(), nullable=False),
        *counts,
        sa.PrimaryKeyConstraint("jurisdiction_id", "layer", "code", "day"),
    )
    op.create_table(
        "area_day_run",
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("jurisdiction_id"),
    )
    op.create_table(
        "subscription",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("voice", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("pace", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token"),
        sa.UniqueConstraint("jurisdiction_id", "voice", "kind", "code"),
    )
    op.create_index(
        "ix_subscription_next",
        "subscription",
        ["next_at", "id"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(
        "ix_subscription_asked", "subscription", ["created_at"], postgresql_where=sa.text("state = 'asked'")
    )
    _unit_index(["closed_at", "state", "closing_code"])


def downgrade() -> None:
    _unit_index([])
    for table in ("subscription", "area_day_run", "area_day"):
        op.drop_table(table)


def _unit_index(included: list[str]) -> None:
    op.drop_index("ix_report_unit", table_name="report")
    op.create_index(
        "ix_report_unit",
        "report",
        ["jurisdiction_id", "lead_unit", sa.text("opened_at DESC")],
        postgresql_include=included or None,
    )
