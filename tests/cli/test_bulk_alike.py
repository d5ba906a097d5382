"""Rows decided together get the answers that they get one by one: every column, in order, in several cities."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import shapely

from portal.cli.packs import open_pack, router_of
from portal.pack.bulk import PLACE, BulkPlan, Cells, route_rows
from portal.pack.bulk_many import ChunkRouter, frame_of

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "portal" / "demo" / "linhai"
AT = datetime(2026, 8, 5, 16, tzinfo=UTC)
ODD = {
    "lon": ["", None, "x", "nan", "181", "1e999", " 121.6 "],
    "lat": ["", None, "x", "inf", "-91", "29.2 "],
    "service": ["", None, "nope"],
    "time": ["", None, "soon", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:00-12:00"],
    "priority": ["", "urgent", "low", "emergency"],
    "answers": ["", "loud", '{"a"', "a=b;c=d", '{"a": {"b": 1}}'],
    "problem": ["not UTF-8"],
}


def plan_of(pack: Path, **how: Any) -> BulkPlan:
    return BulkPlan(router_of(open_pack(pack), AT.date()).router, AT, **how)


def anywhere(plan: BulkPlan, count: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Random places in and around the city's box, many of them on or beside an edge; any service."""
    services = sorted(plan.router.city.services)
    shapes = [each.geometry for layer in plan.router.city.index.layers for each in layer.boundaries]
    west, south, east, north = shapely.total_bounds(shapes)
    for _ in range(count):
        if chance.random() < 0.4:
            corners = shapely.get_coordinates(chance.choice(shapes))
            lon, lat = corners[chance.randrange(len(corners))].tolist()
            metres = chance.choice([0, 0, 1e-5, 3e-4, 1e-3])
            lon, lat = lon + chance.gauss(0, 1) * metres, lat + chance.gauss(0, 1) * metres
        else:
            lon, lat = chance.uniform(west, east), chance.uniform(south, north)
        yield {"lon": str(lon), "lat": str(lat), "service": chance.choice(services)}


def with_all_columns(plan: BulkPlan, rows: Iterator[dict[str, Any]], chance: random.Random) -> list[Cells]:
    """Adds times of all hours, priorities and answers; one row in ten is spoilt in one cell."""
    leaves = list(plan.router.city.rulebook.leaves())
    keys = [(leaf.question, key) for leaf in leaves if leaf.kind == "answer" for key in leaf.values]
    found = []
    for row in rows:
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(525_600))
        row |= {
            "time": at.isoformat(),
            "priority": chance.choice(["", "", "high"]),
            "answers": "",
            "problem": "",
        }
        if keys and chance.random() < 0.5:
            row["answers"] = "{}={}".format(*chance.choice(keys))
        if chance.random() < 0.1:
            name = chance.choice(list(ODD))
            row[name] = chance.choice(ODD[name])
        found.append(Cells(**row))
    return found


def told(answers: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(answers.itertuples(index=False, name=None))


def check(plan: BulkPlan, rows: list[Cells], parts: int = 3) -> list[tuple[Any, ...]]:
    """Chunks of one router, so that what it keeps from one counts for the next."""
    router = ChunkRouter(plan)
    size = -(-len(rows) // parts)
    found = []
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        columns = dict(zip(Cells._fields, map(list, zip(*some, strict=True)), strict=True))
        found += told(router.route(frame_of(columns, len(some))).frame((*plan.columns, *PLACE)))
    wanted = route_rows(plan, rows)
    names = [*plan.columns, *PLACE]
    for row, one, other in zip(rows, found, wanted, strict=True):
        assert dict(zip(names, one, strict=True)) == dict(zip(names, other, strict=True)), row
    return found


@pytest.mark.parametrize(
    "how", [{"has_time": True}, {"has_time": False, "datum": "gcj02"}], ids=["times", "datum"]
)
def test_demo_city(how):
    plan, chance = plan_of(DEMO, **how), random.Random(3)
    found = check(plan, with_all_columns(plan, anywhere(plan, 4000, chance), chance))
    names = [*plan.columns, *PLACE]
    column = {name: [row[names.index(name)] for row in found] for name in names}
    assert len(set(column["rule"])) > 10
    assert {True, False} <= set(column["ambiguous"]) or "datum" in how  # shifted, none lies on a border
    assert sum(bool(error) for error in column["error"]) > 100
    assert any(";" in (names or "") for names in column["assist_units"]) or "datum" in how
    assert sum(bool(code) for code in column["layer_park"]) > 10


def test_a_place_is_only_missed_where_it_is_needed():
    plan = plan_of(DEMO)
    rows = [
        Cells(lon, "", service, None, None, None, "")
        for lon in ("", "121")
        for service in ("enquiry", "noise")
    ]
    found = check(plan, rows, parts=1)
    assert [row[plan.columns.index("error")] == "" for row in found] == [True, False, False, False]


@pytest.mark.parametrize("city", ["newyork", "boston", "shenzhen"])
def test_real_cities(city, wenlu_data, monkeypatch):
    monkeypatch.setenv("WENLU_DATA", str(wenlu_data))
    plan, chance = plan_of(ROOT / "tests" / "cities" / city), random.Random(5)
    rows = [Cells(**{"time": None, "priority": None, "answers": None, "problem": "", **row})
            for row in anywhere(plan, 3000, chance)]  # fmt: skip
    if city == "newyork":
        rows += real_requests(wenlu_data, 4000)
    check(plan, rows)


def real_requests(folder: Path, count: int) -> list[Cells]:
    names = tomllib.loads((ROOT / "tests/cities/newyork/MAP.toml").read_text())["values"]["service_code"]
    table = pd.read_parquet(folder / "nyc" / "requests_2026-08-01_04.parquet")[:count]
    columns = zip(table["longitude"], table["latitude"], table["complaint_type"], strict=True)
    return [Cells(lon, lat, names.get(kind, "other"), None, None, None, "") for lon, lat, kind in columns]
