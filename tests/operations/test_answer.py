"""The one question that a report near a border is asked, and what its answer changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from portal.errors import Conflict, InvalidInput, NotFound
from portal.models.report import report
from portal.operations.answer_question import Answered, answer_question
from portal.operations.context import Actor, Context
from portal.queries.receipt_words import reason_message

PARKS, LIGHTING = Actor("handler", "parks"), Actor("handler", "lighting")
LAMP = {"service_code": "street-light", "accuracy_m": 40.0}


@pytest.fixture
def asked(linhai: Any, at: Callable[..., Any]) -> str:
    """A dark lamp at the edge of a park: is it in the park or on the street?"""
    with at():
        city = linhai.context.cities.city
        with linhai.database.reading() as tx:
            layers = city(tx, "linhai.example").router.city.index.layers
        park = next(layer for layer in layers if layer.name == "park").boundaries[0].geometry
        edge = park.exterior.interpolate(0.1, normalized=True)
        inside = park.representative_point()
        lon, lat = edge.x + (inside.x - edge.x) * 0.02, edge.y + (inside.y - edge.y) * 0.02
        filed = linhai.submit(lon=lon, lat=lat, answers={"lamp-fault": ("dark",)}, **LAMP)
    assert (filed.unit_code, filed.is_ambiguous, filed.question_code) == ("parks", True, "park-or-street")
    return filed.token


def answer(linhai: Any, token: str, context: Context | None = None, **answers: tuple[str, ...]) -> Answered:
    given = {code.replace("_", "-"): values for code, values in answers.items()}
    with linhai.database.transaction() as tx:
        return answer_question(tx, context or linhai.context, token, given)


def city_of(linhai: Any) -> Any:
    with linhai.database.reading() as tx:
        return linhai.context.cities.city(tx, "linhai.example")


def test_an_answer_that_points_elsewhere_moves_the_case_and_keeps_the_promise(
    linhai: Any, asked: str, at: Callable[..., Any]
) -> None:
    before = linhai.row(asked)
    with at(hours=1):
        assert answer(linhai, asked, park_or_street=("street",)) == Answered(asked, "lighting", True)
    row = linhai.row(asked)
    assert (row.lead_unit, row.rule, row.question_code, row.is_ambiguous) == (
        "lighting",
        "light",
        None,
        False,
    )
    assert row.promise_due_at == before.promise_due_at
    assert row.receipt["lead"] == row.public_receipt["lead"] == "lighting"
    assert row.answers == {"lamp-fault": ["dark"], "park-or-street": ["street"]}
    assert linhai.kinds(asked)[-3:] == ["question.answered", "request.routed", "task.withdrawn"]
    running = linhai.clocks(asked, "running")
    assert {one.unit_code for one in running.values()} == {None, "lighting"}
    assert running["promise", "resolve"].due_at == before.promise_due_at
    assert linhai.messages(asked)[-1]["to"] == "lighting"


def test_an_answer_that_confirms_settles_the_doubt(linhai: Any, asked: str) -> None:
    before = linhai.row(asked)
    assert answer(linhai, asked, park_or_street=("park",)) == Answered(asked, "parks", False)
    row = linhai.row(asked)
    assert (row.lead_unit, row.question_code, row.is_ambiguous) == ("parks", None, False)
    assert linhai.kinds(asked)[-2:] == ["question.answered", "request.routed"]
    assert (before.receipt["ambiguous"], row.receipt["ambiguous"], row.receipt["question"]) == (
        True,
        False,
        None,
    )
    assert row.public_receipt["ambiguous"] is False
    assert row.promise_due_at == before.promise_due_at
    assert "answers because the place lies in" in str(reason_message(row.receipt, city_of(linhai)))
    routed = [row for row in linhai.events(asked) if row.kind == "request.routed"]
    assert [row.public["ambiguous"] for row in routed] == [True, False]
    assert routed[-1].private["receipt"] == row.receipt


def test_units_that_assisted_because_of_the_doubt_are_let_go(linhai: Any, asked: str) -> None:
    with linhai.database.transaction() as tx:
        tx.execute(update(report).where(report.c.token == asked).values(assist_units=["lighting", "traffic"]))
    linhai.move(asked, PARKS, "accept")
    answer(linhai, asked, park_or_street=("park",))
    row = linhai.row(asked)
    assert (row.state, row.assist_units) == ("accepted", ["lighting"]), "its rule names lighting in any case"


def test_what_was_answered_is_private(linhai: Any, asked: str) -> None:
    answer(linhai, asked, park_or_street=("street",))
    told = next(row for row in linhai.events(asked) if row.kind == "question.answered")
    assert told.public == {"actor": {"role": "reporter"}, "question": "park-or-street"}
    assert told.private["answers"]["park-or-street"] == ["street"]


def test_a_unit_that_has_accepted_decides_for_itself(linhai: Any, asked: str) -> None:
    linhai.move(asked, PARKS, "accept")
    assert answer(linhai, asked, park_or_street=("street",)) == Answered(asked, "parks", False)
    row = linhai.row(asked)
    assert (row.lead_unit, row.state) == ("parks", "accepted")
    assert row.answers["park-or-street"] == ["street"], "but it can read the answer"


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        pytest.param({}, "answers.park-or-street", id="no answer"),
        pytest.param({"park_or_street": ()}, "answers.park-or-street", id="empty"),
        pytest.param({"park_or_street": ("sea",)}, "answers.park-or-street", id="not offered"),
        pytest.param({"park_or_street": ("park", "street")}, "answers.park-or-street", id="both"),
        pytest.param(
            {"park_or_street": ("park",), "lamp_fault": ("x",)}, "answers.lamp-fault", id="another one spoilt"
        ),
    ],
)
def test_a_wrong_answer_changes_nothing(
    linhai: Any, asked: str, answers: dict[str, tuple[str, ...]], field: str
) -> None:
    before = linhai.row(asked)
    with pytest.raises(InvalidInput) as caught:
        answer(linhai, asked, **answers)
    assert list(caught.value.fields) == [field]
    assert linhai.row(asked) == before


def test_answers_to_questions_nobody_asked_are_dropped(linhai: Any, asked: str) -> None:
    with linhai.database.transaction() as tx:
        given = {"park-or-street": ("street",), "depth": ("large",), "x\x00": ("y",)}
        answer_question(tx, linhai.context, asked, given)
    assert set(linhai.row(asked).answers) == {"lamp-fault", "park-or-street"}


def test_a_question_is_answered_once(linhai: Any, asked: str) -> None:
    answer(linhai, asked, park_or_street=("street",))
    with pytest.raises(Conflict):
        answer(linhai, asked, park_or_street=("park",))


def test_a_closed_case_asks_nothing(linhai: Any, asked: str) -> None:
    linhai.move(asked, Actor("dispatcher"), "reject", reason="rule 4", public_text="Not public ground.")
    with pytest.raises(Conflict):
        answer(linhai, asked, park_or_street=("park",))


def test_only_ones_own_city_answers(linhai: Any, asked: str) -> None:
    elsewhere = replace(linhai.context, jurisdiction_id="elsewhere.example")
    for token, context in ((asked, elsewhere), ("7K2M9QX4T8B3WC", None), ("\x00", None)):
        with pytest.raises(NotFound):
            answer(linhai, token, context, park_or_street=("park",))
