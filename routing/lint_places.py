"""Knows the pieces that a city's layers cut the map into: which boundaries hold each, and its area."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry

from geo.boundary import Layer
from geo.crs import LocalFrame
from geo.index import PointIndex

# Pieces under this many square metres are slivers between neighbours: no report is told by them.
SLIVER_M2 = 400.0


@dataclass(frozen=True, slots=True)
class Piece:
    """Places that lie in the same boundaries: `hits` are (layer, code), sorted; `geometry` in EPSG:4326.

    A report without a place is a piece with neither hits nor geometry.
    """

    hits: frozenset[tuple[str, str]]
    geometry: BaseGeometry | None = None
    area_m2: float = 0.0


NOWHERE = Piece(frozenset())


@dataclass(frozen=True, slots=True)
class Places:
    """Every piece of the map inside the required layers, with the attributes of boundaries."""

    pieces: tuple[Piece, ...]
    attributes: Mapping[tuple[str, str], Mapping[str, str]]


def cut_places(layers: Sequence[Layer], wanted: Collection[str], index: PointIndex | None = None) -> Places:
    """Cut the map along the borders of the `wanted` area layers (and of those a report must lie in).

    Points exactly on a border, and those snapped across one, are left out, and so are slivers.
    """
    used = [layer for layer in layers if layer.is_area and (layer.required or layer.name in wanted)]
    required = {layer.name for layer in used if layer.required}
    index = PointIndex.build(used) if index is None else index
    names = {layer.name for layer in used}
    found: defaultdict[frozenset[tuple[str, str]], list[BaseGeometry]] = defaultdict(list)
    for face in _faces(used):
        inside = face.representative_point()
        hits = frozenset(
            (hit.layer, hit.code) for hit in index.covering(inside.x, inside.y) if hit.layer in names
        )
        if hits and required <= {layer for layer, _ in hits}:
            found[hits].append(face)
    attributes = {
        (layer.name, boundary.code): boundary.attributes for layer in used for boundary in layer.boundaries
    }
    return Places(tuple(_pieces(found)), attributes)


def area_m2(geometry: BaseGeometry) -> float:
    """Return the area of a geometry in square metres, in a plane at its middle."""
    middle = geometry.centroid
    frame = LocalFrame(middle.x, middle.y)
    return float(shapely.transform(geometry, frame.project).area)


def _faces(layers: Sequence[Layer]) -> list[BaseGeometry]:
    borders = [boundary.geometry.boundary for layer in layers for boundary in layer.boundaries]
    if not borders:
        return []
    lines = shapely.union_all(borders)
    return list(shapely.polygonize([lines]).geoms)


def _pieces(found: Mapping[frozenset[tuple[str, str]], list[BaseGeometry]]) -> list[Piece]:
    pieces = []
    for hits in sorted(found, key=sorted):
        geometry = shapely.union_all(found[hits])
        area = area_m2(geometry)
        if area >= SLIVER_M2:
            pieces.append(Piece(hits, geometry, area))
    return pieces
