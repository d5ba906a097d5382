"""Knows how to cut a layer of areas into cells that know what covers them, down to the cells with edges."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.cover_sets import EdgeOwners, Samples, States, Turns, name_sets, owner_states
from geo.crs import Array
from geo.edge_list import collect_edges, is_falling
from geo.lattice import Ints, Lattice, bits_for, expand, touched_cells

Bools: TypeAlias = NDArray[np.bool_]

BLOCK_BITS = 3
BLOCK_SIDE = 1 << BLOCK_BITS
BLOCK_CELLS = BLOCK_SIDE * BLOCK_SIDE
LEVELS = 4
_ROOT_BITS_MAX = 9
# Every cell of the root with an edge is divided; below, only those with more edges than this.
_FEW_EDGES = 8
# Memory is bounded: at most so many blocks, and references to edges, for each edge and for any layer.
_BLOCKS_PER_EDGE, _BLOCKS_ALWAYS = 1, 512
_REFS_PER_EDGE, _REFS_ALWAYS = 32, 200_000
# An edge that runs through a whole cell touches at most about so many of its children.
_REFS_GROW = BLOCK_SIDE + 2
# A state that no set has, except by the chance that `cover_sets` names.
_UNKNOWN = np.uint64(0x5EA_5EA_5EA_5EA_5)


class CoverTables(NamedTuple):
    """A layer cut into cells, as arrays that can be written to a file.

    `cells`: the root row by row, then blocks of 64; >= 0 is a set, ~value is first the leaves, then the
    blocks. `leaf_starts` delimits each leaf's part of `refs`: number of the edge * 4 + 1 when its lower end
    and + 2 when its upper end lies west of the leaf. `edges`: x and y of the lower end, dx, dy, upper y.
    `set_starts` delimits each set's part of `set_owners`; set 0 is empty; `set_states` ascends.
    """

    box: Array
    bits: Ints
    cells: NDArray[np.int32]
    leaf_states: States
    leaf_starts: NDArray[np.int32]
    refs: NDArray[np.int32]
    edges: Array
    edge_states: States
    set_states: States
    set_starts: Ints
    set_owners: Ints


@dataclass(slots=True)
class _Pairs:
    """Edges that touch cells: position of the cell, number of the edge, which of its ends lie west of it."""

    cell: Ints
    edge: Ints
    lower_west: Bools
    upper_west: Bools


@dataclass(slots=True)
class _Parents:
    """Cells to be divided: column and row in their own lattice, state as a leaf, and the edges in them.

    The state as a leaf is what the state of any point in the cell is turned from, by what the point's
    ray to the west crosses in the cell (see `_crossings`).
    """

    column: Ints
    row: Ints
    state: States
    pairs: _Pairs


def build_tables(geometries: Sequence[BaseGeometry], covering: Callable[[float, float], Ints]) -> CoverTables:
    """Cut the areas (polygons or multipolygons, at least one) into cells.

    `covering` returns the owners that cover a point; it is asked once for each set met at a centre.
    """
    edges, owners = _unique_edges(geometries)
    west, east = edges[:, [0, 2]].min(), edges[:, [0, 2]].max()
    root_bits = bits_for(len(edges), _ROOT_BITS_MAX)
    bits = root_bits + LEVELS * BLOCK_BITS
    lattice = Lattice(float(west), float(edges[:, 1].min()), float(east), float(edges[:, 3].max()), bits)
    levels = _divide(edges, owners.states, lattice, root_bits)
    set_states, sets = name_sets(len(geometries), _samples(levels), _turns(levels), owners, covering)
    leaf_starts, refs = _leaf_edges(levels)
    return CoverTables(
        box=np.array([lattice.west, lattice.south, lattice.east, lattice.north]),
        bits=np.array([root_bits, lattice.bits], np.int64),
        cells=_cell_values(levels, set_states),
        leaf_states=np.concatenate([*(level.leaf_states for level in levels), [_UNKNOWN]]),
        leaf_starts=leaf_starts,
        refs=refs,
        edges=np.column_stack((edges[:, :2], edges[:, 2:] - edges[:, :2], edges[:, 3])),
        edge_states=owners.states,
        set_states=set_states,
        set_starts=np.concatenate(([0], np.cumsum([len(each) for each in sets]))).astype(np.int64),
        set_owners=np.array([owner for each in sets for owner in each], np.int64),
    )


def _unique_edges(geometries: Sequence[BaseGeometry]) -> tuple[Array, EdgeOwners]:
    """Return each different edge once (N x 4, rising) and whose it is: a shared border is one edge."""
    edges, owners = collect_edges(geometries)
    is_long = (edges[:, :2] != edges[:, 2:]).any(axis=1)
    edges, owners = edges[is_long], owners[is_long]
    falling = is_falling(edges)
    edges[falling] = edges[falling][:, [2, 3, 0, 1]]
    edges += 0.0  # turns -0.0 into 0.0: equal, but not in bytes
    unique, where = np.unique(edges.view(np.dtype((np.void, 32))).ravel(), return_inverse=True)
    owners = owners[np.argsort(where, kind="stable")]
    starts = np.concatenate(([0], np.cumsum(np.bincount(where, minlength=unique.size))))
    states = np.bitwise_xor.reduceat(owner_states(len(geometries))[owners], starts[:-1])
    return unique.view(np.float64).reshape(-1, 4), EdgeOwners(starts, owners, states)


@dataclass(slots=True)
class _Level:
    """All children of one level's parents, in order: blocks of `side` rows by `side` columns.

    `states` and `x`, `y`: at the centre of each child. `leaves` and `divided`: positions of the children
    that keep their edges, and of those that become parents; both ascend.
    """

    states: States
    x: Array
    y: Array
    leaves: Ints
    divided: Ints
    leaf_states: States
    leaf_pairs: _Pairs


def _divide(edges: Array, edge_states: States, lattice: Lattice, root_bits: int) -> list[_Level]:
    every = np.arange(len(edges))
    nowhere = np.zeros(len(edges), bool)
    zero = np.zeros(1, np.int64)
    parents = _Parents(zero, zero, np.zeros(1, np.uint64), _Pairs(0 * every, every, nowhere, nowhere))
    budget = _BLOCKS_PER_EDGE * len(edges) + _BLOCKS_ALWAYS
    levels: list[_Level] = []
    for depth in range(LEVELS + 1):
        side_bits = BLOCK_BITS if depth else root_bits
        here = lattice.coarser((LEVELS - depth) * BLOCK_BITS)
        division = _Division(edges, edge_states, here, parents, side_bits)
        few = _FEW_EDGES if depth else 0
        level, parents = division.split(few if depth < LEVELS else None, budget)
        levels.append(level)
        budget -= level.divided.size
        if not level.divided.size:
            break
    return levels


class _Division:
    """One step down: parents cut into `side` by `side` children."""

    def __init__(
        self, edges: Array, edge_states: States, lattice: Lattice, parents: _Parents, side_bits: int
    ) -> None:
        self.edges, self.edge_states = edges, edge_states
        self.lattice, self.parents = lattice, parents
        self.side = 1 << side_bits
        self.column, self.row = parents.column * self.side, parents.row * self.side

    def split(self, few: int | None, budget: int) -> tuple[_Level, _Parents]:
        """Return the children, and those of them with more than `few` edges as the next parents."""
        column, row = self._children()
        states = self._centre_states()
        pairs = self._child_pairs(column, row)
        cells, starts = np.unique(pairs.cell, return_index=True)
        leaf_states = states[cells]
        if cells.size:
            x, y = self.x(column[pairs.cell]), self.y(row[pairs.cell])
            leaf_states = leaf_states ^ np.bitwise_xor.reduceat(self._crossings(pairs, x, y), starts)
        counts = np.diff(np.append(starts, pairs.cell.size))
        goes_on = counts > few if few is not None else np.zeros(cells.size, bool)
        refs = _REFS_PER_EDGE * len(self.edges) + _REFS_ALWAYS
        if goes_on.sum() > budget or counts[goes_on].sum() * _REFS_GROW > refs:
            goes_on[:] = False
        in_next = np.repeat(goes_on, counts)
        on = cells[goes_on]
        level = _Level(
            states, self.x(column), self.y(row), cells[~goes_on], on, leaf_states[~goes_on],
            _select(pairs, ~in_next),
        )  # fmt: skip
        following = _select(pairs, in_next)
        following.cell = np.searchsorted(on, following.cell)
        return level, _Parents(column[on], row[on], leaf_states[goes_on], following)

    def x(self, column: Ints) -> Array:
        """Return the middle of a column."""
        return np.asarray(self.lattice.west + (column + 0.5) * self.lattice.cell_width, np.float64)

    def y(self, row: Ints) -> Array:
        """Return the middle of a row."""
        return np.asarray(self.lattice.south + (row + 0.5) * self.lattice.cell_height, np.float64)

    def _children(self) -> tuple[Ints, Ints]:
        steps = np.arange(self.side)
        shape = (self.column.size, self.side, self.side)
        column = np.broadcast_to(self.column[:, None, None] + steps[None, None, :], shape)
        row = np.broadcast_to(self.row[:, None, None] + steps[None, :, None], shape)
        return column.ravel(), row.ravel()

    def _child_pairs(self, column: Ints, row: Ints) -> _Pairs:
        old = self.parents.pairs
        first = self.column[old.cell], self.row[old.cell]
        at, pair_column, pair_row = touched_cells(self.edges[old.edge], self.lattice, first, self.side)
        step = (pair_row - first[1][at]) * self.side + pair_column - first[0][at]
        cell = old.cell[at] * (self.side * self.side) + step
        order = np.argsort(cell, kind="stable")
        cell, edge = cell[order], old.edge[at[order]]
        west = self.lattice.west + column[cell] * self.lattice.cell_width
        return _Pairs(cell, edge, self.edges[edge, 0] < west, self.edges[edge, 2] < west)

    def _crossings(self, pairs: _Pairs, x: Array, y: Array) -> States:
        """Return by how much each pair's edge turns the state of a point of its cell, against the cell's own.

        The ray from the point to the west crosses the edge, or it passes an end that lies west of the cell,
        where the edge hands over to another that the cell does not know.
        """
        x1, y1, x2, y2 = self.edges[pairs.edge].T
        above_lower, above_upper = y >= y1, y >= y2
        is_left = _crossing_x(x1, y1, x2, y2, y) < x
        turns = (above_lower ^ above_upper) & is_left
        turns ^= (pairs.lower_west & above_lower) ^ (pairs.upper_west & above_upper)
        return np.where(turns, self.edge_states[pairs.edge], np.uint64(0))

    def _centre_states(self) -> States:
        """Return the states at the centres of all children, row by row through each parent."""
        pairs, side = self.parents.pairs, self.side
        x1, y1, x2, y2 = self.edges[pairs.edge].T
        states = self.edge_states[pairs.edge]
        lower, upper = self._first_row(y1, pairs.cell), self._first_row(y2, pairs.cell)
        found = np.zeros((self.column.size, side, side + 1), np.uint64)
        # Ends west of the parent turn whole rows from theirs upwards ...
        ends = np.zeros((self.column.size, side + 1), np.uint64)
        for row, is_west in ((lower, pairs.lower_west), (upper, pairs.upper_west)):
            np.bitwise_xor.at(ends, (pairs.cell[is_west], row[is_west]), states[is_west])
        found[:, :, 0] = np.bitwise_xor.accumulate(ends, axis=1)[:, :side]
        # ... and each crossing turns the rest of its row.
        at, step = expand(upper - lower)
        row = lower[at] + step
        cell = pairs.cell[at]
        x = _crossing_x(x1[at], y1[at], x2[at], y2[at], self.y(self.row[cell] + row))
        np.bitwise_xor.at(found, (cell, row, self._first_column(x, cell)), states[at])
        turned = np.bitwise_xor.accumulate(found, axis=2)[:, :, :side]
        return np.asarray((turned ^ self.parents.state[:, None, None]).ravel(), np.uint64)

    def _first_row(self, y: Array, cell: Ints) -> Ints:
        """Return the first row in the cell whose middle is at `y` or above; `side` where there is none."""
        lattice = self.lattice
        row = np.ceil((y - lattice.south) / lattice.cell_height - 0.5).astype(np.int64)
        row += self.y(row) < y
        row -= self.y(row - 1) >= y
        return np.asarray(np.clip(row - self.row[cell], 0, self.side), np.int64)

    def _first_column(self, x: Array, cell: Ints) -> Ints:
        """Return the first column in the cell whose middle lies east of `x`; `side` where there is none."""
        lattice = self.lattice
        column = np.floor((x - lattice.west) / lattice.cell_width + 0.5).astype(np.int64)
        column += x >= self.x(column)
        column -= x < self.x(column - 1)
        return np.asarray(np.clip(column - self.column[cell], 0, self.side), np.int64)


def _crossing_x(x1: Array, y1: Array, x2: Array, y2: Array, y: Array) -> Array:
    """Return where edges meet the height `y`; any number where they do not."""
    height = y2 - y1
    return np.asarray(x1 + (y - y1) / np.where(height > 0.0, height, 1.0) * (x2 - x1), np.float64)


def _select(pairs: _Pairs, chosen: Bools) -> _Pairs:
    return _Pairs(pairs.cell[chosen], pairs.edge[chosen], pairs.lower_west[chosen], pairs.upper_west[chosen])


def _samples(levels: Sequence[_Level]) -> Samples:
    """Return the states at all centres; whole cells first, because their centres are away from edges."""
    whole = [_without(level.states.size, level.leaves, level.divided) for level in levels]
    chosen = [*zip(levels, whole, strict=True), *((level, level.leaves) for level in levels)]
    return Samples(
        np.concatenate([level.states[at] for level, at in chosen]),
        np.concatenate([level.x[at] for level, at in chosen]),
        np.concatenate([level.y[at] for level, at in chosen]),
    )


def _turns(levels: Sequence[_Level]) -> Turns:
    return Turns(
        np.concatenate([level.states[level.leaf_pairs.cell] for level in levels]),
        np.concatenate([level.leaf_pairs.edge for level in levels]),
    )


def _without(count: int, *positions: Ints) -> Ints:
    keep = np.ones(count, bool)
    for each in positions:
        keep[each] = False
    return np.flatnonzero(keep)


def _leaf_edges(levels: Sequence[_Level]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return where each leaf's references start, and the references; one leaf more, without any, at the end."""
    counts: list[Ints] = []
    refs: list[Ints] = []
    for level in levels:
        pairs = level.leaf_pairs
        counts.append(np.unique(pairs.cell, return_counts=True)[1])
        refs.append(pairs.edge * 4 + pairs.lower_west + 2 * pairs.upper_west)
    starts = np.concatenate(([0], np.cumsum(np.concatenate(counts))))
    return np.append(starts, starts[-1]).astype(np.int32), np.concatenate(refs).astype(np.int32)


def _cell_values(levels: Sequence[_Level], set_states: States) -> NDArray[np.int32]:
    leaves = sum(level.leaves.size for level in levels) + 1
    leaf, block = 0, leaves
    values: list[Ints] = []
    for level in levels:
        value = np.searchsorted(set_states, level.states)
        value = np.minimum(value, set_states.size - 1)
        # A whole cell without a name becomes the last leaf, whose state is unknown: shapely will be asked.
        value[set_states[value] != level.states] = ~(leaves - 1)
        value[level.leaves] = ~np.arange(leaf, leaf + level.leaves.size)
        value[level.divided] = ~np.arange(block, block + level.divided.size)
        leaf, block = leaf + level.leaves.size, block + level.divided.size
        values.append(value)
    return np.concatenate(values).astype(np.int32)
