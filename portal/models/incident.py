"""Knows the tables of one incident with many voices: who follows it, and when many reports at once are a group."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)

from portal.models.base import instant, json_column, jurisdiction, numbered, table

RUNNING = text("ended_at IS NULL")

follower = table(
    "follower",
    numbered(),
    jurisdiction(),
    Column("token", Text, nullable=False, unique=True),
    Column("report_id", BigInteger, ForeignKey("report.id"), nullable=False),
    # A keyed hash that holds for this report alone: nobody is counted twice, nobody is known elsewhere.
    Column("voice", LargeBinary, nullable=False),
    Column("sealed", LargeBinary),  # the e-mail address, encrypted with the installation's key
    Column("locale", Text, nullable=False),
    Column("state", Text, nullable=False),  # counted, asked (the address is unproved), confirmed, left
    instant("created_at"),
    instant("confirmed_at", nullable=True),
    UniqueConstraint("report_id", "voice"),
)

incident = table(
    "incident",  # many distinct reporters of one matter in a short time and place
    numbered(),
    jurisdiction(),
    Column("token", Text, nullable=False, unique=True),
    Column("report_id", BigInteger, ForeignKey("report.id"), nullable=False),  # the first of them
    Column("service_group", Text, nullable=False),
    Column("plan_code", Text),
    json_column("evidence"),  # what was counted, and what was to be expected
    instant("declared_at"),
    instant("ended_at", nullable=True),
    Index("ix_incident_declared", "jurisdiction_id", text("declared_at DESC")),
    Index("ix_incident_running", "jurisdiction_id", "service_group", postgresql_where=RUNNING),
)

incident_member = table(
    "incident_member",
    Column("report_id", BigInteger, ForeignKey("report.id"), primary_key=True, autoincrement=False),
    jurisdiction(),
    Column("incident_id", BigInteger, ForeignKey("incident.id"), nullable=False),
    instant("joined_at"),
    Index("ix_incident_member_incident", "incident_id"),
)

incident_step = table(
    "incident_step",  # a step of the response plan, as it stood when the incident was declared
    numbered(),
    jurisdiction(),
    Column("incident_id", BigInteger, ForeignKey("incident.id"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    json_column("text"),
    instant("done_at", nullable=True),
    Column("done_by", Text),  # role and unit, never a person
    UniqueConstraint("incident_id", "position"),
)
