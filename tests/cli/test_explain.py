"""`wenlu route explain`: the same decision as the router's, in words of every language and as JSON."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from geo.index import PointIndex
from portal.pack.city import build_city
from portal.pack.reader import read_pack
from routing.router import PointQuery, Router

FRIDAY = "2026-11-20T19:00"
IN_PARK, AT_EDGE, OUTSIDE = (121.59, 29.2611), (121.6, 29.2611), (120.0, 30.0)


@pytest.fixture
def explain(wenlu, demo):
    def run(place, service, *more):
        point = ("--lon", place[0], "--lat", place[1])
        ran = wenlu("route", "explain", "--pack", demo, *point, "--service", service, *more)
        assert (ran.code, ran.err) == (0, ""), ran
        return ran.out

    return run


CASES = {
    "in a park": (IN_PARK, "street-light", (), "parks", "park-light"),
    "in a park, on the street": (IN_PARK, "street-light", ("--answer", "park-or-street=street"), "lighting", "light"),
    "bare wires, one of two answers": (
        IN_PARK, "street-light",
        ("--answer", "park-or-street=street", "--answer", "lamp-fault=wires"), "lighting", "light-bare-wires",
    ),
    "outside the city": (OUTSIDE, "street-light", (), "centre", "fallback"),
    "noise by night": (IN_PARK, "noise", ("--at", "2026-11-20T23:00"), "district-ba", "noise-at-night"),
    "noise by day": (IN_PARK, "noise", ("--at", "2026-11-20T12:00"), "street-ba2", "street-office"),
    "noise by night, in UTC": (IN_PARK, "noise", ("--at", "2026-11-20T15:00Z"), "district-ba", "noise-at-night"),
    "a place in GCJ-02": ((121.5943, 29.2585), "street-light", ("--datum", "gcj02"), "parks", "park-light"),
}  # fmt: skip


@pytest.mark.parametrize(("place", "service", "more", "lead", "rule"), CASES.values(), ids=CASES)
def test_who_leads(explain, place, service, more, lead, rule):
    found = json.loads(
        explain(place, service, *(more if "--at" in more else (*more, "--at", FRIDAY)), "--format", "json")
    )
    assert (found["unit"]["code"], found["rule"]) == (lead, rule)
    assert found["receipt"]["lead"] == lead


def test_the_receipt_is_the_routers(explain, demo):
    at = datetime(2026, 11, 20, 19, tzinfo=ZoneInfo("Asia/Shanghai"))
    routed = Router(build_city(read_pack(demo))).route(
        PointQuery("street-light", at, *AT_EDGE, accuracy_m=12)
    )
    found = json.loads(explain(AT_EDGE, "street-light", "--accuracy", 12, "--at", FRIDAY, "--format", "json"))
    assert found["receipt"] == json.loads(json.dumps(routed.receipt))
    assert [clock["due_at"] for clock in found["clocks"]] == [
        plan.due_at.isoformat().replace("+00:00", "Z") for plan in routed.clocks
    ]


def test_sentences_are_in_every_language(explain):
    found = json.loads(explain(AT_EDGE, "street-light", "--at", FRIDAY, "--format", "json"))
    assert found["sentence"] == {
        "en": "Street Lighting Department answers for now: the place lies so near a border that it may belong to "
        "Parks Department.",
        "zh_Hans": "该地点紧邻边界，也可能属于市园林绿化中心，暂由市路灯管理所负责。",
    }
    assert found["near_misses"][0]["text"] == {
        "en": "Rule park-light would apply 7.1 m away, in Drum Tower Park (Park).",
        "zh_Hans": "规则 park-light 适用于 7.1 米外的鼓楼公园（公园）。",
    }


@pytest.mark.parametrize(
    "line",
    [
        "Street Lighting Department (lighting) leads",
        "ambiguous: it may belong to Parks Department (parks)",
        "  Rule park-light would apply 7.1 m away, in Drum Tower Park (Park).",
        "  Rule light-bare-wires would apply with another answer (lamp-fault: leaning, wires).",
        "  promise resolve: due Mon 2026-11-30 08:30 CST (5 working days), at risk from Thu 2026-11-26 15:45 CST",
        "  carried out by lighting, supervised by centre",
    ],
)
def test_text_tells(explain, line):
    assert line in explain(AT_EDGE, "street-light", "--at", FRIDAY).splitlines()


def test_a_day_before_every_edition_is_noted(explain):
    told = explain(IN_PARK, "street-light", "--at", "2023-05-01")
    assert "note: no edition of street is in force on 2023-05-01; the newest is used" in told
    assert "note:" not in explain(IN_PARK, "street-light", "--at", FRIDAY)


def test_no_database_is_asked_for(explain, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert "leads" in explain(IN_PARK, "street-light")


@pytest.mark.parametrize(
    ("at", "unit", "edition"),
    [
        pytest.param("2026-12-31T23:59", "street-ba2", 1, id="the last minute of the old map"),
        pytest.param("2027-01-01T00:00", "street-ba1", 2, id="the first of the new one"),
        pytest.param("2026-12-31T16:00Z", "street-ba1", 2, id="the same instant in UTC"),
    ],
)
def test_the_map_is_that_of_the_day_in_the_city(wenlu, pack, at, unit, edition):
    drawn = pack / "boundaries" / "street.geojson"
    document = json.loads(drawn.read_text(encoding="utf-8"))
    for feature in document["features"]:
        code = feature["properties"]["code"]
        feature["properties"]["code"] = {"BA1": "BA2", "BA2": "BA1"}.get(code, code)
    drawn.with_name("street-2027.geojson").write_text(json.dumps(document), encoding="utf-8")
    config = pack / "city.toml"
    text = config.read_text(encoding="utf-8")
    old = 'file = "boundaries/street.geojson"\ncode = "code"\nname = "name"\nvalid_from = "2024-01-01"\n'
    parts = [
        f'[[layers.street.editions]]\nfile = "boundaries/{file}"\nvalid_from = "{day}"\n'
        for file, day in (("street.geojson", "2024-01-01"), ("street-2027.geojson", "2027-01-01"))
    ]
    assert old in text
    text = text.replace(old, 'code = "code"\nname = "name"\n').replace(
        "[layers.community]", "\n".join([*parts, "[layers.community]"])
    )
    config.write_text(text, encoding="utf-8")
    point = ("--lon", IN_PARK[0], "--lat", IN_PARK[1], "--service", "corridor-clutter")
    ran = wenlu("route", "explain", "--pack", pack, *point, "--at", at, "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert (found["receipt"]["lead"], found["receipt"]["editions"]["street"]) == (unit, edition)


def test_an_installation_keeps_the_index_of_a_pack(wenlu, pack, tmp_path, monkeypatch):
    """The second call builds nothing and says the same; another map is another index; damage is no obstacle."""
    cache, built = tmp_path / "home" / "cache", []
    monkeypatch.setenv("WENLU_HOME", str(cache.parent))
    build = PointIndex.build
    monkeypatch.setattr(PointIndex, "build", lambda layers: (built.append(1), build(layers))[1])
    asked = ["route", "explain", "--pack", pack, "--lon", 121.59, "--lat", 29.2611, "--service", "pothole"]
    asked += ["--at", "2026-05-01T10:00"]
    first = wenlu(*asked)
    assert (first.code, built, cache.exists()) == (
        0,
        [1],
        False,
    )  # nothing is made where nothing is installed
    cache.mkdir(parents=True)
    assert [wenlu(*asked), wenlu(*asked)] == [first, first]
    assert len(built) == 2
    (kept,) = cache.iterdir()
    kept.write_bytes(b"damaged")
    assert wenlu(*asked).out == first.out
    assert len(built) == 3
    streets = pack / "boundaries" / "street.geojson"
    streets.write_text(streets.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert wenlu(*asked) == first
    assert (len(built), len(list(cache.iterdir()))) == (4, 2)
