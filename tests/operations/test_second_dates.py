"""Second dates: of a plan, an extension, or what remains; each has its own clock, and what remains comes up again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from portal import clock
from portal.operations.context import REPORTER, Actor
from portal.operations.extend_promise import Answer, answer_extension, ask_extension
from portal.operations.keep_dates import keep_dates
from portal.operations.sweep_clocks import sweep_clocks
from portal.operations.verify_ledger import verify_ledger
from portal.queries.oversight import Whose, cases_of_colour
from routing.escalation import NONE, RED, YELLOW

from .conftest import TUESDAY

STREET, HEAD = Actor("handler", "street-cn2"), Actor("unit_head", "street-cn2", 2)
ABOVE, DESK = Actor("unit_head", "district-cn", 3), Actor("dispatcher", "centre", 4)
PHOTO = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
IN = 40  # days: behind the promise of a pothole


def day(days: float) -> datetime:
    return TUESDAY + timedelta(days=days)


def sweep(linhai: Any, do: Any, token: str) -> None:
    """What the workers do, for one case."""
    only = [linhai.row(token).id]
    with linhai.database.transaction() as tx:
        while sweep_clocks(tx, only=only):
            pass
    while do(keep_dates, only):
        pass
    with linhai.database.transaction() as tx:
        while sweep_clocks(tx, only=only):
            pass


def planned(linhai: Any, do: Any, days: float = IN) -> str:
    token = linhai.file(service_code="suggestion")
    lead = Actor("handler", linhai.row(token).lead_unit)
    linhai.moved(token, (lead, "accept"), (lead, "resolve", {"closing_code": "planned", "until": day(days)}))
    return token


def extended(linhai: Any, do: Any, days: float = IN) -> str:
    token = linhai.file()
    linhai.moved(token, (STREET, "accept"), (ABOVE, "extend", {"reason": "Parts.", "until": day(days)}))
    return token


def granted(linhai: Any, do: Any, days: float = IN) -> str:
    token = linhai.file()
    linhai.move(token, STREET, "accept")
    do(ask_extension, token, HEAD, day(days), "Parts.")
    do(answer_extension, token, ABOVE, Answer("grant"))
    return token


def half_done(linhai: Any, do: Any, days: float = IN) -> str:
    token = linhai.file()
    rest = {"closing_code": "partly_fixed", "until": day(days), "public_text": "The kerb by April."}
    linhai.moved(token, (STREET, "accept"), (STREET, "resolve", rest | {"photos": (PHOTO,)}))
    return token


@pytest.mark.parametrize("make", [planned, extended, granted])
def test_an_open_case_has_a_clock_for_its_second_date(linhai: Any, at: Any, do: Any, make: Any) -> None:
    with at():
        token = make(linhai, do)
        found = linhai.clocks(token, "running")["second", "second"]
        assert (found.due_at, found.unit_code) == (day(IN), linhai.row(token).lead_unit)
        assert linhai.row(token).second_due_at == day(IN)
    with at(days=IN * 0.6):
        sweep(linhai, do, token)
    reminded = [one for one in linhai.messages(token) if one["template"] == "reminded"]
    assert "second" in [one["stage"] for one in reminded]
    with at(days=IN, hours=2):
        sweep(linhai, do, token)
        assert linhai.row(token).colour == RED
    late = [(row.kind, row.public["clock"]) for row in linhai.events(token) if row.kind.startswith("clock.")]
    assert ("clock.breached", "second") in late
    assert ("clock.escalated", "second") in late


def test_a_plan_without_a_promise_is_coloured_and_listed_by_its_date(linhai: Any, at: Any, do: Any) -> None:
    with at():
        token = planned(linhai, do)
        with linhai.database.transaction() as tx:
            gone = "UPDATE clock SET state = 'cancelled', next_at = NULL WHERE report_id = :id AND kind <> 'second'"
            tx.execute(text(gone), {"id": linhai.row(token).id})
            tx.execute(
                text("UPDATE report SET promise_due_at = NULL WHERE id = :id"), {"id": linhai.row(token).id}
            )
        linhai.move(token, Actor("handler", linhai.row(token).lead_unit), "update", public_text="Soon.")
        assert linhai.row(token).next_due_at == day(IN)
    for days, colour in ((IN * 0.4, NONE), (IN * 0.8, YELLOW), (IN + 0.01, RED)):
        with at(days=days):
            sweep(linhai, do, token)
        assert linhai.row(token).colour == colour, days
    with linhai.database.reading() as tx:
        listed = cases_of_colour(tx, Whose("linhai.example", None), RED)
    assert token in [row.token for row in listed]


def test_a_later_date_takes_the_place_of_an_earlier_one_and_an_end_meets_it(
    linhai: Any, at: Any, do: Any
) -> None:
    with at():
        token = extended(linhai, do)
        linhai.move(token, DESK, "extend", reason="More parts.", until=day(IN + 20))
        states = [(row.state, row.due_at) for row in linhai.all_clocks(token) if row.kind == "second"]
        assert states == [("cancelled", day(IN)), ("running", day(IN + 20))]
        linhai.move(token, DESK, "assign", reason="Theirs.", to_unit="street-cn1")
        assert linhai.clocks(token, "running")["second", "second"].unit_code == "street-cn1"
        cn1 = Actor("handler", "street-cn1")
        linhai.moved(token, (cn1, "accept"), (cn1, "resolve", {"closing_code": "fixed", "reason": "dark"}))
    assert linhai.clocks(token)["second", "second"].state == "met"


@pytest.mark.parametrize(
    "end",
    [
        pytest.param([], id="nobody said a word"),
        pytest.param([(REPORTER, "confirm")], id="the reporter confirmed the part"),
        pytest.param([(DESK, "close")], id="closed for good"),
    ],
)
def test_what_remains_comes_up_again_on_its_date(linhai: Any, at: Any, do: Any, end: Any) -> None:
    with at():
        token = half_done(linhai, do)
        promise = linhai.row(token).promise_due_at
        for move in end:
            linhai.moved(token, move)
        assert linhai.clocks(token, "running")["rest", "second"].due_at == day(IN)
    with at(days=IN - 1):
        sweep(linhai, do, token)
        row = linhai.row(token)
        assert row.closed_at is not None
        assert row.colour == NONE, "a closed case has no colour"
        assert "second" in [one["stage"] for one in linhai.messages(token) if "stage" in one], "reminded"
    with at(days=IN, minutes=1):
        sweep(linhai, do, token)
        row = linhai.row(token)
        assert (row.state, row.closed_at, row.lead_unit) == ("accepted", None, "street-cn2")
        assert (row.promise_due_at, row.reopen_count, row.colour) == (promise, 0, RED)
        assert linhai.kinds(token).count("request.rest_due") == 1
        assert linhai.clocks(token, "running")["unit", "resolve"].started_at == clock.now()
        told = [one["template"] for one in linhai.messages(token) if one["to"] == "reporter"]
        assert told.count("reopened") == 1
        linhai.moved(token, (STREET, "resolve", {"closing_code": "fixed", "reason": "dark"}))
    assert linhai.clocks(token)["second", "second"].state == "met"
    with at(days=IN * 3):
        sweep(linhai, do, token)
    assert linhai.kinds(token).count("request.rest_due") == 1
    with linhai.database.reading() as tx:
        assert verify_ledger(tx).faults == []


def test_what_was_opened_before_its_date_is_not_opened_twice(linhai: Any, at: Any, do: Any) -> None:
    with at():
        token = half_done(linhai, do)
        linhai.move(token, REPORTER, "contest")
        assert linhai.clocks(token, "running")["second", "second"].due_at == day(IN)
    with at(days=IN + 1):
        sweep(linhai, do, token)
    assert "request.rest_due" not in linhai.kinds(token)
    assert linhai.row(token).colour == RED


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.floats(0.2, 60), st.lists(st.floats(0.05, 30), min_size=1, max_size=5))
def test_whenever_the_workers_look_the_rest_comes_up_once_and_never_early(
    linhai: Any, do: Any, days: float, looks: list[float]
) -> None:
    with clock.simulated(TUESDAY) as time:
        token = half_done(linhai, do, days)
        for wait in looks:
            time.move_to(time.at + timedelta(days=wait))
            sweep(linhai, do, token)
            is_due = time.at >= day(days)
            assert linhai.kinds(token).count("request.rest_due") == is_due
            assert (linhai.row(token).closed_at is None) == is_due


def test_dates_are_found_by_their_index(linhai: Any) -> None:
    with linhai.database.reading() as tx:
        tx.execute(text("SET LOCAL enable_seqscan = off"))
        query = (
            "EXPLAIN SELECT id FROM clock WHERE kind IN ('rest', 'pause') AND state = 'running' AND due_at <= now() "
            "ORDER BY due_at, id LIMIT 1"
        )
        plan = "\n".join(tx.scalars(text(query)))
    assert "ix_clock_dates" in plan, plan
