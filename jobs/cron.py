"""Knows how scheduled jobs get into the queues, through RQ's own scheduler."""

from __future__ import annotations

import logging
import time
from importlib import import_module
from types import FunctionType

from redis import Redis
from redis.exceptions import RedisError
from rq.cron import CronScheduler
from rq.exceptions import StopRequested

from jobs.outbox import FAILURE_KEPT_S, TIMEOUT_S
from jobs.schedule import SCHEDULE, Scheduled
from portal.queue import QUEUE_OF

log = logging.getLogger("wenlu.cron")
AWAY_S = 1.0


def run_cron(redis: Redis, schedule: tuple[Scheduled, ...] = SCHEDULE) -> None:
    """Enqueue what is due until told to stop. Two at once only make safe jobs run more often."""
    scheduler = CronScheduler(redis, logging_level=logging.WARNING)
    for entry in schedule:
        scheduler.register(
            find_job(entry.job), QUEUE_OF[entry.job], interval=entry.every_s, ttl=entry.every_s,
            job_timeout=TIMEOUT_S, result_ttl=0, failure_ttl=FAILURE_KEPT_S,
        )  # fmt: skip
    try:
        while True:
            try:
                scheduler.start()  # type: ignore[no-untyped-call]
                return
            except RedisError as error:
                log.warning("cron waits error=%s", type(error).__name__)
                time.sleep(AWAY_S)
    except StopRequested:  # the signal came while it waited for Redis
        return


def find_job(name: str) -> FunctionType:
    """The function behind a job's dotted name; ImportError or AttributeError where there is none."""
    module, _, function = name.rpartition(".")
    found = getattr(import_module(module), function)
    assert isinstance(found, FunctionType)
    return found
