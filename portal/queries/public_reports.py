"""Knows the public list of reports: filtered, newest first, page by page, never an exact place or a private text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, false, func, select, tuple_

from portal.models.report import report
from routing.lifecycle import CLOSED_STATES, OPEN_STATES, STATES

MOST_ROWS = 100
Box = tuple[float, float, float, float]
STATUSES: dict[str, tuple[str, ...]] = {"open": OPEN_STATES, "closed": CLOSED_STATES}


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """What a reader asks for. `states`: empty for all. `box`: west, south, east, north in degrees.

    `area` is layer:code of a boundary, as the public point found it when the report was decided. `since` and
    `until` say when it came in, the end excluded.
    """

    states: tuple[str, ...] = ()
    service_code: str = ""
    unit_code: str = ""
    box: Box | None = None
    area: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def of(
        cls, state: str = "", service: str = "", unit: str = "", box: Box | None = None, area: str = ""
    ) -> ReportFilter:
        """A filter from words: `state` is open, closed, or one inner state; an unknown one finds nothing."""
        if not state:
            states: tuple[str, ...] = ()
        elif state in STATUSES:
            states = STATUSES[state]
        else:
            states = (state,) if state in STATES else ("unknown",)
        return cls(states, service, unit, box, area)


@dataclass(frozen=True, slots=True)
class PublicReport:
    """A report as anybody may see it in a list. `lon` and `lat` are the public point."""

    token: str
    kind: str
    service_code: str
    state: str
    public_text: str
    lead_unit: str
    opened_at: datetime
    closed_at: datetime | None
    promise_due_at: datetime | None
    lon: float | None
    lat: float | None
    place_flag: str | None

    @property
    def status(self) -> str:
        """Open or closed."""
        return STATES[self.state]

    def is_late(self, now: datetime) -> bool:
        """Whether the promise was missed: judged by the original one."""
        return self.promise_due_at is not None and (self.closed_at or now) > self.promise_due_at


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows and where the next ones begin; `after` is None on the last page."""

    rows: Sequence[PublicReport]
    after: str | None


COLUMNS = (
    report.c.id,
    report.c.token,
    report.c.kind,
    report.c.service_code,
    report.c.state,
    report.c.public_text,
    report.c.lead_unit,
    report.c.opened_at,
    report.c.closed_at,
    report.c.promise_due_at,
    func.ST_X(report.c.public_geom).label("lon"),
    func.ST_Y(report.c.public_geom).label("lat"),
    report.c.place_flag,
)


def conditions(jurisdiction_id: str, wanted: ReportFilter) -> list[ColumnElement[bool]]:
    """The WHERE of a filter; private reports never match."""
    found = [report.c.jurisdiction_id == jurisdiction_id, report.c.is_private == false()]
    if wanted.states:
        found.append(report.c.state.in_(wanted.states))
    if wanted.service_code:
        found.append(report.c.service_code == wanted.service_code)
    if wanted.unit_code:
        found.append(report.c.lead_unit == wanted.unit_code)
    if wanted.area:
        found.append(report.c.places.contains([wanted.area]))
    if wanted.since:
        found.append(report.c.opened_at >= wanted.since)
    if wanted.until:
        found.append(report.c.opened_at < wanted.until)
    if wanted.box:
        found.append(report.c.public_geom.op("&&")(func.ST_MakeEnvelope(*wanted.box, 4326)))
    return found


def public_reports(
    tx: Connection, jurisdiction_id: str, wanted: ReportFilter, *, limit: int = 20, after: str = ""
) -> Page:
    """One page of reports, newest first; `after` is the mark that the page before it gave."""
    limit = max(1, min(limit, MOST_ROWS))
    query: Select[Any] = select(*COLUMNS).where(*conditions(jurisdiction_id, wanted))
    if (start := _read_mark(after)) is not None:
        query = query.where(tuple_(report.c.opened_at, report.c.id) < tuple_(*start))
    rows = tx.execute(query.order_by(report.c.opened_at.desc(), report.c.id.desc()).limit(limit + 1)).all()
    shown = rows[:limit]
    return Page([public_row(row) for row in shown], _mark(shown[-1]) if len(rows) > limit else None)


def last_change(tx: Connection, jurisdiction_id: str) -> datetime | None:
    """When any report of the city changed last; the index answers."""
    mine = report.c.jurisdiction_id == jurisdiction_id
    return tx.scalar(select(report.c.updated_at).where(mine).order_by(report.c.updated_at.desc()).limit(1))


def public_row(row: Any) -> PublicReport:
    """A row of `COLUMNS` as a value."""
    values: tuple[Any, ...] = tuple(row)[1:]
    return PublicReport(*values)


def _mark(row: Row[Any]) -> str:
    micros = int(row.opened_at.timestamp()) * 1_000_000 + row.opened_at.microsecond
    return f"{micros:x}-{row.id:x}"


def _read_mark(mark: str) -> tuple[datetime, int] | None:
    """Where a page begins; a mark that is not ours begins at the first page."""
    micros, _, number = mark.partition("-")
    try:
        whole, rest = divmod(int(micros, 16), 1_000_000)
        start = datetime.fromtimestamp(whole, UTC).replace(microsecond=rest), int(number, 16)
    except (ValueError, OverflowError, OSError):
        return None
    return start if 0 <= start[1] < 2**63 else None  # what fits the database's number
