"""Knows how blocks become communities, street offices' areas and districts: each whole, each within the next."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from portal.demo.lanpu.graph import Graph, is_scrap
from portal.demo.lanpu.plane import Array, Numbers

# What crossing a border costs, in metres of way: people and offices keep to their side of a river.
CROSSING = {
    "river": 9000.0,
    "stream": 700.0,
    "express": 1100.0,
    "main": 700.0,
    "collector": 260.0,
    "local": 60.0,
    "field": 60.0,
}
# How much more borders weigh than distance, for districts, street offices' areas and communities.
WEIGHTS = (4.0, 2.4, 1.5)
ROUNDS = 6
STREETS, COMMUNITIES = 46, 186
# Code, place in kilometres, head start in metres of way.
DISTRICTS = (("GC", -1.5, 2.2, 0), ("BA", 3.8, 3.2, 0), ("CN", 0.4, -2.6, 2600), ("WC", 7.0, 5.2, 0),
             ("LG", 6.4, -4.0, 0), ("YL", -7.0, -4.2, 0), ("JH", -4.6, 5.6, 0), ("DX", -9.6, 0.9, 0))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Areas:
    """For each block its district, street and community, as positions; children know their parents."""

    district_of: Numbers
    street_of: Numbers
    community_of: Numbers
    street_parent: list[int]
    community_parent: list[int]


@dataclass(frozen=True, slots=True)
class _Cells:
    """Blocks with their scraps taken in: the smallest things that are dealt out."""

    members: list[list[int]]
    middles: Array
    weights: Array
    ways: list[list[tuple[int, float, float]]]
    """For each cell: neighbour, distance, and what the border between costs."""


def make_areas(graph: Graph, people: Array, chance: np.random.Generator) -> Areas:
    """Deal the blocks out: districts from their places, the rest by how many people live where."""
    cells = _cells(graph, people)
    every = list(range(len(cells.members)))
    starts = [int(np.argmin(np.hypot(*(cells.middles - (x * 1000, y * 1000)).T))) for _, x, y, _ in DISTRICTS]
    district = _grow(cells, every, starts, WEIGHTS[0], [float(head) for *_, head in DISTRICTS])
    street, street_parent = _split(cells, district, (len(DISTRICTS), STREETS), WEIGHTS[1], chance)
    community, community_parent = _split(cells, street, (len(street_parent), COMMUNITIES), WEIGHTS[2], chance)
    number = len(graph.blocks)
    home = np.empty(number, dtype=int)
    for cell, blocks in enumerate(cells.members):
        home[blocks] = cell
    return Areas(district[home], street[home], community[home], street_parent, community_parent)


def _cells(graph: Graph, people: Array) -> _Cells:
    """Join every scrap to the neighbour with which it has the longest border."""
    home = list(range(len(graph.blocks)))

    def root(block: int) -> int:
        while home[block] != block:
            block = home[block]
        return block

    for block in sorted(range(len(home)), key=lambda one: graph.plane[one].area):
        around = graph.neighbours[block]
        if around and is_scrap(graph.plane[block]):
            best = max(
                sorted(around), key=lambda one: sum(around[one].values()) - around[one].get("river", 0.0)
            )
            home[root(block)] = root(best)
    roots = sorted({root(block) for block in range(len(home))})
    place = {block: position for position, block in enumerate(roots)}
    members: list[list[int]] = [[] for _ in roots]
    for block in range(len(home)):
        members[place[root(block)]].append(block)
    middles = np.array([shapely.get_coordinates(shapely.centroid(graph.plane[block]))[0] for block in roots])
    weights = np.array([people[blocks].sum() for blocks in members])
    ways: list[dict[int, tuple[float, float]]] = [{} for _ in roots]
    for block, around in enumerate(graph.neighbours):
        here = place[root(block)]
        for other, borders in around.items():
            there = place[root(other)]
            if there != here:
                widest = max(sorted(borders), key=lambda name: borders[name])
                away = float(np.hypot(*(middles[here] - middles[there])))
                crossing = max(CROSSING.get(widest, 0.0), ways[here].get(there, (0.0, 0.0))[1])
                ways[here][there] = (away, crossing)
    plain = [[(other, *cost) for other, cost in sorted(each.items())] for each in ways]
    return _Cells(members, middles, weights, plain)


def _grow(
    cells: _Cells,
    among: Sequence[int] | Numbers,
    starts: Sequence[int],
    weight: float,
    heads: Sequence[float] | None = None,
) -> Numbers:
    """Each cell goes to the start from which the way is shortest, inside `among`: so every part hangs together."""
    allowed = np.zeros(len(cells.members), dtype=bool)
    allowed[list(among)] = True
    label = np.full(len(cells.members), -1)
    heap = [((heads or [0.0] * len(starts))[number], start, number) for number, start in enumerate(starts)]
    heapq.heapify(heap)
    label[list(starts)] = range(len(starts))  # a start is never overrun
    while heap:
        way, cell, number = heapq.heappop(heap)
        if label[cell] >= 0 and cell != starts[number]:
            continue
        label[cell] = number
        for other, away, crossing in cells.ways[cell]:
            if allowed[other] and label[other] < 0:
                heapq.heappush(heap, (way + away + weight * crossing, other, number))
    return label


def _split(
    cells: _Cells, parents: Numbers, numbers: tuple[int, int], weight: float, chance: np.random.Generator
) -> tuple[Numbers, list[int]]:
    """Split every parent into children of much the same number of people; returns labels and each child's parent."""
    parent_number, number = numbers
    groups = [np.flatnonzero(parents == parent) for parent in range(parent_number)]
    shares = _shares([float(cells.weights[group].sum()) ** 0.75 for group in groups], number)
    labels = np.full(len(parents), -1)
    parent_of: list[int] = []
    for parent, (group, share) in enumerate(zip(groups, shares, strict=True)):
        inner = _balanced(cells, group, share, weight, chance)
        labels[group] = inner[group] + len(parent_of)
        parent_of += [parent] * share
    return labels, parent_of


