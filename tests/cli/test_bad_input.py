"""Bad input of every command: a non-zero exit, one line on stderr that names the fault, no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

POINT = ["--lon", "121.59", "--lat", "29.2611"]
EXPLAIN = ["route", "explain", "--pack", "{demo}"]
BULK = ["route", "bulk", "{tmp}/in.csv", "{tmp}/out.csv", "--pack", "{demo}"]
STREETS = "{demo}/boundaries/street.geojson"

CASES = {
    "no such command": (["bogus"], 2, "bogus"),
    "explain without anything": (["route", "explain"], 2, "--pack"),
    "explain, no such pack": (["route", "explain", "--pack", "{tmp}/no", *POINT, "--service", "x"], 1, "no such"),
    "explain, broken pack": (["route", "explain", "--pack", "{broken}", *POINT, "--service", "x"], 1, "services.csv"),
    "explain, unknown service": ([*EXPLAIN, *POINT, "--service", "street-ligt"], 1, "did you mean street-light?"),
    "explain, lon is a word": ([*EXPLAIN, "--lon", "east", "--lat", "1", "--service", "noise"], 2, "'east'"),
    "explain, lat beyond the pole": ([*EXPLAIN, "--lon", "1", "--lat", "91", "--service", "noise"], 1, "91.0"),
    "explain, lon is no number": ([*EXPLAIN, "--lon", "nan", "--lat", "1", "--service", "noise"], 1, "nan"),
    "explain, accuracy is a word": ([*EXPLAIN, *POINT, "--service", "noise", "--accuracy", "x"], 2, "'x'"),
    "explain, no time": ([*EXPLAIN, *POINT, "--service", "noise", "--at", "noon"], 2, "'noon'"),
    "explain, end of time": ([*EXPLAIN, *POINT, "--service", "noise", "--at", "9999-12-31"], 1, "9999-12-31"),
    "explain, answer without key": ([*EXPLAIN, *POINT, "--service", "noise", "--answer", "x"], 2, "QUESTION=KEY"),
    "explain, unknown format": ([*EXPLAIN, *POINT, "--service", "noise", "--format", "xml"], 2, "xml"),
    "bulk, no such file": (["route", "bulk", "{tmp}/no.csv", "{tmp}/o.csv", "--pack", "{demo}"], 2, "no.csv"),
    "bulk, unknown ending": (["route", "bulk", "{tmp}/in.csv", "{tmp}/o.txt", "--pack", "{demo}"], 1, "o.txt"),
    "bulk, no such column": ([*BULK, "--lon-column", "x"], 1, "column 'x' is not in the file"),
    "bulk, doubled column": ([*BULK, "--service-column", "twice"], 1, "'twice' stands twice"),
    "bulk, unknown crs": ([*BULK, "--crs", "EPSG:0"], 2, "EPSG:0"),
    "bulk, unknown datum": ([*BULK, "--datum", "mars"], 2, "mars"),
    "bulk, no folder for out": (["route", "bulk", "{tmp}/in.csv", "{tmp}/no/o.csv", "--pack", "{demo}"], 1, "no/o.csv"),
    "bulk, empty file": (["route", "bulk", "{tmp}/empty.csv", "{tmp}/o.csv", "--pack", "{demo}"], 1, "no header"),
    "bulk, open quote": (["route", "bulk", "{tmp}/quote.csv", "{tmp}/o.csv", "--pack", "{demo}"], 1, "never closed"),
    "bulk, not gzip": (["route", "bulk", "{tmp}/in.csv.gz", "{tmp}/o.csv", "--pack", "{demo}"], 1, "in.csv.gz"),
    "bulk, not parquet": (["route", "bulk", "{tmp}/in.parquet", "{tmp}/o.csv", "--pack", "{demo}"], 1, "in.parquet"),
    "boundaries, no such file": (["boundaries", "check", "{tmp}/no.geojson"], 2, "no.geojson"),
    "boundaries, not JSON": (["boundaries", "check", "{tmp}/bad.geojson"], 1, "not JSON"),
    "boundaries, unknown ending": (["boundaries", "check", "{tmp}/in.csv.gz.txt"], 1, ".txt"),
    "boundaries, no such column": (["boundaries", "check", STREETS, "--code", "NO"], 1, "'NO'"),
    "boundaries, unknown crs": (["boundaries", "check", STREETS, "--crs", "EPSG:0"], 1, "EPSG:0"),
    "boundaries, no pattern": (["boundaries", "check", STREETS, "--code", "code", "--code-regex", "("], 1, "pattern"),
    "boundaries, edition is a word": (["boundaries", "activate", "x"], 2, "'x'"),
    "stage without a layer": (["boundaries", "stage", STREETS], 2, "--layer"),
    "stage, not a day": (["boundaries", "stage", STREETS, "--layer", "x", "--valid-from", "May"], 2, "May"),
    "lint, no such pack": (["rules", "lint", "--pack", "{tmp}/no"], 1, "no such folder"),
    "lint, not UTF-8": (["rules", "lint", "{tmp}/latin.toml", "--pack", "{demo}"], 1, "not UTF-8"),
    "lint, not TOML": (["rules", "lint", "{tmp}/in.csv", "--pack", "{demo}"], 1, "TOML"),
    "publish, no such file": (["rules", "publish", "{tmp}/no.toml"], 2, "no.toml"),
}  # fmt: skip


@pytest.fixture
def places(tmp_path: Path, demo: Path, pack: Path) -> dict[str, Path]:
    """Files that are wrong, each in its own way."""
    files = {
        "in.csv": b"lon,lat,service_code,twice,twice\n121.59,29.2611,noise,,\n",
        "empty.csv": b"",
        "quote.csv": b'lon,lat,service_code\n121.59,29.2611,"noise\n1,2,noise\n',
        "in.csv.gz": b"lon,lat,service_code\n",
        "in.csv.gz.txt": b"",
        "in.parquet": b"PAR1 it is not",
        "bad.geojson": b"{",
        "latin.toml": 'id = "Straße"'.encode("latin-1"),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (pack / "services.csv").unlink()
    return {"tmp": tmp_path, "demo": demo, "broken": pack}


@pytest.mark.parametrize(("arguments", "code", "said"), CASES.values(), ids=CASES)
def test_one_readable_line(wenlu, places, arguments, code, said):
    ran = wenlu(*(argument.format(**places) for argument in arguments))
    assert (ran.code, ran.err.count("\n")) == (code, 1), ran
    assert said in ran.err
    assert "Traceback" not in ran.out + ran.err


def test_nothing_is_left_of_a_run_that_failed(wenlu, places, tmp_path):
    before = sorted(tmp_path.iterdir())
    assert (
        wenlu("route", "bulk", tmp_path / "quote.csv", tmp_path / "o.csv", "--pack", places["demo"]).code == 1
    )
    assert sorted(tmp_path.iterdir()) == before


def test_the_installed_command_exits_alike(demo):
    """What the other tests run in this process, once as people do."""
    command = [sys.executable, "-c", "import sys; from portal.cli.main import main; sys.exit(main())"]
    call = [*command, "route", "explain", "--pack", str(demo), *POINT, "--service"]
    good = subprocess.run([*call, "noise"], capture_output=True, text=True, check=False)
    bad = subprocess.run([*call, "nose"], capture_output=True, text=True, check=False)
    assert (good.returncode, good.stderr) == (0, "")
    assert (bad.returncode, bad.stderr.count("\n"), bad.stdout) == (1, 1, "")
