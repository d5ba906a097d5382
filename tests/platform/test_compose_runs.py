"""docker-compose.yml as compose itself reads it, and its commands as processes with its environment."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
NEEDED = (
    "POSTGRES_PASSWORD", "WENLU_DB_PASSWORD", "REDIS_PASSWORD", "WENLU_SECRET_KEY", "WENLU_DOMAIN",
)  # fmt: skip
GIVEN = {name: f"given-{name.lower()}" for name in NEEDED} | {"WENLU_DOMAIN": "city.example"}
PROGRAMS = ("web", "worker", "relay", "cron")
pytestmark = pytest.mark.timeout(120)


def compose(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("docker-compose is not installed; `make test` installs it where apt has it")
    return subprocess.run(
        [program, "--file", str(CHECKOUT / "docker-compose.yml"), "config"],
        env={"PATH": os.environ["PATH"]} | environ, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    found = compose(GIVEN)
    assert found.returncode == 0, found.stderr
    read: dict[str, dict[str, Any]] = yaml.safe_load(found.stdout)["services"]
    return read


@pytest.mark.parametrize("missing", NEEDED)
def test_it_does_not_start_without(missing: str) -> None:
    found = compose({name: value for name, value in GIVEN.items() if name != missing})
    assert found.returncode != 0
    assert missing in found.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def run(
    services: dict[str, dict[str, Any]], database_url: str, redis_url: str, tmp_path: Path
) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Start the command of a service with its environment; only the addresses of the servers are ours."""
    here = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "WENLU_HOME": str(tmp_path)}
    here |= {"PORT": str(free_port()), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    begun: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> subprocess.Popen[bytes]:
        said = (tmp_path / f"{name}.log").open("wb")
        environ = {key: str(value) for key, value in services[name]["environment"].items()} | here
        begun.append(
            subprocess.Popen(services[name]["command"], cwd=CHECKOUT, env=environ, stdout=said, stderr=said)
        )
        return begun[-1]

    start.port = int(here["PORT"])  # type: ignore[attr-defined]
    yield start
    for process in begun:
        process.terminate()
    for process in begun:
        process.wait(20)


def test_the_commands_of_the_services_serve_a_city(run: Any, tmp_path: Path) -> None:
    assert run("prepare").wait(60) == 0, (tmp_path / "prepare.log").read_text()
    programs = [run(name) for name in PROGRAMS]
    until = time.monotonic() + 30
    while ask(run.port, "/readyz")[0] != 200:
        assert time.monotonic() < until, (tmp_path / "web.log").read_text()
        time.sleep(0.1)
    status, headers = ask(run.port, "/report")
    assert (status, "Strict-Transport-Security" in headers) == (200, True)
    assert "Secure" in headers["Set-Cookie"]
    assert ask(run.port, "/report", host="elsewhere.example")[0] == 400
    assert [process.poll() for process in programs] == [None] * len(PROGRAMS), "nobody ended"


def ask(port: int, path: str, host: str = "city.example") -> tuple[int, dict[str, str]]:
    """A request as the proxy passes it on."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    told = {
        "Host": host,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": host,
    }
    try:
        link.request("GET", path, headers=told)
        answer = link.getresponse()
        return answer.status, dict(answer.getheaders())
    except OSError:
        return 0, {}
    finally:
        link.close()
