"""Knows how the small map of a receipt is drawn: the boundary that decided, its neighbours, and the point.

Plain SVG for a page without JavaScript: shapes are simplified and clipped to a window around the point that the
reader may see, and say nothing of any other point. Colours come from the page's style sheet; without one the
current text colour is used, so that it can be read on light and on dark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Literal

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.boundary import Boundary, Layer
from geo.crs import LocalFrame, LonLat
from portal.masking import COARSE_M

WIDTH, HEIGHT = 320, 240
MAX_BYTES = 6000
# Half the width of the window in metres: wide enough for the disc and the nearest misses, never a whole city.
HALF_MIN_M, HALF_MAX_M, HALF_COARSE_M = 90.0, 900.0, 500.0
DISCS_ACROSS, MISSES_ACROSS = 2.5, 1.6
# What is cut at the window's edge is cut outside what can be seen.
MARGIN = 1.15
TOLERANCE_PX = 0.6
MOST_NEIGHBOURS, MOST_LABELS, LABEL_LENGTH = 12, 5, 16
SCALE_BARS_M = (10, 20, 50, 100, 200, 500)
LABEL_ROOM = 400.0  # square pixels
_TAKES_SPACE = 34.0  # pixels that a label needs each way before the next one may stand there

Kind = Literal["decided", "found", "nearly", "neighbour"]


@dataclass(frozen=True, slots=True)
class Shape:
    """A boundary inside the window, in pixels. `kind`: decided the case, holds the point too, or lies beside."""

    kind: Kind
    layer: str
    code: str
    name: str
    geometry: BaseGeometry


@dataclass(frozen=True, slots=True)
class ReceiptMap:
    """Everything that is drawn, in pixels. `is_coarse`: the point is a cell's centre, not where it was.

    `stale` names layers whose edition in force is no longer the one that decided.
    """

    shapes: tuple[Shape, ...]
    disc_px: float
    bar_m: int
    bar_px: float
    is_coarse: bool
    stale: tuple[str, ...]

    @property
    def decided(self) -> Shape | None:
        """The boundary that decided."""
        return next((shape for shape in self.shapes if shape.kind == "decided"), None)

    def named(self, *kinds: Kind) -> list[str]:
        """The names of some shapes, in drawing order, once each."""
        return list(dict.fromkeys(shape.name for shape in self.shapes if shape.kind in kinds))

    def with_names(self, name_of: Callable[[str, str], str]) -> ReceiptMap:
        """The same map with the names that `name_of` answers for a layer and a code."""
        named = (replace(shape, name=name_of(shape.layer, shape.code)) for shape in self.shapes)
        return replace(self, shapes=tuple(named))


def receipt_map(
    receipt: Mapping[str, Any], layers: Iterable[Layer], point: LonLat, *, is_coarse: bool
) -> ReceiptMap | None:
    """The map of a receipt (stored or public) around the point that the reader may see (EPSG:4326).

    None where no boundary of the receipt lies in the window: there would be nothing to show.
    """
    by_name = {layer.name: layer for layer in layers}
    half_m = _half_width(receipt, is_coarse)
    window = _Window(point, half_m)
    shapes = tuple(_shapes(receipt, by_name, window))
    if all(shape.kind == "neighbour" for shape in shapes):
        return None
    accuracy_m = receipt.get("accuracy_m") or 0.0
    bar_m = max(bar for bar in SCALE_BARS_M if bar * window.scale <= WIDTH / 3 or bar == SCALE_BARS_M[0])
    editions = receipt.get("editions") or {}
    drawn = dict.fromkeys(shape.layer for shape in shapes)
    return ReceiptMap(
        shapes=shapes,
        disc_px=0.0 if is_coarse else accuracy_m * window.scale,
        bar_m=bar_m,
        bar_px=bar_m * window.scale,
        is_coarse=is_coarse,
        stale=tuple(
            name for name in drawn if editions.get(name, by_name[name].edition) != by_name[name].edition
        ),
    )


def draw(drawn: ReceiptMap, title: str, description: str, number: str = "") -> str:
    """The map as one `<svg>` element of at most 6,000 bytes; `number` keeps ids apart on a page."""
    tolerance = TOLERANCE_PX
    text = _svg(drawn, title, description, number, tolerance)
    while len(text.encode()) > MAX_BYTES:
        tolerance *= 1.6
        if tolerance > WIDTH / 8:  # not even the coarsest lines fit: the farthest neighbours go
            if len(drawn.shapes) == 1:
                break
            drawn, tolerance = replace(drawn, shapes=drawn.shapes[:-1]), TOLERANCE_PX
        text = _svg(drawn, title, description, number, tolerance)
    return text


class _Window:
    """The part of the ground that is shown, and how its degrees become pixels."""

    def __init__(self, point: LonLat, half_m: float) -> None:
        self._frame = LocalFrame(*point)
        self.scale = WIDTH / (2 * half_m)
        self._box = self._frame.window(half_m * MARGIN * 1.25)

    def clipped(self, geometry: BaseGeometry) -> BaseGeometry:
        """The part of a geometry (degrees) near the window, in pixels; empty where none is."""
        west, south, east, north = geometry.bounds if not geometry.is_empty else (1.0, 1.0, 0.0, 0.0)
        if west > self._box[2] or east < self._box[0] or south > self._box[3] or north < self._box[1]:
            return shapely.GeometryCollection()
        near = shapely.clip_by_rect(geometry, *self._box)
        pixels = shapely.transform(near, self._pixels)
        edge_x, edge_y = WIDTH * (MARGIN - 1) / 2, HEIGHT * (MARGIN - 1) / 2
        return shapely.clip_by_rect(
            shapely.make_valid(pixels), -edge_x, -edge_y, WIDTH + edge_x, HEIGHT + edge_y
        )

    def _pixels(self, degrees: Any) -> Any:
        metres = self._frame.project(degrees)
        return np.column_stack(
            (WIDTH / 2 + metres[:, 0] * self.scale, HEIGHT / 2 - metres[:, 1] * self.scale)
        )


def _half_width(receipt: Mapping[str, Any], is_coarse: bool) -> float:
    if is_coarse:
        return HALF_COARSE_M
    misses = [miss.get("distance_m") or 0.0 for miss in receipt.get("misses") or ()]
    edges = [hit.get("edge_m") or 0.0 for hit in receipt.get("hits") or ()]
    reach = max(
        DISCS_ACROSS * (receipt.get("accuracy_m") or 0.0), MISSES_ACROSS * max([*misses, *edges], default=0.0)
    )
    return min(max(reach, HALF_MIN_M), HALF_MAX_M)


def _shapes(receipt: Mapping[str, Any], layers: Mapping[str, Layer], window: _Window) -> Iterable[Shape]:
    """What to draw: the decider first, then what else holds the point or nearly mattered, then neighbours."""
    used = [tuple(place) for place in receipt.get("used") or ()]
    hits = [(hit["layer"], hit["code"]) for hit in receipt.get("hits") or ()]
    misses = [(miss["layer"], miss["code"]) for miss in receipt.get("misses") or () if miss.get("layer")]
    areas = [place for place in used if place[0] in layers and layers[place[0]].is_area]
    # Where the rule asked for no area, the first that holds the point says where it lies.
    chief = areas[-1:] or [place for place in hits if place[0] in layers][:1]
    kinds: dict[tuple[str, str], Kind] = dict.fromkeys(misses, "nearly")
    kinds |= dict.fromkeys([*areas, *chief], "found")
    kinds |= dict.fromkeys(areas[-1:], "decided")
    shown = dict.fromkeys([*chief, *areas, *(place for place in misses if place[0] in layers)])
    seen: set[str] = set()
    for layer_name, code in shown:
        for boundary in layers[layer_name].boundaries:
            if boundary.code == code:
                for shape in _shape(kinds[layer_name, code], layer_name, boundary, window):
                    seen.add(layer_name)
                    yield shape
    beside = [layer_name for layer_name, _ in chief if layer_name in seen]
    yield from _neighbours(layers, beside, set(shown), window)


def _neighbours(
    layers: Mapping[str, Layer], beside: Sequence[str], shown: set[Any], window: _Window
) -> Iterable[Shape]:
    """The other boundaries of the layer that decided, the largest in the window first."""
    found: list[Shape] = []
    for layer_name in beside:
        for boundary in layers[layer_name].boundaries:
            if (layer_name, boundary.code) not in shown:
                found += _shape("neighbour", layer_name, boundary, window)
    found.sort(key=lambda shape: (-shape.geometry.area, shape.code))
    yield from found[:MOST_NEIGHBOURS]


def _shape(kind: Kind, layer: str, boundary: Boundary, window: _Window) -> Iterable[Shape]:
    geometry = window.clipped(boundary.geometry)
    if not geometry.is_empty and geometry.area > 1.0:
        yield Shape(kind, layer, boundary.code, boundary.name or boundary.code, geometry)


# Style of last resort, for readers without our sheet: one colour, told apart by weight and dashes.
_LOOKS: dict[Kind, str] = {
    "decided": 'fill="currentColor" fill-opacity=".14" stroke="currentColor" stroke-width="2.5"',
    "found": 'fill="none" stroke="currentColor" stroke-width="1.5"',
    "nearly": 'fill="currentColor" fill-opacity=".05" stroke="currentColor" stroke-dasharray="6 3"',
    "neighbour": 'fill="none" stroke="currentColor" stroke-opacity=".55" stroke-dasharray="2 3"',
}


def _svg(drawn: ReceiptMap, title: str, description: str, number: str, tolerance: float) -> str:
    # Neighbours lie undermost, what decided on top.
    shapes = [_path(shape, tolerance) for shape in reversed(drawn.shapes)]
    ids = f"receipt-map{number}-title", f"receipt-map{number}-text"
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="receipt-map" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'role="img" aria-labelledby="{" ".join(ids)}">',
            f'<title id="{ids[0]}">{escape(title)}</title><desc id="{ids[1]}">{escape(description)}</desc>',
            *shapes,
            *_point(drawn),
            *_labels(drawn),
            _bar(drawn),
            "</svg>",
        ]
    )


def _path(shape: Shape, tolerance: float) -> str:
    simple = shapely.simplify(shape.geometry, tolerance)
    rings = [ring for part in _polygons(simple) for ring in (part.exterior, *part.interiors)]
    data = "".join(filter(None, map(_ring, rings)))
    return f'<path class="is-{shape.kind}" {_LOOKS[shape.kind]} d="{data}"/>' if data else ""


def _polygons(geometry: BaseGeometry) -> list[shapely.Polygon]:
    parts = shapely.get_parts(geometry)
    return [part for part in parts if isinstance(part, shapely.Polygon) and not part.is_empty]


def _ring(ring: Any) -> str:
    """A ring as relative whole pixels: half the length of absolute ones."""
    pixels = np.rint(shapely.get_coordinates(ring)).astype(int)
    steps = np.diff(pixels, axis=0)
    steps = steps[np.any(steps != 0, axis=1)][:-1]
    if len(steps) < 2:
        return ""
    return f"M{pixels[0][0]} {pixels[0][1]}l" + " ".join(f"{x} {y}" for x, y in steps.tolist()) + "z"


def _point(drawn: ReceiptMap) -> list[str]:
    x, y = WIDTH // 2, HEIGHT // 2
    centre = f'cx="{x}" cy="{y}"'
    if drawn.is_coarse:  # anybody knows no more than the cell of about 300 m
        radius = COARSE_M / 2 / drawn.bar_m * drawn.bar_px
        return [f'<circle class="is-cell" {_LOOKS["nearly"]} {centre} r="{radius:.0f}"/>']
    return [
        f'<circle class="is-disc" fill="currentColor" fill-opacity=".12" stroke="currentColor" {centre} '
        f'r="{drawn.disc_px:.1f}"/>',
        f'<circle class="is-point" fill="currentColor" {centre} r="4"/>',
    ]


def _labels(drawn: ReceiptMap) -> list[str]:
    """Names where there is room for them, those that matter most first."""
    free = shapely.box(30, 14, WIDTH - 30, HEIGHT - 34) - _room_of(WIDTH / 2, HEIGHT / 2)
    found: list[str] = []
    for shape in drawn.shapes:
        inside = _polygons(shapely.intersection(shapely.make_valid(shape.geometry), free))
        if len(found) == MOST_LABELS or sum(part.area for part in inside) < LABEL_ROOM:
            continue
        spot = max(inside, key=lambda part: part.area).representative_point()
        free = free - _room_of(spot.x, spot.y)
        name = shape.name if len(shape.name) <= LABEL_LENGTH else shape.name[: LABEL_LENGTH - 1] + "…"
        found.append(
            f'<text class="is-{shape.kind}-name" fill="currentColor" font-size="12" text-anchor="middle" '
            f'x="{spot.x:.0f}" y="{spot.y:.0f}">{escape(name)}</text>'
        )
    return found


def _room_of(x: float, y: float) -> BaseGeometry:
    """The room that a name takes around its middle; no other may begin in it."""
    return shapely.box(x - 2 * _TAKES_SPACE, y - _TAKES_SPACE / 2, x + 2 * _TAKES_SPACE, y + _TAKES_SPACE / 2)


def _bar(drawn: ReceiptMap) -> str:
    y = HEIGHT - 10
    return (
        '<path class="is-bar" fill="none" stroke="currentColor" stroke-width="2" '
        f'd="M10 {y - 4}v4h{drawn.bar_px:.0f}v-4"/>'
        f'<text class="is-bar-name" fill="currentColor" font-size="11" x="12" y="{y - 8}">{drawn.bar_m} m</text>'
    )
