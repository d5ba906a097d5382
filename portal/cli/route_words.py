"""Knows how a decision is told on a terminal and as JSON, with names in every language of the city."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from portal.cli.packs import PackRouter
from portal.i18n import Message, localised
from portal.queries.receipt_words import miss_message, reason_message
from routing.router import EDGE_LIMIT_M, Routed
from routing.targets import ClockPlan


def as_document(here: PackRouter, routed: Routed) -> dict[str, Any]:
    """The decision as plain JSON: names and sentences by locale, instants in UTC, distances in metres."""
    decision, facts = routed.decision, routed.facts
    return {
        "unit": _unit(here, decision.lead),
        "assist": [_unit(here, code) for code in decision.assist],
        "rule": decision.rule_id,
        "confidence": decision.confidence,
        "ambiguous": decision.ambiguous,
        "runner_up": decision.runner_up,
        "question": _question(here, routed),
        "priority": decision.priority,
        "sentence": _in_locales(here, reason_message(routed.receipt, here.names)),
        "near_misses": [
            dict(miss) | {"text": _in_locales(here, miss_message(miss, here.names))}
            for miss in routed.receipt["misses"]
        ],
        "promise": {"due_at": next((_utc(c.due_at) for c in routed.clocks if c.kind == "promise"), None)},
        "clocks": [_clock(clock) for clock in routed.clocks],
        "point": None if facts.point is None else list(facts.point),
        "at": facts.local_time.isoformat(),
        "receipt": routed.receipt,
        "notes": list(here.notes),
    }


def as_text(here: PackRouter, routed: Routed) -> list[str]:
    """The decision as lines for a person; the sentence in each language, the rest in English."""
    return [line for part in (_head, _places, _misses, _clocks, _receipt) for line in part(here, routed)]


def _head(here: PackRouter, routed: Routed) -> Iterator[str]:
    decision, facts = routed.decision, routed.facts
    sentence = reason_message(routed.receipt, here.names)
    yield f"{_name(here, decision.lead)} leads"
    for locale in here.pack.city.locales:
        yield f"  {locale}: {sentence.in_locale(locale)}"
    for code in decision.assist:
        yield f"{_name(here, code)} assists"
    yield f"rule {decision.rule_id}, priority {decision.priority}, confidence {decision.confidence:.3f}"
    if facts.point is not None:
        yield f"at {facts.point.lon:.6f}, {facts.point.lat:.6f} (WGS 84), known to {facts.accuracy_m:g} m"
    yield f"on {_local(here, facts.local_time)}"
    if decision.ambiguous and decision.runner_up:
        yield f"ambiguous: it may belong to {_name(here, decision.runner_up)}"
    if asked := _question(here, routed):
        yield f"to be asked: {asked['code']} – {_english(asked['text'])}"
    if decision.outside:
        yield "outside the city's boundaries"
    yield from (f"note: {note}" for note in here.notes)


def _places(here: PackRouter, routed: Routed) -> Iterator[str]:
    yield "boundaries:" if routed.facts.hits else "boundaries: none"
    for hit in routed.facts.hits:
        measured = hit.edge_m is not None and hit.edge_m <= EDGE_LIMIT_M
        edge = f"{hit.edge_m:.1f} m" if measured else f"more than {EDGE_LIMIT_M:g} m"
        where = f"{edge} outside it, snapped" if hit.snapped else f"{edge} from its edge"
        names = here.names.boundary_name(hit.layer, hit.code)
        name = names if isinstance(names, str) else localised(names, "en")
        title = localised(here.names.layer_title(hit.layer), "en")
        yield f"  {title} ({hit.layer}): {name} ({hit.code}), {where}"


def _misses(here: PackRouter, routed: Routed) -> Iterator[str]:
    misses = routed.receipt["misses"]
    yield "near misses:" if misses else "near misses: none"
    for miss in misses:
        yield f"  {miss_message(miss, here.names)}"


def _clocks(here: PackRouter, routed: Routed) -> Iterator[str]:
    yield "clocks:" if routed.clocks else "clocks: none"
    for clock in routed.clocks:
        aim = f"{clock.target.amount:g} {clock.target.unit.replace('_', ' ')}"
        due, risk = _local(here, clock.due_at), _local(here, clock.at_risk_at)
        yield f"  {clock.kind} {clock.stage}: due {due} ({aim}), at risk from {risk}"


def _receipt(here: PackRouter, routed: Routed) -> Iterator[str]:
    receipt = routed.receipt
    editions = ", ".join(f"{layer} {edition}" for layer, edition in receipt["editions"].items())
    yield f"receipt: facts {receipt['facts']}"
    yield f"  rulebook {receipt['rulebook']}, published by {receipt['published_by']}"
    yield f"  carried out by {receipt['executes']}, supervised by {receipt['supervises'] or 'nobody'}"
    yield f"  editions: {editions}"


def _unit(here: PackRouter, code: str) -> dict[str, Any]:
    return {"code": code, "names": dict(here.names.unit_names(code))}


def _name(here: PackRouter, code: str) -> str:
    return f"{localised(here.names.unit_names(code), 'en')} ({code})"


def _question(here: PackRouter, routed: Routed) -> dict[str, Any] | None:
    code, service = routed.decision.question, routed.facts.service.code
    if code is None:
        return None
    rows = [row for row in here.pack.questions if row.code == code]
    rows.sort(key=lambda row: row.service_code != service)
    options = rows[0].values if rows else ()
    return {
        "code": code,
        "text": dict(rows[0].texts) if rows else {"en": code},
        "options": [{"key": choice.key, "label": dict(choice.labels)} for choice in options],
    }


def _english(texts: Mapping[str, str]) -> str:
    return localised(texts, "en")


def _in_locales(here: PackRouter, message: Message) -> dict[str, str]:
    return {locale: message.in_locale(locale) for locale in here.pack.city.locales}


def _clock(clock: ClockPlan) -> dict[str, Any]:
    return {
        "clock": clock.kind,
        "stage": clock.stage,
        "start_at": _utc(clock.start_at),
        "due_at": _utc(clock.due_at),
        "at_risk_at": _utc(clock.at_risk_at),
        "amount": clock.target.amount,
        "unit": clock.target.unit,
    }


def _utc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _local(here: PackRouter, at: datetime) -> str:
    return at.astimezone(here.zone).strftime("%a %Y-%m-%d %H:%M %Z")
