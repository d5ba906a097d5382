"""docker-compose.yml as compose itself reads it, and its commands as processes with its environment."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis
from redis.exceptions import AuthenticationError

from portal.cli.places import redis_program
from portal.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[2]
NEEDED = (
    "POSTGRES_PASSWORD", "WENLU_DB_PASSWORD", "REDIS_PASSWORD", "WENLU_SECRET_KEY", "WENLU_DOMAIN", "WENLU_CITY",
)  # fmt: skip
CITY = CHECKOUT / "portal/demo/linhai"
GIVEN = {name: f"given-{name.lower()}" for name in NEEDED}
GIVEN |= {"WENLU_DOMAIN": "city.example", "WENLU_CITY": str(CITY)}
SEVERAL = {
    "MACHINE_ADDRESS": "10.0.0.11", "DB_HOST": "10.0.0.10", "REDIS_HOST": "10.0.0.10",
    "FILES_SERVER": "10.0.0.10", "FILES_FOLDER": "/srv/files",
}  # fmt: skip
PROGRAMS = ("web", "worker", "relay", "cron")
pytestmark = pytest.mark.timeout(120)


def compose(environ: dict[str, str], *more: str) -> subprocess.CompletedProcess[str]:
    """What compose makes of the file, and of `more` laid over it, whatever .env a developer has."""
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("docker-compose is not installed; `make test` installs it where apt has it")
    files = [word for name in ("docker-compose.yml", *more) for word in ("--file", str(CHECKOUT / name))]
    with tempfile.NamedTemporaryFile(prefix="wenlu-env-") as nothing:
        return subprocess.run(
            [program, "--env-file", nothing.name, *files, "config"],
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


def test_what_is_not_given_stays_at_its_default(services: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    home = {"WENLU_HOME": str(tmp_path)}
    told, plain = Settings.from_environ(services["web"]["environment"] | home), Settings.from_environ(home)
    fields = Settings.__dataclass_fields__.items()
    differing = {spec.metadata["env"] for key, spec in fields if getattr(told, key) != getattr(plain, key)}
    assert differing == {
        "DATABASE_URL", "REDIS_URL", "WENLU_PUBLIC_URL", "WENLU_SECRET_KEY", "TRUSTED_HOSTS", "TRUSTED_PROXIES",
        "HTTPS",
    }  # fmt: skip


def test_what_is_given_arrives_as_it_was_written() -> None:
    """Addresses, JSON and lists; and how many of each there are."""
    given = {
        "WENLU_OLD_SECRET_KEYS": "older, oldest", "SMS_HEADERS": '{"Authorization": "Bearer x#1"}',
        "SMS_BODY": '{"to": "{to}"}', "DIRECTIONS_URL": "https://maps.example/?q={lat},{lon}",
        "MAX_UPLOAD_MB": "12", "UNLIMITED_NETWORKS": "", "TRUSTED_HOSTS": "other.example", "WEB_SCALE": "3",
    }  # fmt: skip
    services = yaml.safe_load(compose(GIVEN | given).stdout)["services"]
    settings = Settings.from_environ(services["worker"]["environment"])
    assert settings.old_secret_keys == ("older", "oldest")
    assert (settings.sms_headers, settings.sms_body) == (given["SMS_HEADERS"], given["SMS_BODY"])
    assert (settings.directions_url, settings.max_upload_mb) == (given["DIRECTIONS_URL"], 12)
    assert settings.unlimited_networks == ()
    assert {"city.example", "other.example"} <= set(settings.trusted_hosts)
    assert str(services["proxy"]["environment"]["MAX_UPLOAD_MB"]) == "12"
    assert services["web"]["scale"] == 3


def test_on_several_machines_the_parts_find_each_other() -> None:
    found = compose(GIVEN | SEVERAL, "portal/deploy/several.yml")
    assert found.returncode == 0, found.stderr
    read = yaml.safe_load(found.stdout)
    services = read["services"]
    settings = Settings.from_environ(services["worker"]["environment"])
    assert "@10.0.0.10/wenlu" in settings.database_url
    assert "@10.0.0.10/0" in settings.redis_url
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert {name: str(ports).count("10.0.0.11") for name, ports in published.items()} == {
        "proxy": 0, "db": 1, "redis": 1, "web": 1,
    }  # fmt: skip
    assert all("default" in services[name]["networks"] for name in ("db", "redis")), (
        "published, so not internal"
    )
    for name in ("prepare", *PROGRAMS):
        assert "files:/data:nocopy" in services[name]["volumes"], "NFS lets nobody else change the owner"
    assert read["volumes"]["files"]["driver_opts"]["device"] == ":/srv/files"
    for missing in ("MACHINE_ADDRESS", "FILES_SERVER", "FILES_FOLDER"):
        partly = {name: value for name, value in SEVERAL.items() if name != missing}
        assert missing in compose(GIVEN | partly, "portal/deploy/several.yml").stderr


def test_the_queue_asks_for_its_password(services: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """Its command as a process, on a socket instead of a port; nobody reads the password among its arguments."""
    shell, flag, script = services["redis"]["command"]
    script = script.replace("$$", "$")
    assert GIVEN["REDIS_PASSWORD"] not in script
    socket_path = tmp_path / "redis.sock"
    started = f"exec -a redis-server {redis_program()} --port 0 --unixsocket {socket_path}"
    script = re.sub(r"^exec redis-server", started, script)
    environ = {"PATH": os.environ["PATH"]} | services["redis"]["environment"]
    process = subprocess.Popen(
        [shutil.which("bash") or shell, flag, script], cwd=tmp_path, env=environ, stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 20
        while not socket_path.exists():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        assert Redis(unix_socket_path=str(socket_path), password=GIVEN["REDIS_PASSWORD"]).ping()
        with pytest.raises(AuthenticationError):
            Redis(unix_socket_path=str(socket_path)).ping()
        assert GIVEN["REDIS_PASSWORD"] not in Path(f"/proc/{process.pid}/cmdline").read_text()
    finally:
        process.terminate()
        process.wait(20)


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
        command = [str(CITY) if word == "/city" else word for word in services[name]["command"]]
        begun.append(subprocess.Popen(command, cwd=CHECKOUT, env=environ, stdout=said, stderr=said))
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
