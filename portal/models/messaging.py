"""Knows the tables of how messages go out: edited wordings, channels, people's wishes, and webhooks."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)

from portal.models.base import instant, json_column, jurisdiction, numbered, table

message_template = table(
    "message_template",  # the newest version of a wording holds; one without words is the one we came with
    numbered(),
    jurisdiction(),
    Column("audience", Text, nullable=False),  # reporter, unit
    Column("occasion", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("subject", Text),
    Column("body", Text),
    instant("made_at"),
    UniqueConstraint("jurisdiction_id", "audience", "occasion", "locale", "version"),
)

message_channel = table(
    "message_channel",  # where a unit, or a member of staff, is written to beside the unit's e-mail
    numbered(),
    jurisdiction(),
    Column("unit_code", Text),
    Column("account_id", BigInteger, ForeignKey("account.id", ondelete="CASCADE")),
    Column("kind", Text, nullable=False),  # email, sms, wecom, dingtalk, feishu
    Column("sealed", LargeBinary, nullable=False),  # the address or the robot's key
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    instant("created_at"),
    Index("ix_message_channel_unit", "jurisdiction_id", "unit_code"),
    Index(
        "uq_message_channel_account",
        "account_id",
        unique=True,
        postgresql_where=text("account_id IS NOT NULL"),
    ),
)

message_preference = table(
    "message_preference",  # without a row a person hears of jobs of their own only; their unit is written to
    Column(
        "account_id",
        BigInteger,
        ForeignKey("account.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    jurisdiction(),
    json_column("occasions"),  # those that the person wants to hear of
    Column("pace", Text, nullable=False),  # at_once, hourly, daily
    Column("quiet_from", SmallInteger),  # minutes after midnight, the city's time
    Column("quiet_until", SmallInteger),
    Index("ix_message_preference_city", "jurisdiction_id"),
)

webhook = table(
    "webhook",
    numbered(),
    jurisdiction(),
    Column("name", Text, nullable=False),
    Column("unit_code", Text),  # null: events of every unit's cases
    json_column("kinds"),  # empty: every public event
    Column("sealed", LargeBinary, nullable=False),  # url, secret, and the last secret while it still signs
    Column("next_seq", BigInteger, nullable=False),  # the seal from which on it has not been told
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("last_status", Text),  # of the newest try: a number, or what went wrong
    instant("last_at", nullable=True),
    instant("created_at"),
    Column(
        "is_of_unit", Boolean, nullable=False, server_default=text("false")
    ),  # stands in the city's units.csv
    Index("ix_webhook_city", "jurisdiction_id", "id"),
    Index(
        "uq_webhook_of_unit", "jurisdiction_id", "unit_code", unique=True, postgresql_where=text("is_of_unit")
    ),
)

webhook_delivery = table(
    "webhook_delivery",
    Column("outbox_id", BigInteger, primary_key=True, autoincrement=False),
    jurisdiction(),
    Column("webhook_id", BigInteger, ForeignKey("webhook.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("status", Text, nullable=False),
    instant("at"),
    Index("ix_webhook_delivery_hook", "webhook_id", text("outbox_id DESC")),
)
