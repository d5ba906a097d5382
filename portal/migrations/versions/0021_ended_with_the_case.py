"""What was left running when its case ended or went to another unit is ended, as it is from now on."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ENDINGS = (
    """
    UPDATE community_duty SET ended_at = coalesce(report.closed_at, now()),
           outcome = CASE WHEN report.closed_at IS NULL THEN 'moved' ELSE report.state END
    FROM report WHERE report.id = report_id AND ended_at IS NULL
      AND (report.closed_at IS NOT NULL OR report.lead_unit <> community_unit)
    """,
    """
    UPDATE crew_loan SET ended_at = coalesce(report.closed_at, now()),
           state = CASE WHEN crew_loan.state = 'requested' THEN 'withdrawn' ELSE 'returned' END
    FROM report WHERE report.id = report_id AND ended_at IS NULL
      AND (report.closed_at IS NOT NULL OR report.lead_unit <> borrower_unit)
    """,
    """
    UPDATE supervision SET state = 'closed', finding = 'joined', closed_at = coalesce(report.closed_at, now())
    FROM report WHERE report.id = report_id AND supervision.state = 'open' AND report.state = 'duplicate'
    """,
    """
    UPDATE clock SET state = 'cancelled', next_at = NULL
    FROM report WHERE report.id = report_id AND clock.state IN ('running', 'paused') AND (
        (clock.kind = 'community' AND NOT EXISTS (
            SELECT FROM community_duty AS duty WHERE duty.report_id = report.id AND duty.ended_at IS NULL))
        OR (clock.kind = 'callout' AND NOT EXISTS (
            SELECT FROM crew_loan AS loan WHERE loan.report_id = report.id AND loan.ended_at IS NULL))
        OR (clock.kind = 'supervision' AND (report.closed_at IS NOT NULL OR NOT EXISTS (
            SELECT FROM supervision AS ordered WHERE ordered.report_id = report.id AND ordered.state = 'open')))
    )
    """,
)


def upgrade() -> None:
    for statement in ENDINGS:
        op.execute(statement)


def downgrade() -> None:
    """What has ended stays ended."""
