"""`wenlu up` as a person runs it: ready, stopped, killed, started again; each with the real programs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from portal.cli import home as home_folder
from portal.cli import places, processes
from portal.cli.servers import libpq

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAM = "import sys; from portal.cli.main import main; sys.exit(main())"
SMALL_CITY = str(CHECKOUT / "portal" / "demo" / "linhai")
START_SECONDS = 90
STOP_SECONDS = 10


class Up:
    """One `wenlu up` on a home folder of its own."""

    def __init__(self, home: Path, port: int, **environ: str) -> None:
        self.home, self.port = home, port
        self.output = home / "output.txt"
        plain = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL", "HOST"}}
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import sys; from portal.cli.main import main; sys.exit(main())",
                "up",
                "--city",
                SMALL_CITY,
            ],
            cwd=CHECKOUT,
            env=plain | {"WENLU_HOME": str(home), "PORT": str(port)} | environ,
            stdout=self.output.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def said(self) -> str:
        return self.output.read_text()

    def wait_until_ready(self) -> None:
        assert eventually(
            lambda: "Wenlu is ready" in self.said() or self.process.poll() is not None, START_SECONDS
        )
        assert self.process.poll() is None, self.said()

    def family(self) -> list[int]:
        """Every process below the supervisor, PostgreSQL's included."""
        parents = {pid: parent_of(pid) for pid in processes.process_ids()}
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return sorted(found - {self.process.pid})

    def stop(self, sign: signal.Signals) -> int:
        self.process.send_signal(sign)
        return self.process.wait(STOP_SECONDS)


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return -1


