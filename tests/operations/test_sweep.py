"""Clocks are warned of and breached once each, however many sweep, at the cost of what is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from portal import clock
from portal.models.ledger import event
from portal.models.report import clock as clock_table
from portal.operations.close_silent import close_silent
from portal.operations.context import REPORTER, Actor
from portal.operations.record_events import lock_head
from portal.operations.submission import Contact
from portal.operations.sweep_clocks import sweep_clocks
from portal.operations.verify_ledger import verify_ledger

LEAD, HEAD = Actor("handler", "street-cn2"), Actor("unit_head", "street-cn2")


@pytest.fixture(autouse=True)
def nothing_else_is_due(linhai: Any) -> None:
    """The cases of other tests sleep."""
    with linhai.database.transaction() as tx:
        tx.execute(update(clock_table).values(next_at=None))


def sweep(linhai: Any, limit: int = 1000) -> int:
    with linhai.database.transaction() as tx:
        return sweep_clocks(tx, limit)


def warnings(linhai: Any, token: str) -> list[tuple[str, str, str]]:
    return [
        (row.kind.removeprefix("clock."), row.public["clock"], row.public["stage"])
        for row in linhai.events(token)
        if row.kind.startswith("clock.") and row.kind != "clock.escalated"
    ]


def test_each_clock_is_at_risk_once_and_breached_once(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = linhai.file()
        assert sweep(linhai) == 0, "nothing is due at once"
    # Accepting within two working hours: at risk after one and a half, breached after two.
    for hours, expected in ((1.4, []), (1.6, ["at_risk"]), (1.9, ["at_risk"]), (9, ["at_risk", "breached"])):
        with at(hours=hours):
            sweep(linhai)
            sweep(linhai)
        assert [kind for kind, _, stage in warnings(linhai, token) if stage == "accept"] == expected
    with at(days=90):
        assert sweep(linhai) > 0
        assert sweep(linhai) == 0
    counted = Counter(warnings(linhai, token))
    assert set(counted.values()) == {1}
    assert {key[1:] for key in counted if key[0] == "breached"} == {
        ("unit", "accept"), ("unit", "first_answer"), ("unit", "resolve"), ("promise", "resolve"),
    }  # fmt: skip
    promised = [row for row in linhai.all_clocks(token) if row.kind in {"promise", "unit"}]
    assert all(row.next_at is None and row.warning == 2 for row in promised)


@pytest.mark.parametrize(
    ("left", "told"),
    [
        pytest.param(Contact(phone="13800001111"), 1, id="a telephone alone"),
        pytest.param(Contact(email="li@example.org"), 1, id="an e-mail"),
        pytest.param(Contact(name="Li"), 0, id="a name alone"),
        pytest.param(None, 0, id="nothing"),
    ],
)
def test_a_broken_promise_and_a_silent_closing_are_told_to_whoever_can_be_told(
    left: Contact | None, told: int, linhai: Any, at: Callable[..., Any]
) -> None:
    with at():
        broken, silent = linhai.file(contact=left), linhai.file(contact=left)
        unit = Actor("handler", "street-cn2")
        done = {"closing_code": "fixed", "reason": "It was dark.", "public_text": "Filled."}
        linhai.moved(silent, (unit, "accept"), (unit, "resolve", done))
    with at(days=120):
        sweep(linhai)
        with linhai.database.transaction() as tx:
            close_silent(tx)
    for token, template in ((broken, "breached"), (silent, "closed")):
        letters = [each for each in linhai.messages(token) if each["template"] == template]
        assert [each["to"] for each in letters].count("reporter") == told


def test_the_unit_is_told_of_its_clocks(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = linhai.file()
    with at(hours=1.6):
        sweep(linhai)
    warned = [message for message in linhai.messages(token) if message["template"] == "at_risk"]
    assert [(message["to"], message["stage"]) for message in warned] == [("street-cn2", "accept")]


def test_what_was_met_or_stands_still_is_not_warned_of(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        met, paused = linhai.file(), linhai.file()
        linhai.moved(met, (LEAD, "accept"), (LEAD, "resolve", {"closing_code": "fixed", "reason": "dark"}))
        linhai.moved(paused, (LEAD, "accept"), (HEAD, "wait", {"reason": "weather"}))
    with at(days=90):
        sweep(linhai)
    assert warnings(linhai, met) == []
    assert warnings(linhai, paused) == [("breached", "promise", "resolve")], "the promise goes on"


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param(1, [], id="with time left: no warning at all"),
        pytest.param(12, [("at_risk", "promise", "resolve")], id="at risk"),
        pytest.param(13, [("nearly_due", "promise", "resolve")], id="nearly due"),
        pytest.param(30, [("breached", "promise", "resolve")], id="breached meanwhile"),
    ],
)
def test_a_contested_case_wakes_its_promise_for_what_it_is(
    linhai: Any, at: Callable[..., Any], days: int, expected: list[tuple[str, str, str]]
) -> None:
    """The promise runs over ten working days: from Tuesday to Tuesday a fortnight later."""
    with at():
        token = linhai.file()
        linhai.moved(token, (LEAD, "accept"), (LEAD, "resolve", {"closing_code": "fixed", "reason": "dark"}))
    with at(days=days):
        linhai.move(token, REPORTER, "contest")
        sweep(linhai)
        sweep(linhai)
    assert warnings(linhai, token) == expected
    with at(days=90):
        sweep(linhai)
    assert Counter(warnings(linhai, token))["breached", "promise", "resolve"] == 1


def test_a_promise_breached_before_is_not_breached_again_when_contested(
    linhai: Any, at: Callable[..., Any]
) -> None:
    with at():
        token = linhai.file()
    with at(days=30):
        sweep(linhai)
        linhai.moved(token, (LEAD, "accept"), (LEAD, "resolve", {"closing_code": "fixed", "reason": "dark"}))
    with at(days=31):
        linhai.move(token, REPORTER, "contest")
        sweep(linhai)
    assert Counter(warnings(linhai, token))["breached", "promise", "resolve"] == 1
    assert linhai.clocks(token, "running")["promise", "resolve"].next_at is None, "the sweep is done with it"


def test_many_sweepers_at_once_write_each_warning_once(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        tokens = [linhai.file() for _ in range(40)]
        later = clock.now() + timedelta(days=1)
    expected = Counter([("breached", "unit", "accept"), ("breached", "unit", "first_answer")])
    together = Barrier(4)

    def one(_: int) -> int:
        together.wait()
        with clock.simulated(later):
            return sum(sweep(linhai, limit=25) for _ in range(8))

    with ThreadPoolExecutor(4) as pool:
        handled = sum(pool.map(one, range(4)))
    assert handled >= len(tokens)
    for token in tokens:
        assert Counter(warnings(linhai, token)) == expected, token
    with linhai.database.reading() as tx:
        assert verify_ledger(tx).faults == []


def test_a_case_that_somebody_works_on_is_passed_over_and_comes_up_again(
    linhai: Any, at: Callable[..., Any]
) -> None:
    with at():
        held, free = linhai.file(), linhai.file()
    with at(hours=9):
        with linhai.database.transaction() as other:
            lock_head(other, linhai.row(held).id)
            sweep(linhai)
            assert warnings(linhai, free)
            assert warnings(linhai, held) == []
        sweep(linhai)
    assert warnings(linhai, held) == warnings(linhai, free)


def test_a_full_batch_leaves_the_rest_for_the_next_sweep(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        tokens = [linhai.file() for _ in range(6)]
    with at(hours=1.6):
        assert [sweep(linhai, limit=4), sweep(linhai, limit=4), sweep(linhai, limit=4)] == [4, 2, 0]
    assert all(warnings(linhai, token) for token in tokens)


def test_the_cost_follows_what_is_due_and_not_what_is_open(
    linhai: Any, at: Callable[..., Any], statements: list[str]
) -> None:
    with at():
        token = linhai.file()
    copies = text(
        """
        INSERT INTO clock (jurisdiction_id, report_id, kind, stage, state, started_at, at_risk_at, due_at,
                           next_at, span_unit)
        SELECT 'linhai.example', :report, 'promise', 'resolve', 'running', at, at, at, at, 'hours'
        FROM generate_series(TIMESTAMPTZ '2030-01-01', '2040-01-01', '3 hours') AS at
        """
    )
    with at(hours=1.6):
        with linhai.database.transaction() as tx:
            tx.execute(copies, {"report": linhai.row(token).id})
        with linhai.database.transaction() as tx:
            tx.execute(text("ANALYZE clock"))
        statements.clear()
        assert sweep(linhai) == 1
    assert len(statements) <= 6, statements
    due_first = (
        select(clock_table.c.report_id)
        .where(clock_table.c.next_at <= clock.now())
        .order_by(clock_table.c.next_at, clock_table.c.id)
        .limit(1000)
    )
    with linhai.database.reading() as tx:
        query = str(due_first.compile(tx.engine, compile_kwargs={"literal_binds": True}))
        plan = "\n".join(tx.scalars(text(f"EXPLAIN {query}")))
        open_clocks = tx.scalar(select(func.count()).select_from(clock_table))
    assert "ix_clock_next" in plan, plan
    assert "Seq Scan" not in plan
    assert open_clocks > 20_000
    with linhai.database.transaction() as tx:
        tx.execute(text("DELETE FROM clock WHERE started_at >= '2030-01-01'"))


def test_the_sweep_says_who_warned(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = linhai.file()
    with at(hours=1.6):
        sweep(linhai)
    with linhai.database.reading() as tx:
        warned = tx.execute(select(event.c.public).where(event.c.kind == "clock.at_risk")).scalars().all()[-1]
    due = linhai.clocks(token)["unit", "accept"].due_at
    assert warned == {
        "actor": {"role": "system"}, "clock": "unit", "stage": "accept", "unit": "street-cn2",
        "due_at": due.isoformat(),
    }  # fmt: skip
