"""Knows how a place that somebody gave as a point, as an area of a list, or as both, becomes one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely

from geo.boundary import Boundary, Layer
from geo.crs import to_wgs84
from portal.errors import InvalidInput
from portal.i18n import N_, Message

if TYPE_CHECKING:
    from geo.crs import Datum

AREA_ACCURACY_M = 500.0
NOT_OFFERED = N_("Please choose an area from the list.")
WHICH_ONE = N_(
    "The coordinates lie outside the area that you chose. Which one is meant? "
    "Empty the coordinates, or choose no area."
)


@dataclass(frozen=True, slots=True)
class Place:
    """Degrees in `datum`; `flag` is "area" where only an area was given."""

    lon: float | None = None
    lat: float | None = None
    accuracy_m: float | None = None
    datum: Datum | None = None
    flag: str | None = None


def settle_place(point: Place, area: str, layers: Sequence[Layer]) -> Place:
    """The point where there is one and it lies in the area, if one was chosen; else the middle of the area.

    `area` is "layer:code", or empty. InvalidInput for an area that is not offered, and where both disagree:
    nobody but the sender knows which of them is right.
    """
    if not area:
        return point
    boundary = find_area(area, layers)
    if point.lon is None or point.lat is None:
        middle = shapely.point_on_surface(boundary.geometry)
        return Place(round(middle.x, 6), round(middle.y, 6), AREA_ACCURACY_M, "wgs84", "area")
    lon, lat = to_wgs84(point.lon, point.lat, point.datum or "wgs84")
    if not boundary.geometry.covers(shapely.Point(lon, lat)):
        raise InvalidInput({"place": Message(WHICH_ONE)})
    return point


def find_area(area: str, layers: Sequence[Layer]) -> Boundary:
    """The area "layer:code"; InvalidInput for one that is not offered."""
    name, _, code = area.partition(":")
    for layer in layers:
        for boundary in layer.boundaries if layer.name == name and layer.is_area else ():
            if boundary.code == code:
                return boundary
    raise InvalidInput({"place": Message(NOT_OFFERED)})
