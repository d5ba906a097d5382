"""Knows how to run a private PostgreSQL with PostGIS and a private Redis for one home folder."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import sql

from portal.cli import places, processes
from portal.cli.places import ServerError
from portal.cli.processes import Command

ADMINISTRATOR = "postgres"
OWNER = "wenlu"
NAME_LIMIT = 63
POSTGRES_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "jit": "off",  # costs more than it saves on short statements
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # details quote rows, and a log carries ids only
    "log_min_error_statement": "panic",
    "logging_collector": "off",
}


class PrivateServer(ABC):
    """A server that belongs to one home folder: one data folder, one socket, one child process."""

    name: str
    death_signal: signal.Signals
    start_seconds = 60.0

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.account = processes.unprivileged_account()
        self.sockets = places.socket_folder(self.home)
        self.place = places.data_place(self.home, self.account)
        self.log = self.home / "log" / f"{self.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers; ends what an earlier, killed owner left. Raises ServerError."""
        if self.is_running():
            return
        places.make_socket_folder(self.sockets, self.account)
        self._prepare()
        processes.end_leftovers(self._is_leftover, self.death_signal)
        self._remove_stale()
        self.process = processes.spawn(self._command())
        self._wait_until_ready()

    def stop(self, seconds: float = 8.0) -> None:
        """Stop it cleanly; after `seconds` it is killed."""
        if self.process is not None:
            processes.end(self.process, self.death_signal, seconds)
            self.process = None
        with suppress(OSError):  # the other server of this home may still have its socket there
            self.sockets.rmdir()

    def is_running(self) -> bool:
        """Whether the child that `start` began still lives."""
        return self.process is not None and self.process.poll() is None

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + self.start_seconds
        while not self._answers():
            if not self.is_running() or time.monotonic() > until:
                self.stop()
                raise ServerError(
                    f"{self.name} did not start; the end of {self.log}:\n{processes.last_lines(self.log)}"
                )
            time.sleep(0.03)

    def _run_as(self, argv: Iterable[str]) -> None:
        """Run a set-up program to its end as the server's account; its output is shown only when it fails."""
        done = subprocess.run(
            list(argv), cwd=self.place, env=plain_environment(), capture_output=True, text=True, check=False,
            **processes.as_account(self.account),
        )  # fmt: skip
        if done.returncode:
            raise ServerError(f"{self.name} could not be set up: {(done.stderr or done.stdout).strip()}")

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data folder, once."""

    @abstractmethod
    def _remove_stale(self) -> None:
        """Remove what a killed server left and would stop a new one; called when no process uses the data."""

    @abstractmethod
    def _command(self) -> Command:
        """The program that serves."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it takes requests yet."""

    @abstractmethod
    def _is_leftover(self, pid: int) -> bool:
        """Whether a process belongs to this very data folder."""


