"""Knows what a unit's head must see: what is open, late, handed over, contested and asked for, and who has how much."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select, true, union_all
from sqlalchemy.sql.elements import ColumnClause

from portal.models.crews import crew_job
from portal.models.custody import dispute
from portal.models.ledger import event
from portal.models.oversight import extension
from portal.models.people import account
from portal.models.report import report
from portal.queries.custody import HANDED
from routing.escalation import RED

# How far back hand-overs and contested closings are counted.
LOOK_BACK = timedelta(days=30)
PERSON = "person"
Counts = Mapping[str, Mapping[str, int]]


def unit_work(tx: Connection, jurisdiction_id: str, units: Collection[str] | None, now: datetime) -> Counts:
    """Numbers by what they count and by unit (`PERSON`: by name) in one statement; None: of every unit.

    What: open, late, risk, unaccepted, reopened, asked, disputed, into, out, contested, person.
    """
    since = now - LOOK_BACK
    parts = [
        *_open(jurisdiction_id, units, now),
        *_moved(jurisdiction_id, units, since),
        *_asked(jurisdiction_id, units),
    ]
    found: dict[str, dict[str, int]] = {}
    for what, unit, number in tx.execute(union_all(*parts)):
        found.setdefault(what, {})[unit] = number
    return found


def _part(what: str, unit: ColumnElement[Any], source: Any, *where: ColumnElement[bool]) -> Select[Any]:
    return (
        select(literal(what).label("what"), unit.label("unit"), func.count().label("number"))
        .select_from(source)
        .where(*where)
        .group_by(unit)
    )


def _within(
    column: ColumnElement[Any] | ColumnClause[Any], units: Collection[str] | None
) -> list[ColumnElement[bool]]:
    return [] if units is None else [column.in_(sorted(units))]


def _open(jurisdiction_id: str, units: Collection[str] | None, now: datetime) -> list[Select[Any]]:
    """The open cases of every unit, read once, each number a row of its own."""
    lead = report.c.lead_unit
    which: dict[str, ColumnElement[bool]] = {
        "open": true(),
        "late": report.c.promise_due_at < now,
        "risk": report.c.colour.between(1, RED - 1) & (report.c.promise_due_at >= now),
        "unaccepted": report.c.state.in_(("submitted", "routed")),
        "reopened": report.c.reopen_count > 0,
    }
    counts = [func.count().filter(condition).label(name) for name, condition in which.items()]
    mine = [report.c.jurisdiction_id == jurisdiction_id, report.c.closed_at.is_(None), *_within(lead, units)]
    of_units = select(lead, *counts).where(*mine).group_by(lead).cte("open_cases")
    return [
        select(literal(name), of_units.c.lead_unit, of_units.c[name]).where(of_units.c[name] > 0)
        for name in which
    ]


def _moved(jurisdiction_id: str, units: Collection[str] | None, since: datetime) -> list[Select[Any]]:
    """Hand-overs by who gave and who got, and closings that residents contested, by who leads now."""
    here, newer = event.c.jurisdiction_id == jurisdiction_id, event.c.at > since
    handed = [here, newer, event.c.kind.in_(HANDED)]
    given, got = event.c.public["from"].astext, event.c.public["to"].astext
    contested = event.join(report, report.c.id == event.c.case_id)
    return [
        _part("out", given, event, *handed, given != got, *_within(given, units)),
        _part("into", got, event, *handed, given != got, *_within(got, units)),
        _part(
            "contested", report.c.lead_unit, contested, here, newer, event.c.kind == "request.contested",
            *_within(report.c.lead_unit, units),
        ),
    ]  # fmt: skip


def _asked(jurisdiction_id: str, units: Collection[str] | None) -> list[Select[Any]]:
    jobs = crew_job.join(account, account.c.id == crew_job.c.account_id)
    return [
        _part("asked", extension.c.unit_code, extension, extension.c.jurisdiction_id == jurisdiction_id,
              extension.c.state == "asked", *_within(extension.c.unit_code, units)),
        _part("disputed", dispute.c.from_unit, dispute, dispute.c.jurisdiction_id == jurisdiction_id,
              dispute.c.state == "open", *_within(dispute.c.from_unit, units)),
        _part(PERSON, account.c.name, jobs, crew_job.c.jurisdiction_id == jurisdiction_id,
              crew_job.c.ended_at.is_(None), *_within(crew_job.c.unit_code, units)),
    ]  # fmt: skip
