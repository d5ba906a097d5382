"""Knows what lies on a unit's desk: open cases in the order in which they fall due, a page at a time."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    DateTime,
    Integer,
    Select,
    Text,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from portal.models.ledger import case_file
from portal.models.report import clock, report
from portal.queries.objections import is_objected
from routing.lifecycle import OPEN_STATES

if TYPE_CHECKING:
    from portal.queries.edition_changes import RecordedCase

# Cases that a switch of maps noted, by token.
Noted: TypeAlias = "Mapping[str, RecordedCase]"
_NOTHING: Noted = {}
PAGE_SIZE = 100
COUNTED_AT_MOST = 1000  # counting further would cost more than anybody reads off it
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
Part = Literal["lead", "assist"]
Why = Literal["objected", "outside", "ambiguous", "unaccepted", "desk", "redrawn"]
_UNDECIDED = ("submitted", "routed")
WHYS: tuple[Why, ...] = ("objected", "outside", "ambiguous", "unaccepted", "desk", "redrawn")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last case of a page: the next page begins behind it."""

    lane: int
    due_at: datetime
    report_id: int

    def as_text(self) -> str:
        """The form that stands in an address."""
        plain = json.dumps([self.lane, self.due_at.isoformat(), self.report_id])
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """What `as_text` made; None for anything else, so that a spoilt address shows the first page."""
        try:
            lane, due_at, report_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            at = datetime.fromisoformat(due_at)
            is_sound = isinstance(report_id, int) and abs(report_id) < 2**62 and at.tzinfo is not None
            return cls(int(bool(lane)), at, report_id) if is_sound else None
        except (ValueError, TypeError, binascii.Error, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One open case. `due_at` is the next instant that counts; `due_kind` says whether clock or promise."""

    report_id: int
    token: str
    service_code: str
    state: str
    priority: str
    lead_unit: str
    assist_units: Sequence[str]
    description: str
    opened_at: datetime
    promise_due_at: datetime | None
    clock_stage: str | None
    clock_due_at: datetime | None
    warning: int
    is_ambiguous: bool
    place_flag: str | None
    transfer_count: int
    lane: int
    order_at: datetime
    last_seq: int
    is_objected: bool = False

    @property
    def due_at(self) -> datetime | None:
        """The next instant that counts, of the unit's clock or the promise; None where nothing is due."""
        return None if self.order_at >= NEVER else self.order_at

    def is_late(self, now: datetime) -> bool:
        """Whether that instant has passed."""
        return self.due_at is not None and self.due_at < now


@dataclass(frozen=True, slots=True)
class Page:
    """Some cases, and where the next ones begin."""

    rows: Sequence[InboxRow]
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose cases, in which part and state. `units` None: of every unit.

    `kept_from` names the units about whom complaints are left out.
    """

    units: Collection[str] | None
    part: Part = "lead"
    state: str = ""
    kept_from: Collection[str] = ()


def inbox_page(
    tx: Connection, jurisdiction_id: str, wanted: Wanted, after: Cursor | None = None, size: int = PAGE_SIZE
) -> Page:
    """A page of open cases: emergencies first, then whatever is due next; one statement."""
    where = _open_of(jurisdiction_id, wanted)
    if wanted.state:
        where.append(report.c.state == wanted.state)
    return _page(tx, where, after, size)


def count_states(tx: Connection, jurisdiction_id: str, wanted: Wanted) -> dict[str, int]:
    """How many open cases are in each state, counted no further than `COUNTED_AT_MOST` together."""
    some = (
        select(report.c.state)
        .where(*_open_of(jurisdiction_id, wanted))
        .limit(COUNTED_AT_MOST)
        .subquery("some")
    )
    counted = select(some.c.state, func.count().label("number")).group_by(some.c.state)
    return {row.state: row.number for row in tx.execute(counted)}


def dispatch_page(
    tx: Connection,
    jurisdiction_id: str,
    coordination_unit: str,
    why: Why | None,
    at: datetime,
    noted: Noted = _NOTHING,
    after: Cursor | None = None,
    size: int = PAGE_SIZE,
) -> Page:
    """Open cases that wait for the dispatcher: objected to, outside, ambiguous, unaccepted, with the desk itself, or
    `noted` when the boundaries changed and still with the unit of then.
    """
    chosen = [_reason(each, coordination_unit, at, noted) for each in WHYS if why in (None, each)]
    everything = _open_of(jurisdiction_id, Wanted(None))
    return _page(tx, [*everything, or_(*chosen)], after, size)


def whys_of(row: InboxRow, coordination_unit: str, at: datetime, noted: Noted = _NOTHING) -> tuple[Why, ...]:
    """Why a case stands on the dispatcher's page."""
    holds: dict[Why, bool] = {
        "objected": row.is_objected,
        "outside": row.place_flag == "outside",
        "ambiguous": row.is_ambiguous and row.state in _UNDECIDED,
        "unaccepted": row.state in _UNDECIDED
        and (row.clock_stage == "accept" and row.clock_due_at is not None and row.clock_due_at < at),
        "desk": row.lead_unit == coordination_unit,
        "redrawn": row.token in noted and noted[row.token].held_by == row.lead_unit,
    }
    return tuple(why for why in WHYS if holds[why])


def _reason(why: Why, coordination_unit: str, at: datetime, noted: Noted) -> ColumnElement[bool]:
    undecided = report.c.state.in_(_UNDECIDED)
    if why == "objected":
        return is_objected()
    if why == "outside":
        return report.c.place_flag == "outside"
    if why == "ambiguous":
        return undecided & report.c.is_ambiguous
    if why == "desk":
        return report.c.lead_unit == coordination_unit
    if why == "redrawn":
        pairs = [
            literal([*noted], ARRAY(Text)),
            literal([one.held_by for one in noted.values()], ARRAY(Text)),
        ]
        held = func.unnest(*pairs).table_valued("token", "unit").render_derived()
        return tuple_(report.c.token, report.c.lead_unit).in_(select(held.c.token, held.c.unit))
    late = (
        select(clock.c.id)
        .where(
            clock.c.report_id == report.c.id,
            clock.c.kind == "unit",
            clock.c.stage == "accept",
            clock.c.state == "running",
            clock.c.due_at < at,
        )
        .correlate(report)
    )
    return undecided & late.exists()


def _open_of(jurisdiction_id: str, wanted: Wanted) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [
        report.c.jurisdiction_id == jurisdiction_id,
        report.c.closed_at.is_(None),
        report.c.state.in_(OPEN_STATES),
    ]
    if wanted.units is None:
        return where
    units = sorted(wanted.units)
    if wanted.kept_from:
        is_shown = report.c.about_unit.is_(None) | report.c.about_unit.not_in(sorted(wanted.kept_from))
        where.append(is_shown)
    if wanted.part == "assist":
        return [*where, report.c.assist_units.has_any(literal(units, ARRAY(Text)))]
    return [*where, report.c.lead_unit.in_(units)]


def _page(tx: Connection, where: list[ColumnElement[bool]], after: Cursor | None, size: int) -> Page:
    query, place = _ordered(where)
    if after is not None:
        behind = tuple_(
            literal(after.lane, Integer),
            literal(after.due_at, DateTime(timezone=True)),
            literal(after.report_id, BigInteger),
        )
        query = query.where(place > behind)
    rows = [InboxRow(**row._mapping) for row in tx.execute(query.limit(size + 1))]
    if len(rows) <= size:
        return Page(rows, None)
    last = rows[size - 1]
    return Page(rows[:size], Cursor(last.lane, last.order_at, last.report_id))


def _ordered(where: list[ColumnElement[bool]]) -> tuple[Select[Any], Any]:
    """The rows with their next unit clock, and the key that orders and divides them into pages."""
    running = (
        select(clock.c.stage, clock.c.due_at, clock.c.warning)
        .where(clock.c.report_id == report.c.id, clock.c.kind == "unit", clock.c.state == "running")
        .order_by(clock.c.due_at)
        .limit(1)
        .lateral("running")
    )
    lane = cast(report.c.priority != "emergency", Integer)
    due = func.coalesce(
        func.least(running.c.due_at, report.c.promise_due_at), literal(NEVER, DateTime(timezone=True))
    )
    query = (
        select(
            report.c.id.label("report_id"),
            *(report.c[name] for name in _SHOWN),
            func.left(report.c.description, 200).label("description"),
            running.c.stage.label("clock_stage"),
            running.c.due_at.label("clock_due_at"),
            func.coalesce(running.c.warning, 0).label("warning"),
            lane.label("lane"),
            due.label("order_at"),
            case_file.c.last_seq,
            is_objected().label("is_objected"),
        )
        .select_from(report.join(case_file, case_file.c.id == report.c.id).outerjoin(running, literal(True)))
        .where(*where)
        .order_by(lane, due, report.c.id)
    )
    return query, tuple_(lane, due, report.c.id)


_SHOWN = (
    "token", "service_code", "state", "priority", "lead_unit", "assist_units", "opened_at", "promise_due_at",
    "is_ambiguous", "place_flag", "transfer_count",
)  # fmt: skip
