"""Knows what shapely itself says about points in geometries: the judge wherever a table cannot decide."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from geo.crs import Array
from geo.lattice import Ints


class ExactCover:
    """shapely's `covers` for many points and geometries; owners are positions in the list given.

    Geometries are prepared when first asked about, so an index that is only loaded costs nothing here.
    """

    __slots__ = ("_geometries", "_lock", "_ready", "_tree")

    def __init__(self, geometries: Sequence[BaseGeometry]) -> None:
        """Keep the geometries, which nobody else may change."""
        self._geometries: Any = np.array(geometries, dtype=object)
        self._tree = STRtree(self._geometries)
        self._ready: NDArray[np.bool_] = np.zeros(len(geometries), bool)
        self._lock = threading.Lock()

    def covering(self, lon: float, lat: float) -> Ints:
        """Return the owners that cover one point, ascending."""
        # The tree looks at the envelope only, and a box is quicker to make than a Point.
        candidates = np.sort(self._tree.query(shapely.box(lon, lat, lon, lat)))
        if not candidates.size:
            return candidates.astype(np.int64)
        self._prepare(candidates)
        covers = shapely.intersects_xy(self._geometries[candidates], lon, lat)
        return np.asarray(candidates[covers], np.int64)

    def covering_many(self, lon: Array, lat: Array) -> tuple[Ints, Ints]:
        """Return pairs (position of the point, owner) that cover, sorted."""
        finite = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
        points, owners = self._tree.query(shapely.points(lon[finite], lat[finite]))
        points = finite[points]
        self._prepare(np.unique(owners))
        is_covered = np.zeros(points.size, bool)
        # One boundary at a time, so that each prepared geometry meets all its points in one call.
        order = np.argsort(owners, kind="stable")
        for chunk in np.split(order, np.flatnonzero(np.diff(owners[order])) + 1):
            if chunk.size:
                geometry, at = self._geometries[owners[chunk[0]]], points[chunk]
                is_covered[chunk] = shapely.intersects_xy(geometry, lon[at], lat[at])
        points, owners = points[is_covered], owners[is_covered]
        order = np.lexsort((owners, points))
        return points[order].astype(np.int64), owners[order].astype(np.int64)

    def _prepare(self, owners: Ints) -> None:
        if self._ready[owners].all():
            return
        with self._lock:
            for owner in owners[~self._ready[owners]]:
                geometry = self._geometries[owner]
                shapely.prepare(geometry)
                # GEOS builds the locator at the first question, unguarded: ask it before threads can meet.
                west, south, east, north = geometry.bounds
                shapely.intersects_xy(geometry, (west + east) / 2, (south + north) / 2)
                self._ready[owner] = True
