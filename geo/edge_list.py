"""Knows the straight edges that geometries consist of, and whose they are."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.crs import Array
from geo.lattice import Ints

_HALF = 180.0


def collect_edges(geometries: Sequence[BaseGeometry]) -> tuple[Array, Ints]:
    """Return start and end of each edge (N x 4 degrees, areas on the left) and its owner's position (N).

    Rings of polygons, lines, and points, which count as edges of no length.
    """
    chunks: list[Array] = []
    owners: list[int] = []
    for owner, geometry in enumerate(geometries):
        for line in _lines(geometry):
            points = shapely.get_coordinates(line)
            chunks.append(np.hstack((points[:-1], points[1:])) if len(points) > 1 else np.tile(points, 2))
            owners.append(owner)
    if not chunks:
        return np.empty((0, 4)), np.empty(0, np.int64)
    return np.vstack(chunks), np.repeat(np.array(owners, np.int64), [len(chunk) for chunk in chunks])


def share_lines(
    edges: Array, owners: Ints, signs: NDArray[np.int8]
) -> tuple[Array, NDArray[np.int32], NDArray[np.int8]]:
    """Return each edge (N x 4) once for every two owners that have it: edges, owners and signs (N x 2 each).

    A place without an owner has -1 and the sign 0. The order is that in which edges first come.
    """
    alike = np.lexsort(edges.T)
    is_new = np.ones(len(edges), np.bool_)
    is_new[1:] = (edges[alike[1:]] != edges[alike[:-1]]).any(axis=1)
    begins = np.flatnonzero(is_new)
    place = (np.arange(len(edges)) - begins[np.cumsum(is_new) - 1]) % 2
    firsts = alike[place == 0]
    rank = np.argsort(np.argsort(firsts))
    at = rank[np.cumsum(place == 0) - 1]
    pairs, pair_signs = np.full((firsts.size, 2), -1, np.int32), np.zeros((firsts.size, 2), np.int8)
    pairs[at, place], pair_signs[at, place] = owners[alike], signs[alike]
    return edges[np.sort(firsts)], pairs, pair_signs


def is_descending(edges: Array) -> NDArray[np.bool_]:
    """Mark the edges that run west, or due south."""
    x1, y1, x2, y2 = edges.T
    return np.asarray((x1 > x2) | ((x1 == x2) & (y1 > y2)), np.bool_)


def is_falling(edges: Array) -> NDArray[np.bool_]:
    """Mark the edges that run south, or due west."""
    x1, y1, x2, y2 = edges.T
    return np.asarray((y1 > y2) | ((y1 == y2) & (x1 > x2)), np.bool_)


def without_seams(edges: Array, owners: Ints) -> tuple[Array, Ints]:
    """Take out what only comes from splitting at ±180°: the stretches that lie on both sides of one owner.

    What the owner has on one side only is a border and stays.
    """
    on_east = (edges[:, 0] == _HALF) & (edges[:, 2] == _HALF) & (edges[:, 1] != edges[:, 3])
    on_west = (edges[:, 0] == -_HALF) & (edges[:, 2] == -_HALF) & (edges[:, 1] != edges[:, 3])
    split = np.intersect1d(owners[on_east], owners[on_west])
    is_split = (on_east | on_west) & np.isin(owners, split)
    chunks, kept_owners = [edges[~is_split]], [owners[~is_split]]
    for owner in split.tolist():
        east, west = (_meridian(edges[side & (owners == owner)]) for side in (on_east, on_west))
        # Areas lie to the left: along 180° east their edges run north, along 180° west they run south.
        border = [(_HALF, y1, _HALF, y2) for y1, y2 in _stretches(east.difference(west))]
        border += [(-_HALF, y2, -_HALF, y1) for y1, y2 in _stretches(west.difference(east))]
        if border:
            chunks.append(np.array(border))
            kept_owners.append(np.full(len(border), owner, np.int64))
    return np.vstack(chunks), np.concatenate(kept_owners)


def _meridian(edges: Array) -> BaseGeometry:
    """Return stretches of a meridian as one geometry on x = 0, so that both sides can be compared."""
    upright = [shapely.LineString([(0.0, y1), (0.0, y2)]) for y1, y2 in edges[:, [1, 3]].tolist()]
    return shapely.union_all(upright)


def _stretches(meridian: BaseGeometry) -> list[tuple[float, float]]:
    """Return the stretches of a meridian from south to north."""
    found = []
    for line in shapely.get_parts(meridian):
        south, north = line.bounds[1], line.bounds[3]
        if south < north:
            found.append((south, north))
    return found


def _lines(geometry: BaseGeometry) -> list[BaseGeometry]:
    if geometry.geom_type == "Polygon":
        oriented = shapely.orient_polygons(geometry)
        return [oriented.exterior, *oriented.interiors]
    if hasattr(geometry, "geoms"):
        return [line for part in geometry.geoms for line in _lines(part)]
    return [geometry]
