"""The address that stands with a unit in its city's tables becomes a signed webhook of that unit."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "webhook", sa.Column("is_of_unit", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_index(
        "uq_webhook_of_unit",
        "webhook",
        ["jurisdiction_id", "unit_code"],
        unique=True,
        postgresql_where=sa.text("is_of_unit"),
    )


def downgrade() -> None:
    op.drop_index("uq_webhook_of_unit", "webhook")
    op.drop_column("webhook", "is_of_unit")
