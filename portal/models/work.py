"""Knows the tables of work that waits: the outbox, and the messages that were sent from it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Text, text

from portal.models.base import instant, json_column, jurisdiction, numbered, table

outbox = table(
    "outbox",
    numbered(),
    jurisdiction(),
    Column("job", Text, nullable=False),  # dotted name of a function in `jobs`
    json_column("payload"),
    instant("created_at"),
    instant("available_at"),  # not before; moved on while a worker has it, and after a failure
    Column("attempts", Integer, nullable=False, server_default="0"),
    instant("done_at", nullable=True),
    instant("failed_at", nullable=True),  # given up: for the dead-letter page
    Column("last_error", Text),
    instant("claimed_until", nullable=True),  # a worker is at it until then: nobody else begins
    json_column("handed", nullable=True),  # what has left already and only waits to be told in the books
    Index(
        "ix_outbox_given_up",
        "jurisdiction_id",
        text("failed_at DESC"),
        text("id DESC"),
        postgresql_where=text("failed_at IS NOT NULL AND done_at IS NULL"),
    ),
    Index("ix_outbox_done", "done_at", postgresql_where=text("done_at IS NOT NULL")),
    Index(
        "ix_outbox_waiting",
        "available_at",
        "id",
        postgresql_where=text("done_at IS NULL AND failed_at IS NULL"),
    ),
)

message = table(
    "message",
    numbered(),
    jurisdiction(),
    Column("outbox_id", BigInteger, nullable=False),
    Column("report_id", BigInteger, ForeignKey("report.id")),
    Column("template", Text, nullable=False),
    # reporter, unit:<code>, channel:<id> or account:<id>; never an address
    Column("recipient", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),  # sent, suppressed, gathered (waits for a digest), digested
    Column("message_id", Text),
    instant("sent_at"),
    Index("uq_message_outbox", "outbox_id", "recipient", unique=True),
    Column("digest_id", BigInteger),  # the outbox row of the digest that told it
    Index("ix_message_report", "report_id"),
    Index("ix_message_sent", "jurisdiction_id", text("sent_at DESC"), text("id DESC")),
    Index("ix_message_recipient", "jurisdiction_id", "recipient", text("sent_at DESC"), text("id DESC")),
    Index("ix_message_gathered", "recipient", "sent_at", postgresql_where=text("state = 'gathered'")),
    Index("ix_message_digest", "digest_id", postgresql_where=text("digest_id IS NOT NULL")),
)
