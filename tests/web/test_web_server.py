"""The web server with several workers: figures that add up, and an access log that cannot be forged."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Server:
    """A running gunicorn with two workers; one connection for each request."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    stale: Path

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path)
        answer = connection.getresponse()
        found = answer.status, answer.read().decode()
        connection.close()
        return found

    def figure(self, wanted: str) -> float:
        """One line of the metrics."""
        _, figures = self.get("/metrics")
        (value,) = re.findall(rf"^{re.escape(wanted)} (\S+)$", figures, re.MULTILINE)
        return float(value)


@pytest.fixture(scope="module")
def server(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The application of this module behind the real server, with the real configuration."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("log") / "access"
    settings = app.extensions["wenlu"].settings
    environ = os.environ | settings.as_environ() | {"PORT": str(port), "WEB_CONCURRENCY": "2"}
    stale = tmp_path_factory.mktemp("stale")
    environ["PROMETHEUS_MULTIPROC_DIR"] = str(stale)
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        "portal/deploy/gunicorn.conf.py",
        "portal.app:create_app()",
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=CHECKOUT, env=environ, stdout=out, stderr=out)
        found = Server(port, process, log, stale)
        try:
            wait_until_served(found)
            yield found
        finally:
            process.terminate()
            process.wait(20)


def wait_until_served(server: Server) -> None:
    for _ in range(150):
        try:
            if server.get("/healthz")[0] == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(server.log.read_text())


def workers_of(server: Server) -> list[int]:
    pid = server.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_figures_are_those_of_all_workers(server: Server) -> None:
    counted = 'wenlu_requests_total{method="GET",route="/units",status="200"}'
    for _ in range(20):
        assert server.get("/units")[0] == 200
    assert {server.figure(counted) for _ in range(8)} == {20.0}
    os.kill(workers_of(server)[0], signal.SIGTERM)
    time.sleep(2)
    server.get("/units")
    assert {server.figure(counted) for _ in range(8)} == {21.0}
    _, figures = server.get("/metrics")
    assert len(re.findall(r"^wenlu_outbox_waiting(?:\{.*\})? ", figures, re.MULTILINE)) == 1
    assert list(server.stale.iterdir()) == [], "a folder that an earlier server may have used"


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        pytest.param(
            "/r/A%0a%5b20%5d%20GET%20/forged%20200", "/r/A%0a%5b20%5d%20GET%20/forged%20200", id="a new line"
        ),
        pytest.param("/r/%1b%5b31m", "/r/%1b%5b31m", id="an escape"),
        pytest.param("/r/A/open/code-of-a-link", "/r/A/open/***", id="a one-time link"),
        pytest.param("/r/A/%6fpen/code-of-a-link", "/r/A/open/***", id="the same, written otherwise"),
        pytest.param("/r/B?number=13812345678", "/r/B", id="a query"),
        pytest.param("/r/%E8%A1%97", "/r/%E8%A1%97", id="Chinese"),
    ],
)
def test_a_line_of_the_log(server: Server, path: str, logged: str) -> None:
    start = server.log.stat().st_size
    server.get(path)
    written = f" GET {logged} "
    for _ in range(100):
        # A line of an earlier request may still be on its way: only those of this test are looked at.
        lines = [
            line
            for line in log_since(server, start)
            if " GET /metrics " not in line and " GET /units " not in line
        ]
        if lines:
            break
        time.sleep(0.05)
    (line,) = lines
    assert written in line


def log_since(server: Server, start: int) -> list[str]:
    with server.log.open() as log:
        log.seek(start)
        return [line for line in log.read().splitlines() if " GET " in line]
