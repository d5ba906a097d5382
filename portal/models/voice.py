"""Knows the tables of what residents say of a closing, their ratings, and the ready-made words to close with."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
)

from portal.models.base import instant, json_column, jurisdiction, numbered, table

voice = table(
    "voice",
    numbered(),
    jurisdiction(),
    Column("report_id", BigInteger, ForeignKey("report.id"), nullable=False),
    Column("closing_no", SmallInteger, nullable=False),  # which closing of the case it answers
    Column("voter_key", LargeBinary, nullable=False),  # a keyed hash: one voice each, nobody named
    Column("role", Text, nullable=False),  # reporter, follower, neighbour
    Column("says", Text, nullable=False),  # confirm, contest
    instant("at"),
    UniqueConstraint("report_id", "closing_no", "voter_key"),
)

rating = table(
    "rating",
    numbered(),
    jurisdiction(),
    Column("report_id", BigInteger, ForeignKey("report.id"), nullable=False),
    Column("closing_no", SmallInteger, nullable=False),
    Column("voter_key", LargeBinary, nullable=False),
    Column("role", Text, nullable=False),  # reporter, follower, guest (who scanned the code of a case)
    Column("unit_code", Text, nullable=False),  # who closed the case
    Column("service_code", Text, nullable=False),
    Column("speed", SmallInteger, nullable=False),
    Column("result", SmallInteger, nullable=False),
    Column("manner", SmallInteger, nullable=False),
    Column("words", Text, nullable=False),  # masked
    instant("at"),
    UniqueConstraint("report_id", "closing_no", "voter_key"),
    # The averages of a unit answer from the index alone.
    Index(
        "ix_rating_unit",
        "jurisdiction_id",
        "unit_code",
        "at",
        postgresql_include=["role", "speed", "result", "manner"],
    ),
)

answer_text = table(
    "answer_text",
    numbered(),
    jurisdiction(),
    Column("applies_to", Text, nullable=False),  # a service_code, a group, or *
    Column("ending", Text, nullable=False),  # a closing code, or a stage of the unit's clock
    Column("position", Integer, nullable=False),
    json_column("text"),
    Index("ix_answer_text", "jurisdiction_id", "position"),
)
