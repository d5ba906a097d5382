"""Knows how to run everything on one machine: private servers, database, city, web, worker, relay and cron."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import ssl
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from types import FrameType

import click

from portal.cli import home, places, processes, supervisor
from portal.cli.certificate import local_certificate
from portal.cli.home import Running
from portal.cli.places import ServerError
from portal.cli.processes import Command
from portal.cli.servers import PrivatePostgres, PrivateRedis, database_name
from portal.cli.supervisor import Program
from portal.settings import Settings

CODE = Path(__file__).resolve().parents[2]
ACCOUNTS = "demo_accounts.json"
DEMO_CITY = CODE / "portal" / "demo" / "lanpu"
READY_SECONDS = 90.0
PATIENCE_SECONDS = 3.0
LAST_PORT = 65535


@click.command()
@click.option(
    "--city",
    type=click.Path(path_type=Path),
    metavar="PACK",
    help="Folder of the city; the demo city if none.",
)
@click.option("--port", type=int, metavar="N", help="Port of the web server; PORT, or 8000.")
def up(city: Path | None, port: int | None) -> None:
    """Start everything: database, queue, web, workers and the clock. Ctrl-C stops it."""
    environ = dict(os.environ) | ({"PORT": str(port)} if port is not None else {})
    places.make_home(Path(environ.get("WENLU_HOME") or ".local"))
    try:
        with stop_signals(), contextlib.ExitStack() as stack:
            serve(Settings.from_environ(environ), (city or DEMO_CITY).resolve(), stack)
    except KeyboardInterrupt:
        click.echo("Stopped.")


def serve(settings: Settings, pack: Path, stack: contextlib.ExitStack) -> None:
    """Start all parts in their order; what is started stops, in the opposite order, when the stack closes."""
    began = time.monotonic()
    jurisdiction = read_jurisdiction(pack)
    stack.enter_context(home.held(settings.home))
    mark = processes.short_hash(settings.home)
    end_marked(mark, signal.SIGTERM)
    check_port(settings)
    servers = home.start_private(stack, settings, jurisdiction)
    settings = with_certificate(with_servers(settings, jurisdiction, servers))
    programs = make_programs(settings, pack, mark)
    stack.callback(end_marked, mark, signal.SIGKILL)  # what the programs themselves left
    stack.callback(supervisor.stop_all, programs)
    prepare(settings, pack, mark)
    web, *others = programs
    web.start()
    supervisor.wait_until(lambda: is_ready(settings), web, READY_SECONDS)
    for program in others:  # not before: they would slow down what a person waits for
        program.start()
    home.note_run(
        settings.home,
        Running(os.getpid(), settings.public_url, jurisdiction, settings.database_url, settings.redis_url),
    )
    for server in servers:
        if isinstance(server, PrivatePostgres) and server.note:
            click.echo(f"Note: {server.note}.")
    if (accounts := settings.home / ACCOUNTS).exists() and settings.is_loopback:
        click.echo(f"Demo accounts and their passwords: {accounts}")
    click.echo(
        f"Wenlu is ready at {settings.public_url} ({time.monotonic() - began:.0f} s). Ctrl-C stops it."
    )
    supervisor.watch([*servers, *programs], click.echo)


def end_marked(mark: str, first: signal.Signals) -> None:
    """End what a supervisor of this home started and that outlived it."""
    processes.end_leftovers(lambda pid: processes.is_marked(pid, mark), first)


@contextlib.contextmanager
def stop_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal stop us as Ctrl-C does, by way of KeyboardInterrupt."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        ignore_signals()  # the way out is not interrupted again; it takes ten seconds at most
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_signals() -> None:
    """From here on only kill -9 stops us."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def read_jurisdiction(pack: Path) -> str:
    """The jurisdiction id in a pack's city.toml; ServerError names the file when it cannot be read."""
    path = pack / "city.toml"
    try:
        return str(tomllib.loads(path.read_text(encoding="utf-8"))["jurisdiction_id"])
    except OSError as error:
        raise ServerError(f"{path} cannot be read: {error.strerror}") from None
    except KeyError:
        raise ServerError(f"{path} names no jurisdiction_id") from None
    except ValueError as error:
        raise ServerError(f"{path}: {error}") from None


def check_port(settings: Settings) -> None:
    """ServerError when the web server could not listen."""
    if not 1 <= settings.port <= LAST_PORT:
        raise ServerError(f"PORT must be from 1 to {LAST_PORT}, not {settings.port}")
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            where = f"port {settings.port} on {settings.host}"
            raise ServerError(
                f"{where} cannot be used ({error.strerror}); choose another with PORT="
            ) from None


