"""Knows how far many points at once are from the edges of one layer."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from geo.crs import _A, _E2, Array
from geo.edges import _HAIR_M, _POINT, _ROOM, Edges
from geo.lattice import Ints, Lattice, expand

# So many pairs of a point and an edge at a time: some tens of megabytes.
_BLOCK = 1 << 18
# What `near` measures in scaled degrees alone is good to centimetres up to here.
NEAR_LIMIT_M = 500.0
# Beyond these the window around a point may reach over the end of the map.
_FAR_EAST, _FAR_NORTH = 179.0, 85.0


class ManyEdges:
    """The edges of a layer, asked about arrays of points (EPSG:4326 degrees).

    Distances are those of `Edges`, up to the last digit or two, and so are the owners.
    """

    def __init__(self, edges: Edges) -> None:
        self._lines, self._owners = edges.arrays.lines, edges.arrays.owners
        tables = edges.tables
        self._bits = int(tables.bits[0])
        west, south, east, north = self._box = tables.box.tolist()
        self._lattice = Lattice(west, south, east, north, self._bits)
        self._starts, self._refs = tables.starts.astype(np.int64), tables.refs
        self._is_turned = bool(edges.arrays.turn[0])

    def is_plain(self, lon: Array, lat: Array) -> NDArray[np.bool_]:
        """Mark the points that may be asked about: not those beside the poles or the antimeridian."""
        if self._is_turned:
            return np.zeros(lon.size, np.bool_)
        return np.asarray((np.abs(lon) <= _FAR_EAST) & (np.abs(lat) <= _FAR_NORTH), np.bool_)

    def near(self, lon: Array, lat: Array, radius_m: float) -> NDArray[np.bool_]:
        """Mark the points with an edge within a radius (at most NEAR_LIMIT_M); some just beyond it, too."""
        found = np.zeros(lon.size, np.bool_)
        reach = radius_m * _ROOM + _HAIR_M
        scales = _scales(lat)
        for at, refs in self._pairs(lon, lat, reach, scales):
            x, y = self._approach(at, refs, lon, lat, scales)
            found[at[x * x + y * y <= reach * reach]] = True
        return found

    def nearest(self, lon: Array, lat: Array, owners: Ints, limit_m: float) -> Array:
        """Return the metres from each point to the nearest edge of its owner; inf beyond the limit (200 m)."""
        metres = np.full(lon.size, np.inf)
        reach2 = (limit_m * _ROOM + _HAIR_M) ** 2
        scales = _scales(lat)
        for at, refs in self._pairs(lon, lat, limit_m, scales):
            own = np.flatnonzero((self._owners[refs] == owners[at][:, None]).any(axis=1))
            at, refs = at[own], refs[own]
            if not at.size:
                continue
            x, y = self._approach(at, refs, lon, lat, scales)
            best = _least(at, x * x + y * y)
            best = best[x[best] ** 2 + y[best] ** 2 <= reach2]
            at = at[best]
            metres[at] = _metres(x[best] / scales[0][at], y[best] / scales[1][at], lat[at])
        metres[metres > limit_m] = np.inf
        return metres

    def _approach(
        self, at: Ints, refs: NDArray[np.int32], lon: Array, lat: Array, scales: tuple[Array, Array]
    ) -> tuple[Array, Array]:
        """Return x and y in metres of the place where each edge comes nearest to its point."""
        lines = self._lines.take(refs, axis=0)
        x_scale, y_scale = scales[0][at], scales[1][at]
        x, y = (lines[:, 0] - lon[at]) * x_scale, (lines[:, 1] - lat[at]) * y_scale
        dx, dy = lines[:, 2] * x_scale, lines[:, 3] * y_scale
        share = (x * dx + y * dy) / np.maximum(dx * dx + dy * dy, _POINT)
        share = np.minimum(np.maximum(share, -1.0), 0.0)
        return x - share * dx, y - share * dy

    def _pairs(
        self, lon: Array, lat: Array, radius_m: float, scales: tuple[Array, Array]
    ) -> Iterator[tuple[Ints, NDArray[np.int32]]]:
        """Yield (position of the point, edge) for all edges that may lie within the radius, a block at a time.

        The pairs of one point stand together in one block, points in rising order.
        """
        at, begins, sizes = self._ranges(lon, lat, radius_m, scales)
        if not at.size:
            return
        is_first = np.concatenate(([True], at[1:] != at[:-1]))
        block = ((np.cumsum(sizes) - sizes) // _BLOCK)[np.flatnonzero(is_first)][np.cumsum(is_first) - 1]
        for part in np.split(np.arange(at.size), np.flatnonzero(np.diff(block)) + 1):
            where, step = expand(sizes[part])
            yield at[part][where], self._refs[begins[part][where] + step]

    def _ranges(
        self, lon: Array, lat: Array, radius_m: float, scales: tuple[Array, Array]
    ) -> tuple[Ints, Ints, Ints]:
        """Return (position of the point, first place in the list of edges, how many) by row of the grid."""
        d_lat = radius_m / scales[1] * 1.001
        across = np.maximum(np.cos(np.radians(np.minimum(np.abs(lat) + d_lat, 90.0))), 1e-9)
        d_lon = np.minimum(radius_m / (np.radians(_A) * across) * 1.001, 180.0)
        west, south, east, north = self._box
        meets = (
            (lon - d_lon <= east) & (lon + d_lon >= west) & (lat - d_lat <= north) & (lat + d_lat >= south)
        )
        points = np.flatnonzero(meets)
        lon, lat, d_lon, d_lat = lon[points], lat[points], d_lon[points], d_lat[points]
        width, height = self._lattice.cell_width, self._lattice.cell_height
        side = (1 << self._bits) - 1
        first, last = _cells(lon - d_lon - west, width, side), _cells(lon + d_lon - west, width, side)
        low, high = _cells(lat - d_lat - south, height, side), _cells(lat + d_lat - south, height, side)
        at, step = expand(high - low + 1)
        row = (low[at] + step) << self._bits
        begins, ends = self._starts[row + first[at]], self._starts[row + last[at] + 1]
        full = np.flatnonzero(ends > begins)
        return points[at[full]], begins[full], (ends - begins)[full]


def _cells(offset: Array, size: float, most: int) -> Ints:
    return np.clip((offset / size).astype(np.int64), 0, most)


def _scales(lat: Array) -> tuple[Array, Array]:
    """Return the metres in a degree of longitude and of latitude, as LocalFrame has them."""
    sine = np.sin(np.radians(lat))
    curvature = 1.0 - _E2 * sine * sine
    prime_vertical = _A / np.sqrt(curvature)
    across = np.maximum(prime_vertical * np.cos(np.radians(lat)), 1e-6)
    return np.radians(across), np.radians(prime_vertical * (1.0 - _E2) / curvature)


def _metres(d_lon: Array, d_lat: Array, lat: Array) -> Array:
    """Return the metres to places so many degrees off, as LocalFrame.metres_away does."""
    d_lon, d_lat = np.radians(d_lon), np.radians(d_lat)
    middle = np.radians(lat) + d_lat / 2
    sine, cosine = np.sin(middle), np.cos(middle)
    curvature = 1.0 - _E2 * sine * sine
    prime_vertical = _A / np.sqrt(curvature)
    east = prime_vertical * cosine * d_lon * (1 - (d_lon * sine) ** 2 / 24 + d_lat**2 / 24)
    north = prime_vertical * (1.0 - _E2) / curvature * d_lat * (1 - d_lon**2 * (2 + cosine**2) / 24)
    return np.asarray(np.hypot(east, north), np.float64)


def _least(groups: Ints, values: Array) -> Ints:
    """Return where each run of equal `groups` has its least value, the first of equals."""
    starts = np.concatenate(([0], np.flatnonzero(np.diff(groups)) + 1))
    sizes = np.diff(np.concatenate((starts, [groups.size])))
    least = np.flatnonzero(values == np.repeat(np.minimum.reduceat(values, starts), sizes))
    return least[np.concatenate(([True], np.diff(groups[least]) != 0))]
