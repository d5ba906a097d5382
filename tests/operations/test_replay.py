"""Past requests through the real intake: at their own time, once, and told to nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from portal.cli.replay import default_point_warnings
from portal.models.report import report
from portal.models.work import outbox
from portal.operations.replay_requests import Summary, replay_requests
from portal.operations.verify_ledger import verify_ledger
from portal.pack.mapping import read_mapping, read_requests

MAP = """
[source]
timezone = "Asia/Shanghai"
time_format = "%Y-%m-%d %H:%M"

[columns]
external_id = "id"
service_code = "type"
opened_at = "at"
lon = "x"
lat = "y"
description = "text"

[compare.street]
layer = "street"
column = "street"
"""
HEAD = "id,type,at,x,y,text,street\n"
ROWS = [
    "1,pothole,2026-03-10 10:00,121.5549,29.15,A hole at 13812345678,CN2",
    "2,noise,2026-03-10 23:30,121.66,29.175,Loud,WH2",
    "3,pothole,2026-03-11 09:00,121.66,29.175,Another hole,CN2",
    "4,pothole,2026-03-11 09:05,,,No place,",
]


def replay(linhai: Any, folder: Path, *rows: str) -> Summary:
    (folder / "MAP.toml").write_text(MAP, encoding="utf-8")
    (folder / "past.csv").write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    mapping = read_mapping(folder / "MAP.toml")
    return replay_requests(
        linhai.database, linhai.context, read_requests(folder / "past.csv", mapping), mapping
    )


def stored(linhai: Any) -> list[Any]:
    with linhai.database.reading() as tx:
        return list(tx.execute(select(report).where(report.c.channel == "replay").order_by(report.c.id)))


def test_a_replay_stores_every_row_once_at_its_own_time(linhai: Any, tmp_path: Path) -> None:
    first = replay(linhai, tmp_path, *ROWS)
    assert (first.rows, first.stored, first.repeated, dict(first.refused)) == (4, 4, 0, {})
    assert dict(first.flags) == {"no_place": 1}
    assert (first.agreement["street"].compared, first.agreement["street"].agreed) == (3, 2)
    kept = stored(linhai)
    assert [row.opened_at.isoformat() for row in kept] == [
        "2026-03-10T02:00:00+00:00", "2026-03-10T15:30:00+00:00",
        "2026-03-11T01:00:00+00:00", "2026-03-11T01:05:00+00:00",
    ]  # fmt: skip
    assert [row.rule for row in kept] == ["street-surface", "noise-at-night", "street-surface", "fallback"]
    assert kept[0].public_text == "A hole at ▇▇▇"
    again = replay(linhai, tmp_path, *ROWS)
    assert (again.rows, again.stored, again.repeated) == (4, 0, 4)
    assert stored(linhai) == kept


def test_nobody_is_written_to(linhai: Any) -> None:
    with linhai.database.reading() as tx:
        waiting = tx.execute(select(outbox).where(outbox.c.done_at.is_(None))).all()
        assert waiting == []
        assert tx.execute(select(outbox)).all()
        assert verify_ledger(tx).faults == []


@pytest.mark.parametrize(
    ("row", "refusal"),
    [
        pytest.param("10,unheard-of,2026-03-10 10:00,121.5,29.15,x,", "service_code", id="unknown service"),
        pytest.param("11,pothole,yesterday,121.5,29.15,x,", "no time", id="no time"),
        pytest.param("1,pothole,2026-03-10 10:00,121.5549,29.15,Other,", "already used", id="a number used twice"),
        pytest.param("12,pothole,2026-03-10 10:00,121.5,29.15," + "x" * 4001 + ",", "description", id="endless text"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_stored_is_counted_and_the_rest_goes_on(
    linhai: Any, tmp_path: Path, row: str, refusal: str
) -> None:
    replay(linhai, tmp_path, ROWS[0])
    good = f"good-{refusal},pothole,2026-03-12 10:00,121.5549,29.15,x,CN2"
    summary = replay(linhai, tmp_path, row, good)
    assert (summary.rows, summary.stored) == (2, 1)
    assert refusal in next(iter(summary.refused))


def test_a_point_that_stands_for_no_place_is_warned_of(linhai: Any, tmp_path: Path) -> None:
    spread = [f"w{n},pothole,2026-03-12 10:00,{121.60 + n / 1000:.5f},29.15,Hole,CN2" for n in range(20)]
    hall = [f"h{n},pothole,2026-03-12 11:00,121.5549,29.15,Hole,CN2" for n in range(40)]
    summary = replay(linhai, tmp_path, *spread, *hall)
    (warning,) = default_point_warnings(summary)
    assert "40 rows (66.67 %) lie on one point, 40 times as many" in warning
    line = warning.partition("[default_points]: ")[2]
    assert line == "found_1 = [121.5549, 29.15, 15]"

    (tmp_path / "MAP.toml").write_text(MAP + f"\n[default_points]\n{line}\n", encoding="utf-8")
    (tmp_path / "past.csv").write_text(
        HEAD + "\n".join(row.replace("h", "again", 1) for row in hall) + "\n", "utf-8"
    )
    mapping = read_mapping(tmp_path / "MAP.toml")
    again = replay_requests(
        linhai.database, linhai.context, read_requests(tmp_path / "past.csv", mapping), mapping
    )
    assert (dict(again.flags), default_point_warnings(again)) == ({"default_point": 40}, [])
