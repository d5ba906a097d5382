"""Knows which areas of a layer cover a point, from cells that answer from a table or by a few edges."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.cover_build import BLOCK_BITS, BLOCK_CELLS, BLOCK_SIDE, CoverTables, build_tables
from geo.crs import Array
from geo.exact import ExactCover
from geo.lattice import Ints, Lattice, expand

# How far the sign of a cross product can be trusted (Shewchuk's bound for the orientation of three points):
# beyond this share of the sum of its two products. The constant is for products too small to have digits.
_TRUST = 3.3306690738754716e-16
_UNDERFLOW = 1e-300
# So many points at a time stay in the processor's own memory.
_CHUNK = 1 << 15
_LAST = BLOCK_SIDE - 1
_ASK = -1


class Cover:
    """shapely's `covers` over the areas of a layer. Sets of owners have numbers; set 0 is the empty one."""

    __slots__ = (
        "_cells", "_east", "_edge_states", "_edges", "_exact", "_leaf_starts", "_leaf_states", "_leaves",
        "_north", "_refs", "_root_bits", "_root_shift", "_set_numbers", "_south", "_west", "_x_scale",
        "_y_scale", "sets", "tables",
    )  # fmt: skip

    tables: CoverTables
    sets: tuple[tuple[int, ...], ...]

    def __init__(self, tables: CoverTables, exact: ExactCover) -> None:
        """Take tables as `build_tables` makes them; `exact` judges points on edges, for the same areas."""
        self.tables = tables
        self._exact = exact
        self._west, self._south, self._east, self._north = tables.box.tolist()
        self._root_bits, bits = tables.bits.tolist()
        lattice = Lattice(self._west, self._south, self._east, self._north, bits)
        self._x_scale, self._y_scale = 1.0 / lattice.cell_width, 1.0 / lattice.cell_height
        self._root_shift = bits - self._root_bits
        self._leaves = tables.leaf_states.size
        starts, owners = tables.set_starts.tolist(), tables.set_owners.tolist()
        self.sets = tuple(tuple(owners[a:b]) for a, b in pairwise(starts))
        self._set_numbers = {state: number for number, state in enumerate(tables.set_states.tolist())}
        # A memoryview hands out one number far quicker than an array.
        self._cells, self._leaf_states = tables.cells.data, tables.leaf_states.data
        self._leaf_starts, self._refs = tables.leaf_starts.data, tables.refs.data
        self._edges, self._edge_states = tables.edges.ravel().data, tables.edge_states.data

    @classmethod
    def build(cls, geometries: Sequence[BaseGeometry], exact: ExactCover) -> "Cover":
        """Cut the areas (polygons and multipolygons, at least one) into cells."""
        return cls(build_tables(geometries, exact.covering), exact)

    def find(self, lon: float, lat: float) -> int:
        """Return the number of the set that covers a point, or -1 where `exact` has to be asked."""
        if not (self._west <= lon <= self._east and self._south <= lat <= self._north):
            return 0
        column, row = int((lon - self._west) * self._x_scale), int((lat - self._south) * self._y_scale)
        shift = self._root_shift
        cells, leaves = self._cells, self._leaves
        cell: int = cells[(row >> shift << self._root_bits) + (column >> shift)]
        while cell < 0:
            cell = ~cell
            if cell < leaves:
                return self._settle(cell, lon, lat)
            shift -= BLOCK_BITS
            inner = ((row >> shift & _LAST) << BLOCK_BITS) + (column >> shift & _LAST)
            cell = cells[((cell - leaves) << 2 * BLOCK_BITS) + (1 << 2 * self._root_bits) + inner]
        return cell

    def _settle(self, leaf: int, lon: float, lat: float) -> int:
        """Turn the leaf's state by what the ray from the point to the west crosses in it."""
        state: int = self._leaf_states[leaf]
        edges, edge_states = self._edges, self._edge_states
        for ref in self._refs[self._leaf_starts[leaf] : self._leaf_starts[leaf + 1]]:
            at = (ref >> 2) * 5
            from_lower = lat - edges[at + 1]
            is_turned = False
            if from_lower >= 0.0:
                upper = edges[at + 4]
                if lat <= upper:
                    one, other = edges[at + 2] * from_lower, edges[at + 3] * (lon - edges[at])
                    if abs(one - other) <= _TRUST * (abs(one) + abs(other)) + _UNDERFLOW:
                        return _ASK
                    is_turned = one < other and lat < upper
                if ref & 3:
                    is_turned ^= bool(ref & 1) ^ (ref & 2 == 2 and lat >= upper)
            if is_turned:
                state ^= edge_states[ref >> 2]
        return self._set_numbers.get(state, _ASK)

    def covering_many(self, lon: Array, lat: Array) -> tuple[Ints, Ints]:
        """Return pairs (position of the point, owner) that cover, sorted."""
        numbers = np.empty(lon.size, np.int32)
        for start in range(0, lon.size, _CHUNK):
            chunk = slice(start, start + _CHUNK)
            numbers[chunk] = self._find_many(lon[chunk], lat[chunk])
        asked = np.flatnonzero(numbers < 0)
        numbers[asked] = 0
        points, owners = self._pairs(numbers)
        if not asked.size:
            return points, owners
        others, more = self._exact.covering_many(lon[asked], lat[asked])
        points, owners = np.concatenate((points, asked[others])), np.concatenate((owners, more))
        order = np.argsort(points, kind="stable")
        return points[order], owners[order]

    def _pairs(self, numbers: NDArray[np.int32]) -> tuple[Ints, Ints]:
        starts, owners = self.tables.set_starts, self.tables.set_owners
        sizes = np.diff(starts)
        points = np.flatnonzero(numbers)
        numbers = numbers[points]
        if sizes.max() <= 1:
            return points, owners[starts[numbers]]
        at, step = expand(sizes[numbers])
        return points[at], owners[starts[numbers][at] + step]

    def _find_many(self, lon: Array, lat: Array) -> NDArray[np.int32]:
        """Return the set of each point as `find` does."""
        is_inside = (lon >= self._west) & (lon <= self._east) & (lat >= self._south) & (lat <= self._north)
        if not is_inside.all():
            numbers = np.zeros(lon.size, np.int32)
            inside = np.flatnonzero(is_inside)
            if inside.size:
                numbers[inside] = self._find_many(lon[inside], lat[inside])
            return numbers
        column = ((lon - self._west) * self._x_scale).astype(np.int64)
        row = ((lat - self._south) * self._y_scale).astype(np.int64)
        shift = self._root_shift
        cells = self.tables.cells[(row >> shift << self._root_bits) + (column >> shift)]
        open_at = np.flatnonzero(cells < 0)
        if open_at.size:
            cells[open_at] = self._descend(
                ~cells[open_at], column[open_at], row[open_at], lon[open_at], lat[open_at]
            )
        return np.asarray(cells, np.int32)

    def _descend(
        self, nodes: NDArray[np.int32], column: Ints, row: Ints, lon: Array, lat: Array
    ) -> NDArray[np.int32]:
        """Return the sets of points whose root cells are divided or leaves."""
        numbers = np.empty(nodes.size, np.int32)
        at = np.arange(nodes.size)
        shift = self._root_shift
        while at.size:
            is_leaf = nodes < self._leaves
            leaf = at[is_leaf]
            numbers[leaf] = self._settle_many(nodes[is_leaf], lon[leaf], lat[leaf])
            at, nodes = at[~is_leaf], nodes[~is_leaf]
            shift -= BLOCK_BITS
            inner = ((row[at] >> shift & _LAST) << BLOCK_BITS) + (column[at] >> shift & _LAST)
            blocks = (nodes - self._leaves).astype(np.int64) * BLOCK_CELLS + (1 << 2 * self._root_bits)
            cells = self.tables.cells[blocks + inner]
            is_known = cells >= 0
            numbers[at[is_known]] = cells[is_known]
            at, nodes = at[~is_known], ~cells[~is_known]
        return numbers

    def _settle_many(self, leaves: NDArray[np.int32], lon: Array, lat: Array) -> NDArray[np.int32]:
        """Return for points in leaves what `_settle` does."""
        tables = self.tables
        first = tables.leaf_starts[leaves].astype(np.int64)
        counts = tables.leaf_starts[leaves + 1] - first
        at, step = expand(counts)
        refs = tables.refs[first[at] + step]
        edge = refs >> 2
        x1, y1, dx, dy, y2 = tables.edges[edge].T
        x, y = lon[at], lat[at]
        one, other = dx * (y - y1), dy * (x - x1)
        above_lower, above_upper = y >= y1, y >= y2
        turns = (above_lower & ~above_upper) & (one < other)
        turns ^= above_lower & (refs & 1).astype(bool)
        turns ^= above_upper & (refs & 2).astype(bool)
        is_close = np.abs(one - other) <= _TRUST * (np.abs(one) + np.abs(other)) + _UNDERFLOW
        is_close &= above_lower & (y <= y2)
        states = tables.leaf_states[leaves]
        known = np.flatnonzero(counts)
        if known.size:
            turned = np.where(turns, tables.edge_states[edge], np.uint64(0))
            states[known] ^= np.bitwise_xor.reduceat(turned, (np.cumsum(counts) - counts)[known])
        numbers = np.minimum(np.searchsorted(tables.set_states, states), tables.set_states.size - 1)
        numbers[tables.set_states[numbers] != states] = _ASK
        numbers[at[is_close]] = _ASK
        return numbers.astype(np.int32)
