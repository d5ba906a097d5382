"""Keep with each complaint the unit that it is about, so that it can be kept from it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("report", sa.Column("about_unit", sa.Text(), nullable=True))
    # Until now only complaints that were redirected said so, in their receipt.
    op.execute("UPDATE report SET about_unit = receipt->>'about' WHERE receipt->>'about' IS NOT NULL")


def downgrade() -> None:
    op.drop_column("report", "about_unit")
