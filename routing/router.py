"""Knows the one way in: a point and a service go in; unit, reason, clocks and receipt come out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from geo.crs import Datum, LonLat, to_wgs84
from routing.decision import AMBIGUOUS_BELOW, GEOCODED_BORDER_M, Decision, decide
from routing.errors import CalendarError, InvalidPlace, RoutingError, UnknownService
from routing.facts import ACCURACY_MAX_M, ACCURACY_MIN_M, ReportFacts, Service
from routing.leaves import AttributeLeaf, LayerLeaf, NearLeaf
from routing.priority import URGENCY_DEFAULT, Priority, compute_priority
from routing.receipt import make_receipt, public_receipt
from routing.rules import BoundaryOf, LeastLoaded, NearestOf, Rulebook, UnitNamed
from routing.targets import ClockPlan, TargetTable, plan_clocks
from routing.urgency import pressed

if TYPE_CHECKING:
    from datetime import datetime

    from geo.boundary import Hit, Nearby
    from geo.index import PointIndex
    from routing.calendar import WorkingCalendar
    from routing.units import Directory

# How far edges are measured, and how far a boundary may be to be worth a mention in the receipt.
EDGE_LIMIT_M = 100.0


@dataclass(frozen=True, slots=True)
class PointQuery:
    """What a client says. `lon` and `lat` are degrees of `datum`, None when no place is given.

    `at` is aware. `accuracy_m`, `datum` and `priority` fall back on the city's own. `urgency` runs from 1
    to 3. `about_unit` is the unit that a complaint is about. `is_geocoded`: the place comes from the address in
    a record, not from a person with a device; with an accuracy of its own that makes no difference.
    """

    service_code: str
    at: datetime
    lon: float | None = None
    lat: float | None = None
    accuracy_m: float | None = None
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    channel: str = "web"
    datum: Datum | None = None
    priority: Priority | None = None
    urgency: int = URGENCY_DEFAULT
    is_vulnerable: bool = False
    about_unit: str = ""
    is_geocoded: bool = False


@dataclass(frozen=True, slots=True)
class City:
    """Everything that decides: boundaries, rules, units, time and aims of one jurisdiction.

    `published_by` is who put the rulebook in force; by default the coordination unit. `ambiguous_below` and
    `geocoded_border_m` say when a place is doubtful, as for `decide`.
    """

    index: PointIndex
    rulebook: Rulebook
    directory: Directory
    calendar: WorkingCalendar
    targets: TargetTable
    services: Mapping[str, Service]
    timezone: str
    default_accuracy_m: float = 30.0
    locales: tuple[str, ...] = ("en",)
    datum: Datum = "wgs84"
    published_by: str = ""
    ambiguous_below: float = AMBIGUOUS_BELOW
    geocoded_border_m: float = GEOCODED_BORDER_M

    @property
    def editions(self) -> dict[str, int]:
        """The edition of every layer in the index."""
        return {layer.name: layer.edition for layer in self.index.layers}


@dataclass(frozen=True, slots=True)
class Routed:
    """One answer: the facts it rests on, the decision, the clocks to start and the receipt to keep."""

    facts: ReportFacts
    decision: Decision
    clocks: tuple[ClockPlan, ...]
    receipt: dict[str, Any]

    @property
    def edge_m(self) -> float | None:
        """Metres to the nearest edge of the boundaries that decided, or of any hit where none did."""
        return edge_distance_m(self.facts, self.decision)


class Router:
    """Routes reports for one city. It never changes, so threads may share it; build another for new data.

    Raises RoutingError when the rulebook speaks of a layer or a unit that the city does not have.
    """

    def __init__(self, city: City) -> None:
        self.city = city
        self._zone = ZoneInfo(city.timezone)
        self._editions = city.editions
        self._required = tuple(layer.name for layer in city.index.layers if layer.required)
        self._attributes = {
            (layer.name, boundary.code): boundary.attributes
            for layer in city.index.layers
            if layer.name in city.rulebook.attribute_layers
            for boundary in layer.boundaries
        }
        if strangers := _strangers(city):
            raise RoutingError(f"the rulebook speaks of what is not there: {', '.join(strangers)}")

    def route(self, query: PointQuery, loads: Mapping[str, int] | None = None) -> Routed:
        """Return the whole answer. `loads` counts the open cases of units that share work.

        Raises UnknownService, InvalidPlace (coordinates that are no place on Earth) and CalendarError
        (`at` without a time zone).
        """
        city = self.city
        facts = pressed(self.facts(query, loads), city.rulebook)
        decision = self._decide(facts)
        clocks = plan_clocks(
            facts.service, decision.priority, query.at, city.calendar, city.targets,
            unit=decision.lead, targets=decision.targets,
        )  # fmt: skip
        published_by = city.published_by or city.directory.coordination_unit
        receipt = make_receipt(facts, decision, city.rulebook, city.directory, self._editions, published_by)
        return Routed(facts, decision, clocks, receipt)

    def decide(
        self, query: PointQuery, loads: Mapping[str, int] | None = None
    ) -> tuple[ReportFacts, Decision]:
        """Return facts and decision only: for bulk work that keeps neither clocks nor receipts."""
        facts = self.facts(query, loads)
        return facts, self.decide_on(facts)

    def decide_on(self, facts: ReportFacts) -> Decision:
        """Return the decision for facts, once the lines of urgency have set their priority."""
        return self._decide(pressed(facts, self.city.rulebook))

    def _decide(self, facts: ReportFacts) -> Decision:
        city = self.city
        return decide(
            facts,
            city.rulebook,
            city.directory,
            ambiguous_below=city.ambiguous_below,
            geocoded_border_m=city.geocoded_border_m,
        )

    def facts(self, query: PointQuery, loads: Mapping[str, int] | None = None) -> ReportFacts:
        """Return what is true of a report; the same errors as `route`."""
        city = self.city
        service = city.services.get(query.service_code)
        if service is None:
            raise UnknownService(query.service_code)
        if query.at.utcoffset() is None:
            raise CalendarError(f"{query.at.isoformat()} has no time zone")
        local_time = query.at.astimezone(self._zone)
        urgent = compute_priority(query.urgency, service.importance, is_vulnerable=query.is_vulnerable)
        facts = ReportFacts(
            service=service,
            local_time=local_time,
            accuracy_m=self._accuracy(query),
            answers={code: _values(values) for code, values in query.answers.items()},
            is_holiday=city.calendar.is_holiday(local_time.date()),
            is_working_time=city.calendar.is_working_time(query.at),
            priority=query.priority or urgent,
            channel=query.channel,
            loads={unit: load for unit, load in (loads or {}).items() if unit in city.rulebook.loaded_units},
            required_layers=self._required,
            about_unit=query.about_unit,
            is_geocoded=query.is_geocoded and not _is_measured(query),
            urgency=None if query.priority else query.urgency,
            is_vulnerable=query.is_vulnerable,
        )
        point = self._point(query)
        return facts if point is None else self.located(facts, point)

    def located(self, facts: ReportFacts, point: LonLat) -> ReportFacts:
        """Return facts without a place (EPSG:4326) as they are at a place."""
        hits, others = self._around(point, facts.accuracy_m)
        return replace(
            facts,
            point=point,
            hits=hits,
            others=others,
            near=self._near(facts.service, point),
            attributes=self._attributes_of(hits, others),
            shares=self._shares(facts.service, point, facts.accuracy_m, others),
        )

    def public_receipt(self, query: PointQuery, routed: Routed, public_point: LonLat) -> dict[str, Any]:
        """Return what anybody may see of `routed`, the answer to `query`.

        For a sensitive service everything about the place is worked out again for `public_point` (WGS 84),
        with the city's accuracy and not the phone's.
        """
        if not routed.facts.service.is_sensitive:
            return public_receipt(routed.receipt, coarse=False)
        coarse = replace(query, lon=public_point[0], lat=public_point[1], datum="wgs84", accuracy_m=None)
        there = self.route(coarse, routed.facts.loads)
        return public_receipt(routed.receipt, coarse=True, at_public_point=there.receipt)

    def _point(self, query: PointQuery) -> LonLat | None:
        if query.lon is None or query.lat is None:
            return None
        lon, lat = float(query.lon), float(query.lat)
        if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
            raise InvalidPlace(lon, lat)
        datum = query.datum or self.city.datum
        return LonLat(lon, lat) if datum == "wgs84" else LonLat(*to_wgs84(lon, lat, datum))

    def _accuracy(self, query: PointQuery) -> float:
        given = query.accuracy_m
        known = given if given is not None and _is_measured(query) else self.city.default_accuracy_m
        # A whole number must give the digest that it gives once stored and read again.
        known = float(known)
        return min(max(known, ACCURACY_MIN_M), ACCURACY_MAX_M)

    def _around(self, point: LonLat, accuracy_m: float) -> tuple[tuple[Hit, ...], tuple[Nearby, ...]]:
        reach = max(accuracy_m, EDGE_LIMIT_M)
        return self.city.index.lookup_nearby(*point, reach, reach)

    def _shares(
        self, service: Service, point: LonLat, accuracy_m: float, others: tuple[Nearby, ...]
    ) -> dict[str, dict[str, float]]:
        """Measure the disc only in layers that rules ask about and that divide it."""
        near = {other.layer for other in others if other.distance_m < accuracy_m}
        if not near:
            return {}
        layers = sorted(near & self.city.rulebook.for_service(service).layers)
        return {layer: self.city.index.shares(*point, accuracy_m, layer) for layer in layers}

    def _near(self, service: Service, point: LonLat) -> dict[str, Nearby]:
        layers = sorted(self.city.rulebook.for_service(service).near_layers)
        found = ((layer, self.city.index.nearest_feature(layer, *point)) for layer in layers)
        return {layer: nearest for layer, nearest in found if nearest is not None}

    def _attributes_of(
        self, hits: tuple[Hit, ...], others: tuple[Nearby, ...]
    ) -> dict[tuple[str, str], Mapping[str, str]]:
        if not self._attributes:
            return {}
        places = [(hit.layer, hit.code) for hit in hits] + [(other.layer, other.code) for other in others]
        return {place: self._attributes[place] for place in places if place in self._attributes}


def edge_distance_m(facts: ReportFacts, decision: Decision) -> float | None:
    """Return the metres to the nearest edge of the boundaries that decided, or of any hit where none did.

    Exact up to 100 m, None beyond.
    """
    decided = [hit for hit in facts.hits if (hit.layer, hit.code) in decision.used] or facts.hits
    edges = [hit.edge_m for hit in decided if hit.edge_m is not None and hit.edge_m <= EDGE_LIMIT_M]
    return min(edges, default=None)


def _is_measured(query: PointQuery) -> bool:
    return query.accuracy_m is not None and math.isfinite(query.accuracy_m)


def _values(values: Sequence[str]) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values)


def _strangers(city: City) -> list[str]:
    """Return the layers and units that rules name and the city lacks; boundary codes are for `lint`."""
    layers = {layer.name for layer in city.index.layers}
    found: list[str] = []
    for rule in city.rulebook.rules:
        for selector in (rule.lead, *rule.assist):
            if isinstance(selector, UnitNamed | LeastLoaded):
                units = (selector.unit,) if isinstance(selector, UnitNamed) else selector.units
                found += [f"unit {unit}" for unit in units if unit not in city.directory]
            elif isinstance(selector, BoundaryOf | NearestOf) and selector.layer not in layers:
                found.append(f"layer {selector.layer}")
    asked = {
        leaf.layer
        for leaf in city.rulebook.leaves()
        if isinstance(leaf, LayerLeaf | AttributeLeaf | NearLeaf)
    }
    found += [f"layer {name}" for name in asked - layers]
    return sorted(set(found))
