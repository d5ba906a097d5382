"""Knows a square lattice of cells over degrees, and which of its cells each straight edge touches."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from geo.crs import Array

Ints: TypeAlias = NDArray[np.int64]

# An edge counts as touching a cell when it comes this near (degrees, a micrometre). That is far more than
# the rounding when a point is given its cell, so a cell always knows every edge that its points may meet.
MARGIN = 1e-11
# Degrees. Keeps the finest cells of the deepest lattice well above the margin.
_SMALLEST_EXTENT = 1e-3


@dataclass(frozen=True, slots=True)
class Lattice:
    """`2**bits` by `2**bits` cells that hold the box (west, south) to (east, north), in degrees."""

    west: float
    south: float
    east: float
    north: float
    bits: int

    @property
    def cell_width(self) -> float:
        """Degrees from one column to the next."""
        return _cell(self.east - self.west, self.bits)

    @property
    def cell_height(self) -> float:
        """Degrees from one row to the next."""
        return _cell(self.north - self.south, self.bits)

    def coarser(self, bits: int) -> "Lattice":
        """Return the lattice over the same box whose cells are `2**bits` times as wide; borders coincide."""
        return Lattice(self.west, self.south, self.east, self.north, self.bits - bits)


def _cell(extent: float, bits: int) -> float:
    # A hair wider than the box, so that a point on its far side still falls into the last cell.
    return max(extent * (1.0 + 1e-7), _SMALLEST_EXTENT) / 2.0**bits


def bits_for(edges: int, most: int) -> int:
    """Return how fine a lattice suits so many edges: about two cells to an edge, at most `2**most` a side."""
    return min(max(int(np.ceil(np.log2(max(2 * edges, 1)) / 2)), 3), most)


def expand(counts: Ints) -> tuple[Ints, Ints]:
    """Return for `counts` = [2, 0, 3] the positions [0, 0, 2, 2, 2] and the steps [0, 1, 0, 1, 2]."""
    positions = np.repeat(np.arange(counts.size), counts)
    ends = np.cumsum(counts)
    return positions, np.arange(positions.size) - np.repeat(ends - counts, counts)


def touched_cells(
    edges: Array, lattice: Lattice, block: tuple[Ints, Ints], side: int
) -> tuple[Ints, Ints, Ints]:
    """Return (position of the edge, column, row) for each cell that an edge touches inside its block.

    `edges`: N x 4 degrees, y not falling from start to end. `block`: column and row (N each) of the first
    cell of the square of `side` cells to look at for each edge. Never misses a cell within `MARGIN`.
    """
    _, y1, _, y2 = edges.T
    first_column, first_row = block
    low = _cells(y1 - MARGIN - lattice.south, lattice.cell_height)
    high = _cells(y2 + MARGIN - lattice.south, lattice.cell_height)
    low, high = np.maximum(low, first_row), np.minimum(high, first_row + side - 1)
    at, step = expand(np.maximum(high - low + 1, 0))
    row = low[at] + step
    left, right = _reach_in_rows(edges[at], lattice, row)
    left = np.maximum(_cells(left - MARGIN - lattice.west, lattice.cell_width), first_column[at])
    right = np.minimum(_cells(right + MARGIN - lattice.west, lattice.cell_width), first_column[at] + side - 1)
    again, step = expand(np.maximum(right - left + 1, 0))
    return at[again], np.asarray(left[again] + step, np.int64), np.asarray(row[again], np.int64)


def _cells(offset: Array, size: float) -> Ints:
    return np.asarray(np.floor(offset / size), np.int64)


def _reach_in_rows(edges: Array, lattice: Lattice, row: Ints) -> tuple[Array, Array]:
    """Return how far west and east each edge comes within its row."""
    x1, y1, x2, y2 = edges.T
    height = y2 - y1
    is_flat = height <= 0.0
    height = np.where(is_flat, 1.0, height)
    bottom = lattice.south + row * lattice.cell_height
    enters = np.clip((bottom - MARGIN - y1) / height, 0.0, 1.0)
    leaves = np.clip((bottom + lattice.cell_height + MARGIN - y1) / height, 0.0, 1.0)
    enters, leaves = np.where(is_flat, 0.0, enters), np.where(is_flat, 1.0, leaves)
    one, other = x1 + enters * (x2 - x1), x1 + leaves * (x2 - x1)
    return np.minimum(one, other), np.maximum(one, other)
