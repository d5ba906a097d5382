"""Imports point one way, and what is meant to be pure stays so (rules 1 and 2)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("geo", "routing", "portal", "jobs")
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-c", LINT], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_contracts_of_import_linter_hold(checkout: Path) -> None:
    done = lint_imports(checkout)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contracts_would_notice(checkout: Path, tmp_path: Path) -> None:
    """A copy of the packages with one forbidden import for each contract, some of them through a third module."""
    for package in PACKAGES:
        kept = shutil.ignore_patterns("__pycache__", "linhai", "templates", "translations", "docs")
        shutil.copytree(checkout / package, tmp_path / package, ignore=kept)
    shutil.copy(checkout / "pyproject.toml", tmp_path)
    broken = {
        "geo/crs.py": "import geo.tables",
        "geo/edges.py": "import routing.units",
        "routing/facts.py": "import geo.files",
        "portal/clock.py": "import portal.db",
        "portal/queue.py": "import flask",
        "portal/strange.py": "",
        "portal/cli/__init__.py": "",
    }
    for name, added in broken.items():
        path = tmp_path / name
        path.write_text((path.read_text() if path.exists() else "") + f"\n{added}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    said = done.stdout
    for fault in (
        "jobs > portal > routing > geo BROKEN",
        "inside portal BROKEN",
        "routing reaches no framework, even indirectly BROKEN",
        "geo's own modules stay plain",
        "nothing below the faces reaches Flask BROKEN",
        "geo is not allowed to import routing",
        "routing is not allowed to import geopandas",
        "portal.clock is not allowed to import portal.db",
        "strange",
        "jobs is not allowed to import flask",
    ):
        assert fault in said, fault


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_itself_runs_no_code(checkout: Path, package: str) -> None:
    """import-linter does not see what importing a package's module runs in its `__init__`."""
    assert (checkout / package / "__init__.py").read_bytes() == b""


FRAMEWORKS = ("flask", "werkzeug", "jinja2", "rq", "redis", "alembic")
DATABASE = ("sqlalchemy", "geoalchemy2", "psycopg")
FRAMES = ("geopandas", "pandas", "pyogrio", "folium")
EVERYTHING = (*FRAMEWORKS, *DATABASE, *FRAMES)
PURE = [
    # Cheap leaves of portal: what they reach is what every process carries.
    *[(f"portal.{name}", EVERYTHING) for name in ("clock", "crypto", "errors", "i18n", "masking", "settings")],
    *[(f"portal.{name}", EVERYTHING) for name in ("mail", "photos", "storage")],
    ("portal.db", (*FRAMEWORKS, *FRAMES)),
    ("portal.models.all_tables", FRAMEWORKS),
    ("portal.queries.city", FRAMEWORKS),
    ("portal.operations.submit_report", FRAMEWORKS),
    ("portal.operations.move_report", FRAMEWORKS),
    ("portal.operations.sweep_clocks", FRAMEWORKS),
    ("portal.queue", ("flask", "rq", *DATABASE, *FRAMES)),
    ("portal.cli.main", ("flask", "shapely", *FRAMES)),
    # What a command that is typed waits for.
    ("portal.cli.route", (*FRAMEWORKS, *DATABASE, *FRAMES)),
    ("portal.app", FRAMES),
    *[(f"geo.{name}", EVERYTHING) for name in ("boundary", "crs", "edges", "geojson", "index", "topology")],
    ("routing.router", EVERYTHING),
]  # fmt: skip


@pytest.mark.parametrize(("module", "strangers"), [pytest.param(*row, id=row[0]) for row in PURE])
def test_a_fresh_interpreter_carries_no_stranger(
    checkout: Path, module: str, strangers: tuple[str, ...]
) -> None:
    script = f"import {module}, sys; print([name for name in {strangers!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=checkout, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_web_process_starts_without_tables_and_maps(checkout: Path, tmp_path: Path) -> None:
    """Making the application imports every page: folium and pandas wait for the first that needs them."""
    script = "import sys; from portal.app import create_app; create_app(); " + (
        f"print([name for name in {FRAMES!r} if name in sys.modules])"
    )
    unused = {"DATABASE_URL": "postgresql+psycopg://localhost/none", "REDIS_URL": "redis://localhost:1"}
    environ = {**os.environ, **unused, "WENLU_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=checkout, env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_fresh_interpreter_would_notice(checkout: Path) -> None:
    script = "import portal.db, sys; print('sqlalchemy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=checkout, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"
