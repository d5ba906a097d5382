"""How many reports a second come in through the whole stack, beside the barest app that writes the same rows.

The peer is Flask under the same gunicorn, writing as many rows in one prepared statement: no checks, no routing,
no hashes. Durable settings (fsync, synchronous_commit) for both; load generator on the same machine.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from portal.cli.database import migrate
from portal.cli.servers import PrivatePostgres, PrivateRedis
from portal.db import Database
from portal.operations.load_city import load_city_folder

CHECKOUT = Path(__file__).resolve().parents[2]
CLIENTS, SECONDS, ROUNDS = 8, 6.0, 3
AT_LEAST = 0.25  # of the barest app: what checks, routing, receipt and hashes may cost


@pytest.fixture(scope="module")
def environ() -> Iterator[dict[str, str]]:
    """A durable private installation with the demo city."""
    home = Path(tempfile.mkdtemp(prefix="wenlu-bench-"))
    home.chmod(0o711)
    postgres, redis = PrivatePostgres(home), PrivateRedis(home)
    postgres.start()
    redis.start()
    url = postgres.ensure_database("wenlu_bench")
    migrate(url)
    database = Database(url)
    load_city_folder(database, CHECKOUT / "portal" / "demo" / "linhai")
    database.dispose()
    yield os.environ | {"DATABASE_URL": url, "REDIS_URL": redis.url(), "WENLU_HOME": str(home),
                        "UNLIMITED_NETWORKS": "127.0.0.0/8"}  # fmt: skip
    redis.stop()
    postgres.stop()


@contextmanager
def served(application: str, port: int, environ: dict[str, str]) -> Iterator[int]:
    """A gunicorn with two workers for the length of a block."""
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2",
               "--threads", "4", "--worker-class", "gthread", "--log-level", "warning", application]  # fmt: skip
    server = subprocess.Popen(command, cwd=CHECKOUT, env=environ)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                post(http.client.HTTPConnection("127.0.0.1", port, timeout=5))
                break
            except OSError:
                time.sleep(0.2)
        yield port
    finally:
        server.terminate()
        server.wait(15)


def post(connection: http.client.HTTPConnection) -> int:
    """One report somewhere in the middle of the demo city."""
    lon, lat = random.uniform(121.54, 121.58), random.uniform(29.19, 29.23)
    body = {
        "service_code": "pothole", "lon": lon, "lat": lat, "accuracy_m": 10,
        "description": "A hole in the road", "answers": {"depth": "large"},
        "client_request_id": str(uuid.uuid4()),
    }  # fmt: skip
    connection.request("POST", "/api/v1/reports", json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def rate(port: int) -> float:
    """Reports stored a second by a few clients over kept-alive connections, for a bounded time."""
    counts = [0] * CLIENTS
    stop_at = time.monotonic() + SECONDS

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.monotonic() < stop_at:
            assert post(connection) == 201
            counts[number] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - began)


@pytest.mark.timeout(300)
def test_intake_beside_the_barest_app(environ: dict[str, str]) -> None:
    ours, bare = [], []
    for _ in range(ROUNDS):
        with served("portal.app:create_app()", 18_431, environ) as port:
            ours.append(rate(port))
        with served("tests.bench.bare_app:app", 18_432, environ) as port:
            bare.append(rate(port))
    ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    print(
        f"\nintake: {statistics.median(ours):.0f} reports/s; barest app {statistics.median(bare):.0f}/s; "
        f"ratio {ratio:.2f} (median of {ROUNDS} pairs)"
    )
    assert ratio >= AT_LEAST
