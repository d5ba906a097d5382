"""Knows every edge of a layer's boundaries, how far a point is from them, and what they cut off a disc."""

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.crs import Array, LocalFrame
from geo.edge_grid import EdgeGrid, EdgeTables, Spans, build_edge_tables
from geo.edge_list import collect_edges, is_descending, share_lines, without_seams

# Square metres under which an edge is a point; far below what any pair of different degrees spans.
_POINT = 1e-30
_WORLD = 360.0
# Up to here scaled degrees and the azimuthal plane agree so well that the nearest in one is it in both.
_FLAT_M = 200.0
_ROOM, _HAIR_M = 1.01, 1e-3
# So few edges are quicker one by one.
_FEW, _FEW_LENSES = 64, 48
_NOBODY = -1
_Place: TypeAlias = tuple[float, float, float]


class EdgeArrays(NamedTuple):
    """The edges of a layer, as arrays that can be written to a file.

    `lines` (N x 4): x and y of the start, dx, dy, in degrees; x runs from 0 to 360 in a layer that spans
    more than half the globe. `owners` (N x 2), -1 for none: neighbours share a line, so that it is measured
    once; a third owner has the line again. `signs` (N x 2): +1 where the owner's area is to the left.
    """

    lines: Array
    owners: NDArray[np.int32]
    signs: NDArray[np.int8]
    turn: Array


