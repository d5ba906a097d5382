"""Knows the published catalogue of responsibilities: who answers for which service, by rule and at a place."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import shapely
from sqlalchemy import Connection, select

from geo.boundary import Boundary
from geo.crs import LonLat
from portal.i18n import N_, Message
from portal.models.city import duty
from portal.queries.city import CityView
from portal.queries.city_parts import ServiceView
from portal.queries.receipt_words import reason_message
from routing.router import PointQuery
from routing.rules import FALLBACK, BoundaryOf, LeastLoaded, NearestOf, Rule, Selector, UnitNamed
from routing.units import Unit

OF_BOUNDARY = N_("the unit of the %(layer)s")
OF_NEAREST = N_("the unit of the nearest %(layer)s")
LEAST_BUSY = N_("whichever of these is least busy: %(units)s")


@dataclass(frozen=True, slots=True)
class Duty:
    """What a unit publishes about a service: standard and procedure by language, the law, the day of review."""

    unit_code: str
    service_code: str
    standard: Mapping[str, str]
    procedure: Mapping[str, str]
    legal_basis: str
    review_by: date | None

    def is_overdue(self, today: date) -> bool:
        """Whether the day has passed on which this was to be looked at again."""
        return self.review_by is not None and self.review_by < today


@dataclass(frozen=True, slots=True)
class Answerer:
    """Who leads by one rule: a unit by its code, or words that name one by the place."""

    rule: str
    unit_code: str
    words: Message | None


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers for a service at a place, and why."""

    service: ServiceView
    unit_code: str
    reason: Message


def duties(tx: Connection, jurisdiction_id: str, service_code: str = "", unit_code: str = "") -> list[Duty]:
    """What was published, of one service or unit where asked for; one statement."""
    query = select(duty).where(duty.c.jurisdiction_id == jurisdiction_id).order_by(duty.c.id)
    if service_code:
        query = query.where(duty.c.service_code == service_code)
    if unit_code:
        query = query.where(duty.c.unit_code == unit_code)
    return [_duty(row) for row in tx.execute(query)]


def answerers(city: CityView, service: ServiceView) -> list[Answerer]:
    """Who may lead for a service, in the order in which the rules are tried; each named once."""
    book = city.router.city.rulebook
    rules = [rule for _, rule, _ in book.for_service(service.for_routing).rules]
    found: dict[Selector, Rule] = {}
    for rule in [*rules, book.rule(FALLBACK)]:
        found.setdefault(rule.lead, rule)
    return [_answerer(rule, city) for rule in found.values()]


def led_by(city: CityView, unit: Unit) -> list[ServiceView]:
    """The active services that a unit may lead: named by a rule, or as the unit of one of its areas.

    What nobody else answers for, by the last rule of all, is not counted.
    """
    layers = {layer for layer, _ in unit.boundaries}
    book = city.router.city.rulebook
    return [
        service
        for service in city.services.values()
        if service.is_active
        and any(
            _is_led(rule.lead, unit.code, layers)
            for _, rule, _ in book.for_service(service.for_routing).rules
        )
    ]


def _is_led(lead: Selector, unit_code: str, layers: Container[str]) -> bool:
    if isinstance(lead, UnitNamed):
        return lead.unit == unit_code
    if isinstance(lead, BoundaryOf | NearestOf):
        return lead.layer in layers
    return isinstance(lead, LeastLoaded) and unit_code in lead.units


def answering_at(city: CityView, point: LonLat, at: datetime) -> list[Answering]:
    """Who answers for each service that needs a place, at a point in WGS 84; the common case, with no answers given."""
    found = []
    for service in city.services.values():
        if service.is_active and service.is_place_needed:
            query = PointQuery(
                service_code=service.code, at=at, lon=point.lon, lat=point.lat, accuracy_m=1.0, datum="wgs84"
            )
            routed = city.router.route(query)
            reason = reason_message(city.router.public_receipt(query, routed, point), city)
            found.append(Answering(service, routed.decision.lead, reason))
    return found


def middle_of(boundary: Boundary) -> LonLat:
    """A point well inside a boundary."""
    middle = shapely.point_on_surface(boundary.geometry)
    return LonLat(round(middle.x, 6), round(middle.y, 6))


def by_group(services: Iterable[ServiceView]) -> list[tuple[Mapping[str, str], Sequence[ServiceView]]]:
    """The active services in their groups, both in the order of the pack."""
    grouped: dict[str, tuple[Mapping[str, str], list[ServiceView]]] = {}
    for service in services:
        if service.is_active:
            grouped.setdefault(service.group, (service.group_names, []))[1].append(service)
    return list(grouped.values())


def _duty(row: Any) -> Duty:
    return Duty(
        row.unit_code, row.service_code, row.standard, row.procedure, row.legal_basis or "", row.review_by
    )


def _answerer(rule: Rule, city: CityView) -> Answerer:
    lead = rule.lead
    if isinstance(lead, UnitNamed):
        return Answerer(rule.id, lead.unit, None)
    if isinstance(lead, BoundaryOf):
        return Answerer(rule.id, "", Message(OF_BOUNDARY, {"layer": city.layer_title(lead.layer)}))
    if isinstance(lead, NearestOf):
        return Answerer(rule.id, "", Message(OF_NEAREST, {"layer": city.layer_title(lead.layer)}))
    assert isinstance(lead, LeastLoaded)
    names = [city.unit_names(code) for code in lead.units]
    joined = {locale: ", ".join(each.get(locale, "") for each in names) for locale in city.locales}
    return Answerer(rule.id, "", Message(LEAST_BUSY, {"units": joined}))
