"""Knows the ground: coast, river with its island and tributary, lake, hills, and the city's limit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from portal.demo.lanpu.plane import Array, kilometres, polygons, rough, smooth

# Control points in kilometres, x east and y north of the middle.
COAST = (
    (2.0, 30.5), (5.2, 24.0), (4.6, 18.0), (5.6, 13.4), (6.6, 11.6), (7.4, 10.1), (8.6, 9.2), (10.3, 8.6),
    (11.6, 7.3), (11.4, 6.1), (9.9, 5.3), (8.7, 4.3), (8.0, 3.0), (7.9, 1.7), (8.6, 0.7), (8.9, 0.0),
)  # fmt: skip
COAST_SOUTH = (
    (8.7, -1.1), (8.5, -2.0), (9.0, -3.0), (9.9, -4.2), (10.4, -5.6), (10.1, -7.0), (9.0, -8.1),
    (8.7, -9.4), (9.5, -10.8), (10.4, -13.0), (10.1, -17.0), (12.2, -23.0), (11.6, -30.5),
)  # fmt: skip
LIMIT = (
    (16.0, -10.2), (8.2, -10.4), (4.5, -10.9), (0.5, -10.1), (-4.2, -10.7), (-8.5, -9.9), (-11.8, -9.3),
    (-13.6, -6.2), (-13.1, -2.4), (-14.1, 1.2), (-13.4, 4.6), (-12.2, 7.3), (-9.0, 9.3), (-4.4, 9.6),
    (-0.4, 10.5), (3.6, 10.2), (6.2, 11.1), (16.0, 11.3),
)  # fmt: skip
RIVER = (
    (-16.0, 3.6), (-13.4, 2.4), (-11.2, 2.0), (-9.2, 3.2), (-7.2, 3.1), (-5.4, 1.6), (-3.8, 0.2),
    (-1.8, -0.1), (0.2, 0.9), (2.0, 1.7), (3.9, 1.5), (5.5, 0.4), (7.2, -0.3), (9.0, -0.55), (12.5, -0.8),
)  # fmt: skip
BRANCH = (
    (-0.9, 0.25), (0.4, 0.0), (1.8, -0.25), (3.4, -0.35), (4.9, 0.2), (5.8, 0.22),
)  # fmt: skip
TRIBUTARY = (
    (-9.6, -8.6),
    (-8.2, -6.9),
    (-6.3, -5.6),
    (-5.0, -4.3),
    (-5.1, -2.7),
    (-4.0, -1.4),
    (-3.75, 0.15),
)
CREEK = (
    (1.8, 9.6), (2.3, 7.9), (4.2, 6.6), (6.0, 5.9), (7.1, 4.4), (8.6, 3.6),
)  # fmt: skip
LAKE = (-2.35, 5.75, 820.0)
RESERVOIR = (-10.6, -5.2, 560.0)
# Middle in kilometres, height in metres, reach in metres.
HILLS = (
    (-11.0, -6.4, 520, 2300), (-9.0, -7.9, 380, 1700), (-12.4, -3.6, 300, 1500), (-8.6, 7.4, 330, 1900),
    (-5.9, 8.9, 240, 1500), (2.6, 9.1, 230, 1400), (10.1, 7.3, 210, 1150), (-6.1, -1.1, 150, 620),
    (-11.8, 5.4, 220, 1500), (5.4, -9.6, 190, 1300), (9.3, -8.9, 120, 700),
)  # fmt: skip
# Of each quay: north in metres, length into the sea, width.
PIERS = ((-3_300, 620, 150), (-4_000, 700, 190), (-4_800, 720, 210), (-5_700, 640, 230), (-6_600, 560, 170))
MOLE = ((10.1, -2.55), (11.0, -2.7), (11.75, -3.4), (12.0, -4.6), (11.95, -5.5))
# Metres across, from the spring to the mouth.
WIDTHS = {
    "river": (150, 230, 290, 760),
    "branch": (150, 170, 190),
    "tributary": (22, 44, 74),
    "creek": (12, 24, 44),
}
FOOT, MIDDLE, TOP = 58.0, 130.0, 240.0
CELL = 80.0
FRAME = shapely.box(-45_000, -30_000, 45_000, 30_000)
HILLS_WITHIN = (-17_500.0, -13_500.0, 13_500.0, 13_500.0)


@dataclass(frozen=True, slots=True)
class Terrain:
    """The ground in the unwarped plane. `channels` are the middles of running water, widest first."""

    land: shapely.Polygon
    sea: BaseGeometry
    channels: dict[str, shapely.LineString]
    rivers: dict[str, shapely.Polygon]
    lakes: dict[str, shapely.Polygon]
    hills: tuple[shapely.Polygon, ...]
    heights: tuple[BaseGeometry, BaseGeometry, BaseGeometry]
    coast: shapely.LineString
    piers: tuple[shapely.Polygon, ...]

    @property
    def water(self) -> BaseGeometry:
        """All fresh water."""
        return shapely.union_all([*self.rivers.values(), *self.lakes.values()])


def make_terrain(chance: np.random.Generator) -> Terrain:
    """Draw the ground; the same chance draws the same ground."""
    north = rough(smooth(kilometres(COAST)), chance, 150, 1500)
    south = rough(smooth(kilometres(COAST_SOUTH)), chance, 120, 1500)
    limit = rough(smooth(kilometres(LIMIT), 110), chance, 190, 2600)
    coast = np.vstack((north, south))
    mainland = shapely.make_valid(
        shapely.Polygon(np.vstack((coast, [(-60_000, -30_500), (-60_000, 30_500)])))
    )
    land = _largest(shapely.intersection(mainland, shapely.make_valid(shapely.Polygon(limit))))
    channels = _channels(chance)
    rivers = {
        name: _largest(shapely.intersection(_ribbon(line, WIDTHS[name]), mainland))
        for name, line in channels.items()
    }
    lakes = {"lake": _blob(LAKE, chance), "reservoir": _blob(RESERVOIR, chance)}
    heights = [_contour(level) for level in (FOOT, MIDDLE, TOP)]
    away = shapely.union_all([rivers["river"].buffer(260), rivers["tributary"].buffer(14)])
    foot = shapely.difference(shapely.intersection(heights[0], land), away)
    foot = shapely.difference(foot, lakes["reservoir"].buffer(30))
    by_size = sorted(polygons(foot.buffer(-60).buffer(60)), key=lambda one: -one.area)
    hills = tuple(part for part in by_size if part.area > 250_000)
    relief = shapely.difference(shapely.intersection(heights[0], mainland.buffer(-140)), away)
    return Terrain(
        land=land,
        sea=shapely.difference(FRAME, mainland),
        channels=channels,
        rivers=rivers,
        lakes=lakes,
        hills=hills,
        heights=(relief, shapely.intersection(heights[1], relief), shapely.intersection(heights[2], relief)),
        coast=shapely.LineString(coast),
        piers=_piers(shapely.LineString(coast)),
    )


def _channels(chance: np.random.Generator) -> dict[str, shapely.LineString]:
    """The middles of running water; arms meet the river."""
    river, branch = _line(RIVER, chance, 50, 1400), _line(BRANCH, chance, 22, 1200)
    tributary, creek = _line(TRIBUTARY, chance, 75, 900), _line(CREEK, chance, 60, 800)
    branch = _joined(_joined(branch, river).reverse(), river).reverse()
    return {"river": river, "branch": branch, "tributary": _joined(tributary, river), "creek": creek}


def _joined(arm: shapely.LineString, river: shapely.LineString) -> shapely.LineString:
    """The arm led on until it surely meets the river, so that no ground leaks round its end."""
    end = shapely.get_coordinates(arm)[-1]
    nearest = shapely.line_interpolate_point(river, shapely.line_locate_point(river, shapely.Point(end)))
    way = shapely.get_coordinates(nearest)[0] - end
    beyond = end + way * (1 + 3 / max(np.hypot(*way), 1e-6))
    return shapely.LineString([*arm.coords, beyond])


def _piers(coast: shapely.LineString) -> tuple[shapely.Polygon, ...]:
    """Quays of the port, square to the coast, and a mole before them."""
    found = []
    for north, length, wide in PIERS:
        across = shapely.intersection(coast, shapely.LineString([(7_000, north), (12_000, north)]))
        x, y = shapely.get_coordinates(across)[0]
        found.append(shapely.box(x - 150, y - wide / 2, x + length, y + wide / 2))
    mole = shapely.LineString(kilometres(MOLE)).buffer(22, cap_style="flat")
    return (*found, mole)


def _largest(geometry: BaseGeometry) -> shapely.Polygon:
    return max(polygons(geometry), key=lambda one: one.area)


def _line(
    points: tuple[tuple[float, float], ...], chance: np.random.Generator, amplitude: float, wave: float
) -> shapely.LineString:
    return shapely.LineString(rough(smooth(kilometres(points), 70), chance, amplitude, wave))


def _ribbon(line: shapely.LineString, widths: tuple[float, ...]) -> shapely.Polygon:
    """A line as wide as `widths` say along its course, with soft banks."""
    corners = shapely.get_coordinates(line)
    along = np.linspace(0, 1, len(corners))
    wide = np.interp(along, np.linspace(0, 1, len(widths)), widths) / 2
    discs = [shapely.Point(xy).buffer(r, quad_segs=6) for xy, r in zip(corners, wide, strict=True)]
    hulls = [shapely.union(a, b).convex_hull for a, b in pairwise(discs)]
    return _largest(shapely.simplify(shapely.union_all(hulls), 2.0))


def _blob(where: tuple[float, float, float], chance: np.random.Generator) -> shapely.Polygon:
    x, y, radius = where
    turns = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    reach = np.full_like(turns, radius)
    for wave in (2, 3, 5, 7):
        reach *= 1 + chance.uniform(0.05, 0.6 / wave) * np.sin(wave * turns + chance.uniform(0, 6.28))
    return shapely.Polygon(
        np.column_stack((x * 1000 + reach * np.cos(turns) * 1.15, y * 1000 + reach * np.sin(turns) * 0.85))
    )


def height(x: Array, y: Array) -> Array:
    """Metres above the sea of points of the plane."""
    total = np.zeros_like(x)
    fold = np.sin(x / 900 + 1.6 * np.sin(y / 1500)) + np.sin(y / 780 + 1.9 * np.sin(x / 1250))
    fine = np.sin(x / 310 + 1.2 * np.sin(y / 420)) + np.sin(y / 270 - x / 480 + 1.0)
    for east, north, top, reach in HILLS:
        away = np.hypot(x - east * 1000, y - north * 1000)
        total += top * np.exp(-((away / reach) ** 2)) * (1 + 0.3 * fold + 0.12 * fine)
    return total


def _contour(level: float) -> BaseGeometry:
    """The ground above a level, as the cells of a fine lattice with their corners rounded away."""
    west, south, east, north = HILLS_WITHIN
    xs, ys = np.arange(west, east, CELL), np.arange(south, north, CELL)
    grid = height(*np.meshgrid(xs, ys)) >= level
    boxes = []
    for row, y in zip(grid, ys, strict=True):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], row.astype(int), [0]))))
        boxes += [
            shapely.box(xs[a] if a < len(xs) else east, y, west + b * CELL, y + CELL)
            for a, b in zip(edges[::2], edges[1::2], strict=True)
        ]
    soft = shapely.union_all(boxes).buffer(CELL * 0.7).buffer(-CELL * 1.4).buffer(CELL * 0.7)
    return shapely.simplify(soft, 7.0)
