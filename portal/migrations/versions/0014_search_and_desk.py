"""Search and desk: what is due next stands with the case, indexes in the order of the lists, saved filters."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
OPEN = sa.text("closed_at IS NULL")
LANE = sa.text("(priority <> 'emergency'::text)")
NOTHING_DUE = sa.text("'9999-01-01 00:00:00+00'::timestamptz")
INDEXES = ("ix_report_due_unit", "ix_report_due", "ix_report_exact_place", "ix_report_assist")
FROM_CLOCKS = """
UPDATE report SET next_due_at = least(report.promise_due_at, found.due_at)
FROM report AS same LEFT JOIN (
    SELECT report_id, min(due_at) AS due_at FROM clock
    WHERE kind = 'unit' AND state = 'running' GROUP BY report_id
) AS found ON found.report_id = same.id
WHERE same.id = report.id AND least(report.promise_due_at, found.due_at) IS NOT NULL
"""


def upgrade() -> None:
    op.add_column("report", sa.Column("next_due_at", INSTANT, nullable=False, server_default=NOTHING_DUE))
    op.execute(FROM_CLOCKS)
    op.create_index(
        "ix_report_due_unit",
        "report",
        ["jurisdiction_id", "lead_unit", "state", LANE, "next_due_at", "id"],
        postgresql_include=["priority", "about_unit"],
        postgresql_where=OPEN,
    )
    op.create_index(
        "ix_report_due",
        "report",
        ["jurisdiction_id", "state", LANE, "next_due_at", "id"],
        postgresql_include=["priority"],
        postgresql_where=OPEN,
    )
    op.create_index(
        "ix_report_exact_place", "report", ["geom"], postgresql_using="gist", postgresql_where=OPEN
    )
    op.create_index(
        "ix_report_assist",
        "report",
        ["assist_units"],
        postgresql_using="gin",
        postgresql_where=sa.text("assist_units <> '[]'::jsonb"),
    )
    op.create_table(
        "saved_filter",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column(
            "account_id", sa.BigInteger(), sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.UniqueConstraint("account_id", "name"),
    )


def downgrade() -> None:
    op.drop_table("saved_filter")
    for name in INDEXES:
        op.drop_index(name, "report")
    op.drop_column("report", "next_due_at")
