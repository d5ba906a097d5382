"""The private servers: they start for one home, open no TCP port, survive a kill, and leave nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from portal.cli import places, processes
from portal.cli.places import ServerError
from portal.cli.servers import PrivatePostgres, PrivateRedis, database_name, libpq

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="wenlu-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(places.socket_folder(folder), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(home: Path) -> Iterator[PrivatePostgres]:
    server = PrivatePostgres(home, {"fsync": "off"})
    server.start()
    yield server
    server.stop()


def query(server: PrivatePostgres, statement: str, database: str = "postgres") -> object:
    with psycopg.connect(libpq(server.url(database, user="postgres")), autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
        assert row is not None
        return row[0]


def tcp_listeners() -> set[str]:
    return {
        line.split()[9]
        for name in ("tcp", "tcp6")
        for line in (Path("/proc/net") / name).read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }


def open_sockets(pid: int) -> set[str]:
    links = (os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir())
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def wait_for(happened: object, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while not happened():  # type: ignore[operator]
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_postgres_has_postgis_utf8_and_durable_settings(home: Path) -> None:
    server = PrivatePostgres(home)
    server.start()
    try:
        url = server.ensure_database("wenlu_linhai.example")
        assert url == server.ensure_database("wenlu_linhai.example"), "a second call finds it"
        assert str(query(server, "SELECT postgis_lib_version()", "wenlu_linhai.example")).startswith("3.")
        assert query(server, "SHOW server_encoding") == "UTF8"
        assert query(server, "SELECT datcollate FROM pg_database LIMIT 1") == "C.UTF-8"
        assert [query(server, f"SHOW {name}") for name in ("fsync", "synchronous_commit")] == ["on", "on"]
        with psycopg.connect(libpq(url)) as connection:
            row = connection.execute(
                "SELECT current_user, usesuper FROM pg_user WHERE usename = current_user"
            )
            assert row.fetchone() == ("wenlu", False), "the portal's own role is no superuser"
    finally:
        server.stop()


def test_servers_listen_on_no_tcp_port(postgres: PrivatePostgres, home: Path) -> None:
    redis = PrivateRedis(home)
    redis.start()
    try:
        for server in (postgres, redis):
            assert server.process is not None
            assert not open_sockets(server.process.pid) & tcp_listeners()
    finally:
        redis.stop()


def test_a_running_server_is_not_started_twice(postgres: PrivatePostgres) -> None:
    assert postgres.process is not None
    before = postgres.process.pid
    postgres.start()
    assert postgres.process.pid == before


def test_root_does_not_run_the_database(postgres: PrivatePostgres) -> None:
    assert postgres.process is not None
    owner = os.stat(f"/proc/{postgres.process.pid}").st_uid
    assert owner == (postgres.account.uid if postgres.account else os.geteuid())
    assert owner != 0
    assert postgres.sockets.stat().st_mode & 0o077 == 0


@pytest.mark.faults
def test_a_killed_postmaster_leaves_nothing_that_stops_the_next(home: Path) -> None:
    first = PrivatePostgres(home)
    first.start()
    query(first, "SELECT 1 FROM (SELECT set_config('a.b', 'c', false)) s")
    assert first.process is not None
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    (first.data / "postmaster.pid").write_text(
        f"{os.getpid()}\n{first.data}\n"
    )  # its number went to another program
    second = PrivatePostgres(home)
    second.start()
    try:
        assert query(second, "SELECT 1") == 1
    finally:
        second.stop()
    assert not [pid for pid in processes.process_ids() if processes.works_in(pid, first.data)]


@pytest.mark.faults
def test_redis_keeps_its_queue_when_killed(home: Path) -> None:
    first = PrivateRedis(home)
    first.start()
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(first.socket))
        link.sendall(b"SET report 7\r\n")
        assert link.recv(16) == b"+OK\r\n"
    time.sleep(1.2)  # the file is flushed every second
    assert first.process is not None
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    second = PrivateRedis(home)
    second.start()
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(second.socket))
            link.sendall(b"GET report\r\n")
            assert link.recv(32) == b"$1\r\n7\r\n"
    finally:
        second.stop()


OWNER_PROGRAM = """
import pathlib, sys, time
from portal.cli.servers import PrivatePostgres, PrivateRedis
home = pathlib.Path(sys.argv[1])
servers = [PrivatePostgres(home), PrivateRedis(home)]
for server in servers:
    server.start()
print(*(server.process.pid for server in servers), flush=True)
time.sleep(60)
"""


@pytest.mark.faults
def test_servers_end_with_an_owner_that_is_killed(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER_PROGRAM, str(home)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 2
        owner.kill()
    assert wait_for(lambda: not any(processes.arguments(pid) for pid in pids)), "they outlived their owner"


def test_a_process_that_is_not_ours_is_left_alone(home: Path) -> None:
    with subprocess.Popen(["sleep", "30"], cwd=home) as bystander:
        data = home / "postgres"
        assert processes.end_leftovers(lambda pid: processes.works_in(pid, data), signal.SIGTERM) == 0
        assert bystander.poll() is None
        bystander.kill()


@pytest.mark.parametrize(
    ("jurisdiction", "expected"),
    [
        pytest.param("linhai.example", "wenlu_linhai.example", id="as it is"),
        pytest.param("boston-ma", "wenlu_boston-ma", id="hyphen"),
    ],
)
def test_database_names(jurisdiction: str, expected: str) -> None:
    assert database_name(jurisdiction) == expected


@pytest.mark.parametrize("jurisdiction", ["深圳", "a/b?host=/tmp", 'x"; DROP', "long." * 30])
def test_database_names_of_awkward_ids_are_safe_and_distinct(jurisdiction: str) -> None:
    name = database_name(jurisdiction)
    assert len(name.encode()) <= 63
    assert name.isascii()
    assert not set(name) & set("/?\"'; ")
    assert name != database_name(jurisdiction + "x")


def test_socket_paths_stay_short_in_a_deep_home(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    assert len(str(places.socket_folder(deep) / ".s.PGSQL.5432.lock")) <= 107


def test_two_homes_have_two_socket_folders(tmp_path: Path) -> None:
    assert places.socket_folder(tmp_path / "a") != places.socket_folder(tmp_path / "b")


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "sockets"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    with pytest.raises(ServerError, match="not a private folder"):
        places.make_socket_folder(folder, processes.unprivileged_account())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes to another account")
def test_a_home_closed_to_the_account_puts_the_cluster_elsewhere(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    server = PrivatePostgres(tmp_path / "home")
    try:
        assert server.data.is_relative_to("/var/lib/wenlu")
        assert str(server.data) in server.note
    finally:
        shutil.rmtree(server.place, ignore_errors=True)


def test_a_missing_version_is_named() -> None:
    with pytest.raises(ServerError, match="PostgreSQL 9 with PostGIS is not installed"):
        places.postgres_programs("9")
