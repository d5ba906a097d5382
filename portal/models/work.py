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
    Column("recipient", Text, nullable=False),  # reporter, or unit:<code>; never an address
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),  # sent, suppressed
    Column("message_id", Text),
    instant("sent_at"),
    Index("uq_message_outbox", "outbox_id", "recipient", unique=True),
    Index("ix_message_report", "report_id"),
)
