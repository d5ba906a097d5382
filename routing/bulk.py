"""Knows how many reports are decided at once: alike ones once, those in doubt near an edge one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geo.boundary import Hit
from geo.crs import Array, LonLat
from geo.edges_many import NEAR_LIMIT_M, ManyEdges
from geo.lattice import Ints, expand
from routing.decision import Decision
from routing.router import EDGE_LIMIT_M
from routing.sight import Sight, near_key

if TYPE_CHECKING:
    from geo.boundary import Layer, Nearby
    from routing.facts import ReportFacts, Service
    from routing.router import Router

Owners = tuple[int, ...]
_OWN = -1
_MOST_KEYS = 1 << 62


@dataclass(frozen=True, slots=True)
class Found:
    """The answers for an array of points.

    `decision` is a position in `BulkRouter.decisions` for each point, -1 for those that have to be asked one
    by one. `sets` holds for each layer (tie order) the number of the boundaries hit, as
    `BulkRouter.codes_of` counts them. `edge_m` is NaN beyond 100 m.
    """

    decision: Ints
    sets: tuple[Ints, ...]
    edge_m: Array


class BulkRouter:
    """Decides for arrays of points as `Router.decide` does for one: the same answers for the same facts.

    What it has decided it keeps, so that the next array is answered sooner. Not for use by several threads.
    """

    def __init__(self, router: Router) -> None:
        city = router.city
        self._router, self._city = router, city
        order = sorted(city.index.layers, key=lambda layer: (layer.tie_order, layer.name))
        self._all = {
            layer.name: _LayerSets(layer, ManyEdges(city.index.edges(layer.name))) for layer in order
        }
        self._areas = [self._all[layer.name] for layer in order if layer.is_area]
        self._places = {each.layer.name: place for place, each in enumerate(self._areas)}
        self._attributes = {
            (layer.name, each.code): each.attributes
            for layer in order
            if layer.name in city.rulebook.attribute_layers
            for each in layer.boundaries
        }
        self._sights: dict[str, Sight] = {}
        self._known: dict[tuple[int, ...], int] = {}
        self.decisions: list[Decision] = []
        # By decision and layer: the set whose edges count, or _OWN for the whole of what was hit.
        self._measured: list[list[int]] = []

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of areas in the order of `Found.sets`."""
        return tuple(each.layer.name for each in self._areas)

    def codes_of(self, place: int, number: int) -> tuple[str, ...]:
        """Return the boundary codes of a numbered set of a layer, in order."""
        return tuple(hit.code for hit in self._areas[place].hits(number))

    def sight(self, service: Service) -> Sight:
        """Return what can make a difference for a service."""
        if service.code not in self._sights:
            self._sights[service.code] = Sight(self._city, service)
        return self._sights[service.code]

    def answer(self, kinds: Sequence[ReportFacts], kind: Ints, lon: Array, lat: Array) -> Found:
        """Decide for points (EPSG:4326 degrees, NaN for none), each with its `kind`: a position in `kinds`.

        `kinds` are facts without a place; a position must mean the same whenever it is used again.
        """
        is_placed = np.isfinite(lon) & np.isfinite(lat)
        at = np.flatnonzero(is_placed)
        sets = tuple(self._gather(each, at, lon, lat) for each in self._areas)
        alone = self._doubtful(kinds, kind, lon, lat, sets, is_placed)
        decision = np.full(lon.size, -1, np.int64)
        for sight, rows in self._by_sight(kinds, kind, ~alone):
            near, columns = self._near(sight, rows, lon, lat, is_placed)
            columns += [sets[self._places[name]][rows] for name in sight.layers]
            # Without a place nothing is hit, which is not the same as a place that nothing covers.
            columns += [kind[rows], is_placed[rows].astype(np.int64)]
            first, group = group_rows(columns)
            numbers = [self._number(kinds, kind, rows, near, columns, one, lon, lat, sets) for one in first]
            decision[rows] = np.array(numbers, np.int64)[group]
        return Found(decision, sets, self._edges(decision, sets, lon, lat))

    def _gather(self, layer: _LayerSets, at: Ints, lon: Array, lat: Array) -> Ints:
        numbers = np.zeros(lon.size, np.int64)
        numbers[at] = layer.number(
            *self._city.index.covering_many(layer.layer.name, lon[at], lat[at]), at.size
        )
        return numbers

    def _doubtful(
        self,
        kinds: Sequence[ReportFacts],
        kind: Ints,
        lon: Array,
        lat: Array,
        sets: tuple[Ints, ...],
        is_placed: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Mark the points whose decision may depend on distances, or that may snap to a boundary."""
        doubtful = np.zeros(lon.size, np.bool_)
        used = np.unique(kind)
        accuracy_m = max((kinds[one].accuracy_m for one in used), default=0.0)
        for layer, numbers in zip(self._areas, sets, strict=True):
            plain = np.zeros(lon.size, np.bool_)
            plain[is_placed] = layer.edges.is_plain(lon[is_placed], lat[is_placed])
            doubtful |= is_placed & ~plain
            asks = np.zeros(len(kinds), np.bool_)
            asks[[one for one in used if layer.layer.name in self.sight(kinds[one].service).doubted]] = True
            reaches = [(asks[kind], accuracy_m), (numbers == 0, layer.layer.snap_m)]
            for wanted, radius_m in reaches:
                rows = np.flatnonzero(wanted & plain & ~doubtful) if radius_m > 0 else _NONE
                is_far = radius_m > NEAR_LIMIT_M
                doubtful[rows] = is_far or layer.edges.near(lon[rows], lat[rows], radius_m)
        return doubtful

    def _by_sight(
        self, kinds: Sequence[ReportFacts], kind: Ints, wanted: NDArray[np.bool_]
    ) -> Iterable[tuple[Sight, Ints]]:
        """Yield the wanted rows, together as far as the same layers count for them."""
        alike: dict[Any, int] = {}
        sights: list[Sight] = []
        number = np.zeros(len(kinds), np.int64)
        for one in np.unique(kind).tolist():
            sight = self.sight(kinds[one].service)
            key = (sight.layers, tuple(sight.near.items()), sight.named)
            if key not in alike:
                alike[key] = len(sights)
                sights.append(sight)
            number[one] = alike[key]
        sight_of = np.where(wanted, number[kind], -1)
        for place, sight in enumerate(sights):
            rows = np.flatnonzero(sight_of == place)
            if rows.size:
                yield sight, rows

    def _near(
        self, sight: Sight, rows: Ints, lon: Array, lat: Array, is_placed: NDArray[np.bool_]
    ) -> tuple[dict[str, dict[int, Nearby]], list[Ints]]:
        """Return the nearest feature of each layer that rules ask about, by row, and what counts of it."""
        found: dict[str, dict[int, Nearby]] = {}
        columns: list[Ints] = []
        for name, limits in sight.near.items():
            layer = self._all[name]
            own = found[name] = {}
            column = np.zeros(rows.size, np.int64)
            for at in (
                np.flatnonzero(is_placed[rows]).tolist()
                if name in sight.named
                else (layer.within(self._city.index, rows, lon, lat, is_placed, max(limits, default=0.0)))
            ):
                row = int(rows[at])
                nearest = self._city.index.nearest_feature(name, float(lon[row]), float(lat[row]))
                if nearest is not None:
                    own[row] = nearest
                    column[at] = layer.near_number(nearest, limits, name in sight.named)
            columns.append(column)
        return found, columns

    def _number(
        self,
        kinds: Sequence[ReportFacts],
        kind: Ints,
        rows: Ints,
        near: Mapping[str, Mapping[int, Nearby]],
        columns: Sequence[Ints],
        first: int,
        lon: Array,
        lat: Array,
        sets: tuple[Ints, ...],
    ) -> int:
        """Return the position of the decision for all rows like the one at `first` of `rows`."""
        key = tuple([int(column[first]) for column in columns])
        number = self._known.get(key)
        if number is None:
            row = int(rows[first])
            hits = tuple(
                hit for layer, own in zip(self._areas, sets, strict=True) for hit in layer.hits(own[row])
            )
            asked = kinds[int(kind[row])]
            facts = replace(
                asked,
                point=LonLat(float(lon[row]), float(lat[row])) if np.isfinite(lon[row]) else None,
                hits=hits,
                near={name: own[row] for name, own in near.items() if row in own},
                attributes={
                    (hit.layer, hit.code): self._attributes[hit.layer, hit.code]
                    for hit in hits
                    if (hit.layer, hit.code) in self._attributes
                },
            )
            number = self._known[key] = self._decide(facts)
        return number

    def _decide(self, facts: ReportFacts) -> int:
        decision = self._router.decide_on(facts)
        used = [hit for hit in facts.hits if (hit.layer, hit.code) in decision.used]
        measured = [_OWN] * len(self._areas)
        if used:
            measured = [
                layer.subset(hit.code for hit in used if hit.layer == layer.layer.name)
                for layer in self._areas
            ]
        self.decisions.append(decision)
        self._measured.append(measured)
        return len(self.decisions) - 1

    def _edges(self, decision: Ints, sets: tuple[Ints, ...], lon: Array, lat: Array) -> Array:
        """Return the metres to the nearest edge of the boundaries that decided, or of all hit; NaN beyond 100."""
        nearest = np.full(lon.size, np.inf)
        rows = np.flatnonzero((decision >= 0) & np.isfinite(lon))
        if not rows.size:
            return np.full(lon.size, np.nan)
        measured = np.array(self._measured, np.int64)[decision[rows]]
        for place, layer in enumerate(self._areas):
            wanted = measured[:, place]
            at, owners = layer.owners(np.where(wanted == _OWN, sets[place][rows], wanted))
            found = rows[at]
            np.minimum.at(nearest, found, layer.edges.nearest(lon[found], lat[found], owners, EDGE_LIMIT_M))
        return np.where(np.isfinite(nearest), nearest, np.nan)


_NONE = np.empty(0, np.int64)


class _LayerSets:
    """The sets of boundaries that hold points together, numbered: 0 for none, then each alone, then others."""

    def __init__(self, layer: Layer, edges: ManyEdges) -> None:
        self.layer = layer
        self.edges = edges
        self._plain = [Hit(layer.name, each.code, layer.edition, None, False) for each in layer.boundaries]
        by_code = sorted(range(len(layer.boundaries)), key=lambda owner: layer.boundaries[owner].code)
        self._ranks = {owner: rank for rank, owner in enumerate(by_code)}
        self._sets: list[Owners] = [(), *((owner,) for owner in range(len(layer.boundaries)))]
        self._numbers = {owners: number for number, owners in enumerate(self._sets)}
        self._near: dict[tuple[Any, ...], int] = {}

    def hits(self, number: int) -> tuple[Hit, ...]:
        """Return the hits of a set, by code."""
        return tuple(self._plain[owner] for owner in self._sets[number])

    def number(self, points: Ints, owners: Ints, count: int) -> Ints:
        """Return the set of each of `count` points, from sorted pairs of a point and an owner."""
        numbers = np.zeros(count, np.int64)
        numbers[points] = owners + 1
        doubled = points[1:][points[1:] == points[:-1]]
        if doubled.size:
            many = np.unique(doubled)
            begins, ends = np.searchsorted(points, many), np.searchsorted(points, many, "right")
            for point, begin, end in zip(many.tolist(), begins.tolist(), ends.tolist(), strict=True):
                numbers[point] = self._number(owners[begin:end].tolist())
        return numbers

    def subset(self, codes: Iterable[str]) -> int:
        """Return the number of the set with these codes."""
        wanted = set(codes)
        return self._number([at for at, hit in enumerate(self._plain) if hit.code in wanted]) if wanted else 0

    def owners(self, numbers: Ints) -> tuple[Ints, Ints]:
        """Return pairs (position in `numbers`, owner) of all that these sets hold."""
        starts = np.cumsum([0, *map(len, self._sets)])
        flat = np.array([owner for owners in self._sets for owner in owners], np.int64)
        at, step = expand(np.diff(starts)[numbers])
        return at, flat[starts[numbers][at] + step]

    def within(
        self, index: Any, rows: Ints, lon: Array, lat: Array, is_placed: NDArray[np.bool_], radius_m: float
    ) -> list[int]:
        """Return the positions in `rows` of the points that may have a feature within the radius."""
        placed = np.flatnonzero(is_placed[rows])
        lon, lat = lon[rows[placed]], lat[rows[placed]]
        if radius_m > NEAR_LIMIT_M:
            return [int(at) for at in placed]
        near = self.edges.near(lon, lat, radius_m) | ~self.edges.is_plain(lon, lat)
        near[index.covering_many(self.layer.name, lon, lat)[0]] = True
        return [int(at) for at in placed[near]]

    def near_number(self, nearest: Nearby, limits: Sequence[float], is_named: bool) -> int:
        """Return a number, 1 or more, for what counts of the nearest feature."""
        return self._near.setdefault((limits, near_key(nearest, limits, is_named)), len(self._near) + 1)

    def _number(self, owners: list[int]) -> int:
        found = tuple(sorted(owners, key=self._ranks.__getitem__))
        number = self._numbers.get(found)
        if number is None:
            number = self._numbers[found] = len(self._sets)
            self._sets.append(found)
        return number


def group_rows(columns: Sequence[Ints]) -> tuple[list[int], Ints]:
    """Return the first row of each group of rows that are alike in all columns, and the group of each row."""
    key = np.zeros(columns[0].size, np.int64)
    most = 1
    for column in columns:
        count = int(column.max()) + 1
        if most * count >= _MOST_KEYS:
            key = np.unique(key, return_inverse=True)[1].astype(np.int64)
            most = int(key.max()) + 1
        key, most = key * count + column, most * count
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    return first.tolist(), group