class Edges:
    """The straight edges (in degrees) of a list of geometries: rings of polygons, lines, points.

    A point counts as an edge of no length. Owners are positions in the list given.
    """

    __slots__ = (
        "_few_lines", "_few_owners", "_few_signs", "_grid", "_is_turned", "_lines", "_owners", "_signs",
        "arrays", "tables",
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
        coordinates, pairs, signs = share_lines(coordinates, owners, np.where(swap, -1, 1).astype(np.int8))
        lines = np.hstack((coordinates[:, :2], coordinates[:, 2:] - coordinates[:, :2]))
        self._take(EdgeArrays(lines, pairs, signs, np.array([turn])), build_edge_tables(coordinates))

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
        self._few_lines, self._few_owners = self._lines.ravel().data, self._owners.ravel().data
        self._few_signs = self._signs.ravel().data
        self._grid = EdgeGrid(tables)

    def distances(self, lon: float, lat: float, limit_m: float) -> dict[int, float]:
        """Return, for each owner with an edge within `limit_m` metres, the distance to its nearest edge."""
        return self.distances_from(LocalFrame(lon, lat), limit_m)

    def distances_from(self, frame: LocalFrame, limit_m: float) -> dict[int, float]:
        """Return what `distances` does for the centre of a frame."""
        found: dict[int, float] = {}
        for spans, lon in self._within(frame, limit_m):
            measured = self._measure(spans, frame, lon, limit_m)
            if not found:
                found = measured
                continue
            for owner, metres in measured.items():
                found[owner] = min(metres, found.get(owner, metres))
        return found

    def disc_corrections(self, lon: float, lat: float, radius_m: float) -> dict[int, float]:
        """Return, by owner, the area in m² that its edges add to or cut from a disc around the point.

        The area of the owner inside the disc is this plus the whole disc where the owner covers the centre.
        Not defined for a centre that lies on an edge itself.
        """
        frame = LocalFrame(lon, lat)
        sums: dict[int, float] = {}
        for spans, at_lon in self._within(frame, radius_m):
            if sum([end - start for start, end in spans]) <= _FEW_LENSES:
                self._add_few_lenses(sums, spans, frame, at_lon, radius_m)
                continue
            refs = np.unique(self._grid.gather(spans))
            areas = self._signs[refs] * _lens_areas(self._flat(refs, frame, at_lon), radius_m)[:, None]
            owners, positions = np.unique(self._owners[refs], return_inverse=True)
            totals = np.bincount(positions.ravel(), weights=areas.ravel(), minlength=owners.size)
            for owner, area in zip(owners.tolist(), totals.tolist(), strict=True):
                if owner >= 0:
                    sums[owner] = sums.get(owner, 0.0) + area
        return sums

    def _add_few_lenses(
        self, sums: dict[int, float], spans: Spans, frame: LocalFrame, lon: float, radius: float
    ) -> None:
        """Add what the edges cut off, one edge at a time: the sums of `_lens_areas`."""
        x_scale, y_scale = frame.metres_per_degree
        lines, owners, signs = self._few_lines, self._few_owners, self._few_signs
        for ref in self._grid.listed(spans):
            at = ref * 4
            x, y = (lines[at] - lon) * x_scale, (lines[at + 1] - frame.lat) * y_scale
            area = _lens_area(x, y, lines[at + 2] * x_scale, lines[at + 3] * y_scale, radius)
            for at in (ref * 2, ref * 2 + 1):
                if area and (owner := owners[at]) >= 0:
                    sums[owner] = sums.get(owner, 0.0) + signs[at] * area

    def _within(self, frame: LocalFrame, radius_m: float) -> list[tuple[Spans, float]]:
        """Return edges that may lie within a radius, with the longitude that the centre has beside them."""
        west, south, east, north = frame.window(radius_m)
        if not self._is_turned and west >= -_WORLD / 2 and east <= _WORLD / 2:
            spans = self._grid.within(west, south, east, north)
            return [(spans, frame.lon)] if spans else []
        # A window that reaches over the end of the map sees what lies at the other end.
        turns = (0.0, _WORLD, -_WORLD)
        found = [(self._grid.within(west + t, south, east + t, north), frame.lon + t) for t in turns]
        return [(spans, lon) for spans, lon in found if spans]

    def _flat(self, refs: NDArray[np.int32], frame: LocalFrame, lon: float) -> Array:
        """Scale edges (4 x N degrees: start and way to the end) to metres from the centre.

        Straight edges in degrees stay straight, which the true azimuthal plane would not give for long ones;
        within 500 m the two planes differ by less than 2 cm, within 100 m by less than 1 mm.
        """
        flat: Array = self._lines.take(refs, axis=0)
        flat -= (lon, frame.lat, 0.0, 0.0)
        flat *= frame.metres_per_degree * 2
        return flat.T

    def _measure(self, spans: Spans, frame: LocalFrame, lon: float, limit_m: float) -> dict[int, float]:
        """Return by owner the metres to its nearest edge: nearest place on it, then the azimuthal plane."""
        if limit_m > _FLAT_M:
            far = self._measure_far(self._grid.gather(spans), frame, lon, limit_m)
            return far | self._measure(spans, frame, lon, _FLAT_M)
        reach = limit_m * _ROOM + _HAIR_M
        is_few = sum([end - start for start, end in spans]) <= _FEW
        measure = self._nearest_of_few if is_few else self._nearest_of_many
        x_scale, y_scale = frame.metres_per_degree
        found: dict[int, float] = {}
        last: _Place | None = None
        metres = 0.0
        for owner, place in measure(spans, frame, lon, reach * reach).items():
            if place is not last:  # neighbours have the same place on their common edge
                last = place
                metres = frame.metres_away(place[1] / x_scale, place[2] / y_scale)
            if metres <= limit_m:
                found[owner] = metres
        return found

    def _nearest_of_few(
        self, spans: Spans, frame: LocalFrame, lon: float, reach2: float
    ) -> dict[int, _Place]:
        """Return by owner the nearest place on its edges by scaled degrees, within the square root of `reach2`.

        The sums of `_approach`, digit for digit, one edge at a time: a call on an array costs as much as an edge.
        """
        lat = frame.lat
        x_scale, y_scale = frame.metres_per_degree
        lines, owners = self._few_lines, self._few_owners
        found: dict[int, _Place] = {}
        for ref in self._grid.listed(spans):
            at = ref * 4
            x, y = (lines[at] - lon) * x_scale, (lines[at + 1] - lat) * y_scale
            dx, dy = lines[at + 2] * x_scale, lines[at + 3] * y_scale
            along = x * dx + y * dy
            if along < 0.0:  # otherwise the start is nearest
                share = along / max(dx * dx + dy * dy, _POINT)
                if share < -1.0:
                    share = -1.0
                x -= share * dx
                y -= share * dy
            away2 = x * x + y * y
            if away2 > reach2:
                continue
            place = away2, x, y
            at = ref * 2
            for owner in (owners[at], owners[at + 1]):
                if owner >= 0 and (owner not in found or away2 < found[owner][0]):
                    found[owner] = place
        return found

    def _nearest_of_many(
        self, spans: Spans, frame: LocalFrame, lon: float, reach2: float
    ) -> dict[int, _Place]:
        refs = self._grid.gather(spans)
        x, y = self._approach(refs, frame, lon)
        away2 = x * x + y * y
        near = np.flatnonzero(away2 <= reach2)
        # Stable, and from the end: the last one written wins, and that is the first of the nearest.
        near = near[np.argsort(away2[near], kind="stable")][::-1]
        places = list(zip(away2[near].tolist(), x[near].tolist(), y[near].tolist(), strict=True))
        found: dict[int, _Place] = {}
        for pair, place in zip(self._owners[refs[near]].tolist(), places, strict=True):
            for owner in pair:
                found[owner] = place
        found.pop(_NOBODY, None)
        return found

    def _measure_far(
        self, refs: NDArray[np.int32], frame: LocalFrame, lon: float, limit_m: float
    ) -> dict[int, float]:
        """Measure every edge in the plane, because scaled degrees do not say which is the nearest."""
        x, y = self._approach(refs, frame, lon)
        x_scale, y_scale = frame.metres_per_degree
        places = np.column_stack((x / x_scale + frame.lon, y / y_scale + frame.lat))
        metres = np.hypot(*frame.project(places).T)
        return _nearest(self._owners[refs].ravel(), np.repeat(metres, 2), limit_m)

    def _approach(self, refs: NDArray[np.int32], frame: LocalFrame, lon: float) -> tuple[Array, Array]:
        """Return x and y in metres of the place where each edge comes nearest to the centre."""
        x, y, dx, dy = self._flat(refs, frame, lon)
        # Minus the share of the way from start to end.
        share = (x * dx + y * dy) / np.maximum(dx * dx + dy * dy, _POINT)
        share = np.minimum(np.maximum(share, -1.0), 0.0)
        return x - share * dx, y - share * dy


def _nearest(owners: NDArray[np.int32], metres: Array, limit_m: float) -> dict[int, float]:
    """Return for each owner its least distance within the limit."""
    near = np.flatnonzero((metres <= limit_m) & (owners >= 0))
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


def _lens_area(x: float, y: float, dx: float, dy: float, radius: float) -> float:
    """Return for one edge what `_lens_areas` does."""
    a = max(dx * dx + dy * dy, _POINT)
    b = x * dx + y * dy
    root2 = b * b - a * (x * x + y * y - radius * radius)
    if root2 <= 0.0:
        return 0.0
    root = math.sqrt(root2)
    enters, leaves = min(max((-b - root) / a, 0.0), 1.0), min(max((-b + root) / a, 0.0), 1.0)
    ux, uy, vx, vy = x + dx * enters, y + dy * enters, x + dx * leaves, y + dy * leaves
    cross = ux * vy - uy * vx
    return cross / 2 - radius * radius / 2 * math.atan2(cross, ux * vx + uy * vy)


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
