"""Knows how much a unit's head has before them: cases by what they are counted for, and jobs by person."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    cast,
    func,
    literal,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.elements import ColumnClause

from portal.models.crews import crew_job
from portal.models.custody import dispute
from portal.models.ledger import event
from portal.models.people import account
from portal.models.report import report
from portal.queries.case_filter import not_about
from portal.queries.matters import DISPUTED, LOOK_BACK, MOVED, OPEN_MATTERS, opened_disputes

PERSON = "person"
_NOBODY = cast(null(), BigInteger)
Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class PersonLoad:
    """How many open jobs somebody has."""

    account_id: int
    name: str
    jobs: int


def unit_work(
    tx: Connection,
    jurisdiction_id: str,
    units: Collection[str] | None,
    now: datetime,
    kept_from: Collection[str] = (),
) -> tuple[Counts, Sequence[PersonLoad]]:
    """Cases by what they are counted for and by unit, and people's jobs, in one statement; None: of every unit.

    What: open, late, risk, unaccepted, reopened, asked, disputed, into, out, contested. Complaints about one of
    `kept_from` are left out, as in the lists.
    """
    parts = [
        *_open(jurisdiction_id, units, now, kept_from),
        *(_moved(what, jurisdiction_id, units, now, kept_from) for what in MOVED),
        _disputed(jurisdiction_id, units, kept_from),
        _people(jurisdiction_id, units, kept_from),
    ]
    found: dict[str, dict[str, int]] = {}
    people = []
    for what, unit, number, person in tx.execute(union_all(*parts)):
        if what == PERSON:
            people.append(PersonLoad(person, unit, number))
        else:
            found.setdefault(what, {})[unit] = number
    return found, people


def moved_cases(
    what: str, jurisdiction_id: str, units: Collection[str] | None, now: datetime, kept_from: Collection[str]
) -> Select[Any]:
    """Cases that were handed on, handed over or contested lately, once for each unit: unit, report_id, at."""
    kinds, key = MOVED[what]
    unit = event.c.public[key].astext
    moved = [event.c.kind.in_(sorted(kinds))]
    if what != "contested":
        moved.append(event.c.public["from"].astext != event.c.public["to"].astext)
    joined = event.join(report, report.c.id == event.c.case_id)
    return (
        select(unit.label("unit"), report.c.id.label("report_id"), func.max(event.c.at).label("at"))
        .select_from(joined)
        .where(event.c.jurisdiction_id == jurisdiction_id, event.c.at > now - LOOK_BACK, *moved)
        .where(*_within(unit, units), *not_about(kept_from))
        .group_by(unit, report.c.id)
    )


def disputed_cases(
    jurisdiction_id: str, units: Collection[str] | None, kept_from: Collection[str]
) -> Select[Any]:
    """Cases that units brought before the desk, which has not ruled yet: unit, report_id, at."""
    of = dispute.join(report, report.c.id == dispute.c.report_id)
    return (
        select(dispute.c.from_unit.label("unit"), dispute.c.report_id, dispute.c.opened_at.label("at"))
        .select_from(of)
        .where(dispute.c.jurisdiction_id == jurisdiction_id, opened_disputes())
        .where(*_within(dispute.c.from_unit, units), *not_about(kept_from))
    )


def _within(
    column: ColumnElement[Any] | ColumnClause[Any], units: Collection[str] | None
) -> list[ColumnElement[bool]]:
    return [] if units is None else [column.in_(sorted(units))]


def _open(
    jurisdiction_id: str, units: Collection[str] | None, now: datetime, kept_from: Collection[str]
) -> list[Select[Any]]:
    """The open cases of every unit, read once, each number a row of its own."""
    lead = report.c.lead_unit
    which = {"open": true(), **{name: holds(now) for name, holds in OPEN_MATTERS.items()}}
    counts = [func.count().filter(condition).label(name) for name, condition in which.items()]
    mine = [report.c.jurisdiction_id == jurisdiction_id, report.c.closed_at.is_(None), *_within(lead, units)]
    of_units = select(lead, *counts).where(*mine, *not_about(kept_from)).group_by(lead).cte("open_cases")
    return [
        select(literal(name), of_units.c.lead_unit, of_units.c[name], _NOBODY).where(of_units.c[name] > 0)
        for name in which
    ]


def _moved(
    what: str, jurisdiction_id: str, units: Collection[str] | None, now: datetime, kept_from: Collection[str]
) -> Select[Any]:
    return _counted(what, moved_cases(what, jurisdiction_id, units, now, kept_from))


def _disputed(jurisdiction_id: str, units: Collection[str] | None, kept_from: Collection[str]) -> Select[Any]:
    return _counted(DISPUTED, disputed_cases(jurisdiction_id, units, kept_from))


def _counted(what: str, cases: Select[Any]) -> Select[Any]:
    of = cases.subquery(what)
    return select(literal(what), of.c.unit, func.count(), _NOBODY).group_by(of.c.unit)


def _people(jurisdiction_id: str, units: Collection[str] | None, kept_from: Collection[str]) -> Select[Any]:
    """Open jobs of persons in cases that these units lead: what the list of a person's cases shows."""
    jobs = crew_job.join(account, account.c.id == crew_job.c.account_id).join(
        report, report.c.id == crew_job.c.report_id
    )
    return (
        select(literal(PERSON), account.c.name, func.count(), account.c.id)
        .select_from(jobs)
        .where(crew_job.c.jurisdiction_id == jurisdiction_id, crew_job.c.ended_at.is_(None))
        .where(report.c.closed_at.is_(None), *_within(report.c.lead_unit, units), *not_about(kept_from))
        .group_by(account.c.id, account.c.name)
    )
