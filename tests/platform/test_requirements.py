"""The pinned lists: complete, consistent with pyproject.toml, small, and free of addresses."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
MOST_BASE_DISTRIBUTIONS = 49  # 48 on a Python from 3.11.3 on


def pins(name: str) -> dict[str, str]:
    """Version by name; a line may end in a marker, because Debian 12 has a Python that needs one package more."""
    lines = [line for line in (CHECKOUT / name).read_text().splitlines() if line and not line.startswith("#")]
    wanted = [Requirement(line) for line in lines]
    assert all(re.match(r"[a-z0-9-]+==[0-9][\w.]*(; .+)?$", line) for line in lines), "a name, ==, a version"
    assert [each.name for each in wanted] == sorted(each.name for each in wanted)
    return {each.name: next(iter(each.specifier)).version for each in wanted}


BASE, EXTRA = pins("requirements.txt"), pins("requirements-dev.txt")


@pytest.mark.parametrize(
    ("declared", "pinned"),
    [
        pytest.param(PROJECT["dependencies"], BASE, id="base"),
        pytest.param(PROJECT["optional-dependencies"]["dev"], BASE | EXTRA, id="dev"),
    ],
)
def test_what_the_project_declares_is_pinned_within_its_bounds(
    declared: list[str], pinned: dict[str, str]
) -> None:
    for line in declared:
        wanted = Requirement(line)
        assert wanted.specifier.contains(pinned[canonicalize_name(wanted.name)]), line


@pytest.mark.parametrize("python", ["3.11.2", "3.11.7", "3.12.3", "3.13.5", "3.14.0"])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize(
    ("listed", "available"),
    [pytest.param(BASE, BASE, id="base"), pytest.param(EXTRA, BASE | EXTRA, id="dev")],
)
def test_the_lists_are_complete_because_nothing_is_resolved(
    listed: dict[str, str], available: dict[str, str], python: str, machine: str
) -> None:
    short = python.rpartition(".")[0]
    there = {"extra": "", "python_full_version": python, "python_version": short, "platform_machine": machine}
    for name in set(listed) & {canonicalize_name(found.name) for found in distributions()}:
        for line in requires(name) or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate(there):
                assert canonicalize_name(needed.name) in available, f"{name} needs {line}"
                assert needed.specifier.contains(available[canonicalize_name(needed.name)]), (
                    f"{name} needs {line}"
                )


def test_everything_listed_is_installed_where_it_applies() -> None:
    installed = {canonicalize_name(found.name): found.version for found in distributions()}
    assert {name for name in BASE | EXTRA if name not in installed} <= {"async-timeout"}
    assert {name: installed[name] for name in BASE | EXTRA if name in installed} == {
        name: version for name, version in (BASE | EXTRA).items() if name in installed
    }


def test_the_base_stays_small_and_shares_nothing_with_the_rest() -> None:
    assert len(BASE) <= MOST_BASE_DISTRIBUTIONS
    assert not set(BASE) & set(EXTRA)


def test_browser_assets_are_pinned_by_digest_without_addresses() -> None:
    packages = json.loads((CHECKOUT / "package-lock.json").read_text())["packages"]
    asked = json.loads((CHECKOUT / "package.json").read_text())
    of_tests = asked["devDependencies"]
    wanted = asked["dependencies"] | of_tests
    here = packages.pop("")
    assert here["dependencies"] | here["devDependencies"] == wanted
    assert {
        path.removeprefix("node_modules/") for path, found in packages.items() if found.get("dev")
    } == set(of_tests), "what only tests need is marked so, and not served"
    assert {
        path.removeprefix("node_modules/"): found["version"] for path, found in packages.items()
    } == wanted
    assert all(found["integrity"].startswith("sha512-") for found in packages.values())
    assert not any("resolved" in found for found in packages.values())


@pytest.mark.parametrize(
    "path",
    ["Makefile", "Dockerfile", "docker-compose.yml", "package.json", "package-lock.json", "requirements.txt"]
    + ["portal/deploy/install", "portal/deploy/several.yml"]
    + [f"portal/deploy/{name}.sh" for name in ("packages", "python", "assets")],
)
def test_installing_names_no_registry(path: str) -> None:
    found = re.findall(r"https?://[^\s\"')}]+", (CHECKOUT / path).read_text())
    assert not [address for address in found if not address.startswith(("http://127.0.0.1", "https://${"))]
    assert not re.search(r"index-url|--registry|find-links", (CHECKOUT / path).read_text())
