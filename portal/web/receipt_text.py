"""Knows how a receipt reads in full: what was found at the place, which rule won, and what nearly did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.i18n import N_, Message
from portal.queries.city import CityView
from portal.queries.receipt_words import miss_message

BANDS = {
    "<5": N_("under 5 m from its edge"),
    "5-25": N_("5 to 25 m from its edge"),
    "25-100": N_("25 to 100 m from its edge"),
    ">100": N_("over 100 m from its edge"),
}
EXACT = N_("%(metres)s m from its edge")


@dataclass(frozen=True, slots=True)
class Found:
    """A boundary that the place lies in."""

    layer: Mapping[str, str]
    name: Mapping[str, str] | str
    edge: Message | None
    is_snapped: bool
    edition: int | None = None


@dataclass(frozen=True, slots=True)
class ReceiptText:
    """A receipt in words, names still in every language."""

    found: Sequence[Found]
    rule: str
    rulebook: Any
    published_by: Mapping[str, str] | None
    supervises: Mapping[str, str] | None
    assist: Sequence[Mapping[str, str]]
    misses: Sequence[Message]
    runner_up: Mapping[str, str] | None
    confidence: float | None
    executes: Mapping[str, str]
    claims: Sequence[tuple[Mapping[str, str], float]]
    targets: str = ""
    pressed_by: Sequence[str] = ()


def receipt_text(receipt: Mapping[str, Any], city: CityView) -> ReceiptText:
    """The receipt (stored or public) of a report."""
    names = city.unit_names
    return ReceiptText(
        found=[_found(hit, city, receipt.get("editions") or {}) for hit in receipt.get("hits") or ()],
        rule=receipt["rule"],
        rulebook=receipt.get("rulebook"),
        published_by=_publisher(receipt.get("published_by") or "", city),
        supervises=names(receipt["supervises"]) if receipt.get("supervises") else None,
        assist=[names(code) for code in receipt.get("assist") or ()],
        misses=[miss_message(miss, city) for miss in receipt.get("misses") or ()],
        runner_up=names(receipt["runner_up"]) if receipt.get("runner_up") else None,
        confidence=receipt.get("confidence"),
        executes=names(receipt["lead"]),
        claims=[(names(code), share) for code, share in receipt.get("claims") or ()],
        targets=receipt.get("targets") or "",
        pressed_by=receipt.get("pressed_by") or (),
    )


def _publisher(published_by: str, city: CityView) -> Mapping[str, str] | None:
    """The unit that put the rule in force; a rulebook loaded with the city is the coordination unit's."""
    return city.unit_names(published_by or city.coordination_unit)


def _found(hit: Mapping[str, Any], city: CityView, editions: Mapping[str, int]) -> Found:
    if "edge" in hit:
        edge: Message | None = Message(BANDS[hit["edge"]]) if hit["edge"] in BANDS else None
    else:
        metres = hit.get("edge_m")
        edge = Message(BANDS[">100"]) if metres is None else Message(EXACT, {"metres": round(metres)})
    layer, code = hit["layer"], hit["code"]
    return Found(
        city.layer_title(layer),
        city.boundary_name(layer, code),
        edge,
        bool(hit.get("snapped")),
        editions.get(layer),
    )
