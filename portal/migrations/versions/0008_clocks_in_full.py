"""Clocks in full: marks on the way to a due instant and behind it, colours, extensions and supervision."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("clock", sa.Column("remind_at", INSTANT, nullable=True))
    op.add_column("clock", sa.Column("nearly_at", INSTANT, nullable=True))
    op.add_column("clock", sa.Column("mark", sa.SmallInteger(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE clock SET mark = CASE warning WHEN 1 THEN 2 WHEN 2 THEN 4 ELSE 0 END WHERE warning > 0"
    )
    op.add_column("report", sa.Column("colour", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("report", sa.Column("colour_floor", sa.SmallInteger(), nullable=False, server_default="0"))
    op.create_index(
        "ix_report_colour",
        "report",
        ["jurisdiction_id", "colour", "lead_unit", "promise_due_at"],
        postgresql_where=sa.text("closed_at IS NULL AND colour > 0"),
    )
    op.create_index(
        "uq_event_escalated",
        "event",
        ["case_id", sa.text("(public ->> 'clock_id')"), sa.text("(public ->> 'step')")],
        unique=True,
        postgresql_where=sa.text("kind = 'clock.escalated'"),
    )
    _create_extension()
    _create_supervision()


def _create_extension() -> None:
    op.create_table(
        "extension",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), sa.ForeignKey("report.id"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("decider", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("public_reason", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False, server_default=""),
        sa.Column("public_answer", sa.Text(), nullable=False, server_default=""),
        sa.Column("answered_by_unit", sa.Text(), nullable=True),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("wished_at", INSTANT, nullable=False),
        sa.Column("granted_at", INSTANT, nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
    )
    asked = sa.text("state = 'asked'")
    op.create_index("ix_extension_report", "extension", ["report_id"])
    op.create_index("uq_extension_asked", "extension", ["report_id"], unique=True, postgresql_where=asked)
    op.create_index(
        "ix_extension_waiting",
        "extension",
        ["jurisdiction_id", "decider", "asked_at"],
        postgresql_where=asked,
    )


def _create_supervision() -> None:
    op.create_table(
        "supervision",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), sa.ForeignKey("report.id"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False, server_default=""),
        sa.Column("public_words", sa.Text(), nullable=False, server_default=""),
        sa.Column("finding", sa.Text(), nullable=True),
        sa.Column("finding_words", sa.Text(), nullable=False, server_default=""),
        sa.Column("public_finding_words", sa.Text(), nullable=False, server_default=""),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT, nullable=True),
    )
    is_open = sa.text("state = 'open'")
    op.create_index("ix_supervision_report", "supervision", ["report_id"])
    op.create_index(
        "uq_supervision_open", "supervision", ["report_id"], unique=True, postgresql_where=is_open
    )
    op.create_index("ix_supervision_list", "supervision", ["jurisdiction_id", "state", "due_at", "id"])


def downgrade() -> None:
    op.drop_table("supervision")
    op.drop_table("extension")
    op.drop_index("uq_event_escalated", "event")
    op.drop_index("ix_report_colour", "report")
    for table, column in (
        ("report", "colour_floor"),
        ("report", "colour"),
        ("clock", "mark"),
        ("clock", "nearly_at"),
        ("clock", "remind_at"),
    ):
        op.drop_column(table, column)
