"""The container files: every command exists, every setting arrives, no secret has a default, no right is left over."""

from __future__ import annotations

import ast
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from portal.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "wenlu"}
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


def test_the_city_is_the_deployers() -> None:
    """No demo by default; the one that is named for a try is there."""
    source = OURS["prepare"]["volumes"][-1]["source"]
    assert source.startswith("${WENLU_CITY:?")
    named = re.search(r"(\./\S+) to try\}$", source)
    assert named
    assert (CHECKOUT / named[1] / "city.toml").is_file()
    assert OURS["prepare"]["command"][-1] == OURS["prepare"]["volumes"][-1]["target"]


def test_one_service_builds_the_image_of_all() -> None:
    """Builders that work at once refuse to write one name twice."""
    assert [name for name, service in SERVICES.items() if "build" in service] == ["prepare"]
    assert {name for name, service in OURS.items() if service.get("pull_policy") == "never"} == (
        set(OURS) - {"prepare"}
    )


def test_every_documented_setting_reaches_the_programs() -> None:
    """Under its own name from .env, but for those that the README excepts."""
    said = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    table = said.partition("\n## Settings\n")[2].partition("\n## Deploying\n")[0]
    rows = re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert {spec.metadata["env"] for spec in Settings.__dataclass_fields__.values()} <= documented
    sentence = re.search(r"Exceptions: (.+?)\. ", said)
    assert sentence
    excepted = set(re.findall(r"`([A-Z_]+)`", sentence[1]))
    for service in OURS.values():
        passed = {name for name, value in service["environment"].items() if f"${{{name}" in value}
        assert documented - passed == excepted
        assert {"DATABASE_URL", "REDIS_URL", "WENLU_PUBLIC_URL", "HTTPS"} <= set(service["environment"])


def test_the_proxy_is_given_what_its_file_reads() -> None:
    assert set(re.findall(r"\{\$(\w+)", CADDYFILE)) <= set(SERVICES["proxy"]["environment"])


def test_scaled_services_can_run_several_times() -> None:
    assert not any("container_name" in service for service in SERVICES.values())
    assert {name for name, service in SERVICES.items() if "scale" in service} == {"web", "worker"}
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert "dynamic a web 8000" in CADDYFILE, "the proxy asks who is there instead of knowing one"


def test_the_proxy_ends_tls_and_says_itself_who_asks() -> None:
    assert re.search(r"^\{\$WENLU_DOMAIN\} \{$", CADDYFILE, re.MULTILINE), "a bare name: TLS by itself"
    headers = set(re.findall(r"header_up (\S+)", CADDYFILE))
    assert headers == {"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}
    for service in OURS.values():
        told = service["environment"]
        assert (told["TRUSTED_PROXIES"], told["HTTPS"]) == ("${TRUSTED_PROXIES:-1}", "1")
        assert service["environment"]["WENLU_PUBLIC_URL"].startswith("https://${WENLU_DOMAIN:?")


def test_every_service_is_bounded() -> None:
    """In memory, and in what its log may fill."""
    assert {name for name, service in SERVICES.items() if "mem_limit" not in service} == set()
    for service in SERVICES.values():
        assert {"max-size", "max-file"} <= set(service["logging"]["options"])


def test_no_secret_has_a_default() -> None:
    found = re.findall(r"\$\{(\w+)([^}]*)\}", (CHECKOUT / "docker-compose.yml").read_text())
    words = re.compile("PASSWORD|SECRET|KEY|TOKEN|SMTP_URL|SMS_URL")
    secret = {(name, rest) for name, rest in found if words.search(name)}
    optional = {name for name, rest in secret if rest == ":-"}
    assert optional == {"WENLU_OLD_SECRET_KEYS", "METRICS_TOKEN", "SMTP_URL", "SMS_URL"}
    needed = {name for name, rest in secret if rest.startswith(":?")}
    assert needed == {"POSTGRES_PASSWORD", "WENLU_DB_PASSWORD", "REDIS_PASSWORD", "WENLU_SECRET_KEY"}
    assert {name for name, _ in secret} == optional | needed


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
    listed = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    short = [re.sub(r"^\$\{\w+:-(.+?)\}", r"\1", volume) for volume in listed if isinstance(volume, str)]
    used = {volume.partition(":")[0] for volume in short}
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


def test_nothing_has_more_rights_than_it_needs() -> None:
    for service in SERVICES.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert {name: service["cap_add"] for name, service in SERVICES.items() if "cap_add" in service} == {
        "proxy": ["NET_BIND_SERVICE"]
    }
    assert {name for name, service in SERVICES.items() if "user" in service} == {"db", "redis"}
    assert instructions("USER")[-1] == "wenlu"
    assert instructions("HEALTHCHECK")


def test_only_the_portal_reaches_its_database_and_queue() -> None:
    assert COMPOSE["networks"]["data"]["internal"]
    reaching = {name: set(service.get("networks", ["default"])) for name, service in SERVICES.items()}
    assert {name: found for name, found in reaching.items() if name not in OURS} == {
        "proxy": {"default"}, "db": {"data"}, "redis": {"data"},
    }  # fmt: skip


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
