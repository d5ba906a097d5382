"""Knows the receipt of a decision: what is stored, what the public may see, and the sentence it amounts to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from routing.facts import canonical_json
from routing.trace import explain_trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routing.decision import Decision, NearMiss
    from routing.facts import ReportFacts
    from routing.rules import Rulebook
    from routing.units import Directory

__all__ = ["distance_band", "explain_trace", "make_receipt", "public_receipt", "reason", "receipt_size"]

RECEIPT_MAX_BYTES = 2048
RECEIPT_FORMAT = 1
# Upper ends of the bands in metres; an edge farther away is in the last one.
_BANDS = ((5.0, "<5"), (25.0, "5-25"), (100.0, "25-100"))
_FAR = ">100"
_WANTED_MAX = 80
# What a decision owes to the exact place: from the public point when a service is coarsened.
_OF_THE_PLACE = ("ambiguous", "confidence", "hits", "misses", "outside", "runner_up", "snapped")
# The digest covers answers and the exact place: few enough guesses would find them out.
_NEVER_PUBLIC = ("facts", "private", "about")

Receipt = dict[str, Any]


def make_receipt(
    facts: ReportFacts,
    decision: Decision,
    rulebook: Rulebook,
    directory: Directory,
    editions: Mapping[str, int],
    published_by: str,
) -> Receipt:
    """Return the receipt to store: plain JSON of at most 2,048 bytes, distances exact in metres.

    `editions` gives the edition of every layer that was looked at; `published_by` names the unit or role
    that published the rulebook. Where it would grow too long the farthest misses, then hits, are left out.
    """
    receipt = _of_the_facts(facts) | _of_the_decision(decision)
    receipt |= {
        "editions": dict(editions),
        "format": RECEIPT_FORMAT,
        "published_by": published_by,
        "rulebook": rulebook.version,
        "supervises": directory.supervisor_of(decision.lead),
    }
    return _shortened(receipt)


def public_receipt(
    receipt: Mapping[str, Any], *, coarse: bool, at_public_point: Mapping[str, Any] | None = None
) -> Receipt:
    """Return what anybody may see of a receipt: distances as bands, no digest of the facts.

    With `coarse` (a sensitive service) everything that depends on the exact place comes from
    `at_public_point`: the receipt of the same decision made once more for the coarsened point, as
    `Router.route(query at the public point)` gives it. Without one, nothing about the place is told.
    """
    public = {key: value for key, value in receipt.items() if key not in _NEVER_PUBLIC}
    if coarse:
        public |= _of_the_place(at_public_point)
        known = {(hit["layer"], hit["code"]) for hit in public["hits"]}
        public["used"] = [place for place in receipt["used"] if tuple(place) in known]
        # A question is asked, and a second unit joined, near a border only: both tell where the place is.
        public["question"] = None
        joined = receipt["runner_up"] if receipt["ambiguous"] else None
        public["assist"] = [unit for unit in receipt["assist"] if unit != joined]
        public["accuracy_m"] = None
        public.pop("claims", None)
    public["confidence"] = None if public["confidence"] is None else round(public["confidence"], 1)
    if "claims" in public:
        public["claims"] = [[unit, round(share, 1)] for unit, share in public["claims"]]
    public["hits"] = [_banded(hit, "edge_m", "edge") for hit in public["hits"]]
    public["misses"] = [_banded(miss, "distance_m", "distance") for miss in public["misses"]]
    return public


def distance_band(distance_m: float | None) -> str:
    """Return the band that a distance in metres falls in; None means beyond what was measured."""
    if distance_m is None:
        return _FAR
    return next(
        (band for upper, band in _BANDS if distance_m < upper), _FAR if distance_m > 100.0 else "25-100"
    )


def receipt_size(receipt: Mapping[str, Any]) -> int:
    """Return the length of the canonical JSON in bytes."""
    return len(canonical_json(receipt).encode())


def reason(receipt: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the message key and parameters of the one sentence that explains a decision.

    Keys: reason.no_place, reason.outside, reason.complaint, reason.contract, reason.fallback, reason.ambiguous,
    reason.snapped, reason.boundary, reason.service. Parameters are codes (unit, rule, service and, where
    they apply, layer, code, other, about): the reader's language is the caller's business. Works on stored
    and on public receipts.
    """
    params = {"unit": receipt["lead"], "rule": receipt["rule"], "service": receipt["service"]}
    is_fallback = receipt["rule"] == "fallback"
    if is_fallback and not receipt["has_place"]:
        return "reason.no_place", params
    if is_fallback and receipt["outside"]:
        return "reason.outside", params
    if receipt.get("about"):
        return "reason.complaint", params | {"about": receipt["about"]}
    if receipt.get("expired"):
        return "reason.contract", params | {"other": receipt["expired"]}
    if is_fallback:
        return "reason.fallback", params
    if receipt["used"]:
        params |= {"layer": receipt["used"][-1][0], "code": receipt["used"][-1][1]}
    if receipt["ambiguous"] and receipt["runner_up"]:
        return "reason.ambiguous", params | {"other": receipt["runner_up"]}
    if receipt["used"]:
        return ("reason.snapped" if receipt["snapped"] else "reason.boundary"), params
    return "reason.service", params


