"""Rulebooks that can be read but would not do what their writer meant."""

import pytest

from routing.lint import Known, lint, stopping_answers
from routing.rules import parse_rulebook

FALLBACK = {"id": "fallback", "lead": {"unit": "centre"}}


@pytest.fixture
def known(directory, services):
    layers = {"street": ["S1", "S2"], "park": ["P1"], "school": []}
    questions = {"side": ["left", "right", "under"], "note": []}
    return Known(directory, services, layers, questions, ["storm"], {"side": {"under"}}, ["lamp", "night"])


@pytest.mark.parametrize(
    ("rule", "code", "subject"),
    [
        ({"when": {"service": ["lamp", "lmap"]}}, "unknown_service", "lmap"),
        ({"when": {"not": {"group": "light"}}}, "unknown_group", "light"),
        ({"when": {"layer": "sreet"}}, "unknown_layer", "sreet"),
        ({"when": {"layer": "street", "code": ["S1", "S7"]}}, "unknown_boundary", "S7"),
        ({"when": {"near": {"layer": "scool", "within_m": 5}}}, "unknown_layer", "scool"),
        ({"when": {"attr": {"layer": "prk", "name": "a", "in": "b"}}}, "unknown_layer", "prk"),
        ({"when": {"answer": {"question": "sdie", "in": "left"}}}, "unknown_question", "sdie"),
        ({"when": {"answer": {"question": "side", "in": "up"}}}, "unknown_answer", "up"),
        ({"when": {"answer": {"question": "side", "in": ["left", "under"]}}}, "answer_stops", "side=under"),
        ({"lead": {"unit": "prks"}}, "unknown_unit", "prks"),
        ({"lead": {"least_loaded": ["parks", "x"]}}, "unknown_unit", "x"),
        ({"assist": [{"unit": "y"}]}, "unknown_unit", "y"),
        ({"lead": {"boundary_of": "ward"}}, "unknown_layer", "ward"),
        ({"lead": {"boundary_of": "park"}}, "boundary_without_unit", "park/P1"),
        ({"ambiguous": "ask", "question": "which"}, "unknown_question", "which"),
        ({"question": "side"}, "question_never_asked", "side"),
        ({"plan": "flood"}, "unknown_plan", "flood"),
        ({"targets": "nite"}, "unknown_class_of_targets", "nite"),
    ],
)
def test_what_lint_finds(known, rule, code, subject):
    base = {"id": "r", "when": {"holiday": True}, "lead": {"unit": "parks"}}
    (problem,) = lint(parse_rulebook({"rule": [base | rule, FALLBACK]}), known)
    assert (problem.rule_id, problem.code, problem.subject) == ("r", code, subject)


@pytest.mark.parametrize(
    "when",
    [
        {"service": "lamp"},
        {"kind": "report"},
        {"layer": "street", "code": "S1"},
        {"answer": {"question": "note", "in": "anything"}},
    ],
)
def test_what_lint_lets_pass(known, when):
    rule = {"id": "r", "when": when, "lead": {"boundary_of": "street"}, "plan": "storm"}
    assert lint(parse_rulebook({"rule": [rule, FALLBACK]}), known) == []


def test_rules_after_one_that_always_matches_are_never_reached(known):
    rules = [{"id": name, "lead": {"unit": "parks"}} for name in ("first", "second")]
    problems = lint(parse_rulebook({"rule": [*rules, FALLBACK]}), known)
    assert [(problem.rule_id, problem.code, problem.subject) for problem in problems] == [
        ("second", "unreachable", "first"),
        ("fallback", "unreachable", "first"),
    ]


def test_a_rule_for_any_boundary_does_not_hide_the_rest(known):
    rule = {"id": "streets", "lead": {"boundary_of": "street"}}
    assert lint(parse_rulebook({"rule": [rule, FALLBACK]}), known) == []


def test_an_answer_stops_only_where_no_service_lets_it_pass():
    offered = [("side", ["left", "under"], ["under"]), ("side", ["left", "right"], ["left"])]
    assert stopping_answers(offered) == {"side": {"under"}}


def test_lines_of_urgency_are_linted_too(known):
    lines = [{"id": "deep", "when": {"answer": {"question": "dept", "in": ["deep"]}}, "urgency": 3}]
    (problem,) = lint(parse_rulebook({"rule": [FALLBACK], "urgency": lines}), known)
    assert (problem.rule_id, problem.code, problem.subject) == ("deep", "unknown_question", "dept")
