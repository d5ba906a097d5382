"""Knows the tables of custody: tasks of a case, disputes about who answers for it, and rules that rulings propose."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, SmallInteger, Text, UniqueConstraint, text

from portal.models.base import instant, json_column, jurisdiction, numbered, table

LIVE = text("state IN ('open', 'accepted')")
UNDECIDED = text("state = 'open'")

task = table(
    "task",
    numbered(),
    jurisdiction(),
    Column("report_id", BigInteger, ForeignKey("report.id"), nullable=False),
    Column("number", SmallInteger, nullable=False),  # counts within the case; its clocks carry it
    Column("kind", Text, nullable=False),  # assist, child, joint, interim
    Column("unit_code", Text, nullable=False),
    Column("title", Text, nullable=False),  # what is to be done: for staff; empty where a rule asked
    Column("state", Text, nullable=False),  # open, accepted, done, refused, withdrawn
    Column("asked_by_role", Text, nullable=False),
    Column("asked_by_unit", Text, nullable=False),  # empty: the whole city, or a rule
    instant("created_at"),
    instant("due_at", nullable=True),
    instant("accepted_at", nullable=True),
    instant("ended_at", nullable=True),
    Column("words", Text),  # what was done, or why not: for staff
    instant("swap_asked_at", nullable=True),  # the lead asks this unit to take the lead
    Column("rating", SmallInteger),  # 1 to 5, by the lead
    Column("rating_words", Text),  # for the desk
    UniqueConstraint("report_id", "number"),
    Index("ix_task_live_unit", "jurisdiction_id", "unit_code", "due_at", "id", postgresql_where=LIVE),
)

dispute = table(
    "dispute",
    numbered(),
    jurisdiction(),
    Column("report_id", BigInteger, ForeignKey("report.id"), nullable=False),
    Column("why", Text, nullable=False),  # contested, third_transfer, not_ours
    Column("from_unit", Text, nullable=False),  # who says that it is not theirs
    json_column("reasons"),  # the reason codes that are in dispute
    Column("acting_unit", Text, nullable=False),  # acts until it is ruled who leads
    Column("state", Text, nullable=False),  # open, ruled, lapsed
    instant("opened_at"),
    instant("due_at"),
    instant("ended_at", nullable=True),
    Column("ruled_lead", Text),
    Column("public_words", Text),  # of the ruling, masked
    Column("basis", Text),  # which rule or line of the catalogue the ruling rests on, masked
    Index("ix_dispute_report", "report_id"),
    Index("uq_dispute_open", "report_id", unique=True, postgresql_where=UNDECIDED),
    Index("ix_dispute_open_due", "jurisdiction_id", "due_at", "id", postgresql_where=UNDECIDED),
)

rule_proposal = table(
    "rule_proposal",
    numbered(),
    jurisdiction(),
    Column("dispute_id", BigInteger, ForeignKey("dispute.id"), nullable=False, unique=True),
    Column("report_id", BigInteger, ForeignKey("report.id"), nullable=False),
    Column("service_code", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("layer", Text, nullable=False),  # empty: the service alone
    Column("boundary_code", Text, nullable=False),
    Column("source", Text, nullable=False),  # the rule as TOML; a person puts it into a rulebook
    Column("proposed_by_role", Text, nullable=False),
    instant("created_at"),
    Index("ix_rule_proposal_report", "report_id"),
    Index("ix_rule_proposal_newest", "jurisdiction_id", text("id DESC")),
    Index("ix_rule_proposal_place", "jurisdiction_id", "service_code", "layer", "boundary_code"),
)
