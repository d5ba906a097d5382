"""Knows the smaller streets: a grid for each quarter, at its own angle and as dense as its part of the city."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from portal.demo.lanpu.plane import lines, polygons
from portal.demo.lanpu.roads import Roads
from portal.demo.lanpu.terrain import Terrain

REACH = 1.5  # metres that a street goes on past what it ends at, so that both surely meet


@dataclass(frozen=True, slots=True)
class Grain:
    """How fine the streets of a quarter are: metres between collectors, between streets, share of them built."""

    collector: float
    local: float
    share: float
    kind: str


GRAINS = {
    "old": Grain(330.0, 105.0, 0.86, "lane"),
    "core": Grain(480.0, 165.0, 0.9, "local"),
    "urban": Grain(560.0, 205.0, 0.84, "local"),
    "new": Grain(640.0, 270.0, 0.7, "local"),
    "works": Grain(760.0, 400.0, 0.7, "local"),
    "rural": Grain(1500.0, 0.0, 0.0, "lane"),
}


@dataclass(frozen=True, slots=True)
class Network:
    """Every line that can part two blocks, by class, in the plane; noded later, all together."""

    by_class: dict[str, list[BaseGeometry]]
    quarters: list[tuple[shapely.Polygon, str, float]]


def make_network(terrain: Terrain, roads: Roads, chance: np.random.Generator) -> Network:
    """Lay collectors and streets into each quarter, fields and woods into the rest."""
    found: dict[str, list[BaseGeometry]] = {
        name: [] for name in ("express", "main", "collector", "local", "lane", "field")
    }
    for kind, line in roads.by_name.values():
        found[kind] += lines(line)
    closed = shapely.union_all([terrain.water.buffer(12), *(hill.buffer(25) for hill in terrain.hills)])
    strips = shapely.union_all([terrain.rivers["river"].buffer(120), terrain.rivers["branch"].buffer(100)])
    quarters: list[tuple[shapely.Polygon, str, float]] = []
    for quarter in roads.quarters:
        angle = _angle(quarter) + (chance.choice((-24, 18, 32)) if chance.random() < 0.3 else 0)
        for part in _parts(shapely.difference(quarter, closed), roads.old_town):
            if part.area < 15_000 or part.intersection(strips).area > 0.75 * part.area:
                continue
            kind = grain_of(part, roads.old_town)
            quarters.append((part, kind, angle))
            _fill(part, kind, angle + chance.normal(0, 3), found, chance)
    for hill in terrain.hills:
        foot = shapely.difference(shapely.simplify(hill.exterior, 18), terrain.land.exterior.buffer(60))
        found["lane"] += [line for line in lines(foot) if line.length > 200]
    return Network(found, quarters)


def grain_of(part: BaseGeometry, old_town: shapely.Polygon) -> str:
    """How a part of the city is built, from where it lies."""
    middle = part.representative_point()
    x, y = middle.x / 1000, middle.y / 1000
    if old_town.contains(middle):
        return "old"
    if x > 6.3 and y < -2.4:
        return "works"
    away = np.hypot((x + 0.2) / 5.1, (y - 0.2) / 4.0)
    if away < 1:
        return "core"
    if np.hypot((x + 0.9) / 8.3, y / 7.5) < 1:
        return "urban"
    towns = ((7.6, 3.6, 3.4), (6.8, 7.2, 2.2), (-10.8, 1.2, 1.8), (-1.6, -8.4, 2.3), (3.4, 8.2, 1.6))
    if any(np.hypot(x - east, y - north) < reach for east, north, reach in towns):
        return "new"
    return "rural"


def _parts(ground: BaseGeometry, old_town: shapely.Polygon) -> list[shapely.Polygon]:
    inner = polygons(shapely.intersection(ground, old_town))
    return polygons(shapely.difference(ground, old_town)) + inner


def _angle(quarter: shapely.Polygon) -> float:
    """The direction of the quarter's longer side, in degrees."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(quarter))
    one, other = corners[1] - corners[0], corners[2] - corners[1]
    longer = one if np.hypot(*one) >= np.hypot(*other) else other
    return float(np.degrees(np.arctan2(longer[1], longer[0])) % 90)


def _fill(
    part: shapely.Polygon,
    kind: str,
    angle: float,
    found: dict[str, list[BaseGeometry]],
    chance: np.random.Generator,
) -> None:
    grain = GRAINS[kind]
    level = affinity.rotate(part, -angle, origin=(0, 0))
    open_ground = level.buffer(REACH)
    across = _rules(level.bounds, grain.collector, chance)
    name = "lane" if kind == "rural" else "collector"
    collectors = [piece for line in across for piece in _pieces(line, open_ground, 160)]
    found[name] += [affinity.rotate(line, angle, origin=(0, 0)) for line in collectors]
    if not grain.local:
        return
    cells = polygons(shapely.polygonize([shapely.union_all([level.exterior, *collectors])]))
    for cell in sorted(cells, key=lambda one: (round(one.centroid.x), round(one.centroid.y))):
        if cell.area < 1.6 * grain.local**2 or not level.buffer(1).contains(cell.representative_point()):
            continue
        if chance.random() < (0.05 if kind in ("old", "core") else 0.12):
            continue  # a walled compound, a school, a factory: one large block
        inner = [
            piece
            for line in _rules(cell.bounds, grain.local, chance, grain.share)
            for piece in _pieces(line, cell.buffer(REACH), 70)
        ]
        found[grain.kind] += [affinity.rotate(line, angle, origin=(0, 0)) for line in inner]


def _rules(
    bounds: tuple[float, ...], step: float, chance: np.random.Generator, share: float = 1.0
) -> list[shapely.LineString]:
    """Lines both ways through a box, about `step` metres apart; `share` of them is drawn."""
    west, south, east, north = bounds
    ruled = []
    for start, end, is_upright in ((west, east, True), (south, north, False)):
        number = round((end - start) / (step * (1.0 if is_upright else 1.15)))
        for position in range(1, number):
            at = start + (end - start) * position / number + chance.normal(0, step * 0.09)
            if chance.random() < share:
                ends = [(at, south - 5), (at, north + 5)] if is_upright else [(west - 5, at), (east + 5, at)]
                ruled.append(shapely.LineString(ends))
    return ruled


def _pieces(line: shapely.LineString, ground: BaseGeometry, shortest: float) -> list[shapely.LineString]:
    return [piece for piece in lines(shapely.intersection(line, ground)) if piece.length >= shortest]
