"""Every pause has an end: those that have none end after the usual days from now."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

ENDS = """
INSERT INTO clock (jurisdiction_id, report_id, kind, stage, unit_code, state, started_at, at_risk_at, due_at, span_unit)
SELECT jurisdiction_id, id, 'pause', 'pause', lead_unit, 'running', now(), now() + interval '14 days',
       now() + interval '14 days', 'hours'
FROM report WHERE state = 'waiting'
"""


def upgrade() -> None:
    op.execute(ENDS)


def downgrade() -> None:
    op.execute("DELETE FROM clock WHERE kind = 'pause'")
