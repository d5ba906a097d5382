"""A planned work has a code of its own, by which it is changed and told of."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("planned_work", sa.Column("code", sa.Text(), nullable=True))
    op.execute("UPDATE planned_work SET code = 'work-' || id")
    op.alter_column("planned_work", "code", nullable=False)
    op.create_unique_constraint(
        op.f("uq_planned_work_jurisdiction_id_code"), "planned_work", ["jurisdiction_id", "code"]
    )


def downgrade() -> None:
    op.drop_column("planned_work", "code")
