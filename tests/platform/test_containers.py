"""The container files: every command in them exists, no secret has a default, nothing runs as root."""

from __future__ import annotations

import ast
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = [
    line for line in (CHECKOUT / "Dockerfile").read_text().replace("\\\n", " ").splitlines() if line.strip()
]
CADDYFILE = (CHECKOUT / "portal/deploy/Caddyfile").read_text()
IGNORED = (CHECKOUT / ".dockerignore").read_text().splitlines()


def instructions(name: str) -> list[str]:
    return [line.split(None, 1)[1] for line in DOCKERFILE if line.startswith(f"{name} ")]


def commands() -> list[Any]:
    in_image = ast.literal_eval(instructions("CMD")[-1])
    listed = {"the image": in_image} | {name: service["command"] for name, service in OURS.items()}
    return [pytest.param(argv, id=name) for name, argv in listed.items()]


def job_processes() -> set[str]:
    tree = ast.parse((CHECKOUT / "jobs" / "__main__.py").read_text())
    calls = (
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    )
    return {call.args[0].value for call in calls if call.func.attr == "add_parser"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("argv", commands())
def test_every_command_is_an_entry_point_that_exists(argv: list[str]) -> None:
    program, *rest = argv
    if program == "gunicorn":
        assert shutil.which("gunicorn", path=str(Path(sys.executable).parent))
        assert (CHECKOUT / rest[rest.index("--config") + 1]).is_file()
        module, _, factory = rest[-1].partition(":")
        source = (CHECKOUT / (module.replace(".", "/") + ".py")).read_text()
        assert f"def {factory.removesuffix('()')}(" in source
    else:
        assert (program, rest[0]) == ("python", "-m")
        path = CHECKOUT / rest[1].replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()
        assert rest[1] != "jobs" or rest[2] in job_processes()


def test_every_part_of_the_portal_is_a_service() -> None:
    assert {"db", "redis", "web", "worker", "relay", "cron"} <= set(SERVICES)
    assert {
        service["command"][-1] for service in OURS.values() if "jobs" in service["command"]
    } == job_processes()


def test_the_default_city_is_a_pack() -> None:
    default = re.search(r":-(.+)\}", OURS["prepare"]["command"][-1])
    assert default
    assert (CHECKOUT / default[1] / "city.toml").is_file()


def test_scaled_services_can_run_several_times() -> None:
    assert not any("container_name" in service for service in SERVICES.values())
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert "dynamic a web 8000" in CADDYFILE, "the proxy asks who is there instead of knowing one"


def test_the_proxy_ends_tls_and_says_itself_who_asks() -> None:
    assert re.search(r"^\{\$WENLU_DOMAIN\} \{$", CADDYFILE, re.MULTILINE), "a bare name: TLS by itself"
    headers = set(re.findall(r"header_up (\S+)", CADDYFILE))
    assert headers == {"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}
    for service in OURS.values():
        assert (service["environment"]["TRUSTED_PROXIES"], service["environment"]["HTTPS"]) == ("1", "1")
        assert service["environment"]["WENLU_PUBLIC_URL"].startswith("https://${WENLU_DOMAIN:?")


def test_every_service_has_a_limit_of_memory() -> None:
    assert {name for name, service in SERVICES.items() if "mem_limit" not in service} == set()


def test_no_secret_has_a_default() -> None:
    found = re.findall(r"\$\{(\w+)([^}]*)\}", (CHECKOUT / "docker-compose.yml").read_text())
    secret = {(name, rest) for name, rest in found if re.search("PASSWORD|SECRET|KEY", name)}
    assert {name for name, _ in secret} == {
        "POSTGRES_PASSWORD",
        "WENLU_DB_PASSWORD",
        "REDIS_PASSWORD",
        "WENLU_SECRET_KEY",
    }
    assert all(rest.startswith(":?") for _, rest in secret)


def test_everything_waits_for_what_it_needs() -> None:
    assert {name for name, service in SERVICES.items() if "test" in service.get("healthcheck", {})} == {
        "db",
        "redis",
        "proxy",
    }
    for name, service in OURS.items():
        waits = {other: condition["condition"] for other, condition in service["depends_on"].items()}
        migrated = {"prepare": "service_completed_successfully", "redis": "service_healthy"}
        assert waits == ({"db": "service_healthy"} if name == "prepare" else migrated)


def test_volumes_are_declared() -> None:
    used = {
        volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])
    }
    mounted = {name for name in used if name.startswith("./")}
    assert used - mounted == set(COMPOSE["volumes"])
    assert all((CHECKOUT / name).is_file() for name in mounted)


def test_the_portal_is_not_the_administrator_of_its_database() -> None:
    """An administrator keeps every right, so giving up UPDATE on events would mean nothing."""
    script = (CHECKOUT / "portal" / "deploy" / "database.sh").read_text()
    assert "CREATE ROLE wenlu LOGIN PASSWORD" in script
    assert "SUPERUSER" not in script
    assert "POSTGRES_USER" not in SERVICES["db"]["environment"]
    for service in OURS.values():
        assert "//wenlu:${WENLU_DB_PASSWORD:?" in service["environment"]["DATABASE_URL"]


def test_our_programs_have_no_more_rights_than_they_need() -> None:
    for service in OURS.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert instructions("USER")[-1] == "wenlu"
    assert instructions("HEALTHCHECK")


def test_images_name_no_registry_and_a_version() -> None:
    images = [line.split()[0] for line in instructions("FROM")]
    images += [service["image"] for name, service in SERVICES.items() if name not in OURS]
    for image in images:
        assert "." not in image.partition("/")[0] or "/" not in image
        assert re.search(r":\d", image), image


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    copied = [word for line in instructions("COPY") if "--from" not in line for word in line.split()[:-1]]
    assert {"geo", "routing", "portal", "jobs", "static"} <= set(copied)
    for name in copied:
        assert (CHECKOUT / name).exists(), name
        assert f"!{name}" in IGNORED, name


def test_only_what_is_named_enters_the_image() -> None:
    assert "*" in IGNORED
    assert not [line for line in IGNORED if re.match(r"!(\.|tests|data)", line)]
