"""The full trace of a stored case is derived again from its facts as of then, and comes out equal."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from portal.operations.answer_question import answer_question
from portal.operations.submission import Submission
from portal.queries.past_decisions import Derived, derive_again
from routing.receipt import RECEIPT_MAX_BYTES, receipt_size

EDGE = {"lon": 121.6, "lat": 29.2611}
LAMP = {"service_code": "street-light", "answers": {"lamp-fault": ("dark",)}, "description": "Dark"}
CASES = {
    "a hole in a side street": {},
    "between two streets": {"lon": 121.568, "lat": 29.24, "accuracy_m": 20.0},
    "no accuracy sent": {"lon": 121.568, "lat": 29.24, "accuracy_m": None},
    "the address of a record": {"lon": 121.568, "lat": 29.24, "accuracy_m": None, "channel": "replay"},
    "a lamp beside a park": LAMP | EDGE | {"accuracy_m": 30.0},
    "shared out by load": {
        "service_code": "missed-collection", "answers": {"waste-type": ("bulky",)}, "lon": 121.64, "lat": 29.185,
    },
    "a sensitive place": {
        "service_code": "noise", "answers": {"noise-source": ("shop",)}, "lon": 121.64, "lat": 29.1852,
    },
    "outside the city": {"lon": 120.0, "lat": 30.0},
}  # fmt: skip


def derived(linhai: Any, token: str) -> Derived:
    with linhai.database.reading() as tx:
        city = linhai.context.cities.city(tx, "linhai.example")
        return derive_again(tx, city, token)


def assert_equal(again: Derived) -> None:
    assert again.differences == ()
    assert again.is_equal
    trace, stored = again.trace, again.stored
    assert (trace.facts_digest, trace.rulebook_version) == (stored["facts"], stored["rulebook"])
    assert (trace.winner, trace.lead) == (stored["rule"], stored["lead"])
    assert [(miss.rule_id, miss.reason) for miss in trace.near_misses] == [
        (miss["rule"], miss["why"]) for miss in stored["misses"]
    ]
    assert trace.lines[-1].rule_id == "fallback"
    assert receipt_size(stored) <= RECEIPT_MAX_BYTES


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_the_trace_of_a_stored_case_is_the_one_of_then(linhai: Any, at: Any, changes: Any) -> None:
    with at():
        token = linhai.file(**changes)
    with at(days=40):
        assert_equal(derived(linhai, token))


def test_a_complaint_is_kept_from_the_unit_it_is_about_again(linhai: Any, at: Any) -> None:
    given = Submission(
        "unit-complaint", description="Rude", client_request_id=uuid.uuid4(), about_unit="street-cn2",
        answers={"about-unit": ("Temple Street",)},
    )  # fmt: skip
    with at():
        token = linhai.submit(given).token
    again = derived(linhai, token)
    assert (again.differences, again.routed.facts.about_unit) == ((), "street-cn2")


@pytest.mark.parametrize("answer", ["park", "street"])
def test_answers_given_later_are_told_apart_from_the_first(linhai: Any, at: Any, answer: str) -> None:
    with at():
        with linhai.database.reading() as tx:
            layers = linhai.context.cities.city(tx, "linhai.example").router.city.index.layers
        park = next(layer for layer in layers if layer.name == "park").boundaries[0].geometry
        edge, inside = park.exterior.interpolate(0.1, normalized=True), park.representative_point()
        place = {"lon": edge.x + (inside.x - edge.x) * 0.02, "lat": edge.y + (inside.y - edge.y) * 0.02}
        token = linhai.file(**LAMP | place | {"accuracy_m": 100.0})
        question = linhai.row(token).question_code
    assert question == "park-or-street"
    with at(hours=1), linhai.database.transaction() as tx:
        answer_question(tx, linhai.context, token, {question: (answer,)})
    again = derived(linhai, token)
    assert again.differences == ()
    assert again.is_equal
    assert again.trace.winner == linhai.row(token).receipt["rule"]
