"""How pressing a report is follows from lines of data: answers, place and time, and who is concerned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing.decision import decide
from routing.errors import RulebookError
from routing.rules import parse_rulebook
from routing.urgency import pressed

FALLBACK = {"id": "fallback", "lead": {"unit": "centre"}}
LINES = [
    {"id": "deep", "when": {"answer": {"question": "depth", "in": ["deep"]}}, "urgency": 3},
    {"id": "flat", "when": {"answer": {"question": "depth", "in": ["flat"]}}, "urgency": 1},
    {
        "id": "night",
        "when": {"all": [{"service": "lamp"}, {"time": {"from": "22:00", "to": "06:00"}}]},
        "urgency": 3,
    },
    {"id": "school", "when": {"near": {"layer": "school", "within_m": 100}}, "vulnerable": True},
    {"id": "park", "when": {"layer": "park"}, "urgency": 1},
]
BOOK = parse_rulebook({"rule": [FALLBACK], "urgency": LINES})


@pytest.mark.parametrize(
    ("service", "given", "priority", "lines"),
    [
        ("lamp", {}, "normal", ()),
        ("lamp", {"answers": {"depth": ("deep",)}}, "high", ("deep",)),
        ("lamp", {"answers": {"depth": ("flat",)}}, "low", ("flat",)),
        ("hole", {"answers": {"depth": ("deep",)}}, "emergency", ("deep",)),
        ("lamp", {"at": "2026-03-04 23:00"}, "high", ("night",)),
        ("noise", {"at": "2026-03-04 23:00"}, "normal", ()),
        ("lamp", {"near": ["school A 80"]}, "high", ("school",)),
        ("lamp", {"near": ["school A 180"]}, "normal", ()),
        ("lamp", {"near": ["school A 80"], "at": "2026-03-04 23:00"}, "emergency", ("night", "school")),
        ("lamp", {"hits": ["park P1"]}, "low", ("park",)),
        ("lamp", {"hits": ["park P1"], "at": "2026-03-04 23:00"}, "high", ("night", "park")),
        ("lamp", {"urgency": 3, "hits": ["park P1"]}, "high", ("park",)),
        ("lamp", {"is_vulnerable": True, "hits": ["park P1"]}, "normal", ("park",)),
        ("lamp", {"urgency": None, "priority": "low", "answers": {"depth": ("deep",)}}, "low", ()),
    ],
)
def test_urgency_times_importance(make_facts, service, given, priority, lines):
    facts = make_facts(service, **({"urgency": 2} | given))
    found = pressed(facts, BOOK)
    assert (found.priority if lines else priority, found.pressed_by) == (priority, lines)
    assert found == facts or lines
    assert pressed(found, BOOK) == found, "the same again"


def test_rules_may_ask_for_the_priority_that_follows(make_facts, directory):
    rules = [{"id": "grave", "when": {"priority": ["high"]}, "lead": {"unit": "parks"}}, FALLBACK]
    book = parse_rulebook({"rule": rules, "urgency": LINES})
    deep = make_facts("lamp", urgency=2, answers={"depth": ("deep",)})
    found = [decide(pressed(facts, book), book, directory) for facts in (deep, replace(deep, answers={}))]
    assert [(each.lead, each.priority) for each in found] == [("parks", "high"), ("centre", "normal")]


def test_a_book_without_lines_keeps_its_digest():
    plain, empty = parse_rulebook({"rule": [FALLBACK]}), parse_rulebook({"rule": [FALLBACK], "urgency": []})
    assert plain.digest == empty.digest != BOOK.digest


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"id": "Bad Id", "when": {"layer": "park"}, "urgency": 3}, "bad_id"),
        ({"id": "a", "urgency": 3}, "bad_condition"),
        ({"id": "a", "when": {"x": 1}, "urgency": 3}, "bad_condition"),
        ({"id": "a", "when": {"not": {"priority": ["high"]}}, "urgency": 3}, "bad_condition"),
        ({"id": "a", "when": {"layer": "park"}}, "bad_value"),
        ({"id": "a", "when": {"layer": "park"}, "urgency": 4}, "bad_value"),
        ({"id": "a", "when": {"layer": "park"}, "urgency": True}, "bad_value"),
        ({"id": "a", "when": {"layer": "park"}, "vulnerable": "yes"}, "bad_value"),
        ({"id": "a", "when": {"layer": "park"}, "urgency": 3, "lead": {"unit": "u"}}, "unknown_key"),
        ({"id": "deep", "when": {"layer": "park"}, "urgency": 3}, "duplicate_id"),
        ("a", "bad_id"),
    ],
)
def test_every_problem_of_a_line_is_listed(line, code):
    with pytest.raises(RulebookError) as refused:
        parse_rulebook({"rule": [FALLBACK], "urgency": [LINES[0], line]})
    assert [problem.code for problem in refused.value.problems] == [code]


def test_urgency_that_is_no_table_is_refused():
    with pytest.raises(RulebookError, match="urgency"):
        parse_rulebook({"rule": [FALLBACK], "urgency": 3})
