"""Keep tasks of a case, disputes about who answers for it, and the rules that rulings propose."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clock", sa.Column("task_number", sa.SmallInteger(), nullable=True))
    op.create_table(
        "task",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_by_role", sa.Text(), nullable=False),
        sa.Column("asked_by_unit", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("swap_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rating", sa.SmallInteger(), nullable=True),
        sa.Column("rating_words", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_task_report_id_report")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("report_id", "number", name=op.f("uq_task_report_id_number")),
    )
    op.create_index(
        "ix_task_live_unit",
        "task",
        ["jurisdiction_id", "unit_code", "due_at", "id"],
        postgresql_where=sa.text("state IN ('open', 'accepted')"),
    )
    _create_disputes()


def _create_disputes() -> None:
    op.create_table(
        "dispute",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("from_unit", sa.Text(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("acting_unit", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ruled_lead", sa.Text(), nullable=True),
        sa.Column("public_words", sa.Text(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_dispute_report_id_report")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
    )
    undecided = sa.text("state = 'open'")
    op.create_index("ix_dispute_report", "dispute", ["report_id"])
    op.create_index("uq_dispute_open", "dispute", ["report_id"], unique=True, postgresql_where=undecided)
    op.create_index(
        "ix_dispute_open_due", "dispute", ["jurisdiction_id", "due_at", "id"], postgresql_where=undecided
    )
    op.create_table(
        "rule_proposal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("dispute_id", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("service_code", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("boundary_code", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("proposed_by_role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dispute_id"], ["dispute.id"], name=op.f("fk_rule_proposal_dispute_id_dispute")
        ),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_rule_proposal_report_id_report")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_proposal")),
        sa.UniqueConstraint("dispute_id", name=op.f("uq_rule_proposal_dispute_id")),
    )
    op.create_index("ix_rule_proposal_report", "rule_proposal", ["report_id"])
    op.create_index(
        "ix_rule_proposal_newest", "rule_proposal", ["jurisdiction_id", sa.literal_column("id DESC")]
    )
    op.create_index(
        "ix_rule_proposal_place",
        "rule_proposal",
        ["jurisdiction_id", "service_code", "layer", "boundary_code"],
    )


def downgrade() -> None:
    op.drop_table("rule_proposal")
    op.drop_table("dispute")
    op.drop_table("task")
    op.drop_column("clock", "task_number")
