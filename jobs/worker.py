"""Knows how a worker process runs jobs: quick ones in the process itself, photos in a fork of it."""

from __future__ import annotations

import logging
import time
from contextlib import suppress

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.worker import SimpleWorker

from portal.queue import QUEUES

log = logging.getLogger("wenlu.worker")
# A fork costs some ten milliseconds and every connection anew, which a message does not need. Decoding a
# stranger's photo may take hundreds of megabytes or crash a library: that happens in a child.
FORKED_QUEUES = frozenset({"slow"})
AWAY_S = 1.0
TTL_S = 60


class PortalWorker(Worker):
    """RQ's worker that forks only for queues which need it."""

    max_connection_wait_time = 4.0  # RQ would wait up to a minute after Redis is back
    log_job_description = False

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job here or in a child."""
        if queue.name in FORKED_QUEUES:
            super().execute_job(job, queue)
        else:
            SimpleWorker.execute_job(self, job, queue)  # type: ignore[arg-type]

    def set_shutdown_requested_date(self) -> None:
        """Note the wish to stop; while Redis is away, the job that is running must not fail for that."""
        with suppress(RedisError):
            super().set_shutdown_requested_date()  # type: ignore[no-untyped-call]

    @property
    def was_told_to_stop(self) -> bool:
        """Whether the loop ended because of a signal."""
        return self._shutdown_requested_date is not None


def run_worker(redis: Redis, queues: tuple[str, ...] = QUEUES) -> None:
    """Work until told to stop. RQ's loop ends when Redis goes away in the middle of a job; this one goes on."""
    worker: PortalWorker | None = None
    while worker is None or not worker.was_told_to_stop:
        try:
            worker = PortalWorker(queues, connection=redis, worker_ttl=TTL_S)
            log.info("worker listens queues=%s", ",".join(queues))
            worker.work(logging_level="WARNING")
        except RedisError as error:
            log.warning("worker waits error=%s", type(error).__name__)
            _let_go(worker)
        except StopRequested:  # the signal came between two loops
            return
        if worker is None or not worker.was_told_to_stop:
            _pause()


def _let_go(worker: PortalWorker | None) -> None:
    """End the thread that listens for commands; RQ leaves it behind when Redis is away."""
    if worker is not None and worker.pubsub_thread is not None:
        worker.pubsub_thread.stop()


def _pause() -> None:
    with suppress(StopRequested):  # the handler has noted it
        time.sleep(AWAY_S)
