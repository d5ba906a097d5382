"""Keep with each report the boundaries around its public point, so that feeds and figures can ask by area."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

FROM_RECEIPTS = """
UPDATE report SET places = found.places FROM (
    SELECT report.id, array_agg((hit->>'layer') || ':' || (hit->>'code') ORDER BY number) AS places
    FROM report, jsonb_array_elements(public_receipt->'hits') WITH ORDINALITY AS hits (hit, number)
    GROUP BY report.id
) AS found WHERE found.id = report.id
"""


def upgrade() -> None:
    op.add_column(
        "report", sa.Column("places", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}")
    )
    op.execute(FROM_RECEIPTS)
    op.create_index("ix_report_places", "report", ["places"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("ix_report_places", table_name="report")
    op.drop_column("report", "places")
