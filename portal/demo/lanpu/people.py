"""Knows what stands on each block and how many people live there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from portal.demo.lanpu.graph import Graph
from portal.demo.lanpu.network import grain_of
from portal.demo.lanpu.plane import Array, degrees, polygons
from portal.demo.lanpu.roads import Roads
from portal.demo.lanpu.terrain import Terrain

# People on a square kilometre of dry ground.
DENSITY = {
    "old": 24_000.0,
    "core": 17_500.0,
    "urban": 9_500.0,
    "new": 3_600.0,
    "works": 700.0,
    "rural": 420.0,
    "hill": 35.0,
}
PARK_SHARE = 0.028


@dataclass(frozen=True, slots=True)
class Ground:
    """For each block: its use, the dry part of it (degrees), and its people."""

    use: list[str]
    dry: list[BaseGeometry]
    people: Array


def make_ground(graph: Graph, terrain: Terrain, roads: Roads, chance: np.random.Generator) -> Ground:
    """Judge every block by where it lies; some blocks of the city are parks, some squares of offices."""
    water, hills = degrees(terrain.water), degrees(shapely.union_all(terrain.hills))
    old_town = degrees(roads.old_town)
    shapely.prepare(water)
    shapely.prepare(hills)
    shapely.prepare(old_town)
    wet = np.array([water.intersects(block) for block in graph.blocks])
    uses, dries = [], []
    for block, plane, is_wet in zip(graph.blocks, graph.plane, wet, strict=True):
        dry = shapely.difference(block, water) if is_wet else block
        uses.append(_use(block, plane, dry, hills, old_town, roads, chance))
        dries.append(dry)
    areas = np.array([block.area for block in graph.plane])
    share = np.array([dry.area / block.area for dry, block in zip(dries, graph.blocks, strict=True)])
    dense = np.array([DENSITY.get(use, 0.0) for use in uses])
    people = areas / 1e6 * share * dense * chance.lognormal(-0.06, 0.35, len(areas))
    return Ground(uses, dries, np.round(people))


def _use(
    block: shapely.Polygon,
    plane: shapely.Polygon,
    dry: BaseGeometry,
    hills: BaseGeometry,
    old_town: BaseGeometry,
    roads: Roads,
    chance: np.random.Generator,
) -> str:
    middle = block.representative_point()
    if dry.is_empty or dry.area < 0.12 * block.area:
        return "water"
    if hills.contains(middle):
        return "hill"
    grain = "old" if old_town.contains(middle) else grain_of(plane, roads.old_town)
    grain = "urban" if grain == "old" and not old_town.contains(middle) else grain
    draw = chance.random()
    is_square = 25_000 < plane.area < 260_000 and 12.57 * plane.area / plane.length**2 > 0.5
    if (
        is_square
        and grain in ("old", "core", "urban", "new")
        and draw < PARK_SHARE
        and len(polygons(dry)) == 1
    ):
        return "park"
    if grain in ("core", "urban") and draw > 0.985:
        return "campus"
    if grain == "rural" and plane.area > 1_000_000 and draw > 0.9:
        return "wood"
    return grain
