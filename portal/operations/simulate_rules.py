"""Knows what other rules or another map would have done with the past; reads only, and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from geo.boundary import Layer
from geo.index import PointIndex
from geo.postgis import EditionError, load_editions
from portal.errors import NotFound
from portal.operations.context import Context
from portal.queries.history import past_cases
from routing.router import City, Router
from routing.rules import parse_rulebook
from routing.simulate import PastCase, Simulated, simulate


@dataclass(frozen=True, slots=True)
class Draft:
    """What is tried out: a rulebook's text (None: the one in force), layers in place of those in force."""

    rules: str | None = None
    layers: tuple[Layer, ...] = ()


def city_under(city: City, draft: Draft) -> City:
    """The city as the draft would have it. Raises RulebookError, and RoutingError for what is not there."""
    if draft.rules is not None:
        city = replace(city, rulebook=parse_rulebook(draft.rules, version="draft"))
    if draft.layers:
        others = {layer.name: layer for layer in draft.layers}
        kept = [others.pop(layer.name, layer) for layer in city.index.layers]
        city = replace(city, index=PointIndex.build([*kept, *others.values()]))
    return Router(city).city


def simulate_cases(cases: Sequence[PastCase], city: City, draft: Draft) -> Simulated:
    """Decide cases by a city as it is and as the draft would have it."""
    return simulate(cases, city, city_under(city, draft))


def simulate_history(
    tx: Connection,
    context: Context,
    rules: str | None,
    editions: Sequence[int] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Simulated:
    """Decide the city's own past cases again, by what is in force and by a draft. NotFound: no such edition."""
    try:
        layers = load_editions(tx, context.jurisdiction_id, editions) if editions else []
    except EditionError as fault:
        raise NotFound(str(fault)) from None
    city = context.cities.city(tx, context.jurisdiction_id).router.city
    cases = past_cases(tx, context.jurisdiction_id, since, until)
    return simulate_cases(cases, city, Draft(rules, tuple(layers)))
