"""Who works for a unit is found by the unit."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_role_grant_unit", "role_grant", ["jurisdiction_id", "unit_code"])


def downgrade() -> None:
    op.drop_index("ix_role_grant_unit", "role_grant")
