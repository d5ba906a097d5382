"""Reminders before, the ladder behind: each step once, to whom it is meant for; colours, lanes and supervision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from portal import clock
from portal.models.city import jurisdiction_table
from portal.models.oversight import extension, supervision
from portal.models.report import clock as clock_table
from portal.models.report import report
from portal.operations.context import Actor
from portal.operations.extend_promise import Answer, answer_extension, ask_extension
from portal.operations.open_supervision import open_supervision, raise_colour
from portal.operations.sweep_clocks import due_cases, sweep_clocks
from portal.operations.verify_ledger import verify_ledger
from routing.escalation import NONE, ORANGE, RED, YELLOW

LEAD, HEAD = Actor("handler", "street-cn2", 1), Actor("unit_head", "street-cn2", 2)
ABOVE, DESK = Actor("unit_head", "district-cn", 3), Actor("dispatcher", "centre", 4)
FIXED = {"closing_code": "fixed", "reason": "dark", "public_text": "Done."}


@pytest.fixture(autouse=True)
def nothing_else_is_due(linhai: Any) -> None:
    """The cases of other tests sleep."""
    with linhai.database.transaction() as tx:
        tx.execute(update(clock_table).values(next_at=None))


def sweep(linhai: Any) -> int:
    with linhai.database.transaction() as tx:
        return sweep_clocks(tx)


def steps(linhai: Any, token: str, stage: str) -> list[tuple[int, str]]:
    return [
        (row.public["step"], row.public["told"])
        for row in linhai.events(token)
        if row.kind == "clock.escalated" and row.public["stage"] == stage
    ]


def letters(linhai: Any, token: str, template: str) -> Counter[str]:
    return Counter(each["to"] for each in linhai.messages(token) if each["template"] == template)


def supervisions(linhai: Any, token: str) -> list[Any]:
    with linhai.database.reading() as tx:
        mine = select(supervision).where(supervision.c.report_id == linhai.row(token).id)
        return list(tx.execute(mine))


# The unit signs for a case within two working hours: filed on a Tuesday at 10:00, breached at 15:30 for the noon.
@pytest.mark.parametrize(
    ("hours", "climbed", "colour"),
    [
        pytest.param(0.9, [], NONE, id="0:54 after filing: nothing"),
        pytest.param(1.6, [], YELLOW, id="1:36: at risk"),
        pytest.param(2.1, [], ORANGE, id="2:06: breached"),
        pytest.param(3.1, [(1, "street-cn2")], ORANGE, id="one hour after the breach: the head of the unit"),
        pytest.param(
            6.1, [(1, "street-cn2"), (2, "district-cn")], ORANGE, id="four hours after: the district"
        ),
        pytest.param(
            26.1, [(1, "street-cn2"), (2, "district-cn"), (3, "centre")], ORANGE, id="a day after: the centre"
        ),
    ],
)
def test_a_breach_climbs_the_ladder_step_by_step(
    linhai: Any, at: Callable[..., Any], hours: float, climbed: list[tuple[int, str]], colour: int
) -> None:
    with at():
        token = linhai.file()
    with linhai.database.transaction() as tx:  # around the clock, so that the hours of the cases can be read
        accept = (clock_table.c.report_id == linhai.row(token).id) & (clock_table.c.stage == "accept")
        tx.execute(update(clock_table).where(accept.is_(False)).values(next_at=None))
        opened = linhai.row(token).opened_at
        instants = {"at_risk_at": opened + timedelta(hours=1.5), "due_at": opened + timedelta(hours=2)}
        tx.execute(update(clock_table).where(accept).values(instants))
    for earlier in (0.9, 1.6, 2.1, 3.1, 6.1, 26.1):
        if earlier <= hours:
            with at(hours=earlier):
                sweep(linhai)
                sweep(linhai)
    assert steps(linhai, token, "accept") == climbed
    assert linhai.row(token).colour == colour
    assert len(supervisions(linhai, token)) == (hours > 26)


def test_a_sweep_that_comes_late_takes_every_step_once(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = linhai.file()
    with at(days=30):
        sweep(linhai)
        sweep(linhai)
    expected = [(1, "street-cn2"), (2, "district-cn"), (3, "centre")]
    for stage in ("accept", "first_answer"):
        assert steps(linhai, token, stage) == expected
    assert Counter(steps(linhai, token, "resolve")) == Counter(expected * 2), "promise and unit"
    (opened,) = supervisions(linhai, token)
    assert (opened.state, opened.cause, opened.unit_code) == ("open", "escalation", "street-cn2")
    assert linhai.kinds(token).count("supervision.opened") == 1
    assert linhai.row(token).colour == RED
    assert letters(linhai, token, "supervised") == {"street-cn2": 1}, "the centre was told by the same step"
    with linhai.database.reading() as tx:
        assert verify_ledger(tx).faults == []


@pytest.mark.parametrize(
    ("changes", "opened"),
    [
        pytest.param({}, 1, id="report"),
        pytest.param({"service_code": "enquiry"}, 1, id="enquiry"),
        pytest.param({"service_code": "suggestion"}, 0, id="suggestion"),
        pytest.param({"service_code": "praise"}, 0, id="praise"),
    ],
)
def test_thanks_and_ideas_climb_but_open_no_supervision(
    linhai: Any, at: Callable[..., Any], changes: dict[str, Any], opened: int
) -> None:
    with at():
        token = linhai.file(**changes)
    with at(days=60):
        sweep(linhai)
    assert "clock.escalated" in linhai.kinds(token)
    assert len(supervisions(linhai, token)) == opened


def test_the_database_itself_refuses_a_second_event_of_a_step(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = linhai.file()
    with at(days=30):
        sweep(linhai)
    again = text(
        "INSERT INTO event (jurisdiction_id, case_id, case_seq, at, kind, public, private_commitment, prev_hash, hash) "
        "SELECT jurisdiction_id, case_id, 999, at, kind, public, private_commitment, prev_hash, hash FROM event "
        "WHERE case_id = :case AND kind = 'clock.escalated' LIMIT 1"
    )
    with pytest.raises(IntegrityError, match="uq_event_escalated"), linhai.database.transaction() as tx:
        tx.execute(again, {"case": linhai.row(token).id})


def test_a_unit_is_reminded_before_and_not_only_after(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = linhai.file()
    with at(hours=1.1):
        sweep(linhai)
        sweep(linhai)
    assert letters(linhai, token, "reminded") == {"street-cn2": 1}
    assert [kind for kind in linhai.kinds(token) if kind.startswith("clock.")] == [], "no event, no colour"
    assert linhai.row(token).colour == NONE


def test_the_colour_follows_what_is_done(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = linhai.file()
    with at(hours=9):
        sweep(linhai)
        assert linhai.row(token).colour == ORANGE
        linhai.moved(token, (LEAD, "accept"), (LEAD, "update", {"public_text": "We are on it."}))
        assert linhai.row(token).colour == NONE, "what was late is met"
    with at(days=30):
        sweep(linhai)
        assert linhai.row(token).colour == RED
        linhai.move(token, DESK, "reject", reason="rule 4", public_text="Rule 4.")
    assert linhai.row(token).colour == NONE


def test_a_serious_case_stays_red(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = linhai.file()
        for expected in (True, False):
            with linhai.database.transaction() as tx:
                row = tx.execute(select(report).where(report.c.token == token)).one()
                assert raise_colour(tx, row, "group_complaint") is expected
        linhai.move(token, LEAD, "accept")
    assert linhai.row(token).colour == RED
    assert linhai.kinds(token).count("supervision.marked") == 1


def test_supervision_has_a_clock_and_opens_once(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = linhai.file()
        for expected in (True, False):
            with linhai.database.transaction() as tx:
                city = linhai.context.cities.city(tx, "linhai.example")
                row = tx.execute(select(report).where(report.c.token == token)).one()
                assert open_supervision(tx, city, row, "dissatisfied", "Twice now.") is expected
        due = linhai.clocks(token)["supervision", "answer"].due_at
        assert due == clock.now() + timedelta(hours=72)
    assert letters(linhai, token, "supervised") == {"street-cn2": 1, "centre": 1}
    with linhai.database.transaction() as tx:  # only the order, so that its letters can be told apart
        others = (clock_table.c.report_id == linhai.row(token).id) & (clock_table.c.kind != "supervision")
        tx.execute(update(clock_table).where(others).values(next_at=None))
    with at(hours=73):
        sweep(linhai)
    told = [row.public for row in linhai.events(token) if row.kind == "clock.breached"]
    assert [public["unit"] for public in told if public["clock"] == "supervision"] == ["street-cn2"]
    assert letters(linhai, token, "breached") == {"street-cn2": 1, "centre": 1}
    with at(hours=72 + 25):
        sweep(linhai)
    assert steps(linhai, token, "answer") == [(1, "street-cn2"), (2, "district-cn"), (3, "centre")]
    assert linhai.kinds(token).count("supervision.opened") == 1, "an order that is late opens no second one"


def ask(linhai: Any, token: str, actor: Actor = HEAD, days: int = 60) -> None:
    with linhai.database.transaction() as tx:
        wished = clock.now() + timedelta(days=days)
        ask_extension(tx, linhai.context, token, actor, wished, "Parts are late. Call 138 1234 5678.")


def test_an_application_that_nobody_answers_escalates(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = linhai.file()
        linhai.move(token, LEAD, "accept")
        promise = linhai.row(token).promise_due_at
        ask(linhai, token)
    assert letters(linhai, token, "extension_asked") == {"district-cn": 1, "reporter": 1}
    with at(hours=50):
        sweep(linhai)
    assert steps(linhai, token, "answer") == [(1, "district-cn"), (2, "centre"), (3, "centre")]
    with at(hours=51), linhai.database.transaction() as tx:
        answer_extension(tx, linhai.context, token, DESK, Answer("refuse", None, "No."))
    row = linhai.row(token)
    assert (row.second_due_at, row.promise_due_at) == (None, promise)
    assert linhai.clocks(token)["extension", "answer"].state == "met"
    assert linhai.kinds(token)[-1] == "extension.refused"
    (asked,) = [event for event in linhai.events(token) if event.kind == "extension.asked"]
    assert "138 1234" not in str(asked.public)
    assert "138 1234" in str(asked.private)


@pytest.mark.parametrize(
    "moves",
    [
        pytest.param([(LEAD, "resolve", FIXED | {"closing_code": "declined"})], id="the case ends"),
        pytest.param(
            [(LEAD, "transfer", {"reason": "no_capacity", "to_unit": "street-cn1"})], id="it is handed on"
        ),
    ],
)
def test_an_application_lapses(linhai: Any, at: Callable[..., Any], moves: list[tuple[Any, ...]]) -> None:
    with at():
        token = linhai.file()
        linhai.move(token, LEAD, "accept")
        ask(linhai, token)
        linhai.moved(token, *moves)
    with linhai.database.reading() as tx:
        mine = extension.c.report_id == linhai.row(token).id
        assert tx.scalar(select(extension.c.state).where(mine)) == "lapsed"
    assert linhai.clocks(token)["extension", "answer"].next_at is None


def test_a_paused_clock_keeps_its_place_on_the_ladder(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = linhai.file()
        linhai.move(token, LEAD, "accept")
    with at(days=20):
        sweep(linhai)
        before = steps(linhai, token, "resolve")
        linhai.move(token, HEAD, "wait", reason="weather")
    with at(days=21):
        linhai.move(token, LEAD, "resume")
        sweep(linhai)
    assert steps(linhai, token, "resolve") == before


def test_an_emergency_is_dispatched_around_the_clock(linhai: Any, at: Callable[..., Any]) -> None:
    """As a city with `[lanes]` has it: half an hour at any time, until somebody has signed for the case."""
    with linhai.database.transaction() as tx:
        insert = (
            "INSERT INTO target (jurisdiction_id, applies_to, priority, clock, stage, amount, unit) "
            "VALUES ('linhai.example', '*', 'emergency', 'unit', 'dispatch', 0.5, 'hours')"
        )
        tx.execute(text(insert))
        tx.execute(
            update(jurisdiction_table).values(routing_version=jurisdiction_table.c.routing_version + 1)
        )
    try:
        with at(hours=13):  # 23:00
            token = linhai.file(service_code="water-leak", answers={"leak-kind": ("manhole",)})
            assert linhai.row(token).priority == "emergency"
            assert linhai.clocks(token)["unit", "dispatch"].due_at == clock.now() + timedelta(minutes=30)
            linhai.move(token, LEAD if linhai.row(token).lead_unit == "street-cn2" else DESK, "accept")
        assert linhai.clocks(token)["unit", "dispatch"].state == "met"
    finally:
        with linhai.database.transaction() as tx:
            tx.execute(text("DELETE FROM target WHERE stage = 'dispatch'"))
            tx.execute(
                update(jurisdiction_table).values(routing_version=jurisdiction_table.c.routing_version + 1)
            )


def test_the_sweep_finds_what_is_due_by_the_index(linhai: Any) -> None:
    with linhai.database.reading() as tx:
        tx.execute(text("SET LOCAL enable_seqscan = off"))
        query = str(due_cases(clock.now(), 1000).compile(tx.engine, compile_kwargs={"literal_binds": True}))
        plan = "\n".join(tx.scalars(text(f"EXPLAIN {query}")))
    assert "ix_clock_next" in plan, plan
    assert "LockRows" in plan
