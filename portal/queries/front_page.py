"""Knows the figures of the front page: what came in today, what is open, what was dealt with in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, false, func, select

from portal.models.report import media, report
from routing.closing import CLOSING_CODES, weight_of
from routing.shares import SMALLEST_SAMPLE

DEALT_WITH = ("resolved", "confirmed", "closed")
# What an ending counts as is said by its code, never by the state alone.
NOT_RESOLVED = tuple(code.code for code in CLOSING_CODES.values() if code.counts_as == "no")
# Halves of a case that an ending resolved; what follows another case is judged there, so it has none.
HALVES = {
    code.code: round(2 * weight_of(code.code))
    for code in CLOSING_CODES.values()
    if code.counts_as != "follows"
}
LOOK_BACK = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class CityFigures:
    """Counts of a city. `judged` reports had their promise fall due within 30 days; `on_time` of them kept it."""

    today: int
    open: int
    closed_today: int
    judged: int
    on_time: int

    @property
    def on_time_share(self) -> float | None:
        """Share of the judged reports that kept their first promise; None for too few."""
        return self.on_time / self.judged if self.judged >= SMALLEST_SAMPLE else None


def is_dealt_with() -> ColumnElement[bool]:
    """Ended by work: neither rejected nor merged, and not with words like "nothing was found".

    A closing that says nothing of how it ended came with the history of another system.
    """
    return report.c.state.in_(DEALT_WITH) & func.coalesce(report.c.closing_code, "").not_in(NOT_RESOLVED)


def is_judged(since: datetime, now: datetime) -> ColumnElement[bool]:
    """The promise fell due in the period, and the report was not rejected, merged or found to be nothing before that.

    What ended so later was late by then: closing late cases so must not better the share.
    """
    was_late = report.c.closed_at > report.c.promise_due_at
    is_counted = report.c.closed_at.is_(None) | is_dealt_with() | was_late
    return (report.c.promise_due_at > since) & (report.c.promise_due_at <= now) & is_counted


def is_kept() -> ColumnElement[bool]:
    """Of the judged: closed by the date first promised."""
    return report.c.closed_at <= report.c.promise_due_at


def resolved_halves() -> ColumnElement[int]:
    """How much of a case its ending resolved: two halves, one ("partly fixed") or none; null where that is not said."""
    return case(HALVES, value=report.c.closing_code)


def city_figures(tx: Connection, jurisdiction_id: str, midnight: datetime, now: datetime) -> CityFigures:
    """The figures since the city's midnight, each answered by an index of its own."""
    mine = report.c.jurisdiction_id == jurisdiction_id
    kept = func.count().filter(is_kept())
    counts = select(func.count().label("judged"), kept.label("on_time"))
    judged = counts.where(mine & is_judged(now - LOOK_BACK, now)).subquery()
    query = select(
        _count(mine & (report.c.opened_at >= midnight)),
        _count(mine & report.c.closed_at.is_(None)),
        _count(mine & (report.c.closed_at >= midnight) & is_dealt_with()),
        judged.c.judged,
        judged.c.on_time,
    )
    return CityFigures(*tx.execute(query).one())


def _count(condition: Any) -> Any:
    return select(func.count()).select_from(report).where(condition).scalar_subquery()


def lately(tx: Connection, jurisdiction_id: str, since: datetime, most: int = 400) -> list[Row[Any]]:
    """Public points of what was reported or dealt with since then, newest first; one statement."""
    shown = (
        report.c.token,
        report.c.service_code,
        report.c.closed_at,
        func.ST_X(report.c.public_geom).label("lon"),
        func.ST_Y(report.c.public_geom).label("lat"),
    )
    query = (
        select(*shown)
        .where(
            report.c.jurisdiction_id == jurisdiction_id,
            report.c.is_private == false(),
            report.c.public_geom.is_not(None),
            report.c.opened_at >= since,
        )
        .order_by(report.c.opened_at.desc(), report.c.id.desc())
        .limit(most)
    )
    return list(tx.execute(query))


def fixed_lately(tx: Connection, jurisdiction_id: str, since: datetime, most: int = 6) -> list[Row[Any]]:
    """What was fixed since then, the newest first, with photos before and after where there are; one statement."""
    query = (
        select(
            report.c.token, report.c.service_code, report.c.lead_unit, report.c.public_text, report.c.state,
            report.c.opened_at, report.c.closed_at, report.c.promise_due_at,
            _photo("report").label("before"), _photo("proof").label("after"),
        )
        .where(
            report.c.jurisdiction_id == jurisdiction_id,
            report.c.is_private == false(),
            report.c.closed_at >= since,
            report.c.state.in_(DEALT_WITH),
            report.c.closing_code == "fixed",
        )
        .order_by(report.c.closed_at.desc(), report.c.id.desc())
        .limit(most)
    )  # fmt: skip
    return list(tx.execute(query))


def _photo(purpose: str) -> Any:
    """The first photo of a report that was made safe."""
    return (
        select(media.c.token)
        .where(media.c.report_id == report.c.id, media.c.purpose == purpose, media.c.state == "ready")
        .order_by(media.c.id)
        .limit(1)
        .scalar_subquery()
    )
