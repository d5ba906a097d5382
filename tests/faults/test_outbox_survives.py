"""What is promised when something dies: nothing is lost, our rows change once, a letter is at most sent once more."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import func, select, text, update

from portal import clock as time_of_day
from portal.models.ledger import event, event_pending
from portal.models.report import clock, media, report
from portal.models.work import outbox
from portal.operations.store_photo import store_photo
from portal.operations.sweep_clocks import sweep_clocks

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]
WAIT_S = 60.0
LETTER = outbox.c.job == "jobs.messages.deliver_message"
OF_INTAKE = (
    outbox.c.payload["template"].astext == "received"
)  # so many reports are a group incident, told as well


def wait_for(happened: Callable[[], object], tell: Callable[[], str]) -> None:
    until = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < until, f"it did not happen within {WAIT_S:.0f} s\n{tell()}"
        time.sleep(0.05)


def kill(process: Any) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def waiting_jobs(house) -> int:
    return Queue("default", connection=Redis.from_url(house.redis.url())).count


def test_redis_dies_during_500_submissions(house, record_property: Callable[[str, object], None]) -> None:
    house.mail.held_at = "RCPT"  # so that both workers are busy and many jobs wait when it dies
    processes = house.start("relay", "worker", "worker")

    def submit(number: int) -> str:
        if number == 150:
            wait_for(lambda: house.mail.reached["RCPT"] == 2 and waiting_jobs(house) > 50, house.logs)
            kill(house.redis.process)
            house.mail.held_at = ""
        return house.submit(number, with_email=number % 10 == 0).unit_code

    with ThreadPoolExecutor(4) as residents:
        units = list(residents.map(submit, range(500)))
    assert len(units) == 500
    assert all(units), "each was routed while it was stored"
    assert house.count(LETTER, OF_INTAKE) == 550
    assert house.count(outbox.c.done_at.is_(None)) > 0, "it died before the work was done"
    shutil.rmtree(house.redis.data)  # its queue is lost as well
    house.redis.start()
    record_property("drained_s", house.wait_until_drained())
    record_property("extra_letters", house.mail.extra)
    house.check_books()
    assert house.mail.extra <= 1
    assert [process.poll() for process in processes] == [None, None, None], "nobody ended"
    with house.database.reading() as tx:
        assert tx.scalar(select(func.count()).select_from(report).where(report.c.state == "routed")) == 500


@pytest.mark.parametrize(
    ("stage", "letters"),
    [
        pytest.param("RCPT", 1, id="before the letter was handed over"),
        pytest.param("DATA", 2, id="inside the send itself"),
    ],
)
def test_a_worker_is_killed_in_the_middle_of_a_message(house, stage: str, letters: int) -> None:
    house.submit(1, with_email=False)
    house.mail.held_at = stage
    _, worker = house.start("relay", "worker")
    wait_for(lambda: house.mail.reached[stage], house.logs)
    kill(worker)
    house.mail.held_at = ""
    house.start("worker")
    house.wait_until_drained()
    house.check_books()
    assert len(house.mail.accepted) == letters
    assert len(set(house.mail.accepted)) == 1, "both are the same letter to every mail program"
    with house.database.reading() as tx:
        assert tx.scalar(select(outbox.c.attempts).where(LETTER)) == 2


def test_a_row_that_is_handed_over_three_times_is_done_once(house) -> None:
    """As after a restart of Redis from an older file, or when a lease ended too early."""
    for number in range(20):
        house.submit(number, with_email=False)
    queue = Queue("default", connection=Redis.from_url(house.redis.url()))
    with house.database.reading() as tx:
        for outbox_id in sorted(
            [*tx.scalars(select(outbox.c.id).where(LETTER))] * 3
        ):  # two workers meet at each row
            queue.enqueue("jobs.messages.deliver_message", outbox_id)
    house.start("worker", "worker")
    wait_for(lambda: house.count(LETTER, outbox.c.done_at.is_(None)) == 0, house.logs)
    wait_for(lambda: queue.count == 0, house.logs)
    house.check_books()
    assert house.mail.extra == 0


def test_a_child_is_killed_in_the_middle_of_a_photo(house) -> None:
    """Photos are decoded in a child of the worker, which may take any library's crash with it."""
    token = _store_large_photo(house)
    (_, worker) = house.start("relay", "worker")
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
    wait_for(lambda: house.count(outbox.c.attempts == 1) and children.read_text().split(), house.logs)
    os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
    house.wait_until_drained()
    assert worker.poll() is None, "the worker itself goes on"
    with house.database.reading() as tx:
        assert tx.scalar(select(media.c.state).where(media.c.token == token)) == "ready"
        assert tx.scalar(select(outbox.c.attempts)) == 2
    assert house.context.store.has(f"{token}/thumb.jpg")