def _of_the_facts(facts: ReportFacts) -> Receipt:
    return {
        "accuracy_m": round(facts.accuracy_m, 1),
        **({"geocoded": True} if facts.is_geocoded else {}),
        "facts": facts.digest(),
        "has_place": facts.point is not None,
        "hits": [_hit(hit.layer, hit.code, hit.edge_m, hit.snapped) for hit in facts.hits],
        "service": facts.service.code,
        **({"pressed_by": list(facts.pressed_by)} if facts.pressed_by else {}),
    }


def _of_the_decision(decision: Decision) -> Receipt:
    return {
        "about": decision.redirected_from,
        "ambiguous": decision.ambiguous,
        "assist": list(decision.assist),
        "confidence": decision.confidence,
        "executes": decision.lead,
        "lead": decision.lead,
        "misses": [_miss(miss) for miss in decision.near_misses],
        "outside": decision.outside,
        "plan": decision.plan,
        "priority": decision.priority,
        "private": decision.is_private,
        "question": decision.question,
        "rule": decision.rule_id,
        "runner_up": decision.runner_up,
        "snapped": decision.snapped,
        "used": [list(place) for place in decision.used],
        **({"claims": [list(claim) for claim in decision.claims]} if decision.claims else {}),
        **({"expired": decision.expired} if decision.expired else {}),
        **({"targets": decision.targets} if decision.targets else {}),
    }


def _hit(layer: str, code: str, edge_m: float | None, is_snapped: bool) -> dict[str, Any]:
    hit: dict[str, Any] = {"layer": layer, "code": code, "edge_m": _metres(edge_m)}
    return hit | {"snapped": True} if is_snapped else hit


def _miss(miss: NearMiss) -> dict[str, Any]:
    found: dict[str, Any] = {"rule": miss.rule_id, "why": miss.reason}
    if miss.layer:
        return found | {"layer": miss.layer, "code": miss.code, "distance_m": _metres(miss.distance_m)}
    return found | {"wanted": miss.wanted[:_WANTED_MAX]} if miss.wanted else found


def _metres(distance_m: float | None) -> float | None:
    return None if distance_m is None else round(distance_m, 2)


def _banded(row: Mapping[str, Any], field: str, name: str) -> dict[str, Any]:
    rest = {key: value for key, value in row.items() if key != field}
    return rest | {name: distance_band(row[field])} if field in row else rest


def _of_the_place(at_public_point: Mapping[str, Any] | None) -> Receipt:
    if at_public_point is None:
        unknown: Receipt = dict.fromkeys(_OF_THE_PLACE)
        return unknown | {"hits": [], "misses": [], "ambiguous": False, "snapped": False, "outside": False}
    return {key: at_public_point[key] for key in _OF_THE_PLACE}


def _shortened(receipt: Receipt) -> Receipt:
    while receipt_size(receipt) > RECEIPT_MAX_BYTES:
        for field in ("misses", "used", "hits", "assist", "editions"):
            if receipt[field]:
                receipt["left_out"] = receipt.get("left_out", 0) + 1
                if isinstance(receipt[field], dict):
                    receipt[field].popitem()
                else:
                    receipt[field].pop()
                break
        else:
            break
    return receipt