def with_servers(
    settings: Settings, jurisdiction: str, servers: list[PrivatePostgres | PrivateRedis]
) -> Settings:
    """The settings that the programs get: the addresses of the private servers filled in."""
    database_url, redis_url = settings.database_url, settings.redis_url
    for server in servers:
        if isinstance(server, PrivatePostgres):
            database_url = server.ensure_database(database_name(jurisdiction))
        else:
            redis_url = server.url()
    return replace(settings, jurisdiction=jurisdiction, database_url=database_url, redis_url=redis_url)


def with_certificate(settings: Settings) -> Settings:
    """The settings with a certificate of this machine's own, where HTTPS is wanted and nobody else sees to it."""
    if not settings.is_https or settings.trusted_proxies or settings.tls_certificate:
        return settings
    made = local_certificate(settings.home / "tls", settings.host)
    click.echo(f"HTTPS with a certificate of our own; phones trust it once they have {made.authority}")
    return replace(settings, tls_certificate=str(made.certificate), tls_key=str(made.key))


def make_programs(settings: Settings, pack: Path, mark: str) -> list[Program]:
    """Web first, then worker, relay and cron, each with a log of its own; and the rest of the demo city's year."""
    web = ["gunicorn", "--config", str(CODE / "portal/deploy/gunicorn.conf.py"), "portal.app:create_app()"]
    argvs = {"web": web} | {name: ["jobs", name] for name in ("worker", "relay", "cron")}
    programs = [Program(name, _python(settings, mark, name, argv)) for name, argv in argvs.items()]
    if settings.has_demo_life and pack == DEMO_CITY.resolve():
        living = _python(settings, mark, "life", ["portal.cli.demo_life"])
        programs.append(Program("life", living, may_end=True))
    return programs


def _python(settings: Settings, mark: str, name: str, argv: list[str]) -> Command:
    return Command(
        argv=[sys.executable, "-m", *argv],
        log=settings.home / "log" / f"{name}.log",
        env=dict(os.environ) | settings.as_environ() | {processes.MARK: mark, "PYTHONUNBUFFERED": "1"},
        cwd=CODE,
    )


def prepare(settings: Settings, pack: Path, mark: str) -> None:
    """Migrate and load the city in a process of its own, saying each step; ServerError with what it said."""
    arguments = ["portal.cli.prepare", str(pack)]
    preparing = Program("prepare", _python(settings, mark, "prepare", arguments))
    log = preparing.command.log
    start = said = log.stat().st_size if log.exists() else 0
    preparing.start()
    say_at = time.monotonic() + PATIENCE_SECONDS
    try:
        while preparing.is_running():
            if time.monotonic() > say_at:
                said = _echo_steps(log, said)
            time.sleep(0.03)
    finally:
        supervisor.stop_all([preparing])
    if preparing.process is not None and preparing.process.returncode:
        raise ServerError(_complaint(log, start))


def _complaint(log: Path, start: int) -> str:
    """What a log says from byte `start` on, its steps left out."""
    lines = log.read_bytes()[start:].decode("utf-8", "replace").splitlines()
    return "\n".join([line for line in lines if not line.startswith(processes.PREPARING)][-4:])


def _echo_steps(log: Path, start: int) -> int:
    """Say the steps that a log tells of from byte `start`; how far it was read."""
    with log.open("rb") as stream:
        stream.seek(start)
        for line in stream.read().decode("utf-8", "replace").splitlines():
            if line.startswith(processes.PREPARING):
                click.echo(line)
        return stream.tell()


def is_ready(settings: Settings) -> bool:
    """Whether the web server says that its database, queue and index are there."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    named = {"Host": settings.trusted_hosts[0].lstrip(".")} if settings.trusted_hosts else {}
    link = _link(settings, host)
    try:
        link.request("GET", "/readyz", headers=named)
        return link.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def _link(settings: Settings, host: str) -> http.client.HTTPConnection:
    """A connection to our own web server; not urllib: that would ask a proxy."""
    if not settings.tls_certificate:
        return http.client.HTTPConnection(host, settings.port, timeout=5)
    # It is our own process on this machine; the certificate names what residents type, maybe not this address.
    tls = ssl._create_unverified_context()  # noqa: S323
    return http.client.HTTPSConnection(host, settings.port, timeout=5, context=tls)
