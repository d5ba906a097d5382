"""Knows the main roads, drawn by hand as a planner would, and the quarters that they and the water enclose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
import shapely.ops
from shapely.geometry.base import BaseGeometry

from portal.demo.lanpu.plane import kilometres, lines, polygons, smooth
from portal.demo.lanpu.terrain import Terrain
from portal.demo.lanpu.write import read_table

OLD_TOWN = (-1.95, 1.95, 1150.0, 980.0)
# Drawn by hand: name, class, control points in kilometres; a closed road repeats its first point.
FILE = Path(__file__).parent / "catalogue" / "roads.csv"
RAIL = ((-14.5, -0.4), (-10.4, -0.5), (-7.6, -1.9), (-4.4, -3.3), (-1.0, -4.2), (1.7, -4.25), (4.2, -3.9), (5.6, -4.4),
                (6.0, -6.0), (5.0, -8.4), (4.8, -11.4))  # fmt: skip
PORT_RAIL = ((5.6, -4.4), (7.0, -5.0), (8.6, -6.2), (9.1, -7.0))


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
    for row in read_table(FILE):
        if row["kilometres"]:
            drawn[row["road"]] = (row["class"], _curve(row["kilometres"]))
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


def _curve(written: str) -> shapely.LineString:
    points = [(float(x), float(y)) for x, y in (pair.split() for pair in written.split(";"))]
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
