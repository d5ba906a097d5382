"""Keep how messages go out, what waits to be told, and what is to be forgotten when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("outbox", sa.Column("claimed_until", INSTANT, nullable=True))
    op.add_column("outbox", sa.Column("handed", JSON, nullable=True))
    op.create_index(
        "ix_outbox_given_up",
        "outbox",
        ["jurisdiction_id", sa.literal_column("failed_at DESC"), sa.literal_column("id DESC")],
        postgresql_where=sa.text("failed_at IS NOT NULL AND done_at IS NULL"),
    )
    op.create_index("ix_outbox_done", "outbox", ["done_at"], postgresql_where=sa.text("done_at IS NOT NULL"))
    _messages()
    _templates_and_channels()
    _webhooks()
    _privacy()


def _messages() -> None:
    newest: list[sa.ColumnElement[object]] = [sa.literal_column("sent_at DESC"), sa.literal_column("id DESC")]
    op.add_column("message", sa.Column("digest_id", sa.BigInteger(), nullable=True))
    op.create_index("ix_message_sent", "message", ["jurisdiction_id", *newest])
    op.create_index("ix_message_recipient", "message", ["jurisdiction_id", "recipient", *newest])
    op.create_index(
        "ix_message_gathered",
        "message",
        ["recipient", "sent_at"],
        postgresql_where=sa.text("state = 'gathered'"),
    )
    op.create_index(
        "ix_message_digest", "message", ["digest_id"], postgresql_where=sa.text("digest_id IS NOT NULL")
    )


def _templates_and_channels() -> None:
    op.create_table(
        "message_template",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_template")),
        sa.UniqueConstraint(
            "jurisdiction_id",
            "audience",
            "occasion",
            "locale",
            "version",
            name=op.f("uq_message_template_jurisdiction_id_audience_occasion_locale_version"),
        ),
    )
    op.create_table(
        "message_channel",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_message_channel_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_channel")),
    )
    op.create_index("ix_message_channel_unit", "message_channel", ["jurisdiction_id", "unit_code"])
    op.create_index(
        "uq_message_channel_account",
        "message_channel",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("account_id IS NOT NULL"),
    )
    op.create_table(
        "message_preference",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("occasions", JSON, nullable=False),
        sa.Column("pace", sa.Text(), nullable=False),
        sa.Column("quiet_from", sa.SmallInteger(), nullable=True),
        sa.Column("quiet_until", sa.SmallInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_message_preference_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_message_preference")),
    )
    op.create_index("ix_message_preference_city", "message_preference", ["jurisdiction_id"])


def _webhooks() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("kinds", JSON, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("next_seq", sa.BigInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("last_status", sa.Text(), nullable=True),
        sa.Column("last_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_index("ix_webhook_city", "webhook", ["jurisdiction_id", "id"])
    op.create_table(
        "webhook_delivery",
        sa.Column("outbox_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("jurisdiction_id", sa.Text(), nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhook.id"],
            name=op.f("fk_webhook_delivery_webhook_id_webhook"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("outbox_id", name=op.f("pk_webhook_delivery")),
    )
    op.create_index(
        "ix_webhook_delivery_hook", "webhook_delivery", ["webhook_id", sa.literal_column("outbox_id DESC")]
    )


def _privacy() -> None:
    op.add_column("contact", sa.Column("wishes", JSON, nullable=True))
    for what in ("contact", "text"):
        op.add_column("report", sa.Column(f"{what}_erased_at", INSTANT, nullable=True))
        op.create_index(
            f"ix_report_{what}_kept",
            "report",
            ["jurisdiction_id", "closed_at"],
            postgresql_where=sa.text(f"{what}_erased_at IS NULL AND closed_at IS NOT NULL"),
        )


def downgrade() -> None:
    for what in ("contact", "text"):
        op.drop_index(f"ix_report_{what}_kept", "report")
        op.drop_column("report", f"{what}_erased_at")
    op.drop_column("contact", "wishes")
    for name in (
        "webhook_delivery",
        "webhook",
        "message_preference",
        "message_channel",
        "message_template",
    ):
        op.drop_table(name)
    for name in ("sent", "recipient", "gathered", "digest"):
        op.drop_index(f"ix_message_{name}", "message")
    op.drop_column("message", "digest_id")
    op.drop_index("ix_outbox_done", "outbox")
    op.drop_index("ix_outbox_given_up", "outbox")
    op.drop_column("outbox", "handed")
    op.drop_column("outbox", "claimed_until")
