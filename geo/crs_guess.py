"""Knows which coordinate system a file that names none was probably drawn in: one that puts it on the city."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Box = tuple[float, float, float, float]

_WEB_MERCATOR = "3857"
# A candidate must cover the reference about as well as this, and others this near to it fit as well.
_FITS = 0.5
_AS_WELL = 0.02


@dataclass(frozen=True, slots=True)
class CrsGuess:
    """A likely coordinate system, the share of ground that file and reference then share, and how many
    others of the EPSG register fit as well (later adjustments of one system differ by a metre).
    """

    code: str
    name: str
    fit: float
    others: int


def likely_crs(extent: Box, place: Box) -> CrsGuess | None:
    """Find the system that puts `extent` (west, south, east, north as in the file) on `place` (degrees).

    `place` may be a point: then the file must lie around it. Every projected system of the EPSG register that
    is used there is tried. None where nothing fits.
    """
    fits = sorted(
        ((_fit(_in_degrees(extent, code), place), -int(code), name) for code, name in _candidates(place)),
        reverse=True,
    )
    if not fits or fits[0][0] < _FITS:
        return None
    # The lowest number among those that fit as well is the oldest entry: the one that files mean.
    as_well = [each for each in fits if each[0] >= fits[0][0] - _AS_WELL]
    fit, code, name = max(as_well, key=lambda each: each[1])
    return CrsGuess(f"EPSG:{-code}", name, fit, len(as_well) - 1)


def _candidates(place: Box) -> Iterator[tuple[str, str]]:
    from pyproj.aoi import AreaOfInterest
    from pyproj.database import query_crs_info
    from pyproj.enums import PJType

    found = query_crs_info(
        "EPSG", PJType.PROJECTED_CRS, area_of_interest=AreaOfInterest(*place), contains=True
    )
    yield from ((each.code, each.name) for each in found)
    if all(each.code != _WEB_MERCATOR for each in found):
        yield _WEB_MERCATOR, "WGS 84 / Pseudo-Mercator"


def _in_degrees(extent: Box, code: str) -> Any:
    """Return the extent in degrees of the system's own datum: near enough to tell systems apart, and fast."""
    import pyproj

    west, south, east, north = extent
    try:
        undone = pyproj.Proj(f"EPSG:{code}")
    except pyproj.exceptions.CRSError:  # an entry of the register that PROJ itself cannot work with
        return np.full(4, np.nan)
    lon, lat = undone([west, east, west, east], [south, south, north, north], inverse=True)
    return np.array([min(lon), min(lat), max(lon), max(lat)])


def _fit(box: Any, place: Box) -> float:
    """Return the share of the two boxes' ground that is common to both; for a point how central it lies."""
    if not np.isfinite(box).all():
        return 0.0
    wanted = np.array(place)
    sides, room = box[2:] - box[:2], wanted[2:] - wanted[:2]
    if not room.any():
        off = np.abs((box[:2] + box[2:]) / 2 - wanted[:2]) / np.maximum(sides, 1e-9)
        return float(max(0.0, 1.0 - off.max()))
    common = np.clip(np.minimum(box[2:], wanted[2:]) - np.maximum(box[:2], wanted[:2]), 0.0, None).prod()
    return float(common / max(sides.prod() + room.prod() - common, 1e-12))
