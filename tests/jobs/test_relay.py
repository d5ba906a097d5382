"""The relay: hands each due row over once, loses none, and two of them share the work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis.exceptions import ConnectionError as RedisAway
from rq import Queue
from sqlalchemy import select, text, update

from jobs import outbox as relay_module
from jobs.outbox import Relay
from portal import clock
from portal.models.work import outbox
from portal.operations.relay_outbox import claim_due, release

LEASE = timedelta(seconds=60)
DELIVER, PREPARE = "jobs.messages.deliver_message", "jobs.media.prepare_photo"


@pytest.fixture(autouse=True)
def nothing_waits(town) -> None:
    with town.database.transaction() as tx:
        tx.execute(update(outbox).values(done_at=clock.now()))


def make_due(town) -> None:
    """As if every lease had ended."""
    with town.database.transaction() as tx:
        tx.execute(update(outbox).values(available_at=clock.now() - timedelta(seconds=1)))


def waiting(redis, name: str = "default") -> list[str]:
    return Queue(name, connection=redis).get_job_ids()


def test_rows_are_claimed_oldest_first_and_only_when_due(town) -> None:
    now = clock.now()
    late, early = (town.add_work(at=now - timedelta(seconds=s)) for s in (5, 50))
    town.add_work(at=now + timedelta(hours=1))
    with town.database.transaction() as tx:
        assert [row.outbox_id for row in claim_due(tx, [DELIVER], 1, LEASE)] == [early]
        assert [row.outbox_id for row in claim_due(tx, [DELIVER], 9, LEASE)] == [late]
        assert claim_due(tx, [DELIVER], 9, LEASE) == [], "both are on their way until the lease ends"


def test_two_relays_take_different_rows(town) -> None:
    rows = {town.add_work() for _ in range(10)}
    with town.database.transaction() as first, town.database.transaction() as second:
        one = {row.outbox_id for row in claim_due(first, [DELIVER], 6, LEASE)}
        other = {row.outbox_id for row in claim_due(second, [DELIVER], 6, LEASE)}
    assert len(one) == 6
    assert one | other == rows
    assert not one & other


def test_the_claim_reads_the_partial_index(town) -> None:
    """A million rows that are done must cost nothing."""
    with town.database.transaction() as tx:
        tx.execute(
            text(
                "INSERT INTO outbox (jurisdiction_id, job, payload, created_at, available_at, done_at) "
                "SELECT 'x', 'jobs.messages.deliver_message', '{}', now(), now(), now() FROM generate_series(1, 20000)"
            )
        )
        tx.execute(text("ANALYZE outbox"))
        query = select(outbox.c.id).where(
            outbox.c.done_at.is_(None), outbox.c.failed_at.is_(None), outbox.c.available_at <= clock.now()
        )
        ordered = query.order_by(outbox.c.available_at, outbox.c.id).limit(500)
        compiled = ordered.compile(tx, compile_kwargs={"literal_binds": True})
        plan = "\n".join(tx.scalars(text(f"EXPLAIN {compiled}")))
    assert "ix_outbox_waiting" in plan


def test_released_rows_are_due_at_once(town) -> None:
    outbox_id = town.add_work()
    with town.database.transaction() as tx:
        claim_due(tx, [DELIVER], 9, LEASE)
        release(tx, [outbox_id])
        assert len(claim_due(tx, [DELIVER], 9, LEASE)) == 1


def test_rows_become_jobs_with_one_argument(town, redis) -> None:
    outbox_id = town.add_work()
    photo = town.add_work(PREPARE)
    assert Relay(town.database, redis).hand_over() == 2
    (job,) = Queue("default", connection=redis).get_jobs()
    assert (job.id, job.func_name, job.args) == (f"outbox-{outbox_id}-0", DELIVER, (outbox_id,))
    assert waiting(redis, "slow") == [f"outbox-{photo}-0"]
    assert Relay(town.database, redis).hand_over() == 0


def test_a_row_that_still_waits_in_its_queue_gets_no_second_job(town, redis) -> None:
    town.add_work()
    for _ in range(3):
        Relay(town.database, redis).hand_over()
        make_due(town)
    assert len(waiting(redis)) == 1


def test_a_row_whose_job_was_lost_is_handed_over_again(town, redis) -> None:
    outbox_id = town.add_work()
    Relay(town.database, redis).hand_over()
    redis.flushall()
    make_due(town)
    Relay(town.database, redis).hand_over()
    assert waiting(redis) == [f"outbox-{outbox_id}-0"]


def test_a_row_that_was_begun_gets_a_job_of_another_name(town, redis) -> None:
    """RQ may keep the record of a killed job for minutes, and clean it up while the next one waits."""
    outbox_id = town.add_work()
    with town.database.transaction() as tx:
        tx.execute(update(outbox).where(outbox.c.id == outbox_id).values(attempts=2))
    Relay(town.database, redis).hand_over()
    assert waiting(redis) == [f"outbox-{outbox_id}-2"]


def test_a_full_queue_leaves_its_rows_in_the_database(town, redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "ROOM", 3)
    for _ in range(5):
        town.add_work(PREPARE)
        Relay(town.database, redis).hand_over()
    town.add_work(DELIVER)
    Relay(town.database, redis).hand_over()
    assert (len(waiting(redis, "slow")), len(waiting(redis))) == (3, 1)


def test_without_redis_nothing_is_claimed(town, own_redis) -> None:
    outbox_id = town.add_work()
    own_redis.flushall()
    away = type(own_redis).from_url("unix:///nowhere/redis.sock")
    with pytest.raises(RedisAway):
        Relay(town.database, away).hand_over()
    assert town.work(outbox_id).available_at <= clock.now()
    assert Relay(town.database, own_redis).hand_over() == 1


def test_redis_that_dies_after_the_claim_gives_the_rows_back(
    town, redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox_id = town.add_work()
    relay = Relay(town.database, redis)

    def die(rows: object) -> None:
        raise RedisAway("gone between the claim and the exchange")

    monkeypatch.setattr(relay, "_enqueue", die)
    with pytest.raises(RedisAway):
        relay.hand_over()
    assert town.work(outbox_id).available_at <= clock.now()
