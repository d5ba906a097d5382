"""Knows which owners each state of a layer stands for.

What covers a place is written as a *state*: the exclusive or of a random 64-bit number per owner. Crossing
an edge turns the state by the edge's own number, the exclusive or of its owners: a border between two
neighbours takes one out and puts the other in. Two sets of owners share a state by chance in less than one
of 10**7 layers with a million sets.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geo.crs import Array
from geo.lattice import Ints

States: TypeAlias = NDArray[np.uint64]
_Owners: TypeAlias = tuple[int, ...]


class Samples(NamedTuple):
    """States at places; those well away from edges come first."""

    states: States
    x: Array
    y: Array


class Turns(NamedTuple):
    """Edges beside places: the state of the place, and the number of the edge."""

    states: States
    edges: Ints


class EdgeOwners(NamedTuple):
    """Whose each edge is: `starts` delimits the part of each edge of `owners`."""

    starts: Ints
    owners: Ints
    states: States


def owner_states(count: int) -> States:
    """Return the random number of each owner: the same at every call."""
    return np.random.Generator(np.random.PCG64(20251)).integers(1, 2**64, count, np.uint64)


def name_sets(
    count: int, samples: Samples, turns: Turns, edges: EdgeOwners, covering: Callable[[float, float], Ints]
) -> tuple[States, list[_Owners]]:
    """Return the states known, ascending, and the owners that each stands for; state 0 is the empty set.

    Known are the empty set, each owner alone, what `covering` says where states were sampled, and what lies
    one edge further. A state that is none of these only costs time: shapely is then asked.
    """
    numbers = owner_states(count)
    named: dict[int, _Owners] = {0: ()} | {int(state): (at,) for at, state in enumerate(numbers)}
    unique, first = np.unique(samples.states, return_index=True)
    for state, at in zip(unique.tolist(), first.tolist(), strict=True):
        if state not in named:
            found = covering(float(samples.x[at]), float(samples.y[at]))
            if int(np.bitwise_xor.reduce(numbers[found])) == state:
                named[state] = tuple(found.tolist())
    if any(len(owners) > 1 for owners in named.values()):
        _name_one_further(named, turns, edges)
    in_order = sorted(named)
    return np.array(in_order, np.uint64), [named[state] for state in in_order]


def _name_one_further(named: dict[int, _Owners], turns: Turns, edges: EdgeOwners) -> None:
    """Add what is met across one edge, unless it is more owners than were met together anywhere."""
    most = max(len(owners) for owners in named.values())
    unique, first = np.unique(turns.states ^ edges.states[turns.edges], return_index=True)
    for state, at in zip(unique.tolist(), first.tolist(), strict=True):
        edge = turns.edges[at]
        origin = named.get(int(turns.states[at]))
        if state in named or origin is None:
            continue
        turned = set(origin)
        for owner in edges.owners[edges.starts[edge] : edges.starts[edge + 1]].tolist():
            turned ^= {owner}
        if len(turned) <= most:
            named[state] = tuple(sorted(turned))
