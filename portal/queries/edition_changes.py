"""Knows what another map would change: ground between boundaries, and open cases that would change hands."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select

from geo.boundary import Layer
from geo.compare import Comparison, compare_layers
from geo.index import PointIndex
from geo.postgis import EditionError, active_editions, load_editions
from portal.errors import Conflict, NotFound
from portal.i18n import N_, Message
from portal.models.ledger import case_file, event, event_private
from portal.models.report import report
from portal.queries.city import CityView
from portal.queries.past_decisions import filed_reports, query_of
from routing.router import Router


@dataclass(frozen=True, slots=True)
class AffectedCase:
    """An open case for which two maps name different units. `held_by` is who has it, decided or transferred;
    `codes` are the boundaries of the layer there, before and after.
    """

    token: str
    service_code: str
    held_by: str
    old_unit: str
    new_unit: str
    old_codes: tuple[str, ...]
    new_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordedCase:
    """A case that a switch of maps affected, and that the unit of then still has."""

    token: str
    held_by: str
    new_unit: str
    layer: str
    edition_id: int
    at: datetime


def compare_editions(
    tx: Connection, jurisdiction_id: str, edition_id: int, other_id: int | None = None
) -> tuple[Layer, Layer, Comparison]:
    """Compare two editions, or one with what is in force in its layer: (old, new, what changed).

    Raises NotFound, and Conflict where they belong to different layers or nothing is in force.
    """
    new = read_edition(tx, jurisdiction_id, edition_id if other_id is None else other_id)
    old_id = edition_id if other_id is not None else active_editions(tx, jurisdiction_id).get(new.name)
    if old_id is None:
        raise Conflict(Message(N_("No edition of %(layer)s is in force."), {"layer": new.name}))
    old = read_edition(tx, jurisdiction_id, old_id)
    if old.name != new.name:
        names = {"one": old.name, "other": new.name}
        raise Conflict(Message(N_("Editions of %(one)s and %(other)s cannot be compared."), names))
    return old, new, compare_layers(old, new)


def read_edition(tx: Connection, jurisdiction_id: str, edition_id: int) -> Layer:
    """One edition with its boundaries; NotFound."""
    try:
        return load_editions(tx, jurisdiction_id, [edition_id])[0]
    except EditionError:
        raise NotFound(Message(N_("There is no edition %(edition)s."), {"edition": edition_id})) from None


def affected_cases(tx: Connection, view: CityView, new: Layer) -> list[AffectedCase]:
    """Open cases that would go to another unit with `new` in place of the edition in force; oldest first.

    Decided by the rules in force, with the report as it was filed. Only where the map differs at the case's
    place, unless a rule asks for the distance to the layer: then every open case is decided.
    """
    city = view.router.city
    layers = {layer.name: layer for layer in city.index.layers}
    old = layers.get(new.name)
    changed = Router(replace(city, index=PointIndex.build(tuple((layers | {new.name: new}).values()))))
    is_open = filed_reports(view.jurisdiction_id).where(
        report.c.closed_at.is_(None), report.c.geom.is_not(None)
    )
    rows = [
        row for row in tx.execute(is_open.order_by(report.c.opened_at, report.c.id)) if _is_known(view, row)
    ]
    before, after = _codes(view.router, old, rows), _codes(changed, new, rows)
    redrawn = _with_other_attributes(old, new)
    is_near = any(new.name in city.rulebook.for_service(one).near_layers for one in city.services.values())
    found = []
    for row, codes, new_codes in zip(rows, before, after, strict=True):
        if not is_near and codes and codes == new_codes and not redrawn.intersection(codes):
            continue
        query = query_of(row)
        (_, decided), (_, now) = view.router.decide(query), changed.decide(query)
        if decided.lead != now.lead:
            found.append(
                AffectedCase(
                    row.token, row.service_code, row.lead_unit, decided.lead, now.lead, codes, new_codes
                )
            )
    return found


def recorded_cases(tx: Connection, jurisdiction_id: str) -> list[RecordedCase]:
    """For the desk: what the switches so far affected, as long as it is open and nobody has handed it over."""
    latest = noted_cases(tx, jurisdiction_id)
    if not latest:
        return []
    still = tx.execute(
        select(report.c.token, report.c.lead_unit).where(
            report.c.jurisdiction_id == jurisdiction_id,
            report.c.closed_at.is_(None),
            report.c.token.in_(latest),
        )
    )
    holders = {row.token: row.lead_unit for row in still}
    return [one for one in latest.values() if holders.get(one.token) == one.held_by]


def noted_cases(tx: Connection, jurisdiction_id: str) -> dict[str, RecordedCase]:
    """What the switches so far noted, by token: the last word on each case, whatever became of it. One statement."""
    book = (
        select(event.c.at, event.c.public, event_private.c.private)
        .join(case_file, case_file.c.id == event.c.case_id)
        .join(
            event_private,
            (event_private.c.case_id == event.c.case_id) & (event_private.c.case_seq == event.c.case_seq),
        )
        .where(case_file.c.token == f"CITY-{jurisdiction_id}", event.c.kind == "edition.activated")
        .order_by(event.c.case_seq)
    )
    latest: dict[str, RecordedCase] = {}
    for row in tx.execute(book):
        for token, held_by, new_unit in row.private.get("affected", ()):
            noted = RecordedCase(token, held_by, new_unit, row.public["layer"], row.public["edition"], row.at)
            # A map that was taken back answers as the unit that has the case: nothing is left to do.
            latest.pop(token, None)
            if held_by != new_unit:
                latest[token] = noted
    return latest


def _is_known(view: CityView, row: Row[Any]) -> bool:
    return row.service_code in view.router.city.services


def _codes(router: Router, layer: Layer | None, rows: list[Row[Any]]) -> list[tuple[str, ...]]:
    """The codes of the layer's boundaries that cover each report."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    if layer is not None and layer.is_area and rows:
        lon, lat = np.array([(row.lon, row.lat) for row in rows]).T
        points, owners = router.city.index.covering_many(layer.name, lon, lat)
        for point, owner in zip(points.tolist(), owners.tolist(), strict=True):
            found[point].append(layer.boundaries[owner].code)
    return [tuple(sorted(found[number])) for number in range(len(rows))]


def _with_other_attributes(old: Layer | None, new: Layer) -> set[str]:
    """Codes whose attributes changed: a rule may ask for them."""
    before = {one.code: one.attributes for one in old.boundaries} if old else {}
    return {one.code for one in new.boundaries if before.get(one.code) != one.attributes}
