"""Knows the tables of who does the work on the spot: crews, rosters, jobs, crews on loan, links of contractors."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import UUID

from portal.models.base import instant, json_column, jurisdiction, numbered, table

UNENDED = text("ended_at IS NULL")
HELD = text("state IN ('granted', 'arrived')")
STANDING = text("revoked_at IS NULL")


def _case() -> Column[int]:
    return Column("report_id", BigInteger, ForeignKey("report.id"), nullable=False)


crew = table(
    "crew",
    numbered(),
    jurisdiction(),
    Column("crew_code", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    json_column("name"),
    json_column("services"),  # codes of services or groups that it can do; empty: all of its unit's
    Column("capacity", Integer, nullable=False),
    Column("geom", Geometry("POINT", srid=4326, spatial_index=False)),  # where it starts from
    Column("email", Text),
    Column("phone", Text),
    Column("position", Integer, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("jurisdiction_id", "crew_code"),
    Index("ix_crew_unit", "jurisdiction_id", "unit_code"),
)

crew_shift = table(
    "crew_shift",
    numbered(),
    jurisdiction(),
    Column("crew_code", Text, nullable=False),
    Column("day", Text, nullable=False),  # mon … sun, daily, working, off, or a date
    Column("from_time", Text, nullable=False),  # local, HH:MM; both empty: nobody on that date
    Column("to_time", Text, nullable=False),
    Index("ix_crew_shift_crew", "jurisdiction_id", "crew_code"),
)

crew_member = table(
    "crew_member",
    numbered(),
    jurisdiction(),
    Column("account_id", BigInteger, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("crew_code", Text, nullable=False),
    UniqueConstraint("account_id", "crew_code"),
)

crew_job = table(
    "crew_job",
    numbered(),
    jurisdiction(),
    _case(),
    Column("unit_code", Text, nullable=False),  # the unit that sent it
    Column("crew_code", Text),
    Column("account_id", BigInteger, ForeignKey("account.id", ondelete="CASCADE")),  # one person instead
    Column("state", Text, nullable=False),  # assigned, accepted, started, finished, withdrawn
    Column("is_called", Boolean, nullable=False),  # by the fast lane, not by a person
    instant("assigned_at"),
    instant("accepted_at", nullable=True),
    instant("started_at", nullable=True),
    instant("ended_at", nullable=True),
    Index("uq_crew_job_open", "report_id", "crew_code", unique=True, postgresql_where=UNENDED),
    Index("ix_crew_job_report", "report_id"),
    Index("ix_crew_job_load", "jurisdiction_id", "crew_code", postgresql_where=UNENDED),
    Index("ix_crew_job_person", "account_id", postgresql_where=UNENDED),
    Index("ix_crew_job_last", "jurisdiction_id", "crew_code", text("started_at DESC")),
)

crew_loan = table(
    "crew_loan",
    numbered(),
    jurisdiction(),
    _case(),
    Column("crew_code", Text, nullable=False),
    Column("owner_unit", Text, nullable=False),
    Column("borrower_unit", Text, nullable=False),
    Column("state", Text, nullable=False),  # requested, granted, refused, arrived, returned, withdrawn
    Column("words", Text, nullable=False),  # what it is needed for; for the two units
    instant("requested_at"),
    instant("answered_at", nullable=True),
    instant("arrived_at", nullable=True),
    instant("ended_at", nullable=True),
    # A crew is with one borrower at a time; a case asks each crew once.
    Index("uq_crew_loan_held", "jurisdiction_id", "crew_code", unique=True, postgresql_where=HELD),
    Index("uq_crew_loan_open", "report_id", "crew_code", unique=True, postgresql_where=UNENDED),
    Index("ix_crew_loan_owner", "jurisdiction_id", "owner_unit", postgresql_where=UNENDED),
    Index("ix_crew_loan_borrower", "jurisdiction_id", "borrower_unit", postgresql_where=UNENDED),
    Index("ix_crew_loan_report", "report_id"),
)

field_request = table(
    "field_request",  # what a phone sent: the same request again is not done twice
    numbered(),
    jurisdiction(),
    Column("request_id", UUID(as_uuid=True), nullable=False),
    Column("account_id", BigInteger, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("job_id", BigInteger, nullable=False),
    instant("at"),
    UniqueConstraint("account_id", "request_id"),
    Index("ix_field_request_at", "at"),
)

contractor_link = table(
    "contractor_link",
    numbered(),
    jurisdiction(),
    _case(),
    Column("unit_code", Text, nullable=False),
    Column("hand_over", Integer, nullable=False),  # number of the event that gave the contractor the case
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", nullable=True),
    instant("revoked_at", nullable=True),
    Index("uq_contractor_link_standing", "report_id", "unit_code", unique=True, postgresql_where=STANDING),
    Index("ix_contractor_link_report", "report_id"),
)

contractor_question = table(
    "contractor_question",
    numbered(),
    jurisdiction(),
    _case(),
    Column("unit_code", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("answer", Text),
    instant("asked_at"),
    instant("answered_at", nullable=True),
    Index("ix_contractor_question_report", "report_id"),
)

complaint_case = table(
    "complaint_case",  # the case that a complaint is about: never public, or it would name the complainant
    numbered(),
    jurisdiction(),
    Column("report_id", BigInteger, ForeignKey("report.id"), nullable=False, unique=True),
    Column("about_token", Text, nullable=False),
)

community_duty = table(
    "community_duty",  # a case that a street gave to one of its communities for a time
    numbered(),
    jurisdiction(),
    _case(),
    Column("street_unit", Text, nullable=False),
    Column("community_unit", Text, nullable=False),
    Column("purpose", Text, nullable=False),  # to_solve, to_verify
    instant("given_at"),
    instant("due_at"),
    instant("ended_at", nullable=True),
    Column("outcome", Text),  # the reason with which it was handed up, the state it ended in, or moved
    Index("uq_community_duty_open", "report_id", unique=True, postgresql_where=UNENDED),
    Index("ix_community_duty_report", "report_id"),
)
