"""The life of a task, as rows that a clerk can check."""

from dataclasses import dataclass

import pytest

from routing.errors import IllegalMove
from routing.tasks import (
    HOLDING_KINDS,
    LIVE,
    TASK_KINDS,
    TASK_MOVES,
    TASK_STATES,
    holding_up,
    move_task,
    superseded,
    task_actions,
)


@dataclass(frozen=True)
class One:
    kind: str = "assist"
    state: str = "open"
    unit_code: str = "parks"


@pytest.mark.parametrize(
    ("kind", "state", "action", "part", "to_state"),
    [
        ("assist", "open", "task_accept", "doer", "accepted"),
        ("interim", "open", "task_accept", "desk", "accepted"),
        ("child", "open", "task_done", "doer", "done"),
        ("joint", "accepted", "task_done", "doer", "done"),
        ("assist", "accepted", "task_refuse", "doer", "refused"),
        ("child", "refused", "task_withdraw", "lead", "withdrawn"),
        ("child", "open", "task_withdraw", "desk", "withdrawn"),
        ("assist", "done", "task_rate", "lead", "done"),
        ("assist", "open", "propose_swap", "lead", "open"),
        ("joint", "accepted", "swap", "doer", "withdrawn"),
        ("assist", "accepted", "order_swap", "desk", "withdrawn"),
    ],
)
def test_what_is_allowed(kind, state, action, part, to_state):
    role = "dispatcher" if part == "desk" else "handler"
    assert move_task(One(kind, state), action, role, {part}, "words", is_asked=True) == to_state


@pytest.mark.parametrize(
    ("one", "action", "role", "parts", "words", "why"),
    [
        (One(), "task_eat", "handler", {"doer"}, "x", "move.unknown_action"),
        (One(state="done"), "task_accept", "handler", {"doer"}, "", "task.wrong_state"),
        (One(state="withdrawn"), "task_done", "handler", {"doer"}, "x", "task.wrong_state"),
        (One(), "task_accept", "handler", {"lead"}, "", "task.not_your_part"),
        (One(), "task_accept", "handler", {"assist"}, "", "task.not_your_part"),
        (One(), "task_accept", "handler", set(), "", "task.not_your_part"),
        (One(), "task_refuse", "dispatcher", {"desk"}, "x", "task.not_your_part"),
        (One(), "task_withdraw", "handler", {"doer"}, "x", "task.not_your_part"),
        (One(state="done"), "task_rate", "handler", {"doer"}, "x", "task.not_your_part"),
        (One(), "task_accept", "auditor", {"doer"}, "", "move.not_your_role"),
        (One(), "order_swap", "handler", {"desk"}, "x", "move.not_your_role"),
        (One("child"), "swap", "handler", {"doer"}, "", "task.wrong_kind"),
        (One("interim", "done"), "task_rate", "handler", {"lead"}, "x", "task.wrong_kind"),
        (One(), "swap", "handler", {"doer"}, "", "task.swap_not_asked"),
        (One(), "task_done", "handler", {"doer"}, " ", "move.reason_needed"),
        (One(), "task_refuse", "handler", {"doer"}, "", "move.reason_needed"),
        (One(state="done"), "task_rate", "handler", {"lead"}, "", "move.reason_needed"),
    ],
)
def test_what_is_refused(one, action, role, parts, words, why):
    with pytest.raises(IllegalMove) as refused:
        move_task(one, action, role, parts, words)
    assert refused.value.reason == why


def test_who_is_both_lead_and_doer_may_do_both():
    assert task_actions(One(), "handler", {"lead", "doer"}) == [
        "task_accept", "task_done", "task_refuse", "task_withdraw", "propose_swap",
    ]  # fmt: skip
    assert task_actions(One(), "dispatcher", {"desk"}) == [
        "task_accept", "task_done", "task_withdraw", "order_swap",
    ]  # fmt: skip
    assert task_actions(One(), "handler", {"doer"}, is_asked=True)[-1] == "swap"


@pytest.mark.parametrize("kind", TASK_KINDS)
@pytest.mark.parametrize("state", TASK_STATES)
def test_what_holds_up_a_case(kind, state):
    holds = kind in HOLDING_KINDS and state in {"open", "accepted", "refused"}
    assert bool(holding_up([One(kind, state)], "oak")) is holds


def test_the_leads_own_share_is_its_resolving():
    assert holding_up([One("joint"), One("child")], "parks") == [One("child")]


@pytest.mark.parametrize(
    ("one", "is_superseded"),
    [
        (One(unit_code="elm"), True),
        (One("joint", unit_code="elm"), True),
        (One("interim", unit_code="elm"), True),
        (One("child", unit_code="elm"), False),
        (One("joint", unit_code="oak"), True),
        (One("assist", unit_code="oak"), False),
        (One(unit_code="parks"), False),
        (One(state="done", unit_code="elm"), False),
    ],
)
def test_another_lead_supersedes_tasks(one, is_superseded):
    assert bool(superseded([one], "oak", "elm")) is is_superseded


def test_the_table_agrees_with_itself():
    for row in TASK_MOVES.values():
        assert set(row.from_states) <= set(TASK_STATES)
        assert row.to_state in {"", *TASK_STATES}
        assert set(row.kinds) <= set(TASK_KINDS)
    assert all(any(state in row.from_states for row in TASK_MOVES.values()) for state in LIVE)