class PrivatePostgres(PrivateServer):
    """PostgreSQL with PostGIS; `options` override settings of the server (tests switch fsync off)."""

    name = "postgres"
    death_signal = signal.SIGINT  # a fast shutdown: clients are disconnected, nothing is lost

    def __init__(self, home: Path, options: Mapping[str, str] | None = None) -> None:
        super().__init__(home)
        self.data = self.place / "postgres"
        self.options = POSTGRES_OPTIONS | dict(options or {})

    @property
    def note(self) -> str:
        """Where the cluster is, when it could not be put in the home folder."""
        return (
            "" if self.place == self.home else f"the database is in {self.data} ({self.home} is closed to it)"
        )

    def url(self, database: str, *, user: str = OWNER) -> str:
        """The SQLAlchemy address of one of its databases."""
        return f"postgresql+psycopg://{user}@/{database}?host={self.sockets}"

    def ensure_database(self, database: str) -> str:
        """Create a database with PostGIS in it unless it exists; returns its address."""
        create_database(self.url(ADMINISTRATOR, user=ADMINISTRATOR), database, owner=OWNER)
        return self.url(database)

    def _prepare(self) -> None:
        if (self.data / "PG_VERSION").exists():
            self._check_owner()
            return
        making = (
            self.place / "postgres.new"
        )  # renamed when it is whole: a killed initdb leaves half a cluster
        shutil.rmtree(making, ignore_errors=True)
        places.make_owned_folder(making, self.account)
        options = ["--encoding=UTF8", "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=reject"]
        self._run_as([self._program("initdb"), "-D", str(making), "-U", ADMINISTRATOR, *options, "--no-sync"])
        os.sync()
        making.rename(self.data)

    def _command(self) -> Command:
        settings = self.options | {
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
        }
        flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return Command(
            argv=[self._program("postgres"), "-D", str(self.data), *flags],
            log=self.log,
            env=plain_environment(),
            cwd=self.place,
            account=self.account,
            death_signal=self.death_signal,
        )

    def start(self) -> None:
        """Start it, see that the role which owns our databases exists, and return when it takes requests."""
        super().start()
        with psycopg.connect(
            libpq(self.url(ADMINISTRATOR, user=ADMINISTRATOR)), autocommit=True
        ) as connection:
            found = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(OWNER)))

    def _answers(self) -> bool:
        try:
            psycopg.connect(libpq(self.url(ADMINISTRATOR, user=ADMINISTRATOR)), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _is_leftover(self, pid: int) -> bool:
        return processes.works_in(pid, self.data)

    def _remove_stale(self) -> None:
        """The process number in a lock file may by now be another program's: PostgreSQL would not start."""
        if processes.PROC.is_dir():  # only there do we know that nobody works in the data folder
            for path in (self.data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"):
                path.unlink(missing_ok=True)

    def _program(self, name: str) -> str:
        version_file = self.data / "PG_VERSION"
        wanted = version_file.read_text().strip() if version_file.exists() else None
        return str(places.postgres_programs(wanted) / name)

    def _check_owner(self) -> None:
        expected = self.account.uid if self.account else os.geteuid()
        if self.data.stat().st_uid != expected:
            raise ServerError(
                f"{self.data} belongs to another account; start Wenlu as the user who made it, "
                "or choose another folder with WENLU_HOME"
            )


class PrivateRedis(PrivateServer):
    """Redis with an append-only file; `name` keeps the queues of several cities in one home apart."""

    name = "redis"
    death_signal = signal.SIGTERM

    def __init__(self, home: Path, queue_name: str = "") -> None:
        super().__init__(home)
        self.data = self.place / ("redis" + (f"-{queue_name}" if queue_name else ""))
        self.socket = self.sockets / "redis.sock"

    def url(self) -> str:
        """The address for redis-py and RQ."""
        return f"unix://{self.socket}"

    def _prepare(self) -> None:
        places.make_owned_folder(self.data, self.account)

    def _command(self) -> Command:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes",
            "save": "",
            "daemonize": "no",
            "maxmemory-policy": "noeviction",
        }
        return Command(
            argv=["redis-server", *(part for key, value in settings.items() for part in (f"--{key}", value))],
            executable=places.redis_program(),
            log=self.log,
            env=plain_environment(),
            cwd=self.data,
            account=self.account,
            death_signal=self.death_signal,
        )

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(2)
                link.connect(str(self.socket))
                link.sendall(b"PING\r\n")
                return link.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def _remove_stale(self) -> None:
        """Redis itself replaces a socket that nobody listens on."""

    def _is_leftover(self, pid: int) -> bool:
        return processes.works_in(pid, self.data)


def plain_environment() -> dict[str, str]:
    """What a server needs of our environment: no secret, no PGDATA or PGOPTIONS that would lead it astray."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def libpq(url: str) -> str:
    """A SQLAlchemy address as psycopg itself reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def database_name(jurisdiction_id: str) -> str:
    """`wenlu_<jurisdiction_id>`; an id with characters that have no place in an address gets a digest."""
    name = f"wenlu_{jurisdiction_id}"
    if len(name) <= NAME_LIMIT and re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        return name
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    return f"{safe[: NAME_LIMIT - 11]}_{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def create_database(
    admin_url: str, name: str, *, owner: str | None = None, template: str | None = None
) -> None:
    """Create a database with PostGIS unless it exists; only the extension needs the administrator."""
    with psycopg.connect(libpq(admin_url), autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            parts = [sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))]
            parts += [sql.SQL("OWNER {}").format(sql.Identifier(owner))] if owner else []
            parts += [sql.SQL("TEMPLATE {}").format(sql.Identifier(template))] if template else []
            connection.execute(sql.SQL(" ").join(parts))
    with psycopg.connect(libpq(admin_url), dbname=name, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")


def drop_database(admin_url: str, name: str) -> None:
    """Drop a database, connections and all."""
    with psycopg.connect(libpq(admin_url), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
