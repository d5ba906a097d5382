"""Knows what a worker process needs, built once: settings, database, context, mailer; and how work is run in it."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from portal.channels import Channels, read_gateway
from portal.crypto import Keyring
from portal.db import Database
from portal.mail import make_mailer
from portal.net_guard import NetGuard
from portal.operations.context import Context
from portal.operations.deliver_message import Outlet
from portal.operations.run_once import Later, begin_attempt, describe, put_back
from portal.queries.city import CityCache
from portal.settings import Settings
from portal.storage import FileStore

log = logging.getLogger("wenlu.jobs")
# How long a row stays with the worker that began it; longer than any job may run (jobs.outbox.TIMEOUT_S).
LEASE_VARIABLE = "WENLU_JOB_LEASE_S"
DEFAULT_LEASE_S = 240


class JobFailed(Exception):
    """A job did not do its work; says the kind of the error only, because RQ writes this to logs and to Redis."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """The installation's parts as jobs use them."""

    settings: Settings
    database: Database
    context: Context
    outlet: Outlet
    guard: NetGuard
    lease: timedelta

    def work_off(self, outbox_id: int, operation: Callable[[Connection, Runtime], bool]) -> None:
        """Run the operation of one outbox row: done, or put back with its error for a later try."""
        if not self._begin(outbox_id):
            return
        with self._settling(outbox_id):
            with self.database.transaction() as tx:
                is_done = operation(tx, self)
            log.info("job %s outbox_id=%d", "done" if is_done else "was done", outbox_id)

    def send_off(self, outbox_id: int, operation: Callable[[Runtime], bool]) -> None:
        """Run an operation that claims its row itself and sends something while no transaction is open."""
        with self._settling(outbox_id):
            is_done = operation(self)
            log.info("job %s outbox_id=%d", "done" if is_done else "was done", outbox_id)

    @contextmanager
    def _settling(self, outbox_id: int) -> Iterator[None]:
        """Put the row back with its error where the block fails."""
        try:
            yield
        except Exception as error:
            if not isinstance(error, Later):
                _tell("job failed", error, outbox_id)
            with self.database.transaction() as tx:
                put_back(tx, outbox_id, error)

    def _begin(self, outbox_id: int) -> bool:
        """Count the start; a pooled connection that the database has ended meanwhile is no failure."""
        try:
            with self.database.transaction() as tx:
                return begin_attempt(tx, outbox_id, self.lease)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        with self.database.transaction() as tx:
            return begin_attempt(tx, outbox_id, self.lease)

    def repeat(self, operation: Callable[[Connection, Runtime], int], full: int) -> int:
        """Run an operation in transactions of its own while each finds a full load of work; answers how much."""
        total = 0
        try:
            while True:
                with self.database.transaction() as tx:
                    count = operation(tx, self)
                total += count
                if count < full:
                    return total
        except Exception as error:
            _tell("job failed", error)
            raise JobFailed(describe(error)) from None


def make_runtime(settings: Settings, lease_s: float = DEFAULT_LEASE_S) -> Runtime:
    """Open an installation for jobs: one connection to the database, because a worker does one thing at a time."""
    context = Context(
        jurisdiction_id=settings.jurisdiction,
        keyring=Keyring(settings.secret_key, settings.old_secret_keys),
        store=FileStore(settings.folder("files")),
        cities=CityCache(settings.folder("cache")),
        public_url=settings.public_url,
        has_sms=bool(settings.sms_url),
    )
    guard = NetGuard(settings.outbound_networks)
    gateway = read_gateway(settings.sms_url, settings.sms_headers, settings.sms_body)
    mailer = make_mailer(settings.smtp_url, settings.mail_from, settings.home / "mail")
    database = Database(settings.database_url, pool_size=1)
    outlet = Outlet(mailer, Channels(guard, gateway))
    return Runtime(settings, database, context, outlet, guard, timedelta(seconds=lease_s))


@cache
def runtime() -> Runtime:
    """The runtime of this process, from its environment."""
    return make_runtime(Settings.from_environ(), float(os.environ.get(LEASE_VARIABLE) or DEFAULT_LEASE_S))


def _forget_connections() -> None:
    """In a forked child: the parent's connections are the parent's; closing them here would end them there."""
    if runtime.cache_info().currsize:
        runtime().database.engine.dispose(close=False)


os.register_at_fork(after_in_child=_forget_connections)


def _tell(what: str, error: Exception, outbox_id: int = 0) -> None:
    """Log the kind and the place of an error, never its text: drivers quote rows and addresses in it."""
    frame = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
    place = f"{os.path.basename(frame.filename)}:{frame.lineno}" if frame else "?"
    log.warning("%s outbox_id=%d error=%s at=%s", what, outbox_id, describe(error).replace(" ", "_"), place)
