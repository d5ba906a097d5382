"""Knows the line that stands for a case in every list of the desk, and how lists are divided into pages."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    DateTime,
    FromClause,
    Select,
    func,
    literal,
    select,
    tuple_,
)

from portal.models.ledger import case_file
from portal.models.report import clock, report
from portal.queries.case_filter import LANE, NEVER
from portal.queries.objections import is_objected
from portal.queries.people import holders

PAGE_SIZE = 100
_SHOWN = (
    "token", "service_code", "state", "priority", "lead_unit", "assist_units", "opened_at", "promise_due_at",
    "is_ambiguous", "place_flag", "transfer_count", "colour",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last case of a page: the next page begins behind it."""

    lane: int
    due_at: datetime
    report_id: int

    def as_text(self) -> str:
        """The form that stands in an address."""
        plain = json.dumps([int(self.lane), self.due_at.isoformat(), self.report_id])
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
    """One case. `due_at` is the next instant that counts, of the unit's clock or the promise."""

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
    colour: int
    lane: int
    order_at: datetime
    last_seq: int
    is_objected: bool = False
    is_open: bool = True
    people: Sequence[tuple[int, str]] | None = None  # who has it as a job: id and name

    @property
    def due_at(self) -> datetime | None:
        """The next instant that counts; None where nothing is due."""
        return None if self.order_at >= NEVER or not self.is_open else self.order_at

    def is_late(self, now: datetime) -> bool:
        """Whether that instant has passed."""
        return self.due_at is not None and self.due_at < now


@dataclass(frozen=True, slots=True)
class Page:
    """Some cases, and where the next ones begin."""

    rows: Sequence[InboxRow]
    next: Cursor | None


def due_keys(where: Sequence[Any], after: Cursor | None, size: int) -> Select[Any]:
    """The first `size` cases behind `after` for which this holds, by what is due: emergencies first."""
    query = select(report.c.id, LANE.label("lane"), report.c.next_due_at.label("key_at")).where(*where)
    if after is not None:
        behind = tuple_(
            literal(bool(after.lane), Boolean),
            literal(after.due_at, DateTime(timezone=True)),
            literal(after.report_id, BigInteger),
        )
        query = query.where(tuple_(LANE, report.c.next_due_at, report.c.id) > behind)
    return query.order_by(LANE, report.c.next_due_at, report.c.id).limit(size)


def newest_keys(where: Sequence[Any], after: Cursor | None, size: int) -> Select[Any]:
    """The same, the newest first."""
    query = select(report.c.id, literal(True).label("lane"), report.c.opened_at.label("key_at")).where(*where)
    if after is not None:
        before = tuple_(literal(after.due_at, DateTime(timezone=True)), literal(after.report_id, BigInteger))
        query = query.where(tuple_(report.c.opened_at, report.c.id) < before)
    return query.order_by(report.c.opened_at.desc(), report.c.id.desc()).limit(size)


def order_of(keys: FromClause, *, newest_first: bool) -> list[ColumnElement[Any]]:
    """The order of cases with these keys (id, lane, key_at)."""
    if newest_first:
        return [keys.c.key_at.desc(), keys.c.id.desc()]
    return [keys.c.lane, keys.c.key_at, keys.c.id]


def page_of(tx: Connection, keys: Select[Any], size: int, *, newest_first: bool = False) -> Page:
    """The lines of the cases whose keys (id, lane, key_at) a statement finds; `keys` asks for one more than `size`."""
    found = tx.execute(lines_of(keys, newest_first=newest_first)).all()
    rows = [as_line(row) for row in found[:size]]
    if len(found) <= size:
        return Page(rows, None)
    last = found[size - 1]
    return Page(rows, Cursor(last.lane, last.key_at, last.report_id))


def lines_of(keys: Select[Any], *extra: str, newest_first: bool = False) -> Select[Any]:
    """The lines of these cases in their order, with `extra` columns of the keys."""
    listed = keys.subquery("listed")
    running = (
        select(clock.c.stage, clock.c.due_at, clock.c.warning)
        .where(
            clock.c.report_id == listed.c.id, clock.c.kind.in_(("unit", "second")), clock.c.state == "running"
        )
        .order_by(clock.c.due_at)
        .limit(1)
        .lateral("running")
    )
    joined = listed.join(report, report.c.id == listed.c.id).join(case_file, case_file.c.id == listed.c.id)
    return (
        select(
            report.c.id.label("report_id"),
            *(report.c[name] for name in _SHOWN),
            func.left(report.c.description, 200).label("description"),
            running.c.stage.label("clock_stage"),
            running.c.due_at.label("clock_due_at"),
            func.coalesce(running.c.warning, 0).label("warning"),
            listed.c.lane,
            listed.c.key_at,
            report.c.next_due_at.label("order_at"),
            report.c.closed_at.is_(None).label("is_open"),
            case_file.c.last_seq,
            is_objected().label("is_objected"),
            holders(report.c.id).label("people"),
            *(listed.c[name] for name in extra),
        )
        .select_from(joined.outerjoin(running, literal(True)))
        .order_by(*order_of(listed, newest_first=newest_first))
    )


def as_line(row: Any) -> InboxRow:
    """The line of a row that `lines_of` found."""
    return InboxRow(**{name: row._mapping[name] for name in InboxRow.__slots__})
