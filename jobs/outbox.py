"""Knows how due rows of the outbox get into the queues, whatever happens to Redis, to a worker or to a relay."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from threading import Event

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from sqlalchemy.exc import DBAPIError

from jobs.schedule import SCHEDULE
from portal.db import Database
from portal.operations.relay_outbox import Due, claim_due, release
from portal.queue import QUEUE_OF

# Jobs that rows of the outbox ask for; scheduled ones come by themselves.
QUEUE_OF_ROW = {job: queue for job, queue in QUEUE_OF.items() if job not in {one.job for one in SCHEDULE}}
log = logging.getLogger("wenlu.relay")
BATCH = 500
ROOM = 2_000  # rows wait in PostgreSQL, not in Redis, once a queue holds this many
IDLE_S, REDIS_AWAY_S = 0.3, 1.0
DEFAULT_LEASE_S = 60.0
TIMEOUT_S = 180
FAILURE_KEPT_S = 3_600  # RQ's own record of a failure; ours is in the outbox


class Relay:
    """Hands rows over to RQ. A row whose job is lost is due again when its lease ends; two relays share the work."""

    def __init__(self, database: Database, redis: Redis, lease_s: float = DEFAULT_LEASE_S) -> None:
        self._database, self._lease = database, timedelta(seconds=lease_s)
        self._redis = redis
        self._queues = {name: Queue(name, connection=redis) for name in QUEUE_OF_ROW.values()}

    def run(self, stop: Event) -> None:
        """Hand rows over until told to stop; waits and tries again while a server is away."""
        is_away = False
        while not stop.is_set():
            try:
                count = self.hand_over()
            except (RedisError, DBAPIError) as error:
                if not is_away:
                    log.warning("relay waits error=%s", type(error).__name__)
                is_away = True
                stop.wait(REDIS_AWAY_S)
                continue
            if is_away:
                log.info("relay goes on")
            is_away = False
            if count < BATCH:
                stop.wait(IDLE_S)

    def hand_over(self) -> int:
        """Hand over one batch; answers how many rows were taken. RedisError or DBAPIError: nothing is lost."""
        waiting = self._waiting()  # fails while Redis is away, before any row is taken
        jobs = [job for job, queue in QUEUE_OF_ROW.items() if len(waiting[queue]) < ROOM]
        with self._database.transaction() as tx:
            due = claim_due(tx, jobs, BATCH, self._lease)
        lost_or_new = [row for row in due if job_id(row) not in waiting[QUEUE_OF_ROW[row.job]]]
        try:
            self._enqueue(lost_or_new)
        except RedisError:
            with self._database.transaction() as tx:
                release(tx, [row.outbox_id for row in lost_or_new])
            raise
        if lost_or_new:
            log.info("relay handed over count=%d last_outbox_id=%d", len(due), due[-1].outbox_id)
        return len(due)

    def _waiting(self) -> Mapping[str, frozenset[str]]:
        """The ids of jobs that wait in each queue: a row among them needs no second job."""
        return {name: frozenset(queue.get_job_ids()) for name, queue in self._queues.items()}

    def _enqueue(self, rows: Iterable[Due]) -> None:
        """All of them in one exchange with Redis."""
        by_queue: defaultdict[str, list[Due]] = defaultdict(list)
        for row in rows:
            by_queue[QUEUE_OF_ROW[row.job]].append(row)
        with self._redis.pipeline() as exchange:
            for name, some in by_queue.items():
                self._queues[name].enqueue_many(
                    [
                        Queue.prepare_data(
                            row.job, (row.outbox_id,), job_id=job_id(row), timeout=TIMEOUT_S,
                            result_ttl=0, failure_ttl=FAILURE_KEPT_S,
                        )
                        for row in some
                    ],
                    pipeline=exchange,
                )  # fmt: skip
            if by_queue:
                exchange.execute()


def job_id(row: Due) -> str:
    """The id of a row's job: another one after each start, because RQ may still keep the record of a killed one."""
    return f"outbox-{row.outbox_id}-{row.attempts}"
