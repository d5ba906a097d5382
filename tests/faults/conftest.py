"""A whole installation that may be broken: servers of its own, real worker processes, a real mail server."""

from __future__ import annotations

import asyncio
import contextlib
import email
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import func, select

from portal.cli.database import migrate
from portal.cli.servers import PrivatePostgres, PrivateRedis, create_database
from portal.crypto import Keyring
from portal.db import Database
from portal.models.work import message, outbox
from portal.operations.context import Context
from portal.operations.load_city import DEMO, load_city_folder
from portal.operations.submission import Contact, Submission
from portal.operations.submit_report import Submitted, submit_report
from portal.operations.verify_ledger import verify_ledger
from portal.settings import Settings
from portal.storage import FileStore

CHECKOUT = Path(__file__).resolve().parents[2]
CITY = "linhai.example"
LEASE_S = "3"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class MailServer:
    """A real SMTP server on the loopback that keeps what it accepts, and can hold its answer back."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self.reached = Counter[str]()
        self.held_at = ""
        self._controller = Controller(
            self, hostname="127.0.0.1", port=free_port(), server_hostname="localhost"
        )  # named, or each letter waits for the name server

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._controller.port}"

    def __enter__(self) -> MailServer:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await self._pass("RCPT")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.accepted.append(str(email.message_from_bytes(envelope.content)["Message-ID"]))
        await self._pass("DATA")
        return "250 OK"

    async def _pass(self, stage: str) -> None:
        """Stop here while the stage is held, as a mail server under load does."""
        self.reached[stage] += 1
        while self.held_at == stage:
            await asyncio.sleep(0.02)

    @property
    def extra(self) -> int:
        """How many letters came more than once."""
        return len(self.accepted) - len(set(self.accepted))


@dataclass
class House:
    """One installation: its servers, its database, its processes."""

    postgres: PrivatePostgres
    redis: PrivateRedis
    mail: MailServer
    settings: Settings
    database: Database
    context: Context
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *names: str) -> list[subprocess.Popen[bytes]]:
        """Start background processes with short leases, so that a test need not wait minutes."""
        started = [self._start(name) for name in names]
        self.processes += started
        return started

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        leased = ["--lease-s", LEASE_S] if name in {"worker", "relay"} else []
        log = (self.settings.folder("log") / f"{name}.log").open("ab")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", "jobs", name, *leased],
                cwd=CHECKOUT,
                env={"PATH": os.environ["PATH"]} | self.settings.as_environ(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in self.settings.folder("log").glob("*.log"))

    def submit(self, number: int, *, with_email: bool = True, **more: Any) -> Submitted:
        """A report from a resident, through the real intake."""
        contact = Contact(email=f"resident{number}@example.org") if with_email else None
        submission = Submission(
            "pothole", 121.56, 29.28, 10.0, answers={"depth": ("small",)}, description=f"number {number}",
            contact=contact, client_request_id=uuid.uuid4(), **more,
        )  # fmt: skip
        with self.database.transaction() as tx:
            return submit_report(tx, self.context, submission)

    def count(self, *conditions: Any) -> int:
        """How many rows of the outbox there are; asked over a fresh connection where the database went away."""
        with contextlib.suppress(Exception), self.database.reading() as tx:
            return int(tx.scalar(select(func.count()).select_from(outbox).where(*conditions)) or 0)
        return -1

    def wait_until_drained(self, seconds: float = 60) -> float:
        """Wait until no row waits any more; answers after how many seconds."""
        began = time.monotonic()
        wait_for(lambda: self.count(outbox.c.done_at.is_(None)) == 0, seconds, self.logs)
        return time.monotonic() - began

    def check_books(self) -> None:
        """Every row done once, every message kept and told once, the ledger sound."""
        assert self.count(outbox.c.failed_at.is_not(None)) == 0
        with self.database.reading() as tx:
            rows = set(tx.scalars(select(outbox.c.id).where(outbox.c.job == "jobs.messages.deliver_message")))
            kept = Counter(tx.scalars(select(message.c.outbox_id)))
            told = tx.execute(
                select(func.count()).select_from(event_table()).where(event_table().c.kind == "message.sent")
            )
            assert set(kept) == rows
            assert set(kept.values()) == {1}
            assert told.scalar() == len(rows)
            assert verify_ledger(tx).faults == []

    def stop(self) -> None:
        """End every process that is left."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.database.dispose()


def event_table() -> Any:
    from portal.models.ledger import event

    return event


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(happened: Callable[[], object], seconds: float, tell: Callable[[], str] = lambda: "") -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, f"it did not happen within {seconds:.0f} s\n{tell()}"
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Ground:
    """Servers that a test may break, with a database that has the demo city."""

    home: Path
    postgres: PrivatePostgres
    redis: PrivateRedis


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    home = Path(tempfile.mkdtemp(prefix="wenlu-test-"))
    home.chmod(0o711)
    postgres, redis = PrivatePostgres(home, FAST), PrivateRedis(home)
    try:
        postgres.start()
        redis.start()
        template = postgres.ensure_database("wenlu_template")
        migrate(template)
        database = Database(template)
        load_city_folder(database, DEMO / "linhai")
        database.dispose()
        yield Ground(home, postgres, redis)
    finally:
        redis.stop()
        postgres.stop()
        for folder in (postgres.sockets, home):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def house(ground: Ground, tmp_path: Path) -> Iterator[House]:
    """A fresh installation on the ground's servers, which are mended first."""
    ground.postgres.start()
    ground.redis.start()
    name = f"wenlu_{uuid.uuid4().hex[:8]}"
    create_database(
        ground.postgres.url("postgres", user="postgres"), name, owner="wenlu", template="wenlu_template"
    )
    with MailServer() as mail:
        settings = replace(
            Settings.from_environ({"WENLU_HOME": str(tmp_path / "home")}),
            database_url=ground.postgres.url(name), redis_url=ground.redis.url(), smtp_url=mail.url, jurisdiction=CITY,
        )  # fmt: skip
        context = Context(
            CITY,
            Keyring(settings.secret_key),
            FileStore(settings.folder("files")),
            public_url=settings.public_url,
        )
        made = House(ground.postgres, ground.redis, mail, settings, Database(settings.database_url), context)
        try:
            yield made
        finally:
            made.stop()
            flush(ground.redis)


def flush(redis: PrivateRedis) -> None:
    from redis import Redis

    redis.start()
    Redis.from_url(redis.url()).flushall()