def _shares(weights: list[float], number: int) -> list[int]:
    """Whole shares of a number, at least two each, by largest remainder."""
    total = sum(weights)
    exact = [max(2.0, number * weight / total) for weight in weights]
    shares = [int(each) for each in exact]
    rest = sorted(range(len(weights)), key=lambda one: shares[one] - exact[one])
    for one in rest[: max(0, number - sum(shares))]:
        shares[one] += 1
    return shares


def _balanced(
    cells: _Cells, group: Numbers, share: int, weight: float, chance: np.random.Generator
) -> Numbers:
    """Lloyd's rounds: grow from seeds, move each seed to the middle of its people, hold the large ones back."""
    weights = cells.weights[group] + 1.0
    seeds = [int(group[chance.choice(len(group), p=weights / weights.sum())])]
    while len(seeds) < share:
        away = np.min([np.hypot(*(cells.middles[group] - cells.middles[seed]).T) for seed in seeds], axis=0)
        seeds.append(int(group[np.argmax(away * weights**0.25 * chance.uniform(0.8, 1.0, len(group)))]))
    heads = np.zeros(share)
    label = _grow(cells, group, seeds, weight)
    for _ in range(ROUNDS):
        sizes = np.array([cells.weights[label == each].sum() + 1.0 for each in range(share)])
        heads += 330.0 * np.clip(np.log(sizes / sizes.mean()), -1, 1)
        for each in range(share):
            mine = np.flatnonzero(label == each)
            middle = np.average(cells.middles[mine], axis=0, weights=cells.weights[mine] + 20.0)
            seeds[each] = int(mine[np.argmin(np.hypot(*(cells.middles[mine] - middle).T))])
        label = _grow(cells, group, seeds, weight, list(heads - heads.min()))
    return label
