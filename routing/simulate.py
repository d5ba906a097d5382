"""Knows what another rulebook or map would have done with past cases: who leads, before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from geo.boundary import Hit
from routing.decision import first_match, kept_from_accused
from routing.facts import ReportFacts
from routing.leaves import AttributeLeaf, LayerLeaf
from routing.priority import URGENCY_DEFAULT, Priority, compute_priority
from routing.rules import BoundaryOf
from routing.sight import Sight, near_key
from routing.urgency import pressed

if TYPE_CHECKING:
    from geo.boundary import Layer, Nearby
    from geo.crs import LonLat
    from routing.router import City

_Hits = tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class PastCase:
    """What was known of a case when it was filed. `point` in EPSG:4326 degrees, `at` aware.

    `shown_at` is where a map may show it; `point` where it is None. `priority` None: by the service.
    """

    name: str
    service_code: str
    at: datetime
    point: LonLat | None = None
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    channel: str = "web"
    priority: Priority | None = None
    about_unit: str = ""
    shown_at: LonLat | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who leads a case, and by which rule."""

    lead: str
    rule_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """A case that another unit would have led, or another rule decided."""

    case: PastCase
    before: Outcome
    after: Outcome

    @property
    def changes_hands(self) -> bool:
        """Whether the unit is another one; otherwise only the rule is."""
        return self.before.lead != self.after.lead


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One unit's cases before and after, and how many came and went."""

    unit: str
    before: int
    after: int
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class Simulated:
    """The answer of a simulation. `skipped` counts cases whose service one of the cities does not offer."""

    cases: int
    skipped: int
    changes: tuple[Change, ...]
    units: tuple[UnitRow, ...]
    rules: Mapping[tuple[str, str], int]

    @property
    def moved(self) -> int:
        """How many cases would change hands."""
        return sum(change.changes_hands for change in self.changes)

    def map(self) -> dict[str, Any]:
        """Return the cases that change hands as a GeoJSON FeatureCollection of points (4 decimals: 10 m)."""
        shown = [change for change in self.changes if change.changes_hands]
        features = [found for change in shown if (found := _feature(change)) is not None]
        return {"type": "FeatureCollection", "features": features}


def simulate(cases: Sequence[PastCase], before: City, after: City) -> Simulated:
    """Decide every case by both cities and count who gains and loses; nothing is changed.

    Open cases of units that share work are not known of the past: `least_loaded` names its first unit.
    """
    offered = before.services.keys() & after.services.keys()
    known = [case for case in cases if case.service_code in offered]
    seen = layers_seen(before) | layers_seen(after)
    hits = gather_hits(known, before, seen) if before.index is after.index else None
    old, new = outcomes(known, before, hits), outcomes(known, after, hits)
    pairs = list(zip(known, old, new, strict=True))
    changes = tuple(Change(*pair) for pair in pairs if pair[1] != pair[2])
    rules = Counter((one.rule_id, other.rule_id) for _, one, other in pairs if one.rule_id != other.rule_id)
    return Simulated(len(known), len(cases) - len(known), changes, tuple(_units(old, new)), dict(rules))


def outcomes(cases: Sequence[PastCase], city: City, hits: Sequence[_Hits] | None = None) -> list[Outcome]:
    """Decide each case: the same lead and rule as the router names, worked out once for cases alike.

    `hits` are the boundaries that hold each case, where they are known already.
    """
    return _Decider(cases, city, gather_hits(cases, city) if hits is None else hits).outcomes()


def facts_of(case: PastCase, city: City, hits: _Hits, zone: ZoneInfo) -> ReportFacts:
    """Return what rules can see of a past case, given the boundaries that hold it; no distances to edges."""
    service = city.services[case.service_code]
    local_time = case.at.astimezone(zone)
    near = city.rulebook.for_service(service).near_layers if case.point is not None else ()
    found = {
        layer: city.index.nearest_feature(layer, *case.point) for layer in near if case.point is not None
    }
    return ReportFacts(
        service=service,
        local_time=local_time,
        point=case.point,
        hits=hits,
        near={layer: nearest for layer, nearest in found.items() if nearest is not None},
        attributes=_attributes(city, hits),
        answers=case.answers,
        is_holiday=city.calendar.is_holiday(local_time.date()),
        is_working_time=city.calendar.is_working_time(case.at),
        priority=case.priority or compute_priority(URGENCY_DEFAULT, service.importance, is_vulnerable=False),
        channel=case.channel,
        required_layers=tuple(layer.name for layer in city.index.layers if layer.required),
        about_unit=case.about_unit,
        urgency=None if case.priority else URGENCY_DEFAULT,
    )


def decide_plainly(facts: ReportFacts, city: City) -> Outcome:
    """Return who leads, without the doubt near borders that changes no lead."""
    answer = first_match(pressed(facts, city.rulebook), city.rulebook, city.directory)
    return Outcome(kept_from_accused(answer.lead, facts, city.directory)[0], answer.rule.id)


