"""Knows whether Wenlu is running on a home folder, and how another command reaches that home's servers."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from portal.cli import processes
from portal.cli.places import ServerError, make_home
from portal.cli.servers import PrivatePostgres, PrivateRedis, database_name
from portal.settings import Settings

LOCK_TRIES = 4
LOCK_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Running:
    """What the last `wenlu up` on a home serves, or served."""

    pid: int
    address: str
    jurisdiction: str
    database_url: str
    redis_url: str


class HomeInUse(ServerError):
    """Another Wenlu holds this home folder."""


@contextlib.contextmanager
def held(home: Path) -> Iterator[None]:
    """Keep every other Wenlu off a home for the length of a block; the kernel lets go of it when we die."""
    make_home(home)
    handle = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not any(_try_lock(handle) for _ in range(LOCK_TRIES)):
            raise HomeInUse(_in_use(home))
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    """Several short tries, because `is_running` takes the same lock for an instant."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(LOCK_PAUSE_SECONDS)
        return False
    return True


def _in_use(home: Path) -> str:
    known = last_run(home)
    if known is None or not processes.arguments(known.pid):
        return f"another wenlu command is at work on {home}; try again when it has ended"
    return f"Wenlu is already running on {home} at {known.address} (process {known.pid})"


def is_running(home: Path) -> bool:
    """Whether a Wenlu holds this home."""
    if not home.is_dir():
        return False
    try:
        with held(home):
            return False
    except HomeInUse:
        return True


def note_run(home: Path, running: Running) -> None:
    """Write down what is served, for a second start and for other commands; readable by the owner only."""
    path = home / "running.json"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump(asdict(running), out)


def last_run(home: Path) -> Running | None:
    """What the last `wenlu up` on this home wrote down."""
    try:
        return Running(**json.loads((home / "running.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


@contextlib.contextmanager
def reach_servers(settings: Settings, jurisdiction: str = "") -> Iterator[tuple[str, str]]:
    """The addresses (database, queue) that a command works on, for the length of a block.

    Those of the environment where set; otherwise the private ones, started here unless `wenlu up` runs them
    already. `jurisdiction` picks the city's database; without it the city of the last `wenlu up` is meant.
    Raises ServerError.
    """
    city = jurisdiction or settings.jurisdiction or _last_city(settings)
    with contextlib.ExitStack() as stack:
        database_url, redis_url = settings.database_url, settings.redis_url
        if not (database_url and redis_url) and not is_running(settings.home):
            stack.enter_context(held(settings.home))
            start_private(stack, settings, city)
        if not database_url:
            database_url = PrivatePostgres(settings.home).ensure_database(database_name(city))
        yield database_url, redis_url or PrivateRedis(settings.home).url()


def _last_city(settings: Settings) -> str:
    known = last_run(settings.home)
    if known is None and not settings.database_url:
        raise ServerError(
            f"no city was started in {settings.home} yet; start one with `wenlu up`, or set WENLU_HOME to the "
            "folder of the one that runs, or DATABASE_URL and WENLU_JURISDICTION"
        )
    return known.jurisdiction if known else ""


def start_private(
    stack: contextlib.ExitStack, settings: Settings, jurisdiction: str
) -> list[PrivatePostgres | PrivateRedis]:
    """Start the servers that the environment does not provide; they stop when the stack closes."""
    servers: list[PrivatePostgres | PrivateRedis] = []
    if not settings.database_url:
        servers.append(PrivatePostgres(settings.home))
    if not settings.redis_url:
        servers.append(PrivateRedis(settings.home, database_name(jurisdiction).removeprefix("wenlu_")))
    for server in servers:
        stack.callback(server.stop)
        server.start()
    return servers
