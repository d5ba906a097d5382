"""Knows the tables of the spine: append-only events, their erasable private parts, seals and daily roots."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Index, Integer, LargeBinary, Text, UniqueConstraint, text

from portal.models.base import instant, json_column, jurisdiction, numbered, table

case_file = table(
    "case_file",
    numbered(),
    jurisdiction(),
    Column("subject", Text, nullable=False),  # report, city
    Column("token", Text, nullable=False, unique=True),
    Column("last_seq", Integer, nullable=False),
    Column("last_hash", LargeBinary, nullable=False),
)

# No foreign key points at `event`: its check would need a right to UPDATE, which nobody has.
event = table(
    "event",
    numbered(),
    jurisdiction(),
    Column("case_id", BigInteger, nullable=False),
    Column("case_seq", Integer, nullable=False),
    instant("at"),
    Column("kind", Text, nullable=False),
    json_column("public"),
    Column("private_commitment", LargeBinary, nullable=False),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("case_id", "case_seq"),
    Index("ix_event_kind_at", "jurisdiction_id", "kind", "at"),
    # Each clock climbs each step of the ladder once, whatever sweeps it.
    Index(
        "uq_event_escalated",
        "case_id",
        text("(public ->> 'clock_id')"),
        text("(public ->> 'step')"),
        unique=True,
        postgresql_where=text("kind = 'clock.escalated'"),
    ),
)

event_private = table(
    "event_private",
    Column("case_id", BigInteger, primary_key=True, autoincrement=False),
    Column("case_seq", Integer, primary_key=True, autoincrement=False),
    jurisdiction(),
    Column("salt", LargeBinary, nullable=False),
    json_column("private"),
)

event_pending = table(
    "event_pending",  # filled by a trigger on event, emptied by the sealer
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
)

event_seal = table(
    "event_seal",
    Column("global_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", BigInteger, nullable=False, unique=True),
    jurisdiction(),
    Column("case_id", BigInteger, nullable=False),
    Column("case_seq", Integer, nullable=False),
    Column("chain_hash", LargeBinary, nullable=False),
    instant("sealed_at"),
    Index("ix_event_seal_sealed", "sealed_at"),
)

seal_day = table(
    "seal_day",
    Column("day", Date, primary_key=True),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    instant("made_at"),
)
