"""Knows which cases a list of the desk shows: whose they are, and what was chosen among them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    bindparam,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY
from sqlalchemy.types import Integer, Text

from portal.models.crews import crew_job, crew_member
from portal.models.report import LANE as LANE_TEXT
from portal.models.report import report
from portal.queries.matters import OPEN_MATTERS, UNACCEPTED
from routing.lifecycle import CLOSED_STATES, OPEN_STATES
from routing.words import words_of

NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # stands for "nothing is due", as models.report writes it
ANY_STATE = "any"
Part = Literal["lead", "assist"]
MOST_TERMS = 12
LANE: ColumnElement[bool] = literal_column(LANE_TEXT.replace("priority", "report.priority"))
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose cases, in which part and state. `units` None: of every unit; `state` "": all that are open.

    `kept_from` names the units about whom complaints are left out. `holder`: only the jobs of this account and
    of its crews; `person`: only what this account has itself. `words`: what the text, with the words about its
    place, must hold. `area`: layer:code. `about`: what a head counts them for (queries.matters), at `now`.
    """

    units: Collection[str] | None
    part: Part = "lead"
    state: str = ""
    kept_from: Collection[str] = ()
    service: str = ""
    priority: str = ""
    colour: int | None = None
    words: str = ""
    holder: int | None = None
    person: int | None = None
    area: str = ""
    opened_from: datetime | None = None
    opened_before: datetime | None = None
    box: Box | None = None
    about: str = ""
    now: datetime | None = None

    @property
    def is_newest_first(self) -> bool:
        """Whether closed cases are meant too: nothing is due in them, so that the newest stand first."""
        return self.state == ANY_STATE or self.state in CLOSED_STATES

    @property
    def is_narrowed(self) -> bool:
        """Whether more was chosen than units, part and state."""
        chosen = (self.service, self.priority, self.words, self.holder, self.person, self.area, self.about)
        rest = (self.opened_from, self.opened_before, self.colour)
        return any(chosen) or any(each is not None for each in rest)


def in_state(wanted: Wanted, state: str) -> Wanted:
    """The same with another state."""
    return replace(wanted, state=state)


def states_of(wanted: Wanted) -> tuple[str, ...]:
    """The states of a list of open cases."""
    if wanted.about == "unaccepted" and not wanted.state:
        return UNACCEPTED
    return (wanted.state,) if wanted.state else OPEN_STATES


def is_open_here(jurisdiction_id: str) -> list[ColumnElement[bool]]:
    """The open cases of a city; as the partial indexes say it."""
    return [report.c.jurisdiction_id == jurisdiction_id, report.c.closed_at.is_(None)]


def chosen(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What holds for the cases beside their unit and state."""
    where: list[ColumnElement[bool]] = []
    if wanted.units is not None:
        where += not_about(wanted.kept_from)
    for column, value in (("service_code", wanted.service), ("priority", wanted.priority)):
        if value:
            where.append(report.c[column] == inline(value))
    if wanted.colour is not None:
        where.append(report.c.colour == inline(wanted.colour))
    if wanted.words:
        where.append(holds_words(wanted.words))
    if wanted.holder is not None:
        where.append(report.c.id.in_(_held_by(wanted.holder)))
    if wanted.person is not None:
        own = (crew_job.c.account_id == wanted.person) & crew_job.c.ended_at.is_(None)
        where.append(report.c.id.in_(select(crew_job.c.report_id).where(own)))
    if wanted.about and wanted.now is not None:
        where += [report.c.closed_at.is_(None), OPEN_MATTERS[wanted.about](wanted.now)]
        if wanted.about == "late":  # what is next due is due no later than the promise: the index ends there
            where.append(report.c.next_due_at < wanted.now)
    return where + _where_and_when(wanted)


def not_about(units: Collection[str]) -> list[ColumnElement[bool]]:
    """That a case is no complaint about one of these units."""
    about = report.c.about_unit
    return [about.is_(None) | about.not_in(sorted(units))] if units else []


def _where_and_when(wanted: Wanted) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if wanted.area:
        where.append(report.c.places.contains([wanted.area]))
    if wanted.opened_from is not None:
        where.append(report.c.opened_at >= wanted.opened_from)
    if wanted.opened_before is not None:
        where.append(report.c.opened_at < wanted.opened_before)
    if wanted.box is not None:
        where.append(report.c.geom.op("&&")(func.ST_MakeEnvelope(*wanted.box, 4326)))
    return where


def of_units(wanted: Wanted) -> list[ColumnElement[bool]]:
    """That the wanted units lead, or assist where that part was asked for."""
    if wanted.units is None:
        return []
    units = sorted(wanted.units)
    return [_assisted_by(units) if wanted.part == "assist" else report.c.lead_unit.in_(units)]


def query_of(typed: str) -> str:
    """A tsquery of what was typed; "" where nothing in it can be searched for.

    A single Chinese character finds every pair that begins with it.
    """
    terms = words_of(typed)[:MOST_TERMS]
    return " & ".join(f"{each}:*" if len(each) == 1 and not each.isascii() else each for each in terms)


def holds_words(typed: str) -> ColumnElement[bool]:
    """That a case holds all the words that were typed: any two Chinese characters in a row, English in any form."""
    found = query_of(typed)
    if not found:
        return false()
    # Written into the statement: the plan depends on how frequent the words are.
    return report.c.words.bool_op("@@")(inline(found).cast(TSQUERY))


def inline(value: Any) -> ColumnElement[Any]:
    """A value quoted into the statement, so that it is planned for this value and not for any."""
    kind = Integer() if isinstance(value, int) else String()
    return bindparam(None, value, kind, literal_execute=True)


def _assisted_by(units: Sequence[str]) -> ColumnElement[bool]:
    """That one of the units assists; written so that the index of cases with assisting units serves it."""
    return and_(
        text("report.assist_units <> '[]'::jsonb"),
        report.c.assist_units.has_any(literal(list(units), ARRAY(Text))),
    )


def _held_by(account_id: int) -> Any:
    crews = select(crew_member.c.crew_code).where(crew_member.c.account_id == account_id)
    is_theirs = or_(crew_job.c.account_id == account_id, crew_job.c.crew_code.in_(crews))
    return select(crew_job.c.report_id).where(crew_job.c.ended_at.is_(None), is_theirs)
