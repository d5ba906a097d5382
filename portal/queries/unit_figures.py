"""Knows how each unit does: what it has open, what is late, and the share of promises it kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, cast, func, literal, select, union_all

from portal.models.report import report
from portal.queries.front_page import is_dealt_with, is_judged, is_kept, resolved_halves
from routing.shares import SMALLEST_SAMPLE

LOOK_BACK = timedelta(days=90)
_COUNTS = ("open", "late", "closed", "judged", "on_time", "ended", "halves", "partly")


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """Counts of one unit; `judged` are reports whose original promise fell due within 90 days.

    One that was merged or rejected before it was late is not judged; one that was late by then is, as late.
    `ended` were closed within them with an ending that says how much was resolved: `halves` of a case in all, so
    that one fixed in part, of which there were `partly`, counts half.
    """

    unit_code: str
    open: int = 0
    late: int = 0
    closed: int = 0
    judged: int = 0
    on_time: int = 0
    ended: int = 0
    halves: int = 0
    partly: int = 0

    @property
    def resolved_share(self) -> float | None:
        """Share of the ended reports that was resolved, those in part by half; None for too few."""
        return self.halves / 2 / self.ended if self.ended >= SMALLEST_SAMPLE else None

    @property
    def on_time_share(self) -> float | None:
        """Share of the judged reports that were closed by their original promise; None for too few."""
        return self.on_time / self.judged if self.judged >= SMALLEST_SAMPLE else None


def unit_figures(
    tx: Connection, jurisdiction_id: str, now: datetime, unit_code: str = ""
) -> Mapping[str, UnitFigures]:
    """The figures of every unit (or one) that leads or led a report, in one statement."""
    return read_figures(tx.execute(figures_query(jurisdiction_id, now, unit_code)))


def read_figures(rows: Iterable[Sequence[Any]]) -> Mapping[str, UnitFigures]:
    """Rows of `figures_query` by unit."""
    return {row[0]: UnitFigures(*row) for row in rows}


def figures_query(jurisdiction_id: str, now: datetime, unit_code: str = "") -> Select[Any]:
    """The query of those figures: three questions put together, each answered by an index alone.

    One condition for all of them would read the whole table.
    """
    mine = report.c.jurisdiction_id == jurisdiction_id
    if unit_code:
        mine &= report.c.lead_unit == unit_code
    late = func.count().filter(report.c.promise_due_at < now)
    kept = func.count().filter(is_kept())
    halves = resolved_halves()
    ended = (
        func.count().filter(is_dealt_with()),
        func.count(halves),
        func.coalesce(func.sum(halves), 0),
        func.count().filter(report.c.closing_code == "partly_fixed"),
    )
    parts = union_all(
        _of_units(mine & report.c.closed_at.is_(None), open=func.count(), late=late),
        _of_units(
            mine & (report.c.closed_at > now - LOOK_BACK),
            **dict(zip(("closed", "ended", "halves", "partly"), ended, strict=True)),
        ),
        _of_units(mine & is_judged(now - LOOK_BACK, now), judged=func.count(), on_time=kept),
    ).subquery()
    sums = [cast(func.sum(parts.c[name]), BigInteger) for name in _COUNTS]
    return select(parts.c.lead_unit, *sums).group_by(parts.c.lead_unit)


def _of_units(condition: ColumnElement[bool], **counts: ColumnElement[int]) -> Select[Any]:
    zero = literal(0, BigInteger)
    columns = [counts.get(name, zero).label(name) for name in _COUNTS]
    return select(report.c.lead_unit, *columns).where(condition).group_by(report.c.lead_unit)
