"""Knows which edges may lie in a window of degrees, also across the antimeridian."""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geo.crs import Array
from geo.edge_list import is_falling
from geo.lattice import Ints, Lattice, bits_for, touched_cells

_BITS_MAX = 9

# Parts of the list of edges by cell: where each begins and ends.
Spans: TypeAlias = list[tuple[int, int]]


class EdgeTables(NamedTuple):
    """Edges by cell, as arrays that can be written to a file.

    `box` and `bits` make the lattice; `starts` delimits the part of each cell (row by row) of `refs`.
    """

    box: Array
    bits: Ints
    starts: NDArray[np.int32]
    refs: NDArray[np.int32]


def build_edge_tables(edges: Array) -> EdgeTables:
    """Note the cells that each edge (N x 4 degrees) touches."""
    x, y = edges[:, [0, 2]], edges[:, [1, 3]]
    box = np.array([x.min(), y.min(), x.max(), y.max()]) if len(edges) else np.zeros(4)
    bits = bits_for(len(edges), _BITS_MAX)
    rising = edges.copy()
    falling = is_falling(edges)
    rising[falling] = rising[falling][:, [2, 3, 0, 1]]
    corner = np.zeros(len(edges), np.int64)
    at, column, row = touched_cells(rising, _lattice(box, bits), (corner, corner), 1 << bits)
    cell = (row << bits) + column
    order = np.argsort(cell, kind="stable")
    counts = np.bincount(cell, minlength=1 << 2 * bits)
    starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    return EdgeTables(box, np.array([bits], np.int64), starts, at[order].astype(np.int32))


class EdgeGrid:
    """Finds edges by the cells that a window touches."""

    __slots__ = (
        "_bits", "_east", "_few_refs", "_height", "_last", "_north", "_refs", "_south", "_starts", "_west", "_width",
    )  # fmt: skip

    def __init__(self, tables: EdgeTables) -> None:
        """Take tables as `build_edge_tables` makes them."""
        self._west, self._south, self._east, self._north = tables.box.tolist()
        self._bits = int(tables.bits[0])
        self._last = (1 << self._bits) - 1
        lattice = _lattice(tables.box, self._bits)
        self._width, self._height = lattice.cell_width, lattice.cell_height
        self._starts, self._refs, self._few_refs = tables.starts.data, tables.refs, tables.refs.data

    def within(self, west: float, south: float, east: float, north: float) -> Spans:
        """Return where the edges stand that may meet the window, and some near it; one may come twice."""
        if not (west <= self._east and east >= self._west and south <= self._north and north >= self._south):
            return []
        first = int((west - self._west) / self._width) if west > self._west else 0
        last = min(int((east - self._west) / self._width), self._last) + 1
        low = int((south - self._south) / self._height) if south > self._south else 0
        high = min(int((north - self._south) / self._height), self._last)
        starts, bits = self._starts, self._bits
        rows = range(low << bits, (high << bits) + 1, 1 << bits)
        return [(start, end) for row in rows if (start := starts[row + first]) != (end := starts[row + last])]

    def gather(self, spans: Spans) -> NDArray[np.int32]:
        """Return the edges of (one or more) spans."""
        return np.concatenate([self._refs[start:end] for start, end in spans])

    def listed(self, spans: Spans) -> Iterable[int]:
        """Return what `gather` does, quicker for few edges and each of them once."""
        refs = self._few_refs
        found: list[int] = []
        for start, end in spans:
            found += refs[start:end].tolist()
        return dict.fromkeys(found)


def _lattice(box: Array, bits: int) -> Lattice:
    west, south, east, north = box.tolist()
    return Lattice(west, south, east, north, bits)
