"""What is promised of the ladder when something dies: each step of each clock once, whoever sweeps and is killed."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from portal import clock as time_of_day
from portal.models.ledger import event, event_seal
from portal.models.oversight import supervision
from portal.models.report import clock
from portal.operations.verify_ledger import verify_ledger

from .conftest import wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]
WAIT_S = 60.0
CASES = 40
STEPS = (1, 2, 3)


def overdue(house, cases: int = CASES) -> int:
    """Cases whose every clock ran out two days ago; answers how many clocks there are."""
    for number in range(cases):
        house.submit(number, with_email=False)
    due = time_of_day.now() - timedelta(days=2)
    instants = dict.fromkeys(("next_at", "due_at", "at_risk_at", "remind_at", "nearly_at"), due)
    with house.database.transaction() as tx:
        return int(tx.execute(update(clock).values(instants)).rowcount)


def ask_to_sweep(house, times: int) -> None:
    queue = Queue("default", connection=Redis.from_url(house.redis.url()))
    for _ in range(times):
        queue.enqueue("jobs.sweep.sweep_clocks")


def climbed(house) -> Counter[tuple[int, int]]:
    """How often each step of each clock was recorded."""
    with house.database.reading() as tx:
        found = tx.scalars(select(event.c.public).where(event.c.kind == "clock.escalated"))
        return Counter((public["clock_id"], public["step"]) for public in found)


def wait_until_climbed(house, clocks: int) -> None:
    until = time.monotonic() + WAIT_S
    while True:
        with suppress(DBAPIError):  # the database may be away
            if sum(climbed(house).values()) >= clocks * len(STEPS):
                return
        assert time.monotonic() < until, f"it did not happen within {WAIT_S:.0f} s\n{house.logs()}"
        time.sleep(0.1)


def check(house, clocks: int) -> None:
    """Each step once, one supervision a case, the books sound."""
    found = climbed(house)
    assert set(found.values()) == {1}
    assert len(found) == clocks * len(STEPS)
    with house.database.reading() as tx:
        supervised = Counter(tx.scalars(select(supervision.c.report_id)))
        breached = [
            (public["clock"], public["stage"], case)
            for public, case in tx.execute(
                select(event.c.public, event.c.case_id).where(event.c.kind == "clock.breached")
            )
        ]
        assert verify_ledger(tx).faults == []
    assert len(supervised) == CASES
    assert set(supervised.values()) == {1}
    assert set(Counter(breached).values()) == {1}
    assert len(breached) == clocks


@contextmanager
def held(house) -> Iterator[None]:
    """Nobody can finish an escalation: the table that its last rows go into is locked."""
    with house.database.engine.connect() as tx, tx.begin():
        tx.execute(text("LOCK TABLE supervision IN SHARE MODE"))
        yield


def is_in_the_middle(house) -> bool:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with house.database.reading() as tx:
        return bool(tx.scalar(waiting))


def is_sealed(house) -> bool:
    with house.database.reading() as tx:
        return tx.scalar(select(event_seal.c.global_seq).limit(1)) is not None


def wait_for_the_middle(house) -> None:
    until = time.monotonic() + WAIT_S
    while not is_in_the_middle(house):
        assert time.monotonic() < until, house.logs()
        time.sleep(0.05)


def test_two_sweepers_share_the_work(house) -> None:
    clocks = overdue(house)
    ask_to_sweep(house, 4)
    house.start("worker", "worker")
    wait_until_climbed(house, clocks)
    check(house, clocks)


def test_a_sweeper_is_killed_in_the_middle_of_an_escalation(house) -> None:
    clocks = overdue(house)
    with held(house):
        ask_to_sweep(house, 1)
        (worker,) = house.start("worker")
        wait_for_the_middle(house)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert sum(climbed(house).values()) in {0, clocks * len(STEPS)}, "all of it or nothing"
    ask_to_sweep(house, 2)
    house.start("worker", "worker")
    wait_until_climbed(house, clocks)
    check(house, clocks)


def test_redis_is_away_while_clocks_run_out(house) -> None:
    """The clock process has to outlive it: nobody else asks for the sweep that comes afterwards."""
    house.start("worker", "cron")
    wait_for(lambda: is_sealed(house), WAIT_S, house.logs)  # both are at work
    house.redis.stop()
    clocks = overdue(house)
    wait_for(lambda: "cron waits" in house.logs(), WAIT_S, house.logs)
    house.redis.start()
    wait_until_climbed(house, clocks)
    check(house, clocks)


def test_the_database_restarts_in_the_middle_of_an_escalation(house) -> None:
    clocks = overdue(house)
    with suppress(DBAPIError), held(house):  # the lock goes with the server
        ask_to_sweep(house, 1)
        workers = house.start("worker", "worker")
        wait_for_the_middle(house)
        house.postgres.stop()
    house.postgres.start()
    ask_to_sweep(house, 3)
    wait_until_climbed(house, clocks)
    check(house, clocks)
    assert [worker.poll() for worker in workers] == [None, None], "nobody ended"
