"""Knows every edge of a layer's boundaries, how far a point is from them, and what they cut off a disc."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.crs import Array, LocalFrame
from geo.edge_grid import EdgeGrid, EdgeTables, build_edge_tables
from geo.edge_list import collect_edges, is_descending, without_seams
from geo.lattice import Ints

# Square metres under which an edge is a point; far below what any pair of different degrees spans.
_POINT = 1e-30
_WORLD = 360.0
# Up to here scaled degrees and the azimuthal plane agree so well that the nearest in one is it in both.
_FLAT_M = 200.0
_ROOM, _HAIR_M = 1.01, 1e-3
# So few edges are quicker one by one.
_FEW = 64
_Place: TypeAlias = tuple[float, float, float]


class EdgeArrays(NamedTuple):
    """The edges of a layer, as arrays that can be written to a file.

    `lines` (N x 4): x and y of the start, dx, dy, in degrees; x runs from 0 to 360 in a layer that spans
    more than half the globe. `owners`, and `signs`: +1 where the owner's area is to the left.
    """

    lines: Array
    owners: Ints
    signs: Array
    turn: Array


class Edges:
    """The straight edges (in degrees) of a list of geometries: rings of polygons, lines, points.

    A point counts as an edge of no length. Owners are positions in the list given.
    """

    __slots__ = (
        "_few_lines", "_few_owners", "_grid", "_is_turned", "_lines", "_owners", "_signs", "arrays", "tables",
    )  # fmt: skip

    arrays: EdgeArrays
    tables: EdgeTables

    def __init__(self, geometries: Sequence[BaseGeometry]) -> None:
        """Collect the edges; areas are to the left of an edge whose sign is +1."""
        coordinates, owners = without_seams(*collect_edges(geometries))
        turn = _turned(coordinates)
        # Two neighbours draw their common edge in opposite directions. Stored in one direction, both measure
        # the very same distance to it, so that ties are ties and not rounding.
        swap = is_descending(coordinates)
        coordinates[swap] = coordinates[swap][:, [2, 3, 0, 1]]
        lines = np.hstack((coordinates[:, :2], coordinates[:, 2:] - coordinates[:, :2]))
        signs = np.where(swap, -1.0, 1.0)
        self._take(EdgeArrays(lines, owners, signs, np.array([turn])), build_edge_tables(coordinates))

    @classmethod
    def restore(cls, arrays: EdgeArrays, tables: EdgeTables) -> "Edges":
        """Return what an equal object kept in `arrays` and `tables`, without any work."""
        edges = cls.__new__(cls)
        edges._take(arrays, tables)
        return edges

    def _take(self, arrays: EdgeArrays, tables: EdgeTables) -> None:
        self.arrays, self.tables = arrays, tables
        self._lines, self._owners, self._signs, _ = arrays
        self._is_turned = bool(arrays.turn[0])
        # A memoryview hands out one number far quicker than an array.
        self._few_lines, self._few_owners = self._lines.ravel().data, self._owners.data
        self._grid = EdgeGrid(tables)

    def distances(self, lon: float, lat: float, limit_m: float) -> dict[int, float]:
        """Return, for each owner with an edge within `limit_m` metres, the distance to its nearest edge."""
        return self.distances_from(LocalFrame(lon, lat), limit_m)

    def distances_from(self, frame: LocalFrame, limit_m: float) -> dict[int, float]:
        """Return what `distances` does for the centre of a frame."""
        found: dict[int, float] = {}
        for refs, lon in self._within(frame, limit_m):
            for owner, metres in self._measure(refs, frame, lon, limit_m).items():
                found[owner] = min(metres, found.get(owner, metres))
        return found

    def disc_corrections(self, lon: float, lat: float, radius_m: float) -> dict[int, float]:
        """Return, by owner, the area in m² that its edges add to or cut from a disc around the point.

        The area of the owner inside the disc is this plus the whole disc where the owner covers the centre.
        Not defined for a centre that lies on an edge itself.
        """
        frame = LocalFrame(lon, lat)
        sums: dict[int, float] = {}
        for found, at_lon in self._within(frame, radius_m):
            refs = np.unique(found)
            areas = self._signs[refs] * _lens_areas(self._flat(refs, frame, at_lon), radius_m)
            owners, positions = np.unique(self._owners[refs], return_inverse=True)
            totals = np.bincount(positions, weights=areas, minlength=owners.size)
            for owner, area in zip(owners.tolist(), totals.tolist(), strict=True):
                sums[owner] = sums.get(owner, 0.0) + area
        return sums

    def _within(self, frame: LocalFrame, radius_m: float) -> list[tuple[NDArray[np.int32], float]]:
        """Return edges that may lie within a radius, with the longitude that the centre has beside them."""
        west, south, east, north = frame.window(radius_m)
        if not self._is_turned and west >= -_WORLD / 2 and east <= _WORLD / 2:
            refs = self._grid.within(west, south, east, north)
            return [(refs, frame.lon)] if refs.size else []
        # A window that reaches over the end of the map sees what lies at the other end.
        turns = (0.0, _WORLD, -_WORLD)
        found = [(self._grid.within(west + t, south, east + t, north), frame.lon + t) for t in turns]
        return [(refs, lon) for refs, lon in found if refs.size]

    def _flat(self, refs: NDArray[np.int32], frame: LocalFrame, lon: float) -> Array:
        """Scale edges (4 x N degrees: start and way to the end) to metres from the centre.

        Straight edges in degrees stay straight, which the true azimuthal plane would not give for long ones;
        within 500 m the two planes differ by less than 2 cm, within 100 m by less than 1 mm.
        """
        flat: Array = self._lines.take(refs, axis=0)
        flat -= (lon, frame.lat, 0.0, 0.0)
        flat *= frame.metres_per_degree * 2
        return flat.T

    def _measure(
        self, refs: NDArray[np.int32], frame: LocalFrame, lon: float, limit_m: float
    ) -> dict[int, float]:
        """Return by owner the metres to its nearest edge: nearest place on it, then the azimuthal plane."""
        if limit_m > _FLAT_M:
            return self._measure_far(refs, frame, lon, limit_m) | self._measure(refs, frame, lon, _FLAT_M)
        reach = limit_m * _ROOM + _HAIR_M
        measure = self._nearest_of_few if refs.size <= _FEW else self._nearest_of_many
        x_scale, y_scale = frame.metres_per_degree
        found: dict[int, float] = {}
        for owner, (_, x, y) in measure(refs, frame, lon, reach * reach).items():
            metres = frame.metres_away(x / x_scale, y / y_scale)
            if metres <= limit_m:
                found[owner] = metres
        return found

    def _nearest_of_few(
        self, refs: NDArray[np.int32], frame: LocalFrame, lon: float, reach2: float
    ) -> dict[int, _Place]:
        """Return by owner the nearest place on its edges by scaled degrees, within the square root of `reach2`.

        The sums of `_approach`, digit for digit, one edge at a time: a call on an array costs as much as an edge.
        """
        lat = frame.lat
        x_scale, y_scale = frame.metres_per_degree
        lines, owners = self._few_lines, self._few_owners
        found: dict[int, _Place] = {}
        for ref in refs.tolist():
            at = ref * 4
            x, y = (lines[at] - lon) * x_scale, (lines[at + 1] - lat) * y_scale
            dx, dy = lines[at + 2] * x_scale, lines[at + 3] * y_scale
            share = (x * dx + y * dy) / max(dx * dx + dy * dy, _POINT)
            share = -1.0 if share < -1.0 else 0.0 if share > 0.0 else share
            x -= share * dx
            y -= share * dy
            away2 = x * x + y * y
            if away2 <= reach2 and ((owner := owners[ref]) not in found or away2 < found[owner][0]):
                found[owner] = away2, x, y
        return found

    def _nearest_of_many(
        self, refs: NDArray[np.int32], frame: LocalFrame, lon: float, reach2: float
    ) -> dict[int, _Place]:
        x, y = self._approach(refs, frame, lon)
        away2 = x * x + y * y
        near = np.flatnonzero(away2 <= reach2)
        # Stable, and from the end: the last one written wins, and that is the first of the nearest.
        near = near[np.argsort(away2[near], kind="stable")][::-1]
        places = zip(away2[near].tolist(), x[near].tolist(), y[near].tolist(), strict=True)
        return dict(zip(self._owners[refs[near]].tolist(), places, strict=True))

    def _measure_far(
        self, refs: NDArray[np.int32], frame: LocalFrame, lon: float, limit_m: float
    ) -> dict[int, float]:
        """Measure every edge in the plane, because scaled degrees do not say which is the nearest."""
        x, y = self._approach(refs, frame, lon)
        x_scale, y_scale = frame.metres_per_degree
        places = np.column_stack((x / x_scale + frame.lon, y / y_scale + frame.lat))
        return _nearest(self._owners[refs], np.hypot(*frame.project(places).T), limit_m)

    def _approach(self, refs: NDArray[np.int32], frame: LocalFrame, lon: float) -> tuple[Array, Array]:
        """Return x and y in metres of the place where each edge comes nearest to the centre."""
        x, y, dx, dy = self._flat(refs, frame, lon)
        # Minus the share of the way from start to end.
        share = (x * dx + y * dy) / np.maximum(dx * dx + dy * dy, _POINT)
        share = np.minimum(np.maximum(share, -1.0), 0.0)
        return x - share * dx, y - share * dy


def _nearest(owners: Ints, metres: Array, limit_m: float) -> dict[int, float]:
    """Return for each owner its least distance within the limit."""
    near = np.flatnonzero(metres <= limit_m)
    near = near[np.argsort(-metres[near], kind="stable")]
    # The last one written wins, and that is the nearest.
    return dict(zip(owners[near].tolist(), metres[near].tolist(), strict=True))


def _turned(coordinates: Array) -> bool:
    """Bring the edges of a layer that spans more than half the globe to 0 to 360 degrees; say whether."""
    if not len(coordinates) or np.ptp(coordinates[:, [0, 2]]) <= _WORLD / 2:
        return False
    is_west = coordinates[:, 0] + coordinates[:, 2] < 0.0
    coordinates[is_west] += [_WORLD, 0.0, _WORLD, 0.0]
    return True


def _lens_areas(flat: Array, radius: float) -> Array:
    """Return for each directed edge the signed area between its chord and the arc of the disc behind it.

    Negative where the disc sticks out to the right of the edge. Summed over a ring, and with the disc added
    where the ring goes round the centre, this gives the common area of ring and disc (Green's theorem).
    """
    start, along = flat[:2], flat[2:]
    a = np.maximum((along**2).sum(axis=0), _POINT)
    b = (start * along).sum(axis=0)
    root2 = b * b - a * ((start**2).sum(axis=0) - radius * radius)
    root = np.sqrt(np.maximum(root2, 0.0))
    enters, leaves = np.clip((-b - root) / a, 0.0, 1.0), np.clip((-b + root) / a, 0.0, 1.0)
    u, v = start + along * enters, start + along * leaves
    cross = u[0] * v[1] - u[1] * v[0]
    areas = cross / 2 - radius * radius / 2 * np.arctan2(cross, (u * v).sum(axis=0))
    return np.asarray(np.where(root2 > 0.0, areas, 0.0), np.float64)
