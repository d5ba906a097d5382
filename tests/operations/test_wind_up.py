"""What ends with a case or with a unit's turn: no clock, duty or loan outlives what it was for, and none climbs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal import clock
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.models.crews import community_duty, crew_loan
from portal.models.oversight import supervision
from portal.operations.context import REPORTER, Actor
from portal.operations.extend_promise import ask_extension
from portal.operations.hand_within import Handing, hand_down, hand_up
from portal.operations.lend_crew import Asked, answer_loan, ask_for_crew
from portal.operations.supervise import close_supervision, supervise_case
from portal.operations.sweep_clocks import sweep_clocks
from portal.operations.verify_ledger import verify_ledger

from .conftest import TUESDAY

STREET, HEAD = Actor("handler", "street-cn2"), Actor("unit_head", "street-cn2", 2)
COMMUNITY, DESK = Actor("handler", "community-shuyuan"), Actor("dispatcher", "centre", 4)
OWNER = Actor("unit_head", "street-cn1", 5)
FIXED = {"closing_code": "fixed", "reason": "too dark", "public_text": "Filled."}
# Kinds of clocks that may run on a case that has ended.
OUTLIVING = {"supervision", "rest"}


def sweep(linhai: Any, token: str) -> None:
    with linhai.database.transaction() as tx:
        while sweep_clocks(tx, only=[linhai.row(token).id]):
            pass


def rows(linhai: Any, table: Any, token: str) -> list[Any]:
    with linhai.database.reading() as tx:
        mine = table.c.report_id == linhai.row(token).id
        return list(tx.execute(select(table).where(mine).order_by(table.c.id)))


def handed_down(linhai: Any, do: Any) -> str:
    token = linhai.file()
    do(hand_down, token, STREET, Handing("to_solve", "community-shuyuan", TUESDAY + timedelta(days=3)))
    return token


@pytest.mark.parametrize(
    ("move", "outcome", "state"),
    [
        pytest.param((COMMUNITY, "resolve", FIXED), "resolved", "met", id="it solves the case"),
        pytest.param(
            (DESK, "reject", {"reason": "4", "public_text": "Rule 4."}), "rejected", "cancelled", id="refused"
        ),
        pytest.param(
            (DESK, "assign", {"reason": "Theirs.", "to_unit": "street-cn1"}), "moved", "cancelled", id="moved"
        ),
    ],
)
def test_a_community_that_has_the_case_no_longer_owes_nothing(
    linhai: Any, at: Any, do: Any, move: Any, outcome: str, state: str
) -> None:
    with at():
        token = handed_down(linhai, do)
        linhai.move(token, COMMUNITY, "accept")
        linhai.moved(token, move)
    assert [row.outcome for row in rows(linhai, community_duty, token)] == [outcome]
    assert linhai.clocks(token)["community", "hand_up"].state == state
    with at(days=30):
        sweep(linhai, token)
    told = [row.public["clock"] for row in linhai.events(token) if row.kind.startswith("clock.")]
    assert "community" not in told


def test_a_case_that_left_its_community_may_be_handed_down_again(linhai: Any, at: Any, do: Any) -> None:
    with at():
        token = handed_down(linhai, do)
        linhai.move(token, DESK, "assign", reason="Back.", to_unit="street-cn2")
        do(hand_down, token, STREET, Handing("to_verify", "community-shuyuan", TUESDAY + timedelta(days=3)))
        do(hand_up, token, COMMUNITY, Handing("verified"))
    assert [row.outcome for row in rows(linhai, community_duty, token)] == ["moved", "verified"]
    assert [row.state for row in linhai.all_clocks(token) if row.kind == "community"] == ["cancelled", "met"]


@pytest.mark.parametrize("is_granted", [False, True], ids=["asked for", "granted"])
@pytest.mark.parametrize(
    "move",
    [
        pytest.param((STREET, "resolve", FIXED), id="closed"),
        pytest.param((DESK, "assign", {"reason": "Theirs.", "to_unit": "street-cn3"}), id="moved"),
    ],
)
def test_a_crew_is_not_waited_for_when_nobody_needs_it(
    linhai: Any, at: Any, do: Any, move: Any, is_granted: bool
) -> None:
    with at():
        token = linhai.file()
        linhai.move(token, STREET, "accept")
        loan = do(ask_for_crew, token, HEAD, Asked("cn1-patrol", "Two are ill."))
        if is_granted:
            do(answer_loan, loan, OWNER, is_granted=True)
        linhai.moved(token, move)
        ended = rows(linhai, crew_loan, token)
        assert [(row.state, row.ended_at) for row in ended] == [
            ("returned" if is_granted else "withdrawn", clock.now())
        ]
        assert linhai.clocks(token)["callout", "arrive"].state == "cancelled"
        assert linhai.kinds(token)[-1] == ("crew.returned" if is_granted else "crew.withdrawn")
    with at(days=2):
        sweep(linhai, token)
    assert "callout" not in [row.public.get("clock") for row in linhai.events(token)]
    with linhai.database.reading() as tx:
        assert verify_ledger(tx).faults == []


def supervised(linhai: Any, do: Any, days: float, words: str = "Look into it.") -> str:
    token = linhai.file()
    do(supervise_case, token, DESK, words, clock.now() + timedelta(days=days))
    return token


def test_supervision_of_a_joined_case_goes_on_with_the_first_report(linhai: Any, at: Any, do: Any) -> None:
    with at():
        first, second = linhai.file(), supervised(linhai, do, 3, "Fill it. Call 138 1234 5678.")
        linhai.move(second, STREET, "mark_duplicate", duplicate_of=first)
    (ended,), (carried,) = rows(linhai, supervision, second), rows(linhai, supervision, first)
    assert (ended.state, ended.finding) == ("closed", "joined")
    assert (carried.state, carried.cause, carried.due_at) == ("open", "by_hand", ended.due_at)
    assert carried.words.startswith("Fill it.")
    assert linhai.clocks(second)["supervision", "answer"].state == "cancelled"
    assert linhai.clocks(first, "running")["supervision", "answer"].due_at == ended.due_at
    assert linhai.kinds(second)[-1] == "supervision.closed"
    assert linhai.kinds(first)[-2:] == ["request.joined", "supervision.opened"]
    with at(days=30):
        sweep(linhai, second)
    assert "clock.breached" not in linhai.kinds(second)


@pytest.mark.parametrize(
    ("own", "joined", "counts"), [(5, 3, 3), (3, 5, 3)], ids=["the joined one is sooner", "the first is"]
)
def test_of_two_orders_the_sooner_date_counts(
    linhai: Any, at: Any, do: Any, own: int, joined: int, counts: int
) -> None:
    with at():
        first, second = supervised(linhai, do, own), supervised(linhai, do, joined)
        linhai.move(second, STREET, "mark_duplicate", duplicate_of=first)
        due = clock.now() + timedelta(days=counts)
    (order,) = rows(linhai, supervision, first)
    assert (order.state, order.due_at) == ("open", due)
    assert linhai.clocks(first)["supervision", "answer"].due_at == due
    with at(days=counts, minutes=1):
        sweep(linhai, first)
    late = [row.public["clock"] for row in linhai.events(first) if row.kind == "clock.breached"]
    assert "supervision" in late


def test_a_first_report_that_has_ended_for_good_is_the_answer(linhai: Any, at: Any, do: Any) -> None:
    with at():
        first, second = linhai.file(), supervised(linhai, do, 3)
        linhai.moved(first, (STREET, "accept"), (STREET, "resolve", FIXED), (REPORTER, "confirm"))
        linhai.move(second, STREET, "mark_duplicate", duplicate_of=first)
    assert rows(linhai, supervision, first) == []
    assert [row.finding for row in rows(linhai, supervision, second)] == ["joined"]


def test_the_unit_has_answered_when_it_ends_the_case_and_is_bound_again_when_it_opens(
    linhai: Any, at: Any, do: Any
) -> None:
    with at():
        token = supervised(linhai, do, 3)
        linhai.moved(token, (STREET, "accept"), (STREET, "resolve", FIXED))
        assert linhai.clocks(token)["supervision", "answer"].state == "met"
        assert [row.state for row in rows(linhai, supervision, token)] == ["open"], "the finding is missing"
    with at(days=4):
        sweep(linhai, token)
        assert "clock.breached" not in linhai.kinds(token)
        linhai.move(token, REPORTER, "contest")
        sweep(linhai, token)
        late = [row.public["clock"] for row in linhai.events(token) if row.kind == "clock.breached"]
        assert "supervision" in late
        do(close_supervision, token, DESK, "unit_at_fault", "Late.")
        linhai.moved(token, (STREET, "resolve", FIXED), (REPORTER, "contest"))
        assert linhai.clocks(token)["supervision", "answer"].state == "met", "what has its finding is over"


def test_what_is_late_in_an_ended_case_climbs_to_nobody(linhai: Any, at: Any, do: Any) -> None:
    with at():
        token = linhai.file()
        linhai.moved(token, (STREET, "accept"), (STREET, "resolve", FIXED))
        do(supervise_case, token, DESK, "Show me.", clock.now() + timedelta(days=2))
    with at(days=20):
        sweep(linhai, token)
    assert "clock.escalated" not in linhai.kinds(token)


def _later(hours: float) -> Any:
    return clock.now() + timedelta(hours=hours)


# What can be done to a case: each is tried by whoever may be right for it.
DEEDS: dict[str, Any] = {
    "accept": lambda say, do, token, lead: say(token, lead, "accept"),
    "resolve": lambda say, do, token, lead: say(token, lead, "resolve", **FIXED),
    "reject": lambda say, do, token, lead: say(token, DESK, "reject", reason="4", public_text="Rule 4."),
    "assign": lambda say, do, token, lead: say(token, DESK, "assign", reason="x", to_unit="street-cn2"),
    "transfer": lambda say, do, token, lead: say(
        token, lead, "transfer", reason="no_capacity", to_unit="street-cn1"
    ),
    "contest": lambda say, do, token, lead: say(token, REPORTER, "contest"),
    "reopen": lambda say, do, token, lead: say(token, DESK, "reopen", reason="x"),
    "wait": lambda say, do, token, lead: say(token, lead, "wait", reason="weather"),
    "resume": lambda say, do, token, lead: say(token, lead, "resume"),
    "down": lambda say, do, token, lead: do(
        hand_down, token, STREET, Handing("to_solve", "community-shuyuan", _later(50))
    ),
    "up": lambda say, do, token, lead: do(hand_up, token, COMMUNITY, Handing("no_time")),
    "borrow": lambda say, do, token, lead: do(ask_for_crew, token, lead, Asked("cn1-patrol")),
    "supervise": lambda say, do, token, lead: do(supervise_case, token, DESK, "Look.", _later(70)),
    "find": lambda say, do, token, lead: do(close_supervision, token, DESK, "put_right", "Done."),
    "ask_time": lambda say, do, token, lead: do(ask_extension, token, lead, _later(900), "Parts."),
    "join": lambda say, do, token, lead: say(token, lead, "mark_duplicate", duplicate_of=say.first),
    "unmerge": lambda say, do, token, lead: say(token, REPORTER, "unmerge"),
}


class Say:
    """Makes a move; knows the report that others are joined with."""

    def __init__(self, linhai: Any, first: str) -> None:
        self.linhai, self.first = linhai, first

    def __call__(self, token: str, actor: Actor, action: str, **more: Any) -> None:
        self.linhai.move(token, actor, action, **more)


COURSES = st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.floats(0.1, 60)), min_size=4, max_size=14)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(COURSES)
def test_after_any_course_nothing_outlives_what_it_was_for(linhai: Any, do: Any, course: list[Any]) -> None:
    with clock.simulated(TUESDAY) as time:
        say = Say(linhai, linhai.file())
        token = linhai.file()
        for name, hours in course:
            time.move_to(time.at + timedelta(hours=hours))
            before = linhai.kinds(token).count("clock.escalated")
            was_closed = linhai.row(token).closed_at is not None
            sweep(linhai, token)
            if was_closed:
                assert linhai.kinds(token).count("clock.escalated") == before, "climbed on a closed case"
            try:
                DEEDS[name](say, do, token, Actor("unit_head", linhai.row(token).lead_unit, 2))
            except (Conflict, Forbidden, InvalidInput, NotFound):
                continue
            check(linhai, token, name)


def check(linhai: Any, token: str, name: str) -> None:
    row = linhai.row(token)
    live = [one for one in linhai.all_clocks(token) if one.state in ("running", "paused")]
    if row.closed_at is not None:
        assert {one.kind for one in live} <= OUTLIVING, name
    duties = [one for one in rows(linhai, community_duty, token) if one.ended_at is None]
    assert all(one.community_unit == row.lead_unit for one in duties), name
    assert len([one for one in live if one.kind == "community"]) == len(duties), name
    loans = [one for one in rows(linhai, crew_loan, token) if one.ended_at is None]
    assert all(one.borrower_unit == row.lead_unit and row.closed_at is None for one in loans), name
    orders = [one for one in rows(linhai, supervision, token) if one.state == "open"]
    assert row.state != "duplicate" or not orders, name
    assert len([one for one in live if one.kind == "supervision"]) <= len(orders), name
    if row.closed_at is None:
        assert len([one for one in live if one.kind == "supervision"]) == len(orders), name
