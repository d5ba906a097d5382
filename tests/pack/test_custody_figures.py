"""What city.toml says about contesting, ruling and tasks, and what stands where it says nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from portal.pack.reader import read_pack
from routing.disputes import CustodyFigures

LINHAI = Path(__file__).resolve().parents[2] / "portal" / "demo" / "linhai"


def figures(folder: Path, written: str) -> tuple[Any, list[str]]:
    pack = folder / "city"
    shutil.copytree(LINHAI, pack)
    with (pack / "city.toml").open("a", encoding="utf-8") as city:
        city.write(f"\n[custody]\n{written}\n")
    read = read_pack(pack)
    return read.city.custody, [found.message for found in read.errors]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", CustodyFigures()),
        ("contest_hours = 48\nruling_hours = 2", CustodyFigures(contest_hours=48, ruling_hours=2)),
        ('time = "hours"\ntask_hours = 72', CustodyFigures(task_hours=72, time="hours")),
    ],
    ids=["nothing", "hours", "around the clock"],
)
def test_what_a_city_says(tmp_path: Path, written: str, expected: CustodyFigures) -> None:
    assert figures(tmp_path, written) == (expected, [])


@pytest.mark.parametrize("written", ["ruling_hours = 0", 'time = "days"'])
def test_what_it_cannot_say(tmp_path: Path, written: str) -> None:
    assert len(figures(tmp_path, written)[1]) == 1


def test_an_emergency_does_not_wait_for_office_hours() -> None:
    assert [CustodyFigures().time_of(each) for each in ("emergency", "high")] == ["hours", "working_hours"]
