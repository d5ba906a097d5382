"""The package decides on plain values: importing it brings in no framework, no driver and no data frame."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "routing").glob("*.py") if path.stem != "__init__")
STRANGERS = (
    "flask", "sqlalchemy", "geoalchemy2", "geopandas", "pandas", "redis", "rq", "psycopg", "pyproj",
    "geo.files", "geo.tables", "geo.postgis", "portal", "jobs",
)  # fmt: skip


def _strangers_after(statement):
    script = f"{statement}; import sys; print([name for name in {STRANGERS!r} if name in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return found.stdout.strip()


def test_the_whole_package_is_pure():
    assert len(MODULES) > 15
    assert _strangers_after("; ".join(f"import routing.{name}" for name in MODULES)) == "[]"


def test_the_check_would_notice():
    assert _strangers_after("import routing.facts, geo.tables") != "[]"


@pytest.mark.parametrize("name", MODULES)
def test_no_module_reads_the_clock(name):
    source = (ROOT / "routing" / f"{name}.py").read_text(encoding="utf-8")
    for word in (".now(", ".utcnow(", ".today(", "time.time(", "random", "open(", "os.environ"):
        assert word not in source
