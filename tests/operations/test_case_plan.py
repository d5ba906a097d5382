"""The response plan that a rule names is opened for its case, and worked through step by step."""

from __future__ import annotations

from typing import Any

import pytest

from portal.errors import Conflict, Forbidden, NotFound
from portal.operations.case_plan import OPENED, opened_events, tick_plan_step
from portal.operations.context import Actor
from portal.operations.verify_ledger import verify_ledger
from portal.queries.case_parts import case_parts
from portal.queries.case_plan import STEP_DONE, PlanPart, plan_steps

DESK = Actor("dispatcher", "centre")
COLLAPSE = {"service_code": "road-collapse", "answers": {"danger": ("yes",)}, "lon": 121.667, "lat": 29.197}


def plans(linhai: Any, token: str) -> list[Any]:
    with linhai.database.reading() as tx:
        return list(case_parts(tx, linhai.row(token).id, {"plan": PlanPart()})["plan"])


def tick(linhai: Any, token: str, actor: Actor, position: int) -> None:
    with linhai.database.transaction() as tx:
        tick_plan_step(tx, linhai.context, token, actor, position)


def test_a_case_opens_the_plan_of_its_rule_and_its_book_says_so(linhai: Any) -> None:
    token = linhai.file(**COLLAPSE)
    (opened,) = [event for event in linhai.events(token) if event.kind == OPENED]
    assert opened.public == {"actor": {"role": "system"}, "plan": "collapse"} | opened.public
    (plan,) = plans(linhai, token)
    assert plan["title"]["en"] == "Road collapse"
    assert [(step["position"], step["done"]) for step in plan["steps"]] == [(n, False) for n in (1, 2, 3, 4)]
    assert plan["steps"][0]["text"]["en"] == "Fence the place and divert traffic"


def test_a_case_without_a_plan_has_none(linhai: Any) -> None:
    token = linhai.file()
    assert plans(linhai, token) == []
    assert OPENED not in {event.kind for event in linhai.events(token)}
    with pytest.raises(NotFound):
        tick(linhai, token, DESK, 1)


def test_steps_are_ticked_once_by_who_acts(linhai: Any) -> None:
    token = linhai.file(**COLLAPSE)
    tick(linhai, token, Actor("handler", linhai.row(token).lead_unit), 2)
    tick(linhai, token, DESK, 1)
    assert [step["done"] for step in plans(linhai, token)[0]["steps"]] == [True, True, False, False]
    event = linhai.events(token)[-1]
    assert (event.kind, event.public["plan"], event.public["step"]) == (STEP_DONE, "collapse", 1)
    for actor, position, refusal in (
        (DESK, 1, Conflict), (DESK, 9, NotFound), (Actor("handler", "sanitation"), 3, NotFound),
        (Actor("auditor"), 3, Forbidden),
    ):  # fmt: skip
        with pytest.raises(refusal):
            tick(linhai, token, actor, position)
    with linhai.database.reading() as tx:
        assert verify_ledger(tx).faults == []


@pytest.mark.parametrize(
    ("code", "before", "count"),
    [(None, None, 0), ("a", None, 1), ("a", "a", 0), ("b", "a", 1), (None, "a", 0)],
)
def test_a_decision_made_anew_opens_only_another_plan(code: Any, before: Any, count: int) -> None:
    assert len(opened_events(code, before)) == count


def test_steps_stand_between_semicolons_in_every_language() -> None:
    assert plan_steps({"en": "Fence it; warn them.", "zh_Hans": "围挡；通知；检测。"}) == [
        {"en": "Fence it", "zh_Hans": "围挡"}, {"en": "warn them.", "zh_Hans": "通知"}, {"zh_Hans": "检测。"},
    ]  # fmt: skip
