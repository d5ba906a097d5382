"""Knows the ground that no boundary of a layer has, though boundaries stand on its sides."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from geo.crs import Array, LocalFrame

# A wedge open to the outside counts as a gap up to this width; a wider one is water, or another town.
WEDGE_M = 20.0
# Its sides must run along two boundaries for this long each: a corner of the outline is none.
_SIDE_M = 30.0
# Hairlines where an outline is rebuilt from its own offset.
_HAIR_M = 0.05
# Steps of an arc in a quarter turn: wedges need no round corners.
_ARC = 2


def holes(union: BaseGeometry) -> list[BaseGeometry]:
    """Return the ground in no boundary with boundaries all round it, in degrees."""
    return [shapely.Polygon(ring) for part in shapely.get_parts(union) for ring in part.interiors]


def wedges(areas: Sequence[BaseGeometry], union: BaseGeometry) -> list[BaseGeometry]:
    """Return narrow ground between two boundaries that is open to the outside, in degrees.

    What a disc of 10 m cannot reach from outside, with sides of at least 30 m along two areas. Looks only
    where the outlines of two areas come near each other.
    """
    west, south, east, north = union.bounds
    frame = LocalFrame((west + east) / 2, (south + north) / 2)
    plane = [shapely.transform(area, frame.project) for area in areas]
    filled = _filled(shapely.transform(union, frame.project))
    tree = STRtree(plane)
    found: list[BaseGeometry] = []
    for mouth in _mouths(plane, filled):
        found += [part for part in _closed(filled, mouth) if _is_between(part, tree)]
    grown = [shapely.difference(_offset(part, 1.5 * _HAIR_M), filled) for part in found]
    return [shapely.transform(part, lambda xy: _unprojected(xy, frame)) for part in grown]


def _filled(plane: BaseGeometry) -> BaseGeometry:
    polygons = [part for part in shapely.get_parts(plane) if part.geom_type == "Polygon"]
    return shapely.multipolygons([shapely.Polygon(part.exterior) for part in polygons])


def _mouths(plane: Sequence[BaseGeometry], filled: BaseGeometry) -> list[BaseGeometry]:
    """Return patches of the plane where the outline belongs to two areas within the width of a wedge."""
    edges, owners = _edges(plane)
    outline, _ = _edges([filled])
    middles = shapely.line_interpolate_point(outline, 0.5, normalized=True)
    outer, nearest = STRtree(edges).query_nearest(middles, max_distance=_HAIR_M, all_matches=False)
    outline, owner = outline[outer], owners[nearest]
    one, other = STRtree(outline).query(outline, predicate="dwithin", distance=WEDGE_M)
    is_mouth = owner[one] != owner[other]
    if not is_mouth.any():
        return []
    near = shapely.union_all(_offset(outline[np.unique(one[is_mouth])], WEDGE_M))
    return list(shapely.get_parts(near))


def _edges(geometries: Sequence[BaseGeometry]) -> tuple[Any, Any]:
    """Return every edge of these areas as a line of two points, and the position of its area."""
    parts, owner = shapely.get_parts(geometries, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    is_edge = ring[:-1] == ring[1:]
    edges = shapely.linestrings(np.stack((corners[:-1][is_edge], corners[1:][is_edge]), axis=1))
    return edges, owner[part[ring[:-1][is_edge]]]


def _closed(filled: BaseGeometry, mouth: BaseGeometry) -> list[BaseGeometry]:
    """Return what closing the outline by the width of a wedge fills in, inside this patch."""
    west, south, east, north = mouth.bounds
    margin = 3 * WEDGE_M
    window = shapely.clip_by_rect(filled, west - margin, south - margin, east + margin, north + margin)
    reached = _offset(_offset(window, WEDGE_M / 2), -WEDGE_M / 2)
    inside = shapely.difference(reached, _offset(window, _HAIR_M))
    return [part for part in shapely.get_parts(inside) if part.area > _HAIR_M and part.intersects(mouth)]


def _is_between(part: BaseGeometry, tree: STRtree) -> bool:
    reach = 4 * _HAIR_M
    near = tree.query(part, predicate="dwithin", distance=reach)
    west, south, east, north = part.buffer(WEDGE_M).bounds
    sides = [
        shapely.intersection(
            part.exterior, _offset(shapely.clip_by_rect(area, west, south, east, north), reach)
        )
        for area in tree.geometries.take(near)
    ]
    return len([side for side in sides if side.length >= _SIDE_M]) >= 2


def _offset(geometry: Any, metres: float) -> Any:
    return shapely.buffer(geometry, metres, quad_segs=_ARC)


def _unprojected(plane: Array, frame: LocalFrame) -> Array:
    """Return degrees for metres in the plane; a few rounds of correcting a first guess."""
    scale = np.array(frame.metres_per_degree)
    degrees = np.array([frame.lon, frame.lat]) + plane / scale
    for _ in range(4):
        degrees = degrees + (plane - frame.project(degrees)) / scale
    return np.asarray(degrees)
