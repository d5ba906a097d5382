"""Knows the tables of what is asked and ordered about a case's time: extensions applied for, supervision opened."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Text, text

from portal.models.base import instant, jurisdiction, numbered, table

extension = table(
    "extension",
    numbered(),
    jurisdiction(),
    Column("report_id", BigInteger, ForeignKey("report.id"), nullable=False),
    Column("state", Text, nullable=False),  # asked, granted, shortened, refused, lapsed
    Column("unit_code", Text, nullable=False),  # who asks
    Column("decider", Text, nullable=False),  # the unit above, which answers
    Column("asked_by", BigInteger),  # the account: nobody grants what they asked for themselves
    Column("reason", Text, nullable=False),  # as written: for the desk
    Column("public_reason", Text, nullable=False),  # masked
    Column("answer", Text, nullable=False, server_default=""),
    Column("public_answer", Text, nullable=False, server_default=""),
    Column("answered_by_unit", Text),
    instant("asked_at"),
    instant("wished_at"),
    instant("granted_at", nullable=True),  # the date that was granted: the report's second date
    instant("answered_at", nullable=True),
    Index("ix_extension_report", "report_id"),
    # One application at a time, and the list of those that wait.
    Index("uq_extension_asked", "report_id", unique=True, postgresql_where=text("state = 'asked'")),
    Index(
        "ix_extension_waiting",
        "jurisdiction_id",
        "decider",
        "asked_at",
        postgresql_where=text("state = 'asked'"),
    ),
)

supervision = table(
    "supervision",
    numbered(),
    jurisdiction(),
    Column("report_id", BigInteger, ForeignKey("report.id"), nullable=False),
    Column("state", Text, nullable=False),  # open, closed
    Column("cause", Text, nullable=False),  # by_hand, escalation, dissatisfied, …
    Column("unit_code", Text, nullable=False),  # who is supervised: the lead when it was opened
    Column("words", Text, nullable=False, server_default=""),  # as written: for the desk
    Column("public_words", Text, nullable=False, server_default=""),  # masked
    Column("finding", Text),  # a code, once it is closed
    Column("finding_words", Text, nullable=False, server_default=""),
    Column("public_finding_words", Text, nullable=False, server_default=""),
    instant("opened_at"),
    instant("due_at"),
    instant("closed_at", nullable=True),
    Index("ix_supervision_report", "report_id"),
    Index("uq_supervision_open", "report_id", unique=True, postgresql_where=text("state = 'open'")),
    Index("ix_supervision_list", "jurisdiction_id", "state", "due_at", "id"),
)
