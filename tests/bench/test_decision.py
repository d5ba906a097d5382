"""What one decision costs: three layers hit, four hundred area rules, and the receipt to keep."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from geo.boundary import Hit
from geo.crs import LonLat
from routing.decision import decide
from routing.facts import ReportFacts, Service
from routing.receipt import make_receipt
from routing.rules import parse_rulebook
from routing.units import Directory, Unit

RULES, TIMES = 400, 5_000
# A tenth of what evaluating every rule costs would already be too much: the index must skip nearly all of them.
MOST_TIMES_A_SHORT_BOOK = 3.0


def book(rules: int) -> dict[str, object]:
    """Rules for one boundary each, the last of which matches, and a fallback."""
    lines: list[dict[str, object]] = [
        {"id": f"area-{n}", "when": {"layer": "ward", "code": [f"W{n}"]}, "lead": {"unit": "u"}}
        for n in range(rules)
    ]
    return {"rule": [*lines, {"id": "fallback", "lead": {"unit": "u"}}]}


def cost_us(rules: int) -> float:
    """Microseconds of one decision with its receipt, the last rule of the book matching."""
    rulebook, directory = parse_rulebook(book(rules)), Directory([Unit("u")], "u")
    hits = tuple(Hit(layer, f"W{rules - 1}", 1, None, False) for layer in ("ward", "precinct", "police"))
    facts = ReportFacts(Service("pothole"), datetime(2026, 3, 4, tzinfo=UTC), LonLat(0.0, 0.0), hits=hits)
    editions = {"ward": 1, "precinct": 2, "police": 3}
    decision = decide(facts, rulebook, directory)
    assert decision.rule_id == f"area-{rules - 1}"
    began = time.process_time()
    for _ in range(TIMES):
        make_receipt(facts, decide(facts, rulebook, directory), rulebook, directory, editions, "u")
    return (time.process_time() - began) / TIMES * 1e6


def test_four_hundred_rules_cost_little_more_than_four() -> None:
    few, many = cost_us(4), cost_us(RULES)
    print(f"\none decision with receipt: {many:.0f} µs over {RULES} rules, {few:.0f} µs over 4")
    assert many <= few * MOST_TIMES_A_SHORT_BOOK
