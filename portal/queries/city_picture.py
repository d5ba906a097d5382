"""Knows how the whole city is drawn as a small SVG: land, water, hills and largest boundaries, with dots on it.

A page without JavaScript shows what is happening where. The shapes are simplified to the pixel and kept for as
long as the city's version lasts; the dots are public points only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import shapely
from geoalchemy2.shape import to_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, func, select

from geo.boundary import Layer
from portal.models.city import basemap_feature
from portal.queries.city import CityView

WIDTH, MOST_HEIGHT = 720, 620
TOLERANCE_PX, SMALLEST_PX = 1.1, 26.0
MARGIN = 0.03
# Kinds of areas that are worth drawing at this size, and what a basemap calls them.
GROUND = {"water": "water", "parks": "green"}
MOST_LABELS = 14
NEARLY_ALL = 0.9


@dataclass(frozen=True, slots=True)
class Dot:
    """One report on the picture."""

    token: str
    lon: float
    lat: float
    is_open: bool
    words: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a point in degrees stands on the picture, in pixels."""

    west: float
    north: float
    scale: float
    squeeze: float
    height: int

    def pixels(self, lonlat: np.ndarray) -> np.ndarray:
        """Pixels of an array of shape (n, 2) in EPSG:4326."""
        x = (lonlat[:, 0] - self.west) * self.squeeze * self.scale
        return np.column_stack((x, (self.north - lonlat[:, 1]) * self.scale))


@dataclass(frozen=True, slots=True)
class CityPicture:
    """The ground of the picture, drawn once: `ground` holds paths, `labels` the names where they stand."""

    frame: Frame
    ground: str
    labels: tuple[tuple[float, float, str], ...]

    def draw(self, dots: Iterable[Dot], title: str, names: Sequence[str]) -> str:
        """The picture as one `<svg>`; `names` are those of `labels` in the reader's language."""
        marks = []
        for dot in dots:
            ((x, y),) = self.frame.pixels(np.array([[dot.lon, dot.lat]]))
            if 0 <= x <= WIDTH and 0 <= y <= self.frame.height:
                kind = "is-open" if dot.is_open else "is-closed"
                marks.append(f'<circle class="{kind}" cx="{x:.0f}" cy="{y:.0f}" r="5"/>')
        texts = (
            f'<text x="{x:.0f}" y="{y:.0f}">{escape(name)}</text>'
            for (x, y, _), name in zip(self.labels, names, strict=True)
        )
        return (
            f'<svg class="city-picture" viewBox="0 0 {WIDTH} {self.frame.height}" role="img" '
            f'aria-label="{escape(title, quote=True)}">{self.ground}'
            f'<g class="dots">{"".join(marks)}</g><g class="names" aria-hidden="true">{"".join(texts)}</g></svg>'
        )


class PictureCache:
    """One picture per city and version of it; whoever asks first draws."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, CityPicture | None]] = {}

    def picture(self, tx: Connection, city: CityView) -> CityPicture | None:
        """The picture of a city; None where it has no boundaries to draw. One statement the first time."""
        version, found = self._kept.get(city.jurisdiction_id, (-1, None))
        if version != city.version:
            found = draw_ground(tx, city)
            self._kept[city.jurisdiction_id] = (city.version, found)
        return found


def draw_ground(tx: Connection, city: CityView) -> CityPicture | None:
    """Draw the ground of a city from its basemap and its largest areas."""
    layers = [layer for layer in city.router.city.index.layers if layer.is_area and layer.boundaries]
    if not layers:
        return None
    layer = _widest(layers)
    whole = shapely.union_all([boundary.geometry for boundary in layer.boundaries])
    frame = _frame(whole)
    parts = [_path([whole], frame, "land")]
    parts += [_path(shapes, frame, css) for css, shapes in _ground(tx, city)]
    parts.append(_path([boundary.geometry for boundary in layer.boundaries], frame, "border"))
    return CityPicture(frame, "".join(parts), _labels(layer, frame))


def _widest(layers: Sequence[Layer]) -> Layer:
    """Of the layers that cover nearly as much as any does, one that belongs to the city itself, with few boundaries."""
    areas = {layer.name: sum(each.geometry.area for each in layer.boundaries) for layer in layers}
    wide = [layer for layer in layers if areas[layer.name] > NEARLY_ALL * max(areas.values())]
    return min(wide, key=lambda each: (not each.required, len(each.boundaries) == 1, len(each.boundaries)))


def _frame(whole: BaseGeometry) -> Frame:
    west, south, east, north = whole.bounds
    squeeze = math.cos(math.radians((south + north) / 2))
    wide, high = max((east - west) * squeeze, 1e-9), max(north - south, 1e-9)
    room = 1 + 2 * MARGIN
    scale = min(WIDTH / (wide * room), MOST_HEIGHT / (high * room))
    height = min(MOST_HEIGHT, math.ceil(high * room * scale))
    return Frame(
        west=(west + east) / 2 - WIDTH / 2 / scale / squeeze,
        north=(south + north) / 2 + height / 2 / scale,
        scale=scale,
        squeeze=squeeze,
        height=height,
    )


def _ground(tx: Connection, city: CityView) -> list[tuple[str, list[BaseGeometry]]]:
    query = select(basemap_feature.c.kind, basemap_feature.c.geom).where(
        basemap_feature.c.jurisdiction_id == city.jurisdiction_id,
        basemap_feature.c.kind.in_(sorted(GROUND)),
        func.ST_Dimension(basemap_feature.c.geom) == 2,
    )
    shapes: dict[str, list[BaseGeometry]] = {name: [] for name in GROUND}
    for row in tx.execute(query):
        shapes[row.kind].append(to_shape(row.geom))
    return [(GROUND[name], [shapely.union_all(found)]) for name, found in reversed(shapes.items()) if found]


def _labels(layer: Layer, frame: Frame) -> tuple[tuple[float, float, str], ...]:
    if len(layer.boundaries) > MOST_LABELS:
        return ()
    found = []
    for boundary in layer.boundaries:
        middle = shapely.point_on_surface(boundary.geometry)
        ((x, y),) = frame.pixels(np.array([[middle.x, middle.y]]))
        found.append((float(x), float(y), f"{layer.name}:{boundary.code}"))
    return tuple(found)


def _path(shapes: Sequence[BaseGeometry], frame: Frame, css: str) -> str:
    """All polygons as one path in whole pixels; what would be a speck is left out."""
    drawn = shapely.transform(np.array(shapes, dtype=object), frame.pixels)
    window = shapely.box(-8, -8, WIDTH + 8, frame.height + 8)
    cut = shapely.intersection(shapely.make_valid(shapely.simplify(drawn, TOLERANCE_PX)), window)
    rings = []
    for polygon in shapely.get_parts(shapely.get_parts(cut)):
        if polygon.geom_type != "Polygon" or polygon.area < SMALLEST_PX:
            continue
        for ring in (polygon.exterior, *polygon.interiors):
            corners = np.round(shapely.get_coordinates(ring)).astype(int)
            moves = np.diff(corners, axis=0)
            steps = "".join(f"l{x} {y}" for x, y in moves[np.any(moves != 0, axis=1)])
            rings.append(f"M{corners[0][0]} {corners[0][1]}{steps}z")
    return f'<path class="is-{css}" fill-rule="evenodd" d="{"".join(rings)}"/>'
