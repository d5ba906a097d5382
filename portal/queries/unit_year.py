"""Knows the last year of one unit: its months, how long its reports stay open, and how often one came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Float, Integer, Select, case, cast, func, select

from portal.models.report import report
from portal.queries.area_days import UNIT, MonthFigures, filled_months, months_query
from portal.queries.front_page import is_dealt_with
from portal.queries.unit_ratings import UnitRatings, ratings_query, read_ratings
from portal.queries.unit_standing import json_rows
from routing.shares import SMALLEST_SAMPLE
from routing.survival import Span

LOOK_BACK = timedelta(days=365)
HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class UnitYear:
    """One unit over a year. `spans` are its reports by the hours they stayed open, `ended` how many were dealt
    with, and `reopened` how many of those a resident had opened again."""

    months: Sequence[MonthFigures]
    spans: Sequence[Span]
    ended: int
    reopened: int
    ratings: UnitRatings

    @property
    def reopened_share(self) -> float | None:
        """Share of what was dealt with that came back; None for too few."""
        return self.reopened / self.ended if self.ended >= SMALLEST_SAMPLE else None


def unit_year(tx: Connection, jurisdiction_id: str, unit_code: str, today: date, now: datetime) -> UnitYear:
    """Everything in one statement: each part of it is answered by an index of its own."""
    months = months_query(jurisdiction_id, UNIT, today, unit_code)
    query = select(
        json_rows(months).label("months"),
        json_rows(_lengths(jurisdiction_id, unit_code, now)).label("lengths"),
        json_rows(ratings_query(jurisdiction_id, now, unit_code)).label("ratings"),
    )
    found = tx.execute(query).one()
    # A row of the months begins with the code, and its days come as text.
    by_month = [MonthFigures(date.fromisoformat(row[1]), *row[2:]) for row in found.months or []]
    lengths = found.lengths or []
    return UnitYear(
        months=filled_months({row.month: row for row in by_month}, today),
        spans=[Span(hours, bool(is_ended), count) for hours, is_ended, count, _ in lengths],
        ended=sum(count for _, is_ended, count, _ in lengths if is_ended),
        reopened=sum(count for _, is_ended, _, count in lengths if is_ended),
        ratings=read_ratings(found.ratings or []).get(unit_code, UnitRatings(unit_code)),
    )


def _lengths(jurisdiction_id: str, unit_code: str, now: datetime) -> Select[Any]:
    """Reports of the year by whole hours open and by whether work ended them; what ended otherwise says only
    that it was open for so long."""
    until = func.coalesce(report.c.closed_at, now)
    hours = func.greatest(0, func.ceil(func.extract("epoch", until - report.c.opened_at) / HOUR_S))
    is_ended = case((report.c.closed_at.is_not(None) & is_dealt_with(), 1), else_=0)
    kept = (cast(hours, Float).label("hours"), cast(is_ended, Integer).label("ended"))
    return (
        select(
            *kept, func.count().label("count"), func.count().filter(report.c.reopen_count > 0).label("again")
        )
        .where(
            report.c.jurisdiction_id == jurisdiction_id,
            report.c.lead_unit == unit_code,
            report.c.opened_at > now - LOOK_BACK,
            report.c.opened_at <= now,
        )
        .group_by(*kept)
    )