def eventually(happened: Callable[[], bool], seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def is_alive(pid: int) -> bool:
    return bool(processes.arguments(pid))


def listening_ports(pids: list[int]) -> set[int]:
    """TCP ports on which any of the processes listens."""
    inodes = set()
    for pid in pids:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            link = os.readlink(entry)
            inodes.add(link[8:-1] if link.startswith("socket:[") else "")
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        if (Path("/proc/net") / name).exists()
        for line in (Path("/proc/net") / name).read_text().splitlines()[1:]
    ]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and row[9] in inodes}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One home for all: the first start makes the cluster and loads the city, the others find both."""
    folder = Path(tempfile.mkdtemp(prefix="wenlu-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(places.socket_folder(folder), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Up]]:
    begun: list[Up] = []

    def begin(**environ: str) -> Up:
        begun.append(Up(home, free_port(), **environ))
        return begun[-1]

    yield begin
    for each in begun:
        if each.process.poll() is None:
            each.stop(signal.SIGTERM)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda sign: sign.name)
def test_serves_until_asked_to_stop_and_leaves_no_process(
    start: Callable[..., Up], sign: signal.Signals
) -> None:
    up = start()
    up.wait_until_ready()
    with urllib.request.urlopen(f"http://127.0.0.1:{up.port}/healthz", timeout=5) as answer:
        assert answer.status == 200
    family = up.family()
    assert len(family) >= 8, (
        "PostgreSQL and its parts, Redis, two web processes and their master, worker, relay, cron"
    )
    assert up.stop(sign) == 0
    assert not [pid for pid in family if is_alive(pid)]
    assert up.said().endswith("Stopped.\n")


def test_only_the_web_port_is_open_and_only_on_loopback(start: Callable[..., Up]) -> None:
    up = start()
    up.wait_until_ready()
    assert listening_ports([up.process.pid, *up.family()]) == {up.port}
    with socket.socket() as outside, pytest.raises(OSError, match="refused"):
        outside.connect(("127.0.0.2", up.port))


def test_https_with_a_certificate_of_its_own(start: Callable[..., Up]) -> None:
    up = start(HTTPS="1")
    up.wait_until_ready()
    assert f"ready at https://127.0.0.1:{up.port}" in up.said()
    trusting = ssl.create_default_context(cafile=str(up.home / "tls" / "authority.crt"))
    with urllib.request.urlopen(f"https://127.0.0.1:{up.port}/report", timeout=5, context=trusting) as page:
        assert page.status == 200
        assert page.headers["Strict-Transport-Security"] is None, "it would bind every other server here"
        assert "Secure" in page.headers["Set-Cookie"]


@pytest.mark.faults
def test_killed_outright_it_takes_its_children_along_and_starts_again(start: Callable[..., Up]) -> None:
    first = start()
    first.wait_until_ready()
    family = first.family()
    first.process.kill()
    first.process.wait()
    assert eventually(lambda: not any(map(is_alive, family)), STOP_SECONDS)
    assert places.socket_folder(first.home).exists(), "nobody tidied up after the kill"
    began = time.monotonic()
    second = start()
    second.wait_until_ready()
    assert time.monotonic() - began < 30


@pytest.mark.faults
def test_a_leftover_of_a_killed_supervisor_is_ended_by_the_next_start(
    start: Callable[..., Up], home: Path
) -> None:
    marked = os.environ | {processes.MARK: processes.short_hash(home)}
    foreign = os.environ | {processes.MARK: "another"}
    with (
        subprocess.Popen(["sleep", "120"], env=marked) as leftover,
        subprocess.Popen(["sleep", "120"], env=foreign) as bystander,
    ):
        start().wait_until_ready()
        assert leftover.poll() == -signal.SIGTERM
        assert bystander.poll() is None
        bystander.kill()


@pytest.mark.faults
@pytest.mark.parametrize("word", ["worker", "gunicorn", "postgres", "redis"])
def test_a_part_that_is_killed_comes_back(start: Callable[..., Up], word: str) -> None:
    up = start()
    up.wait_until_ready()
    children = [pid for pid in up.family() if parent_of(pid) == up.process.pid]
    victim = next(pid for pid in children if any(word in part for part in processes.arguments(pid)))
    os.kill(victim, signal.SIGKILL)
    assert eventually(lambda: "starting it again" in up.said())

    def is_back() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{up.port}/readyz", timeout=5) as answer:
                now = [pid for pid in up.family() if parent_of(pid) == up.process.pid]
                return answer.status == 200 and len(now) == len(children)
        except OSError:
            return False

    assert eventually(is_back, 30), up.said()


def test_a_second_start_on_the_same_home_says_so(start: Callable[..., Up]) -> None:
    first = start()
    first.wait_until_ready()
    second = Up(first.home, free_port())
    assert second.process.wait(10) == 1
    assert f"already running on {first.home} at http://127.0.0.1:{first.port}" in second.said()
    assert second.said().count("\n") == 1


def test_a_command_at_work_on_the_home_is_not_taken_for_a_portal(
    start: Callable[..., Up], home: Path
) -> None:
    with home_folder.held(home):
        up = start()
        assert up.process.wait(20) == 1
        assert f"another wenlu command is at work on {home}" in up.said()
    assert not home_folder.is_running(home)


def test_another_command_reaches_the_servers_of_a_running_home(start: Callable[..., Up], home: Path) -> None:
    from portal.settings import Settings

    up = start()
    up.wait_until_ready()
    with home_folder.reach_servers(Settings.from_environ({"WENLU_HOME": str(home)})) as (
        database_url,
        redis_url,
    ):
        with psycopg.connect(libpq(database_url)) as connection:
            row = connection.execute("SELECT id FROM jurisdiction").fetchone()
        assert row == ("linhai.example",)
        assert redis_url.startswith("unix://")
    assert up.stop(signal.SIGTERM) == 0
    with home_folder.reach_servers(Settings.from_environ({"WENLU_HOME": str(home)})) as (again, _):
        assert again == database_url
        psycopg.connect(libpq(again)).close()


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        pytest.param({"PORT": "0"}, "PORT must be from 1 to 65535", id="port out of range"),
        pytest.param({"PORT": "many"}, "PORT must be a whole number", id="port no number"),
        pytest.param({"HOST": "192.0.2.1"}, "cannot be used", id="address of another machine"),
        pytest.param(
            {
                "DATABASE_URL": "postgresql+psycopg://nobody@/none?host=/nowhere",
                "REDIS_URL": "unix:///nowhere/redis",
            },
            "the database cannot be used",
            id="database away",
        ),
    ],
)
def test_what_cannot_start_says_why_in_one_line(
    start: Callable[..., Up], environ: dict[str, str], message: str
) -> None:
    up = start(**environ)
    assert up.process.wait(30) == 1
    assert message in up.said()
    lines = [line for line in up.said().splitlines() if not line.startswith("Preparing")]  # on a slow machine
    assert len(lines) == 1, up.said()


def test_a_busy_port_is_named(start: Callable[..., Up]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        up = start(PORT=str(port))
        assert up.process.wait(30) == 1
        assert f"port {port} on 127.0.0.1 cannot be used (Address already in use)" in up.said()
        assert not up.family()
