"""Knows how residents rate each unit: averages with the number of people behind them, or that there are too few."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, Select, cast, func, select

from portal.models.voice import rating

LOOK_BACK = timedelta(days=365)
# Under this many ratings an average says more about the people than about the unit.
SMALLEST_SAMPLE = 5
ASKED_ROLES = ("reporter", "follower")


@dataclass(frozen=True, slots=True)
class UnitRatings:
    """Averages from 1 to 5 over `count` ratings by residents who were asked; None where they are too few.

    `by_code` counts those of people who scanned a code that the unit showed: they stand apart, in no average.
    """

    unit_code: str
    count: int = 0
    speed: float | None = None
    result: float | None = None
    manner: float | None = None
    by_code: int = 0

    @property
    def is_shown(self) -> bool:
        """Whether there are enough to say anything."""
        return self.count >= SMALLEST_SAMPLE


def unit_ratings(
    tx: Connection, jurisdiction_id: str, now: datetime, unit_code: str = ""
) -> Mapping[str, UnitRatings]:
    """The ratings of the last year of every unit (or one), in one statement that an index answers alone."""
    return read_ratings(tx.execute(ratings_query(jurisdiction_id, now, unit_code)))


def ratings_query(jurisdiction_id: str, now: datetime, unit_code: str = "") -> Select[Any]:
    """The query of those ratings."""
    mine = (rating.c.jurisdiction_id == jurisdiction_id) & (rating.c.at > now - LOOK_BACK)
    if unit_code:
        mine &= rating.c.unit_code == unit_code
    is_asked = rating.c.role.in_(ASKED_ROLES)
    return (
        select(
            rating.c.unit_code,
            func.count().filter(is_asked).label("asked"),
            *(_average(rating.c[name], is_asked).label(name) for name in ("speed", "result", "manner")),
            func.count().filter(~is_asked).label("by_code"),
        )
        .where(mine)
        .group_by(rating.c.unit_code)
    )


def read_ratings(rows: Iterable[Sequence[Any]]) -> Mapping[str, UnitRatings]:
    """Rows of that query by unit, without averages where they say too little."""
    return {row[0]: _shown(UnitRatings(*row)) for row in rows}


def _average(column: ColumnElement[int], is_asked: ColumnElement[bool]) -> ColumnElement[float]:
    return cast(func.avg(column).filter(is_asked), Float)


def _shown(found: UnitRatings) -> UnitRatings:
    return found if found.is_shown else UnitRatings(found.unit_code, found.count, by_code=found.by_code)