class _Decider:
    """Gathers hits for all cases at once, and keeps the outcome of every set of facts that rules can see."""

    def __init__(self, cases: Sequence[PastCase], city: City, hits: Sequence[_Hits]) -> None:
        self._cases, self._city, self._hits = cases, city, hits
        self._zone = ZoneInfo(city.timezone)
        self._sights = {code: Sight(city, service) for code, service in city.services.items()}
        self._near: dict[tuple[str, LonLat], Nearby | None] = {}

    def outcomes(self) -> list[Outcome]:
        known: dict[tuple[Any, ...], Outcome] = {}
        found = []
        for case, hits in zip(self._cases, self._hits, strict=True):
            key = self._key(case, hits)
            outcome = known.get(key)
            if outcome is None:
                facts = facts_of(case, self._city, hits, self._zone)
                outcome = known[key] = decide_plainly(facts, self._city)
            found.append(outcome)
        return found

    def _key(self, case: PastCase, hits: _Hits) -> tuple[Any, ...]:
        """What rules can see of a case: two cases with one key are decided alike."""
        sight = self._sights[case.service_code]
        return (
            case.service_code,
            id(hits),  # alike hits are one tuple, which `_hits` keeps: hashing it anew takes far longer
            case.point is None,
            case.about_unit,
            case.channel,
            case.priority,
            sight.answer_key(case.answers),
            self._near_key(case, sight),
            sight.time_key(case.at),
        )

    def _near_key(self, case: PastCase, sight: Sight) -> tuple[Any, ...]:
        if case.point is None:
            return ()
        key: list[Any] = []
        for layer, limits in sight.near.items():
            place = (layer, case.point)
            if place not in self._near:
                self._near[place] = self._city.index.nearest_feature(layer, *case.point)
            key.append(near_key(self._near[place], limits, layer in sight.named))
        return tuple(key)


def layers_seen(city: City) -> frozenset[str]:
    """Return the area layers that a decision can depend on: those of rules, and the required ones."""
    asked = {leaf.layer for leaf in city.rulebook.leaves() if isinstance(leaf, LayerLeaf | AttributeLeaf)}
    leads = [rule.lead for rule in city.rulebook.rules]
    asked |= {lead.layer for lead in leads if isinstance(lead, BoundaryOf)}
    asked |= {layer.name for layer in city.index.layers if layer.required}
    return frozenset(layer.name for layer in city.index.layers if layer.is_area and layer.name in asked)


def gather_hits(cases: Sequence[PastCase], city: City, layers: Collection[str] | None = None) -> list[_Hits]:
    """Return for each case the boundaries of `layers` that hold it, all at once; None: those rules can see."""
    found: list[list[Hit]] = [[] for _ in cases]
    placed = [position for position, case in enumerate(cases) if case.point is not None]
    points = np.array([cases[position].point for position in placed], float).reshape(-1, 2)
    seen = layers_seen(city) if layers is None else layers
    for layer in sorted(city.index.layers, key=lambda layer: (layer.tie_order, layer.name)):
        if layer.name in seen:
            _gather_layer(layer, city, placed, points, found)
    # Cases in the same boundaries share one tuple.
    shared: dict[_Hits, _Hits] = {}
    return [shared.setdefault(hits, hits) for hits in map(tuple, found)]


def _gather_layer(
    layer: Layer, city: City, placed: Sequence[int], points: Any, found: list[list[Hit]]
) -> None:
    hits = [Hit(layer.name, each.code, layer.edition, None, False) for each in layer.boundaries]
    rows, columns = city.index.covering_many(layer.name, points[:, 0], points[:, 1])
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        found[placed[row]].append(hits[column])
    if not layer.snap_m:
        return
    is_bare = np.ones(len(placed), bool)
    is_bare[rows] = False
    for row in np.flatnonzero(is_bare).tolist():
        lon, lat = points[row].tolist()
        near = city.index.nearest_feature(layer.name, lon, lat, layer.snap_m)
        if near is not None:
            found[placed[row]].append(Hit(layer.name, near.code, layer.edition, None, True))


def _attributes(city: City, hits: _Hits) -> dict[tuple[str, str], Mapping[str, str]]:
    wanted = {(hit.layer, hit.code) for hit in hits if hit.layer in city.rulebook.attribute_layers}
    if not wanted:
        return {}
    return {
        (layer.name, each.code): each.attributes
        for layer in city.index.layers
        if layer.name in city.rulebook.attribute_layers
        for each in layer.boundaries
        if (layer.name, each.code) in wanted
    }


def _units(old: Iterable[Outcome], new: Iterable[Outcome]) -> list[UnitRow]:
    pairs = Counter((one.lead, other.lead) for one, other in zip(old, new, strict=True))
    rows = []
    for unit in sorted({unit for pair in pairs for unit in pair}):
        kept = pairs[unit, unit]
        before = sum(count for (one, _), count in pairs.items() if one == unit)
        after = sum(count for (_, other), count in pairs.items() if other == unit)
        rows.append(UnitRow(unit, before, after, after - kept, before - kept))
    return sorted(rows, key=lambda row: (-(row.gained + row.lost), row.unit))


def _feature(change: Change) -> dict[str, Any] | None:
    place = change.case.shown_at or change.case.point
    if place is None:
        return None
    return {
        "type": "Feature",
        "properties": {
            "case": change.case.name,
            "service": change.case.service_code,
            "from": change.before.lead,
            "to": change.after.lead,
            "rule_before": change.before.rule_id,
            "rule_after": change.after.rule_id,
        },
        "geometry": {"type": "Point", "coordinates": [round(place[0], 4), round(place[1], 4)]},
    }
