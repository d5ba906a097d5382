"""Knows the ground around a case: streets, water and green nearby, as strokes of a small map."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ScalarSelect, cast, func, select
from sqlalchemy.dialects.postgresql import JSON

from geo.crs import LocalFrame
from portal.models.city import basemap_feature
from portal.models.report import report
from portal.queries.case_parts import DESK_PARTS, Row

WIDTH, HEIGHT = 360, 220
HALF_M = 240.0  # half the width of the map on the ground
SCALE = WIDTH / (2 * HALF_M)
DEGREE_M = 111_320.0
REACH_M = HALF_M * 1.15  # strokes are cut outside what can be seen
MOST_FEATURES, MOST_NAMES = 300, 4
SCALE_BAR_M = 100
_NAME_ROOM = (60.0, 14.0)  # pixels that a street's name needs for itself


@dataclass(frozen=True, slots=True)
class Stroke:
    """One thing that is drawn: `kind` as the basemap calls it, in pixels from the upper left corner."""

    kind: str
    is_area: bool
    lines: tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True, slots=True)
class StreetName:
    """The names of a street, and where they stand."""

    names: Mapping[str, str]
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class PlaceMap:
    """The ground around a point, which lies in the middle; `disc_px` is how exactly it is known."""

    strokes: tuple[Stroke, ...]
    names: tuple[StreetName, ...]
    disc_px: float

    @property
    def bar_px(self) -> float:
        """Length of the scale bar of `SCALE_BAR_M`."""
        return SCALE_BAR_M * SCALE


class _Ground:
    """What of the basemap lies around a case's exact place; land and water first, streets last."""

    def of(self, case_id: int) -> ScalarSelect[Any]:
        """The features as one JSON value, cut to the window."""
        across = func.greatest(func.cos(func.radians(func.ST_Y(report.c.geom))), 0.01)
        window = func.ST_Expand(report.c.geom, REACH_M / DEGREE_M / across, REACH_M / DEGREE_M)
        cut = func.ST_ClipByBox2D(basemap_feature.c.geom, window)
        near = (
            select(
                basemap_feature.c.kind,
                basemap_feature.c.properties,
                cast(func.ST_AsGeoJSON(cut, 6), JSON).label("shape"),
            )
            .select_from(basemap_feature.join(report, report.c.id == case_id))
            .where(
                basemap_feature.c.jurisdiction_id == report.c.jurisdiction_id,
                basemap_feature.c.geom.op("&&")(window),
                func.ST_Dimension(basemap_feature.c.geom) > 0,
            )
            .order_by(func.ST_Dimension(basemap_feature.c.geom).desc(), basemap_feature.c.id)
            .limit(MOST_FEATURES)
            .subquery("near")
        )
        row = func.json_build_array(near.c.kind, near.c.properties, near.c.shape)
        return select(func.json_agg(row)).scalar_subquery()

    def read(self, rows: list[Any] | None) -> list[Row]:
        """The features, each with its layer, properties and shape."""
        return [{"layer": layer, "properties": known, "shape": cut} for layer, known, cut in rows or []]


DESK_PARTS["ground"] = _Ground()


def place_map(
    ground: Sequence[Row], lon: float | None, lat: float | None, accuracy_m: float | None
) -> PlaceMap | None:
    """The map of a place (EPSG:4326) from the features around it; None without a place."""
    if lon is None or lat is None:
        return None
    frame = LocalFrame(lon, lat)
    strokes: list[Stroke] = []
    named: dict[str, tuple[Mapping[str, str], BaseGeometry]] = {}
    for row in ground:
        drawn = shapely.transform(shape(row["shape"]), lambda degrees: _pixels(frame, degrees))
        if drawn.is_empty:
            continue
        properties = row["properties"]
        kind = str(properties.get("kind") or row["layer"])
        lines = _lines(drawn)
        strokes.append(Stroke(kind, drawn.geom_type.endswith("Polygon"), lines))
        names = {key[5:]: str(name) for key, name in properties.items() if key.startswith("name_") and name}
        if names and drawn.geom_type.endswith("LineString"):
            named.setdefault(json.dumps(names, sort_keys=True), (names, drawn))
    disc = min(accuracy_m or 0.0, HALF_M) * SCALE
    return PlaceMap(tuple(strokes), tuple(_names(named.values())), disc)


def _pixels(frame: LocalFrame, degrees: Any) -> Any:
    metres = frame.project(degrees)
    return np.column_stack((WIDTH / 2 + metres[:, 0] * SCALE, HEIGHT / 2 - metres[:, 1] * SCALE))


def _lines(drawn: BaseGeometry) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Rings of areas and runs of lines, as whole pixels."""
    parts = shapely.get_parts(shapely.simplify(drawn, 0.5))
    runs: list[Any] = []
    for part in parts:
        if isinstance(part, shapely.Polygon):
            runs += [part.exterior, *part.interiors]
        elif isinstance(part, shapely.LineString):
            runs.append(part)
    return tuple(tuple((round(x, 1), round(y, 1)) for x, y in run.coords) for run in runs if not run.is_empty)


def _names(named: Any) -> list[StreetName]:
    """Names of the nearest streets, where they do not stand upon each other."""
    centre = shapely.Point(WIDTH / 2, HEIGHT / 2)
    seen = shapely.box(_NAME_ROOM[0], 20, WIDTH - _NAME_ROOM[0], HEIGHT - 24)
    taken: list[tuple[float, float]] = [(centre.x, centre.y)]
    found: list[StreetName] = []
    for names, line in sorted(named, key=lambda each: each[1].distance(centre)):
        inside = shapely.intersection(line, seen)
        if inside.is_empty or len(found) == MOST_NAMES:
            continue
        longest = max(shapely.get_parts(inside), key=lambda part: part.length)
        spot = shapely.line_interpolate_point(longest, 0.5, normalized=True)
        if any(
            abs(spot.x - x) < 2 * _NAME_ROOM[0] and abs(spot.y - y) < 1.4 * _NAME_ROOM[1] for x, y in taken
        ):
            continue
        taken.append((spot.x, spot.y))
        found.append(StreetName(names, round(spot.x), round(spot.y)))
    return found
