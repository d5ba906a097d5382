"""A second date has a clock of its own; those that lie ahead get theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

AHEAD = """
INSERT INTO clock (jurisdiction_id, report_id, kind, stage, unit_code, state, started_at, remind_at, at_risk_at,
                   due_at, next_at, span_unit)
SELECT jurisdiction_id, id, CASE WHEN closed_at IS NULL THEN 'second' ELSE 'rest' END, 'second', lead_unit, 'running',
       now(), now() + (second_due_at - now()) / 2, now() + (second_due_at - now()) * 0.75, second_due_at,
       now() + (second_due_at - now()) / 2, 'hours'
FROM report
WHERE second_due_at > now() AND (closed_at IS NULL OR (closing_code = 'partly_fixed' AND state <> 'duplicate'))
"""


def upgrade() -> None:
    op.create_index(
        "ix_clock_dates",
        "clock",
        ["due_at", "id"],
        postgresql_where=sa.text("kind IN ('rest', 'pause') AND state = 'running'"),
    )
    op.execute(AHEAD)


def downgrade() -> None:
    op.execute("DELETE FROM clock WHERE kind IN ('second', 'rest')")
    op.drop_index("ix_clock_dates", "clock")
