"""Knows what happened in an area or a unit month by month, from the counts of its days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Date, Select, cast, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from portal.models.open_city import area_day, area_day_run
from routing.shares import SMALLEST_SAMPLE

UNIT = "@unit"  # stands where the name of a layer would
MONTHS = 12


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """Counts of one month; `open` at its end, or now. `judged` reports had their first promise fall due in it."""

    month: date
    opened: int = 0
    closed: int = 0
    judged: int = 0
    on_time: int = 0
    open: int = 0

    @property
    def late(self) -> int:
        """Promises of the month that were not kept."""
        return self.judged - self.on_time

    @property
    def on_time_share(self) -> float | None:
        """Share of the judged reports that kept their first promise; None for too few."""
        return self.on_time / self.judged if self.judged >= SMALLEST_SAMPLE else None


def months_of_layer(
    tx: Connection, jurisdiction_id: str, layer: str, today: date
) -> Mapping[str, Sequence[MonthFigures]]:
    """The last twelve months of every area of a layer, the present one last; one statement."""
    found: dict[str, dict[date, MonthFigures]] = {}
    for code, *figures in tx.execute(months_query(jurisdiction_id, layer, today)):
        row = MonthFigures(*figures)
        found.setdefault(code, {})[row.month] = row
    return {code: filled_months(rows, today) for code, rows in found.items()}


def months_of(
    tx: Connection, jurisdiction_id: str, layer: str, code: str, today: date
) -> Sequence[MonthFigures]:
    """The same for one area, or with `UNIT` for a unit; one statement."""
    rows = tx.execute(months_query(jurisdiction_id, layer, today, code))
    return filled_months({row[1]: MonthFigures(*row[1:]) for row in rows}, today)


def refreshed_at(tx: Connection, jurisdiction_id: str) -> datetime | None:
    """When the days were counted last; None where they never were."""
    mine = area_day_run.c.jurisdiction_id == jurisdiction_id
    return tx.scalar(select(area_day_run.c.refreshed_at).where(mine))


def last_months(today: date, count: int = MONTHS) -> list[date]:
    """The first days of the last months, the present one last."""
    whole = today.year * 12 + today.month - 1
    return [date(each // 12, each % 12 + 1, 1) for each in range(whole - count + 1, whole + 1)]


def summed(months: Iterable[MonthFigures]) -> MonthFigures:
    """Several months as one; `open` is that of the last."""
    rows = list(months)
    names = ("opened", "closed", "judged", "on_time")
    total = {name: sum(getattr(row, name) for row in rows) for name in names}
    return replace(rows[-1], **total)


def months_query(jurisdiction_id: str, layer: str, today: date, code: str = "") -> Select[Any]:
    """Code, month and the counts of every area of a layer, or of one."""
    month = cast(func.date_trunc("month", area_day.c.day), Date)
    at_end = func.array_agg(aggregate_order_by(area_day.c.open_at_end, area_day.c.day.desc()))
    sums = [func.sum(area_day.c[name]) for name in ("opened", "closed", "judged", "on_time")]
    names = (area_day.c.code, month.label("month"), *sums, at_end[1])
    query = (
        select(*names)
        .where(
            area_day.c.jurisdiction_id == jurisdiction_id,
            area_day.c.layer == layer,
            area_day.c.day.between(last_months(today)[0], today),
        )
        .group_by(area_day.c.code, month)
    )
    return query.where(area_day.c.code == code) if code else query


def filled_months(rows: Mapping[date, MonthFigures], today: date) -> list[MonthFigures]:
    """A row for every month: where nothing happened, the open ones are those of the month before."""
    found: list[MonthFigures] = []
    for month in last_months(today):
        still_open = found[-1].open if found else 0
        found.append(rows.get(month) or MonthFigures(month, open=still_open))
    return found
