"""Knows the default points of a city or a history: what programs write when they know no place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from geo.crs import ground_distance_m
from portal.i18n import N_
from portal.pack.toml import Keys

# Name to (lon, lat, metres) in EPSG:4326.
DefaultPoints = Mapping[str, Sequence[float]]
MOST_M = 500.0


def read_points(keys: Keys) -> dict[str, tuple[float, float, float]]:
    """The `[default_points]` of a city.toml or a mapping."""
    points = {}
    for name in keys.table:
        value = keys.raw(name)
        numbers = value if isinstance(value, list) and len(value) == 3 else []
        if not numbers or not all(
            isinstance(number, int | float) and not isinstance(number, bool) for number in numbers
        ):
            keys.error(name, N_("is not [lon, lat, metres]"))
            continue
        lon, lat, metres = map(float, numbers)
        if not (-180 <= lon <= 180 and -90 <= lat <= 90 and 0 < metres <= MOST_M):
            keys.error(name, N_("is not [lon, lat, metres] in degrees and up to 500 m"))
            continue
        points[name] = (lon, lat, metres)
    return points


def default_point_at(points: DefaultPoints, lon: float, lat: float) -> str | None:
    """The name of the default point that a place lies on."""
    for name, (there_lon, there_lat, metres) in points.items():
        # A degree of latitude is 110.6 km or more: spares the distance for nearly every row.
        if abs(lat - there_lat) * 110_000 > metres:
            continue
        if ground_distance_m(lon, lat, there_lon, there_lat) <= metres:
            return name
    return None
