"""What a desk's lists are ordered by stands with the case: after any course of moves it is what the clocks say."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import clock
from portal.errors import Conflict, Forbidden, InvalidInput
from portal.operations.context import REPORTER, Actor
from portal.operations.next_due import COUNTED
from portal.operations.send_crew import Sent, send_crew
from portal.operations.sweep_clocks import sweep_clocks
from portal.queries.case_filter import NEVER
from routing.lifecycle import WAIT_REASONS

from .conftest import TUESDAY

DESK = Actor("dispatcher", "centre")
NEIGHBOUR = "street-cn1"
# What can be done, by whom (lead: whoever leads then), and what it brings along.
STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    "accept": ("lead", {}),
    "start": ("lead", {}),
    "update": ("lead", {"public_text": "We come."}),
    "note": ("lead", {"note": "Mind the dog."}),
    "wait": ("lead", {"reason": WAIT_REASONS[0]}),
    "resume": ("lead", {}),
    "transfer": ("lead", {"reason": "not_our_area", "to_unit": NEIGHBOUR}),
    "assign": ("desk", {"reason": "Theirs.", "to_unit": "street-cn2"}),
    "extend": ("desk", {"reason": "Parts.", "until": TUESDAY + timedelta(days=300)}),
    "resolve": ("lead", {"closing_code": "fixed", "reason": "dark"}),
    "reject": ("desk", {"reason": "x", "public_text": "By the rule."}),
    "reopen": ("desk", {"reason": "x"}),
    "confirm": ("reporter", {}),
    "contest": ("reporter", {}),
    "close": ("desk", {}),
}


def said_by_clocks(linhai: Any, token: str) -> Any:
    """The earliest of the unit's running clocks and of the promise, read from the clocks one by one."""
    own = [row.due_at for row in linhai.all_clocks(token) if row.kind in COUNTED and row.state == "running"]
    promise = linhai.row(token).promise_due_at
    return min([*own, promise] if promise else own, default=NEVER)


def step(linhai: Any, token: str, name: str) -> bool:
    """Do it where it may be done now."""
    who, more = STEPS[name]
    lead = Actor("unit_head", linhai.row(token).lead_unit)
    actor = {"lead": lead, "desk": DESK, "reporter": REPORTER}[who]
    try:
        linhai.move(token, actor, name, **more)
    except (Conflict, Forbidden, InvalidInput):
        return False
    return True


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.floats(0.1, 90)), min_size=4, max_size=14))
def test_after_any_course_of_moves_it_is_what_the_clocks_say(linhai: Any, course: list[Any]) -> None:
    with clock.simulated(TUESDAY) as time:
        token = linhai.file()
        assert linhai.row(token).next_due_at == said_by_clocks(linhai, token)
        for name, hours in course:
            time.move_to(time.at + timedelta(hours=hours))
            if not step(linhai, token, name):
                continue
            with linhai.database.transaction() as tx:
                sweep_clocks(tx)
            assert linhai.row(token).next_due_at == said_by_clocks(linhai, token), name


def test_a_long_course_visits_every_state(linhai: Any) -> None:
    """The check above means little if nothing was done: a fixed long course does most things."""
    chance, done = random.Random(7), set()
    with clock.simulated(TUESDAY) as time:
        token = linhai.file()
        for _ in range(60):
            time.move_to(time.at + timedelta(hours=chance.uniform(0.5, 30)))
            tried = chance.sample(sorted(STEPS), len(STEPS))
            name = next(each for each in tried if step(linhai, token, each))
            done.add(name)
            assert linhai.row(token).next_due_at == said_by_clocks(linhai, token), name
    assert {"accept", "start", "wait", "resume", "transfer", "assign", "resolve", "reopen"} <= done


@pytest.mark.parametrize("is_earlier", [True, False])
def test_joined_reports_take_the_earlier_promise(is_earlier: bool, linhai: Any, at: Any) -> None:
    with at(hours=0):
        one = linhai.file()
    with at(hours=5):
        other = linhai.file()
    first, second = (other, one) if is_earlier else (one, other)
    with at(hours=6):
        linhai.move(second, Actor("unit_head", "street-cn2"), "mark_duplicate", duplicate_of=first)
    for token in (first, second):
        if linhai.row(token).closed_at is None:
            assert linhai.row(token).next_due_at == said_by_clocks(linhai, token)


def test_a_crew_on_its_way_meets_the_dispatch_clock(linhai: Any, at: Any) -> None:
    with at(hours=0):
        token = linhai.file()
        linhai.move(token, Actor("unit_head", "street-cn2"), "accept")
    with at(hours=1), linhai.database.transaction() as tx:
        send_crew(tx, linhai.context, token, Actor("unit_head", "street-cn2"), Sent("cn2-patrol"))
    assert linhai.row(token).next_due_at == said_by_clocks(linhai, token)
