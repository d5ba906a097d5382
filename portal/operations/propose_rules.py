"""Knows how the city's own hand-overs become a draft of rules; a person publishes it, never the program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from geo.boundary import Layer
from portal.operations.context import Context
from portal.queries.history import past_cases, settled_cases
from portal.queries.rulebooks import active_rules
from routing.learn import MIN_EVIDENCE, Proposal, propose, with_proposals
from routing.simulate import gather_hits


@dataclass(frozen=True, slots=True)
class Proposed:
    """Proposed lines, and the rulebook in force with them before its own. `settled`: cases looked at."""

    lines: tuple[Proposal, ...]
    draft: str
    settled: int


def propose_rules(
    tx: Connection, context: Context, since: datetime | None = None, min_evidence: int = MIN_EVIDENCE
) -> Proposed:
    """Group the accepted hand-overs and the desk's assignments since then by place and service."""
    city = context.cities.city(tx, context.jurisdiction_id).router.city
    cases = past_cases(tx, context.jurisdiction_id, since)
    areas = [layer for layer in city.index.layers if layer.is_area]
    hits = gather_hits(cases, city, {layer.name for layer in areas})
    places = {
        case.name: tuple((hit.layer, hit.code) for hit in here)
        for case, here in zip(cases, hits, strict=True)
    }
    settled = settled_cases(tx, context.jurisdiction_id, places, since)
    lines = propose(
        settled, smallest_first(areas), never={city.directory.coordination_unit}, min_evidence=min_evidence
    )
    book = active_rules(tx, context.jurisdiction_id)
    return Proposed(tuple(lines), with_proposals(book, lines), len(settled))


def smallest_first(layers: Sequence[Layer]) -> list[str]:
    """The layers by the usual area of their boundaries, in square degrees: enough to put them in order."""

    def usual(layer: Layer) -> float:
        areas = sorted(boundary.geometry.area for boundary in layer.boundaries)
        return areas[len(areas) // 2] if areas else 0.0

    return [layer.name for layer in sorted(layers, key=lambda layer: (usual(layer), layer.name))]
