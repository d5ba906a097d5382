"""Knows the main roads, drawn by hand as a planner would, and the quarters that they and the water enclose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
import shapely.ops
from shapely.geometry.base import BaseGeometry

from portal.demo.lanpu.plane import kilometres, lines, polygons, smooth
from portal.demo.lanpu.terrain import Terrain

Points = tuple[tuple[float, float], ...]
OLD_TOWN = (-1.95, 1.95, 1150.0, 980.0)
# Name, class, control points in kilometres; a closed road repeats its first point.
ROADS: tuple[tuple[str, str, Points], ...] = (
    ("inner-ring", "main", ((-4.1, 3.7), (-1.6, 4.15), (1.4, 4.05), (4.1, 3.5), (5.2, 2.2), (5.0, 0.4), (4.7, -1.9),
                            (2.6, -3.3), (-0.4, -3.4), (-2.9, -2.7), (-3.6, -1.2), (-4.9, 1.0), (-4.1, 3.7))),
    ("outer-ring", "express", ((-8.3, 4.9), (-5.5, 7.1), (-1.6, 7.5), (2.6, 7.0), (5.7, 5.4), (7.1, 2.9), (7.0, 0.2),
                               (6.7, -3.2), (4.9, -6.2), (1.2, -7.5), (-3.2, -7.3), (-6.9, -4.6), (-8.3, -2.2), (-9.2, 1.4), (-8.3, 4.9))),
    ("axis-north", "main", ((-0.4, 10.4), (-0.3, 8.6), (-0.2, 6.2), (0.1, 4.1), (0.35, 1.0), (0.5, -1.6), (0.6, -5.2), (0.3, -10.0))),
    ("axis-east", "main", ((3.3, 10.1), (3.1, 7.0), (2.9, 4.0), (2.8, 0.6), (2.9, -3.2), (3.1, -6.9), (3.0, -10.3))),
    ("axis-west", "main", ((-6.4, 9.2), (-6.3, 6.7), (-6.6, 2.7), (-7.0, -1.0), (-6.6, -4.9))),
    ("town-west", "main", ((-3.9, 9.4), (-3.7, 6.6), (-3.5, 3.85), (-3.4, 1.9), (-3.0, -0.3), (-2.6, -2.8), (-2.4, -7.4), (-2.8, -10.3))),
    ("north-road", "main", ((-13.2, 4.9), (-9.8, 4.5), (-6.5, 4.7), (-3.4, 4.75), (-0.2, 4.95), (3.0, 5.1), (6.2, 4.6), (9.2, 4.8))),
    ("market-road", "main", ((-4.3, 2.95), (-3.0, 3.05), (-1.9, 3.0), (0.2, 2.75), (2.8, 2.8), (5.2, 2.3), (8.0, 2.2))),
    ("cross-road", "main", ((-9.3, 0.6), (-6.9, 0.3), (-4.6, -0.9), (-2.8, -1.15), (0.5, -1.3), (2.85, -1.35), (4.9, -1.2), (6.9, -1.4), (8.6, -1.7))),
    ("south-road", "main", ((-6.8, -4.7), (-5.0, -4.95), (-2.5, -5.0), (0.6, -5.15), (3.0, -5.0), (5.7, -5.1), (8.2, -5.4), (10.3, -5.6))),
    ("north-east", "main", ((2.9, 4.0), (4.6, 5.3), (6.1, 7.4), (6.4, 9.4), (6.1, 11.2))),
    ("harbour-road", "express", ((4.7, -1.9), (5.8, -3.0), (6.9, -4.2), (7.8, -5.7), (8.2, -7.4), (7.2, -9.2), (6.8, -10.7))),
    ("south-west", "main", ((-2.9, -2.7), (-4.3, -4.0), (-5.3, -5.9), (-6.4, -8.0), (-7.0, -10.2))),
    ("north-west", "main", ((-4.1, 3.7), (-5.5, 5.1), (-7.1, 6.0), (-9.6, 6.3), (-12.8, 7.0))),
    ("west-road", "main", ((-9.2, 1.4), (-10.8, 1.0), (-12.4, 0.6), (-14.2, 0.7))),
    ("mill-road", "main", ((-13.4, -1.4), (-10.6, -1.6), (-8.3, -2.2), (-5.5, -2.4), (-2.7, -2.0))),
    ("south-field", "main", ((-10.2, -9.6), (-6.4, -8.9), (-2.7, -8.9), (0.4, -8.7), (3.0, -8.6), (5.2, -8.2), (8.2, -7.4))),
)  # fmt: skip
RAIL: Points = ((-14.5, -0.4), (-10.4, -0.5), (-7.6, -1.9), (-4.4, -3.3), (-1.0, -4.2), (1.7, -4.25), (4.2, -3.9), (5.6, -4.4),
                (6.0, -6.0), (5.0, -8.4), (4.8, -11.4))  # fmt: skip
PORT_RAIL: Points = ((5.6, -4.4), (7.0, -5.0), (8.6, -6.2), (9.1, -7.0))


@dataclass(frozen=True, slots=True)
class Roads:
    """Main roads of the plane by name, with their class; the old town's ring; quarters between them."""

    by_name: dict[str, tuple[str, BaseGeometry]]
    rail: tuple[shapely.LineString, ...]
    old_town: shapely.Polygon
    quarters: tuple[shapely.Polygon, ...]


