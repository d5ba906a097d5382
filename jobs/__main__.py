"""Knows the processes of background work: `python -m jobs worker`, `relay` and `cron`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from types import FrameType

from jobs.runtime import DEFAULT_LEASE_S, LEASE_VARIABLE
from portal.queue import QUEUE_OF, QUEUES, connect
from portal.settings import Settings


class OneLine(logging.Formatter):
    """A log record as one line of JSON; our own messages carry ids only."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; the text of an exception stays out, because it may quote a person."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False)


def main(arguments: list[str] | None = None) -> int:
    """Run one process of background work until it is told to stop."""
    options = _parser().parse_args(arguments)
    _start_log(options.verbose)
    try:
        settings = Settings.from_environ()
    except ValueError as error:
        sys.exit(f"jobs: {error}")
    if not settings.database_url or not settings.redis_url:
        sys.exit("jobs: set DATABASE_URL and REDIS_URL (`wenlu up` does this by itself)")
    {"worker": _worker, "relay": _relay, "cron": _cron}[options.process](settings, options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jobs", description=__doc__)
    parser.add_argument("-v", "--verbose", action="store_true", help="a log line for each job")
    processes = parser.add_subparsers(dest="process", required=True)
    worker = processes.add_parser("worker", help="run jobs")
    worker.add_argument("--queues", default=",".join(QUEUES), help="queues to listen on, most urgent first")
    worker.add_argument(
        "--lease-s", type=float, default=DEFAULT_LEASE_S, help="how long a begun row is this worker's"
    )
    relay = processes.add_parser("relay", help="hand rows of the outbox over to the queues")
    relay.add_argument("--lease-s", type=float, default=60.0, help="when a row handed over counts as lost")
    processes.add_parser("cron", help="enqueue scheduled jobs")
    return parser


def _start_log(is_verbose: bool) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("wenlu").setLevel(logging.INFO if is_verbose else logging.WARNING)


def _worker(settings: Settings, options: argparse.Namespace) -> None:
    os.environ[LEASE_VARIABLE] = str(options.lease_s)
    from jobs.cron import find_job
    from jobs.worker import run_worker

    for name in QUEUE_OF:  # before the first fork, so that no child has to import them
        find_job(name)
    run_worker(connect(settings.redis_url), tuple(options.queues.split(",")))


def _relay(settings: Settings, options: argparse.Namespace) -> None:
    from jobs.outbox import Relay
    from portal.db import Database

    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    database = Database(settings.database_url, pool_size=1)
    Relay(database, connect(settings.redis_url), options.lease_s).run(stop)
    database.dispose()


def _cron(settings: Settings, options: argparse.Namespace) -> None:
    from jobs.cron import run_cron

    run_cron(connect(settings.redis_url))


if __name__ == "__main__":
    sys.exit(main())
