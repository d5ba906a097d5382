"""Open cases that a resident had opened again are found by their unit."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    rows = sa.text("closed_at IS NULL AND reopen_count > 0")
    op.create_index("ix_report_reopened", "report", ["jurisdiction_id", "lead_unit"], postgresql_where=rows)


def downgrade() -> None:
    op.drop_index("ix_report_reopened", "report")