def make_roads(terrain: Terrain) -> Roads:
    """Lay the main roads over the ground, and those that follow river and coast."""
    land = terrain.land
    drawn: dict[str, tuple[str, BaseGeometry]] = {}
    wet = shapely.union_all([terrain.rivers["river"], terrain.rivers["branch"]])
    for name, kind, points in ROADS:
        drawn[name] = (kind, _curve(points))
    for name, side in (("riverside-north", 1), ("riverside-south", -1)):
        drawn[name] = ("main", _bank(terrain, wet, side))
    drawn["coast-road"] = ("main", _coast_road(terrain))
    x, y, wide, high = OLD_TOWN
    turns = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    reach = 1 + 0.045 * np.sin(3 * turns + 0.7) + 0.03 * np.sin(5 * turns)
    ring = np.column_stack((x * 1000 + wide * reach * np.cos(turns), y * 1000 + high * reach * np.sin(turns)))
    old_town = shapely.Polygon(ring)
    drawn["wall-road"] = ("collector", old_town.exterior)
    inside = {
        name: (kind, shapely.intersection(_reaching(line, land), land))
        for name, (kind, line) in drawn.items()
    }
    edges = [line for _, line in inside.values()] + [
        land.exterior,
        terrain.channels["river"],
        terrain.channels["branch"],
    ]
    quarters = polygons(shapely.polygonize([shapely.union_all(edges)]))
    order = sorted(quarters, key=lambda one: (one.centroid.x, one.centroid.y))
    rail = tuple(shapely.LineString(smooth(kilometres(points), 80)) for points in (RAIL, PORT_RAIL))
    return Roads(
        inside,
        rail,
        old_town,
        tuple(shapely.intersection(one, land) for one in order if one.within(land.buffer(1))),
    )


def _reaching(line: BaseGeometry, land: shapely.Polygon) -> BaseGeometry:
    """A road that ends near the city's limit goes on across it."""
    corners = shapely.get_coordinates(line)
    if np.array_equal(corners[0], corners[-1]):
        return line
    for end, before in ((0, 3), (-1, -4)):
        if land.exterior.distance(shapely.Point(corners[end])) < 900:
            way = corners[end] - corners[before]
            further = corners[end] + way / np.hypot(*way) * 1000
            corners = np.vstack((further, corners) if end == 0 else (corners, further))
    return shapely.LineString(corners)


def _curve(points: Points) -> shapely.LineString:
    if points[0] == points[-1]:
        return shapely.LineString(smooth(kilometres(points[:-1]), 80, is_closed=True))
    return shapely.LineString(smooth(kilometres(points), 80))


def _bank(terrain: Terrain, wet: BaseGeometry, side: int) -> BaseGeometry:
    """The road along one bank, a little way from the water, where the city is."""
    shores = shapely.union(wet, shapely.Polygon(_ring_of_island(terrain)).buffer(1)).buffer(260).buffer(-120)
    middle = terrain.channels["river"]
    rim = max(polygons(shores), key=lambda one: one.area).exterior
    corners = shapely.get_coordinates(shapely.segmentize(rim, 60))
    nearest = shapely.line_interpolate_point(
        middle, shapely.line_locate_point(middle, shapely.points(corners))
    )
    ahead = shapely.line_interpolate_point(
        middle, shapely.line_locate_point(middle, shapely.points(corners)) + 50
    )
    here, there = shapely.get_coordinates(nearest), shapely.get_coordinates(ahead)
    way, away = there - here, corners - here
    is_side = (way[:, 0] * away[:, 1] - way[:, 1] * away[:, 0]) * side > 0
    is_city = (corners[:, 0] > -9600) & (corners[:, 0] < 8500)
    kept = corners[is_side & is_city]
    order = np.argsort(shapely.line_locate_point(middle, shapely.points(kept)), kind="stable")
    line = shapely.simplify(shapely.LineString(kept[order]), 12)
    return shapely.LineString(smooth(shapely.get_coordinates(line), 70))


def _ring_of_island(terrain: Terrain) -> list[tuple[float, float]]:
    """A ring around the island: out along one arm of the river, back along the other."""
    branch = list(terrain.channels["branch"].coords)
    river = terrain.channels["river"]
    ends = sorted(shapely.line_locate_point(river, shapely.points([branch[0], branch[-1]])))
    arm = shapely.ops.substring(river, *ends)
    return [*branch, *reversed(list(arm.coords))]


def _coast_road(terrain: Terrain) -> BaseGeometry:
    inland = terrain.land.buffer(-330).buffer(180).buffer(-180)
    rim = shapely.union_all([one.exterior for one in polygons(inland)])
    near = shapely.intersection(rim, terrain.coast.buffer(520))
    parts = lines(shapely.line_merge(near)) if near.geom_type != "LineString" else [near]
    longest = max(parts, key=lambda one: one.length)
    corners = shapely.get_coordinates(shapely.simplify(longest, 40))
    return shapely.LineString(smooth(corners, 80))
