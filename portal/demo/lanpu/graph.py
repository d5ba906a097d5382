"""Knows the planar graph of everything that can be a border: edges of one class each, and the blocks between."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from portal.demo.lanpu.network import Network
from portal.demo.lanpu.plane import Array, lines, metres, polygons, rough, to_degrees
from portal.demo.lanpu.terrain import Terrain

GRID = 0.05
# Which class an edge has where lines of several lie on one another.
RANKS = ("coast", "limit", "river", "express", "main", "stream", "collector", "local", "lane", "field")
LARGE_M2 = 900_000.0
TINY_M2, THIN = 2_500.0, 0.10


@dataclass(frozen=True, slots=True)
class Graph:
    """Edges and blocks in degrees, their corners shared exactly. `plane` are the blocks in metres."""

    edges: list[shapely.LineString]
    classes: list[str]
    blocks: list[shapely.Polygon]
    plane: list[shapely.Polygon]
    neighbours: list[dict[int, dict[str, float]]]
    """For each block: neighbour, and the metres of common border by class."""


def make_graph(terrain: Terrain, network: Network, chance: np.random.Generator) -> Graph:
    """Node all lines together, cut what is large into fields, and find the blocks."""
    layers: dict[str, list[BaseGeometry]] = {
        "coast": [shapely.intersection(terrain.land.exterior, terrain.coast.buffer(1))],
        "limit": [terrain.land.exterior],
        "river": [terrain.channels["river"]],
        "stream": [terrain.channels[name] for name in ("branch", "tributary", "creek")],
        **network.by_class,
    }
    inside = {
        name: [shapely.intersection(each, terrain.land) for each in group] for name, group in layers.items()
    }
    noded = _node(inside)
    inside["field"] = _fields(noded, chance)
    noded = _node(inside)
    classes = _classify(noded, inside)
    edges = [shapely.transform(shapely.segmentize(edge, 90.0), to_degrees) for edge in noded]
    blocks = sorted(polygons(shapely.polygonize(edges)), key=lambda one: one.bounds)
    plane = [metres(block) for block in blocks]
    return Graph(edges, classes, blocks, plane, _neighbours(blocks, edges, classes))


def _node(layers: dict[str, list[BaseGeometry]]) -> list[shapely.LineString]:
    every = [line for group in layers.values() for each in group for line in lines(each)]
    return lines(shapely.union_all(every, grid_size=GRID))


def _classify(edges: list[shapely.LineString], layers: dict[str, list[BaseGeometry]]) -> list[str]:
    """The highest class of which a line runs along an edge."""
    middles = shapely.line_interpolate_point(edges, 0.5, normalized=True)
    found = np.full(len(edges), RANKS[-1], dtype=object)
    for name in reversed(RANKS):
        parts = [line for each in layers.get(name, ()) for line in lines(each)]
        near, _ = shapely.STRtree(parts).query(middles, predicate="dwithin", distance=0.4)
        found[np.unique(near)] = name
    return [str(name) for name in found]


def _fields(edges: list[shapely.LineString], chance: np.random.Generator) -> list[BaseGeometry]:
    """Winding lines that cut large ground into pieces of half a square kilometre or so."""
    found: list[BaseGeometry] = []
    large = [one for one in polygons(shapely.polygonize(edges)) if one.area > LARGE_M2]
    for ground in sorted(large, key=lambda one: one.bounds):
        middles = _scattered(ground, max(3, int(ground.area / 480_000)), chance)
        cells = shapely.voronoi_polygons(
            shapely.MultiPoint(middles), extend_to=ground, only_edges=True, ordered=False
        )
        for edge in sorted(
            lines(shapely.line_merge(shapely.intersection(cells, ground.buffer(400)))),
            key=lambda one: one.bounds,
        ):
            for part in _simple_parts(edge):
                dense = shapely.get_coordinates(shapely.segmentize(part, 45))
                wavy = (
                    shapely.LineString(rough(dense, chance, min(45, part.length * 0.09), 420))
                    if len(dense) > 4
                    else part
                )
                found += [
                    piece
                    for piece in lines(shapely.intersection(wavy, ground.buffer(1.5)))
                    if piece.length > 30
                ]
    return found


def _simple_parts(line: shapely.LineString) -> list[shapely.LineString]:
    corners = shapely.get_coordinates(line)
    return [shapely.LineString(pair) for pair in pairwise(corners)]


def _scattered(ground: shapely.Polygon, number: int, chance: np.random.Generator) -> Array:
    """Points spread about evenly over the ground."""
    west, south, east, north = ground.bounds
    shapely.prepare(ground)
    tried = np.column_stack(
        (chance.uniform(west, east, number * 60), chance.uniform(south, north, number * 60))
    )
    tried = tried[shapely.contains_xy(ground, tried[:, 0], tried[:, 1])]
    kept: Array = tried[:number].copy()
    for _ in range(4):
        owner = np.argmin(((tried[:, None, :] - kept[None, :, :]) ** 2).sum(axis=2), axis=1)
        kept = np.array(
            [
                tried[owner == each].mean(axis=0) if (owner == each).any() else kept[each]
                for each in range(len(kept))
            ]
        )
    return kept


def _neighbours(
    blocks: list[shapely.Polygon], edges: list[shapely.LineString], classes: list[str]
) -> list[dict[int, dict[str, float]]]:
    class_of: dict[tuple[tuple[float, float], tuple[float, float]], str] = {}
    for edge, name in zip(edges, classes, strict=True):
        corners = list(edge.coords)
        for one, other in pairwise(corners):
            class_of[(one, other) if one < other else (other, one)] = name
    owner: dict[tuple[tuple[float, float], tuple[float, float]], int] = {}
    found: list[dict[int, dict[str, float]]] = [defaultdict(lambda: defaultdict(float)) for _ in blocks]
    for position, block in enumerate(blocks):
        for ring in (block.exterior, *block.interiors):
            corners = list(ring.coords)
            for one, other in pairwise(corners):
                key = (one, other) if one < other else (other, one)
                before = owner.setdefault(key, position)
                if before != position:
                    length = float(np.hypot((one[0] - other[0]) * 97_500, (one[1] - other[1]) * 110_860))
                    found[position][before][class_of[key]] += length
                    found[before][position][class_of[key]] += length
    return found


def is_scrap(block: shapely.Polygon) -> bool:
    """Whether a block is too small or too thin to stand for itself."""
    return bool(block.area < TINY_M2) or bool(
        block.area < 60_000 and 12.57 * block.area / block.length**2 < THIN
    )
