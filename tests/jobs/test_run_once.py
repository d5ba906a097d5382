"""A row of the outbox: begun, done once, put back, given up, revived."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from portal import clock
from portal.models.work import outbox
from portal.operations.run_once import (
    LONGEST_PAUSE,
    MOST_ATTEMPTS,
    GiveUp,
    Later,
    Work,
    begin_attempt,
    describe,
    drop,
    pause_after,
    put_back,
    revive,
    run_once,
)

if TYPE_CHECKING:
    from portal.db import Database

LEASE = timedelta(minutes=4)


def set_columns(database: Database, outbox_id: int, **values: object) -> None:
    with database.transaction() as tx:
        tx.execute(update(outbox).where(outbox.c.id == outbox_id).values(values))


def test_work_is_done_once(town) -> None:
    outbox_id, done = town.add_work(key="value"), list[Work]()
    for expected in (True, False):
        with town.database.transaction() as tx:
            assert run_once(tx, outbox_id, done.append) is expected
    assert [(work.outbox_id, work.jurisdiction_id, work.payload) for work in done] == [
        (outbox_id, "brookside.example", {"key": "value"})
    ]
    assert town.work(outbox_id).done_at is not None


def test_what_another_worker_holds_is_passed_over(town) -> None:
    outbox_id, done = town.add_work(), list[Work]()
    with town.database.transaction() as first, town.database.transaction() as second:
        assert run_once(first, outbox_id, done.append)
        assert not run_once(second, outbox_id, done.append)
    assert len(done) == 1


def test_a_failure_leaves_no_trace_of_the_work(town) -> None:
    outbox_id = town.add_work()

    def fail(work: Work) -> None:
        raise OSError("mail server of zhang@example.org is away")

    with pytest.raises(OSError, match="away"), town.database.transaction() as tx:
        run_once(tx, outbox_id, fail)
    assert town.work(outbox_id).done_at is None


def test_a_start_is_counted_and_keeps_the_relay_away(town) -> None:
    outbox_id = town.add_work()
    with town.database.transaction() as tx:
        assert begin_attempt(tx, outbox_id, LEASE)
    row = town.work(outbox_id)
    assert row.attempts == 1
    assert row.available_at > clock.now() + LEASE - timedelta(seconds=10)


def test_nobody_else_begins_while_a_claim_holds(town) -> None:
    outbox_id = town.add_work()
    with town.database.transaction() as tx:
        assert begin_attempt(tx, outbox_id, LEASE)
        assert not begin_attempt(tx, outbox_id, LEASE)
        put_back(tx, outbox_id, OSError())
        assert begin_attempt(tx, outbox_id, LEASE), "put back, it is anybody's"
    assert town.work(outbox_id).attempts == 2


def test_later_counts_no_attempt(town) -> None:
    outbox_id, at = town.add_work(), clock.now() + timedelta(hours=3)
    with town.database.transaction() as tx:
        begin_attempt(tx, outbox_id, LEASE)
        put_back(tx, outbox_id, Later(at))
    row = town.work(outbox_id)
    assert (row.attempts, row.available_at, row.claimed_until, row.last_error) == (0, at, None, None)


def test_what_was_given_up_can_be_dropped_for_good(town) -> None:
    outbox_id = town.add_work()
    with town.database.transaction() as tx:
        assert not drop(tx, outbox_id), "it was not given up"
        put_back(tx, outbox_id, GiveUp("x"))
        assert drop(tx, outbox_id)
        assert not revive(tx, outbox_id)
    assert town.work(outbox_id).last_error == "x", "kept a while with its reason"


def test_nothing_begins_on_a_row_that_is_done(town) -> None:
    outbox_id = town.add_work()
    set_columns(town.database, outbox_id, done_at=clock.now())
    with town.database.transaction() as tx:
        assert not begin_attempt(tx, outbox_id, LEASE)
    assert town.work(outbox_id).attempts == 0


def test_a_row_that_kills_its_worker_each_time_is_given_up(town) -> None:
    outbox_id = town.add_work()
    begun = 0
    for _ in range(MOST_ATTEMPTS + 5):
        with town.database.transaction() as tx:
            begun += begin_attempt(tx, outbox_id, timedelta(0))  # its claim has run out
    row = town.work(outbox_id)
    assert begun == MOST_ATTEMPTS
    assert row.failed_at is not None
    assert row.last_error == "started too often without an end"


@pytest.mark.parametrize(
    ("error", "attempts", "is_over", "kept"),
    [
        pytest.param(OSError("zhang@example.org"), 1, False, "OSError", id="comes again"),
        pytest.param(OSError("zhang@example.org"), MOST_ATTEMPTS, True, "OSError", id="last attempt"),
        pytest.param(GiveUp("no unit is called x"), 1, True, "no unit is called x", id="cannot be helped"),
    ],
)
def test_what_went_wrong_is_kept(town, error: Exception, attempts: int, is_over: bool, kept: str) -> None:
    outbox_id = town.add_work()
    set_columns(town.database, outbox_id, attempts=attempts)
    with town.database.transaction() as tx:
        put_back(tx, outbox_id, error)
    row = town.work(outbox_id)
    assert (row.failed_at is not None, row.last_error) == (is_over, kept)
    assert row.available_at > clock.now() + timedelta(seconds=5)


def test_a_row_that_was_given_up_gets_a_new_start(town) -> None:
    outbox_id = town.add_work()
    with town.database.transaction() as tx:
        assert not revive(tx, outbox_id), "it was not given up"
        put_back(tx, outbox_id, GiveUp("x"))
        assert revive(tx, outbox_id)
    row = town.work(outbox_id)
    assert (row.failed_at, row.attempts) == (None, 0)
    assert row.available_at <= clock.now()


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        pytest.param(
            smtplib.SMTPRecipientsRefused({"zhang@example.org": (450, b"zhang@example.org is full")}),
            "SMTPRecipientsRefused 450",
            id="recipient",
        ),
        pytest.param(smtplib.SMTPDataError(451, b"zhang@example.org"), "SMTPDataError 451", id="data"),
        pytest.param(ValueError("zhang@example.org"), "ValueError", id="anything"),
    ],
)
def test_an_error_is_kept_without_personal_data(error: Exception, kept: str) -> None:
    assert describe(error) == kept


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(1, 15), (2, 30), (3, 60), (8, 1920), (9, 3600), (30, 3600), (10_000, 3600)],
)
def test_pauses_grow_and_are_spread(attempts: int, seconds: int) -> None:
    pauses = {pause_after(attempts).total_seconds() for _ in range(50)}
    assert len(pauses) > 40, "a crowd must not come back at once"
    assert seconds * 0.75 <= min(pauses) <= max(pauses) <= seconds * 1.25


def test_attempts_span_the_day_that_a_mail_server_may_be_away() -> None:
    least = sum((pause_after(n) for n in range(1, MOST_ATTEMPTS)), timedelta()) / 1.25
    assert least > timedelta(hours=14)
    assert pause_after(MOST_ATTEMPTS) <= LONGEST_PAUSE * 1.25
