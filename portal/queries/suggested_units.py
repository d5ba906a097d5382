"""Knows which units a dispatcher could give a case to, and why: named, on the map, beside a border, or above."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row, select

from portal.models.ledger import event
from portal.models.report import report
from portal.queries.city import CityView
from portal.queries.objections import OBJECTED
from portal.queries.past_decisions import filed_reports, query_of
from portal.queries.staff_rights import accused_units

MOST = 3
MOST_NEAREST = 2


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A unit, and why it may be the right one: objected, map, share, second, nearest or above."""

    unit_code: str
    why: str
    params: Mapping[str, Any] = field(default_factory=dict)


def suggested_units(tx: Connection, view: CityView, tokens: Sequence[str]) -> dict[str, list[Suggestion]]:
    """At most three units for each of some cases, the best reason first; one statement."""
    if not tokens:
        return {}
    named = (
        select(event.c.public["should_be"].astext)
        .where(event.c.case_id == report.c.id, event.c.kind == OBJECTED)
        .order_by(event.c.case_seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        filed_reports(view.jurisdiction_id)
        .add_columns(report.c.state, named.label("should_be"))
        .where(report.c.token.in_(tokens))
    )
    return {row.token: _for(row, view) for row in tx.execute(query)}


def _for(row: Row[Any], view: CityView) -> list[Suggestion]:
    barred = {row.lead_unit, *accused_units(row.about_unit, view.directory)}
    found: dict[str, Suggestion] = {}
    for one in _candidates(row, view):
        if one.unit_code in view.directory and one.unit_code not in barred:
            found.setdefault(one.unit_code, one)
    return list(found.values())[:MOST]


def _candidates(row: Row[Any], view: CityView) -> Iterable[Suggestion]:
    """Every unit that something speaks for, the strongest reason first."""
    yield Suggestion(row.should_be or "", "objected")
    yield Suggestion(_by_map(row, view), "map")
    receipt = row.receipt
    for unit, share in sorted(receipt.get("claims") or (), key=lambda claim: -float(claim[1])):
        yield Suggestion(unit, "share", {"share": round(100 * share)})
    yield Suggestion(receipt.get("runner_up") or "", "second")
    yield from _nearest(row, view)
    if row.state in ("submitted", "routed"):
        yield Suggestion(view.directory.supervisor_of(row.lead_unit) or "", "above")


def _by_map(row: Row[Any], view: CityView) -> str:
    """Whom map and rules of today name for the place."""
    if row.service_code not in view.services or row.lon is None:
        return ""
    return str(view.router.route(query_of(row)).receipt["lead"])


def _nearest(row: Row[Any], view: CityView) -> Iterable[Suggestion]:
    """Of a place outside: whom rules and map name for the nearest areas."""
    if row.service_code not in view.services or row.lon is None or not row.receipt.get("outside"):
        return
    near = [
        one
        for one in row.receipt.get("misses") or ()
        if one.get("layer") and one.get("distance_m") is not None
    ]
    for miss in sorted(near, key=lambda one: float(one["distance_m"]))[:MOST_NEAREST]:
        inside = _point_in(view, miss["layer"], miss["code"])
        if inside is not None:
            query = replace(query_of(row), lon=inside[0], lat=inside[1], accuracy_m=None)
            lead = str(view.router.route(query).receipt["lead"])
            yield Suggestion(lead, "nearest", {"metres": round(miss["distance_m"])})


def _point_in(view: CityView, layer_name: str, code: str) -> tuple[float, float] | None:
    for layer in view.router.city.index.layers:
        for boundary in layer.boundaries if layer.name == layer_name else ():
            if boundary.code == code:
                spot = boundary.geometry.representative_point()
                return spot.x, spot.y
    return None
