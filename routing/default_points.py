"""Knows a default point from a busy one: a single place that an outlandish share of history lies on.

Some programs write one fixed place (a city hall, the map's centre, 0, 0) where they know none. A place where
people really report much has busy places around it and others nearly as busy elsewhere; a default has neither.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from geo.crs import ground_distance_m

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from geo.crs import LonLat

# About one metre: what is written alike is one point.
_DECIMALS = 5
_LEAST_COUNT = 30
_LEAST_SHARE = 0.005
# How much busier than a usual one of the busiest others, and than everything around it together.
_LEAST_EXCESS, _LEAST_OVER_NEIGHBOURS = 6.0, 3.0
_BUSIEST = 20
_AROUND_M = 250.0
_MOST_PLACES = 300_000

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class DefaultPoint:
    """A point to flag and not to trust. Degrees in EPSG:4326.

    `share` of all rows lies on it, `excess` times as many as on a usual busy point, while `neighbours` rows
    lie within 250 m of it.
    """

    lon: float
    lat: float
    count: int
    share: float
    excess: float
    neighbours: int


class PlaceCounts:
    """Counts rows by place in bounded memory, however long the history is."""

    def __init__(self, points: Iterable[LonLat | Place] = ()) -> None:
        self._counts: Counter[Place] = Counter()
        self._rows = 0
        for lon, lat in points:
            self.add(lon, lat)

    def add(self, lon: float, lat: float) -> None:
        """Count one row at a place."""
        self._rows += 1
        self._counts[round(lon, _DECIMALS), round(lat, _DECIMALS)] += 1
        if len(self._counts) > _MOST_PLACES:
            # What was seen once so far can hardly become half a percent of everything.
            self._counts = Counter({place: count for place, count in self._counts.items() if count > 1})

    def default_points(self) -> tuple[DefaultPoint, ...]:
        """Return the points that look like defaults, the largest share first."""
        return find_default_points(self._counts, self._rows)


def find_default_points(counts: Mapping[Place, int], rows: int | None = None) -> tuple[DefaultPoint, ...]:
    """Return the points that look like defaults, the largest share first.

    `counts` gives the rows at each (lon, lat) in EPSG:4326 degrees; `rows` is their sum where some were left
    out. A point counts from 30 rows and 0.5 % of all on, when it holds 6 times as many as the median of the
    20 busiest others and 3 times as many as everything within 250 m of it.
    """
    total = sum(counts.values()) if rows is None else rows
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    found = []
    for position, ((lon, lat), count) in enumerate(ranked):
        if count < _LEAST_COUNT or count < _LEAST_SHARE * total:
            break
        others = [other for _, other in (*ranked[:position], *ranked[position + 1 : _BUSIEST + 1])][:_BUSIEST]
        excess = count / median(others) if others else float(count)
        around = _around(counts, lon, lat) if excess >= _LEAST_EXCESS else count
        if excess >= _LEAST_EXCESS and count >= _LEAST_OVER_NEIGHBOURS * around:
            found.append(DefaultPoint(lon, lat, count, count / total, excess, around))
    return tuple(found)


def _around(counts: Mapping[Place, int], lon: float, lat: float) -> int:
    window = 0.01  # degrees: over a kilometre of latitude, cheap to refuse by
    near = (
        count
        for (other_lon, other_lat), count in counts.items()
        if abs(other_lat - lat) < window
        and (other_lon, other_lat) != (lon, lat)
        and ground_distance_m(lon, lat, other_lon, other_lat) <= _AROUND_M
    )
    return sum(near)