def _store_large_photo(house) -> str:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.effect_noise((4000, 4000), 60).save(out, "PNG", compress_level=1)
    with house.database.transaction() as tx:
        return store_photo(tx, house.context, out.getvalue())


def test_the_database_restarts_in_the_middle(house) -> None:
    for number in range(120):
        house.submit(number, with_email=False)
    processes = house.start("relay", "worker", "worker")
    wait_for(lambda: house.count(outbox.c.done_at.is_not(None)) >= 10, house.logs)
    house.postgres.stop()
    assert house.count() == -1, "it is away"
    house.postgres.start()
    house.wait_until_drained()
    assert [process.poll() for process in processes] == [None, None, None], "nobody ended"
    house.check_books()
    assert house.mail.extra <= 2, "one for each worker that was inside a send"


def test_two_relays_two_workers_two_clocks_and_two_sweeps_at_once(house) -> None:
    for number in range(60):
        house.submit(number, with_email=number % 2 == 0)
    due = time_of_day.now()
    with house.database.transaction() as tx:
        tx.execute(update(clock).values(next_at=due, due_at=due, at_risk_at=due))
        clocks = tx.scalar(select(func.count()).select_from(clock))
    with ThreadPoolExecutor(2) as sweepers:
        swept = list(sweepers.map(lambda _: _sweep(house, 25), range(8)))
    assert 0 < sum(swept) <= clocks
    house.start("relay", "relay", "worker", "worker", "cron", "cron")
    breached = select(func.count()).select_from(event).where(event.c.kind == "clock.breached")

    def is_settled() -> bool:
        with house.database.reading() as tx:
            waiting = tx.scalar(select(func.count()).select_from(event_pending))
            return (
                tx.scalar(breached) == clocks
                and waiting == 0
                and house.count(outbox.c.done_at.is_(None)) == 0
            )

    wait_for(is_settled, house.logs)
    house.check_books()
    assert house.mail.extra == 0
    with house.database.reading() as tx:
        of_a_clock = text(
            "SELECT max(n) FROM (SELECT count(*) n FROM event WHERE kind = 'clock.breached' "
            "GROUP BY case_id, public->>'clock', public->>'stage') s"
        )
        assert tx.scalar(of_a_clock) == 1, "each clock breached once, however many swept"


def _sweep(house, limit: int) -> int:
    with house.database.transaction() as tx:
        return sweep_clocks(tx, limit)


def test_everything_stops_at_once_when_told(house) -> None:
    house.submit(1, with_email=False)
    processes = house.start("relay", "worker", "cron")
    house.wait_until_drained()
    time.sleep(0.5)
    for process in processes:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(5) for process in processes] == [0, 0, 0]
    assert "Traceback" not in house.logs()


def test_a_worker_that_is_told_to_stop_finishes_its_letter(house) -> None:
    house.submit(1, with_email=False)
    house.mail.held_at = "DATA"
    _, worker = house.start("relay", "worker")
    wait_for(lambda: house.mail.reached["DATA"], house.logs)
    worker.send_signal(signal.SIGTERM)
    time.sleep(random.uniform(0.2, 0.4))
    house.mail.held_at = ""
    assert worker.wait(10) == 0
    assert house.count(LETTER, outbox.c.done_at.is_(None)) == 0
    assert len(house.mail.accepted) == 1


def test_logs_carry_no_personal_data(house) -> None:
    """Not even when the mail server refuses an address, which drivers and libraries quote in their errors."""
    house.mail.held_at = ""
    house.submit(7)
    house.settings = _without_mail(house.settings)
    house.start("relay", "worker")
    wait_for(lambda: house.count(outbox.c.last_error.is_not(None)) == 2, house.logs)
    with house.database.reading() as tx:
        errors = set(tx.scalars(select(outbox.c.last_error).where(LETTER)))
    assert errors == {"ConnectionRefusedError"}
    assert "resident7" not in house.logs()
    assert "example.org" not in house.logs()
    assert "job failed outbox_id=" in house.logs()


def _without_mail(settings):
    from dataclasses import replace

    return replace(settings, smtp_url="smtp://127.0.0.1:1")
