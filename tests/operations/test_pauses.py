"""Pauses: each has an end and gives its time back, whatever ends it; the reporter's answer ends the wait for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import clock
from portal.errors import InvalidInput
from portal.operations.context import Actor
from portal.operations.hand_within import Handing, hand_down
from portal.operations.keep_dates import keep_dates
from portal.operations.relay_words import reply_to_unit
from portal.operations.verify_ledger import verify_ledger

from .conftest import TUESDAY

STREET, HEAD = Actor("handler", "street-cn2"), Actor("unit_head", "street-cn2", 2)
DESK = Actor("dispatcher", "centre", 4)
USUAL_DAYS = 14


def on_hold(linhai: Any, until: datetime | None = None, reason: str = "weather") -> str:
    token = linhai.file()
    linhai.moved(token, (STREET, "accept"), (HEAD, "wait", {"reason": reason, "until": until}))
    return token


def work(linhai: Any, do: Any, token: str) -> None:
    while do(keep_dates, [linhai.row(token).id]):
        pass


@pytest.mark.parametrize(
    ("days", "ends"),
    [pytest.param(3, 3, id="on the day named"), pytest.param(None, USUAL_DAYS, id="after the usual days")],
)
def test_a_pause_ends_by_itself(linhai: Any, at: Any, do: Any, days: int | None, ends: int) -> None:
    with at():
        token = on_hold(linhai, days and TUESDAY + timedelta(days=days))
        before = linhai.clocks(token)["unit", "resolve"].due_at
        until = (TUESDAY + timedelta(days=ends)).isoformat()
        assert linhai.events(token)[-1].public["until"] == until
    with at(days=ends, minutes=-1):
        work(linhai, do, token)
        assert linhai.row(token).state == "waiting"
    with at(days=ends):
        work(linhai, do, token)
        work(linhai, do, token)
    assert linhai.row(token).state == "in_progress"
    assert linhai.kinds(token).count("request.resumed") == 1
    resumed = linhai.events(token)[-1]
    assert resumed.public["actor"] == {"role": "system"}
    running = linhai.clocks(token)["unit", "resolve"]
    assert running.state == "running"
    assert running.due_at > before
    assert linhai.messages(token)[-1]["template"] == "reminded"
    assert linhai.clocks(token)["pause", "pause"].state == "met"
    with linhai.database.reading() as tx:
        assert verify_ledger(tx).faults == []


@pytest.mark.parametrize("days", [-1, 0, 800], ids=["past", "now", "too far"])
def test_the_end_of_a_pause_is_a_date_ahead(linhai: Any, at: Any, days: int) -> None:
    with at(), pytest.raises(InvalidInput) as caught:
        on_hold(linhai, TUESDAY + timedelta(days=days))
    assert list(caught.value.fields) == ["until"]


@pytest.mark.parametrize(
    ("reason", "goes_on"), [("awaiting_reporter", True), ("awaiting_parts", False)], ids=str
)
def test_the_reporters_answer_ends_the_wait_for_it(
    linhai: Any, at: Any, do: Any, reason: str, goes_on: bool
) -> None:
    with at():
        token = on_hold(linhai, reason=reason)
    with at(hours=30):
        do(reply_to_unit, token, "It is behind the gate.")
    assert linhai.row(token).state == ("in_progress" if goes_on else "waiting")
    assert linhai.clocks(token)["unit", "resolve"].state == ("running" if goes_on else "paused")
    assert ("request.resumed" in linhai.kinds(token)) is goes_on
    assert linhai.kinds(token).count("relay.replied") == 1


@pytest.mark.parametrize(
    "leave",
    [
        pytest.param(lambda linhai, do, token: linhai.move(token, STREET, "resume"), id="by hand"),
        pytest.param(
            lambda linhai, do, token: linhai.move(
                token, STREET, "transfer", reason="no_capacity", to_unit="street-cn1"
            ),
            id="handed over",
        ),
        pytest.param(
            lambda linhai, do, token: linhai.move(
                token, STREET, "resolve", closing_code="fixed", reason="dark"
            ),
            id="done",
        ),
        pytest.param(
            lambda linhai, do, token: do(
                hand_down, token, STREET,
                Handing("to_solve", "community-shuyuan", clock.now() + timedelta(days=2)),
            ),
            id="handed down",
        ),
    ],
)  # fmt: skip
def test_whatever_leads_out_of_a_pause_leaves_nothing_on_hold(
    linhai: Any, at: Any, do: Any, leave: Any
) -> None:
    with at():
        token = on_hold(linhai)
    with at(days=5):
        leave(linhai, do, token)
    assert "paused" not in {one.state for one in linhai.all_clocks(token)}
    assert ("pause", "pause") not in linhai.clocks(token, "running")
    with at(days=USUAL_DAYS + 1):
        before = linhai.row(token).state
        work(linhai, do, token)
    assert linhai.row(token).state == before


def test_what_was_done_in_a_pause_was_done_in_time(linhai: Any, at: Any) -> None:
    with at():
        token = on_hold(linhai, TUESDAY + timedelta(days=100))
    with at(days=60):
        linhai.move(token, STREET, "resolve", closing_code="fixed", reason="dark")
    done = linhai.clocks(token)["unit", "resolve"]
    assert done.state == "met"
    assert done.met_at <= done.due_at


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.floats(0.1, 40), st.floats(0.01, 60))
def test_a_pause_never_lasts_beyond_its_end(linhai: Any, do: Any, named: float, looked: float) -> None:
    with clock.simulated(TUESDAY) as time:
        token = on_hold(linhai, TUESDAY + timedelta(days=named))
        before = linhai.clocks(token)["unit", "resolve"].due_at
        time.move_to(TUESDAY + timedelta(days=looked))
        work(linhai, do, token)
        is_over = looked >= named
        assert (linhai.row(token).state == "in_progress") is is_over
        assert (linhai.clocks(token)["unit", "resolve"].state == "running") is is_over
        assert (linhai.clocks(token)["unit", "resolve"].due_at > before) is is_over
