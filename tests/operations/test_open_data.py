"""The public dump: it proves itself, names what was tampered with, and holds nothing private."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from portal.errors import InvalidInput
from portal.models.report import report
from portal.operations.publish_open_data import is_night_due, publish_open_data
from portal.operations.seal_events import make_day_roots, seal_events
from portal.operations.verify_dump import verify_dump

Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def dump(linhai: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three reports, one of them private, sealed two days ago and published today."""
    from portal import clock

    with clock.simulated(clock.now() - timedelta(days=2)):
        tokens = [linhai.file(description=f"=cmd() number {n}") for n in range(3)]
        with linhai.database.transaction() as tx:
            tx.execute(update(report).where(report.c.token == tokens[2]).values(is_private=True))
            seal_events(tx)
    folder = tmp_path_factory.mktemp("dump")
    with linhai.database.transaction() as tx:
        make_day_roots(tx)
    with linhai.database.snapshot() as tx:
        publish_open_data(tx, linhai.context.cities.city(tx, linhai.context.jurisdiction_id), folder)
    (folder / "hidden").write_text(tokens[2])
    return folder


@pytest.fixture
def copy(dump: Path, tmp_path: Path) -> Path:
    for path in dump.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def read(path: Path) -> Lines:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def write(path: Path, rows: Lines) -> None:
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))


@pytest.mark.parametrize(
    ("made_at", "now", "is_due"),
    [
        (None, "2026-11-21T00:00:00+00:00", True),
        ("no day", "2026-11-21T00:00:00+00:00", True),
        # In Shanghai, where the night's 02:30 is 18:30 of the day before in UTC:
        ("2026-11-20T18:31:00+00:00", "2026-11-21T18:29:00+00:00", False),
        ("2026-11-20T18:31:00+00:00", "2026-11-21T18:30:00+00:00", True),
        ("2026-11-20T18:29:00+00:00", "2026-11-20T18:29:30+00:00", False),
        ("2026-11-19T18:29:00+00:00", "2026-11-20T18:29:30+00:00", True),
        ("2026-11-01T00:00:00+00:00", "2026-11-21T05:00:00+00:00", True),
    ],
)
def test_the_dump_is_made_once_in_the_citys_night(
    made_at: str | None, now: str, is_due: bool, tmp_path: Path
) -> None:
    if made_at:
        (tmp_path / "index.json").write_text(json.dumps({"made_at": made_at}))
    assert is_night_due(tmp_path, datetime.fromisoformat(now), "Asia/Shanghai") == is_due


def test_an_untouched_dump_proves_itself(dump: Path) -> None:
    verdict = verify_dump(dump)
    assert verdict.faults == []
    assert verdict.events >= 5
    assert (verdict.seals > verdict.events - 5, verdict.days) == (True, 1)


def alter(rows: Lines) -> Lines:
    rows[-1]["public"]["channel"] = "somebody else's"
    return rows


@pytest.mark.parametrize(
    ("name", "change", "fault"),
    [
        pytest.param("events.ndjson.gz", alter, "altered", id="an event altered"),
        pytest.param("events.ndjson.gz", lambda rows: rows[:-1], "sealed, but missing", id="the tail lost"),
        pytest.param("events.ndjson.gz", lambda rows: rows[1:], "missing", id="the head lost"),
        pytest.param("events.ndjson.gz", lambda rows: [*rows, rows[0]], "twice", id="a case put in again"),
        pytest.param("seals.ndjson.gz", lambda rows: rows[:-1], "root does not match", id="the last seal lost"),
        pytest.param("seals.ndjson.gz", lambda rows: rows[1:], "seals before it are missing", id="the first seal lost"),
        pytest.param(
            "seals.ndjson.gz", lambda rows: [rows[0] | {"chain": rows[1]["chain"]}, *rows[1:]], "does not hold",
            id="a seal altered",
        ),
    ],
)  # fmt: skip
def test_tampering_is_named(name: str, change: Callable[[Lines], Lines], fault: str, copy: Path) -> None:
    write(copy / name, change(read(copy / name)))
    assert any(fault in each for each in verify_dump(copy).faults)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path.unlink(), id="a file is missing"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:40]), id="a file ends too early"),
        pytest.param(lambda path: path.write_bytes(gzip.compress(b"{}\n")), id="a line without fields"),
        pytest.param(lambda path: path.write_bytes(gzip.compress(b"[1\n")), id="a line that is no JSON"),
        pytest.param(lambda path: path.write_bytes(b"plain"), id="not compressed"),
    ],
)
def test_an_unreadable_dump_is_refused_in_one_sentence(spoil: Callable[[Path], Any], copy: Path) -> None:
    spoil(copy / "events.ndjson.gz")
    with pytest.raises(InvalidInput) as refused:
        verify_dump(copy)
    assert "dump" in refused.value.fields


def test_what_is_private_is_nowhere_in_the_dump(dump: Path) -> None:
    """Neither the private case's number, nor contacts, nor words before masking."""
    hidden = (dump / "hidden").read_text()
    for path in dump.glob("*.gz"):
        content = gzip.decompress(path.read_bytes()).decode()
        for secret in (hidden, "unmistakable", "13812345678", "138 1234 5678"):
            assert secret not in content, (path.name, secret)


def test_the_table_cannot_run_in_a_spreadsheet(dump: Path) -> None:
    rows = list(csv.DictReader(gzip.decompress((dump / "reports.csv.gz").read_bytes()).decode().splitlines()))
    assert {row["text"][:6] for row in rows} == {"'=cmd("}
    assert all(row["places"].startswith("district:") for row in rows)


def test_the_index_names_every_file_with_its_hash(dump: Path) -> None:
    index = json.loads((dump / "index.json").read_text())
    assert {each["name"] for each in index["files"]} == {path.name for path in dump.glob("*.gz")}
    points = json.loads(gzip.decompress((dump / "reports.geojson.gz").read_bytes()))
    assert len(points["features"]) == next(f["rows"] for f in index["files"] if f["name"] == "reports.csv.gz")
