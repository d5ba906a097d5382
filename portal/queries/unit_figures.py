"""Knows how each unit does: what it has open, what is late, and the share of promises it kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, cast, func, literal, select, union_all

from portal.models.report import report
from portal.queries.front_page import is_dealt_with, is_judged, is_kept

LOOK_BACK = timedelta(days=90)
# Under this many judged reports a share says nothing, and none is shown.
SMALLEST_SAMPLE = 10
_COUNTS = ("open", "late", "closed", "judged", "on_time")


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """Counts of one unit; `judged` are reports whose original promise fell due within 90 days.

    One that was merged or rejected before it was late is not judged; one that was late by then is, as late.
    """

    unit_code: str
    open: int = 0
    late: int = 0
    closed: int = 0
    judged: int = 0
    on_time: int = 0

    @property
    def on_time_share(self) -> float | None:
        """Share of the judged reports that were closed by their original promise; None for too few."""
        return self.on_time / self.judged if self.judged >= SMALLEST_SAMPLE else None


def unit_figures(
    tx: Connection, jurisdiction_id: str, now: datetime, unit_code: str = ""
) -> Mapping[str, UnitFigures]:
    """The figures of every unit (or one) that leads or led a report, in one statement.

    Three questions put together, each answered by an index alone: one condition for all of them would read
    the whole table.
    """
    mine = report.c.jurisdiction_id == jurisdiction_id
    if unit_code:
        mine &= report.c.lead_unit == unit_code
    late = func.count().filter(report.c.promise_due_at < now)
    kept = func.count().filter(is_kept())
    zero = literal(0, BigInteger)
    parts = union_all(
        _of_units(mine & report.c.closed_at.is_(None), func.count(), late, zero, zero, zero),
        _of_units(
            mine & (report.c.closed_at > now - LOOK_BACK) & is_dealt_with(),
            zero,
            zero,
            func.count(),
            zero,
            zero,
        ),
        _of_units(mine & is_judged(now - LOOK_BACK, now), zero, zero, zero, func.count(), kept),
    ).subquery()
    sums = [cast(func.sum(parts.c[name]), BigInteger) for name in _COUNTS]
    query = select(parts.c.lead_unit, *sums).group_by(parts.c.lead_unit)
    return {row[0]: UnitFigures(*row) for row in tx.execute(query)}


def _of_units(condition: ColumnElement[bool], *counts: ColumnElement[int]) -> Select[Any]:
    columns = [count.label(name) for name, count in zip(_COUNTS, counts, strict=True)]
    return select(report.c.lead_unit, *columns).where(condition).group_by(report.c.lead_unit)
