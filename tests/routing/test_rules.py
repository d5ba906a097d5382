"""Rulebooks as they are written, and everything that can be wrong with one."""

import pytest

from routing.errors import RulebookError
from routing.rules import BoundaryOf, LeastLoaded, NearestOf, UnitNamed, parse_rulebook

FALLBACK = {"id": "fallback", "lead": {"unit": "centre"}}
BOOK = """
[[rule]]
id = "park-light-night"
when = { all = [ {service = ["lamp"]}, {layer = "park", code = ["P1", "P2"]}, {not = {holiday = true}} ] }
lead = { unit = "parks" }
assist = [ {unit = "lighting"}, {boundary_of = "community"} ]
ambiguous = "ask"
question = "pavement-or-carriageway"
priority = "high"
private = true
plan = "storm"

[[rule]]
id = "nearest-crew"
when = { service = "hole" }
lead = { nearest_of = "depot" }
assist = { least_loaded = ["crew-a", "crew-b"] }

[[rule]]
id = "fallback"
lead = { unit = "centre" }
"""


def test_a_book_as_it_is_written():
    book = parse_rulebook(BOOK, version="7")
    first, second, last = book.rules
    assert (first.lead, first.assist) == (
        UnitNamed("parks"),
        (UnitNamed("lighting"), BoundaryOf("community")),
    )
    assert (first.ambiguous, first.question, first.priority) == ("ask", "pavement-or-carriageway", "high")
    assert (first.is_private, first.plan) == (True, "storm")
    assert (second.lead, second.assist) == (NearestOf("depot"), (LeastLoaded(("crew-a", "crew-b")),))
    assert book.fallback is last
    assert book.version == "7"
    assert book.loaded_units == {"crew-a", "crew-b"}
    assert book.rule("nearest-crew") is second


def test_the_digest_follows_the_content_and_not_the_spacing():
    same = parse_rulebook(BOOK.replace(" = ", "   =   "))
    other = parse_rulebook(BOOK.replace("storm", "flood"))
    assert same.digest == parse_rulebook(BOOK).digest
    assert other.digest != same.digest
    assert same.version == same.digest[:12]


@pytest.mark.parametrize(
    ("rules", "codes"),
    [
        ([], ["missing_fallback"]),
        ([{"id": "a", "when": {"holiday": True}, "lead": {"unit": "u"}}], ["missing_fallback"]),
        ([FALLBACK, {"id": "a", "when": {"holiday": True}, "lead": {"unit": "u"}}], ["fallback_not_last"]),
        ([FALLBACK | {"when": {"holiday": True}}], ["fallback_has_when"]),
        ([FALLBACK, FALLBACK], ["duplicate_id"]),
        ([{"id": "Bad Id", "lead": {"unit": "u"}}, FALLBACK], ["bad_id"]),
        ([{"lead": {"unit": "u"}}, FALLBACK], ["bad_id"]),
        ([{"id": "a"}, FALLBACK], ["missing_lead"]),
        ([{"id": "a", "led": {"unit": "u"}}, FALLBACK], ["unknown_key"]),
        ([{"id": "a", "lead": {"unit": ""}}, FALLBACK], ["bad_selector"]),
        ([{"id": "a", "lead": {"boss": "u"}}, FALLBACK], ["bad_selector"]),
        ([{"id": "a", "lead": {"least_loaded": []}}, FALLBACK], ["bad_selector"]),
        ([{"id": "a", "lead": {"unit": "u"}, "assist": ["v"]}, FALLBACK], ["bad_selector"]),
        ([{"id": "a", "when": {"x": 1}, "lead": {"unit": "u"}}, FALLBACK], ["bad_condition"]),
        ([{"id": "a", "lead": {"unit": "u"}, "ambiguous": "maybe"}, FALLBACK], ["bad_value"]),
        ([{"id": "a", "lead": {"unit": "u"}, "ambiguous": "ask"}, FALLBACK], ["bad_value"]),
        ([{"id": "a", "lead": {"unit": "u"}, "priority": "urgent"}, FALLBACK], ["bad_value"]),
        ([{"id": "a", "lead": {"unit": "u"}, "private": "yes"}, FALLBACK], ["bad_value"]),
        ([{"id": "a", "lead": {"unit": "u"}, "plan": 3}, FALLBACK], ["bad_value"]),
        ([{"id": "a", "lead": {"unit": "u"}, "targets": ["t"]}, FALLBACK], ["bad_value"]),
        (
            [{"id": "a"}, {"id": "b", "lead": {}}, "c"],
            ["missing_lead", "bad_selector", "syntax", "missing_fallback"],
        ),
    ],
)
def test_every_problem_is_listed(rules, codes):
    with pytest.raises(RulebookError) as refused:
        parse_rulebook({"rule": rules})
    assert [problem.code for problem in refused.value.problems] == codes


def test_broken_toml_is_one_problem():
    with pytest.raises(RulebookError, match="not TOML"):
        parse_rulebook("[[rule]\nid=")


def test_rules_that_cannot_match_are_not_touched(services):
    rows = [
        {
            "id": f"area-{n}",
            "when": {"all": [{"service": "lamp"}, {"layer": "street", "code": f"S{n}"}]},
            "lead": {"unit": "u"},
        }
        for n in range(400)
    ]
    rows += [{"id": "always", "when": {"holiday": True}, "lead": {"unit": "u"}}, FALLBACK]
    book = parse_rulebook({"rule": rows})
    lamp, hole = book.for_service(services["lamp"]), book.for_service(services["hole"])
    assert lamp.positions([("street", "S7"), ("park", "P1")]) == [7, 400]
    assert lamp.positions([]) == [400]
    assert [rule.id for _, rule, _ in hole.rules] == ["always"]


def test_the_nearest_feature_is_looked_up_only_where_a_rule_asks(services):
    book = parse_rulebook(BOOK)
    assert book.for_service(services["hole"]).near_layers == {"depot"}
    assert book.for_service(services["lamp"]).near_layers == frozenset()
