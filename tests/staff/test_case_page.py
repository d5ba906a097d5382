"""The page of a case in one whole: its bars, its story, the order of what can be done, and what it costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from portal.queries.place_map import HALF_M, WIDTH, place_map
from portal.queries.staff_case import StaffEvent
from portal.queries.staff_rights import Grant
from portal.web.case_story import MOST_RECENT, by_likelihood, story_of
from portal.web.clock_bars import clock_bars
from portal.web.place_picture import directions_url

from .test_desk_pages import counted_statements

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OWN, HEAD, DESK = (
    Grant("handler", "street-cn1"),
    Grant("unit_head", "street-cn1"),
    Grant("dispatcher", "centre"),
)


def hours(number: float | None) -> datetime | None:
    return None if number is None else NOON + timedelta(hours=number)


def clock(
    kind="unit",
    stage="resolve",
    unit="oak",
    state="running",
    start=-10,
    risk=5,
    due=10,
    met=None,
    paused=None,
):
    return {
        "kind": kind, "stage": stage, "unit_code": None if kind == "promise" else unit, "state": state,
        "started_at": hours(start), "at_risk_at": hours(risk), "due_at": hours(due), "met_at": hours(met),
        "paused_at": hours(paused),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("clocks", "expected"),
    [
        pytest.param([clock()], [("unit", 50.0, "running", [("resolve", 100.0)])], id="half gone"),
        pytest.param([clock(risk=-1)], [("unit", 50.0, "soon", [("resolve", 100.0)])], id="at risk"),
        pytest.param(
            [clock(due=-2)], [("unit", 100.0, "late", [("resolve", 100.0)])], id="over: full, not more"
        ),
        pytest.param(
            [clock(state="paused", paused=-5)],
            [("unit", 25.0, "held", [("resolve", 100.0)])],
            id="stands still",
        ),
        pytest.param([clock(state="met", met=0)], [("unit", 50.0, "met", [("resolve", 100.0)])], id="met"),
        pytest.param(
            [clock(state="met", due=-5, met=0)],
            [("unit", 100.0, "met_late", [("resolve", 100.0)])],
            id="met late",
        ),
        pytest.param([clock(state="cancelled")], [], id="no longer counts"),
        pytest.param([clock(unit="elm")], [], id="of a unit that led before"),
        pytest.param(
            [
                clock(stage="resolve"),
                clock(stage="accept", state="met", due=-5, met=-8),
                clock("promise", due=30),
            ],
            [
                ("promise", 25.0, "running", [("resolve", 100.0)]),
                ("unit", 50.0, "running", [("accept", 25.0), ("resolve", 100.0)]),
            ],
            id="both, the stages in order",
        ),
    ],
)
def test_bars(clocks, expected):
    found = clock_bars(clocks, "oak", NOON)
    assert [(b.kind, b.share, b.level, [(m.stage, m.at) for m in b.marks]) for b in found] == expected


def test_the_story_leaves_the_machinery_to_the_whole_history():
    kinds = [
        "request.submitted",
        "media.ready",
        "message.sent",
        "relay.asked",
        "request.noted",
        *["request.updated"] * 9,
    ]
    events = [
        StaffEvent(n, NOON, kind, {}, {"note": "key"} if kind == "request.noted" else {}, None)
        for n, kind in enumerate(kinds, 1)
    ]
    story = story_of(events)
    assert [each.kind for each in story.letters] == ["relay.asked"]
    assert [each.private["note"] for each in story.notes] == ["key"]
    assert [each.seq for each in story.recent] == [14, 13, 12, 11, 10, 9][:MOST_RECENT]
    assert [each.seq for each in story.whole] == list(range(14, 0, -1))


@pytest.mark.parametrize(
    ("actions", "is_with_desk", "first"),
    [
        (["assign", "accept", "update"], False, "accept"),
        (["assign", "accept", "update"], True, "assign"),
        (["note", "resolve", "resume"], False, "resume"),
        (["note", "reopen"], False, "note"),
    ],
)
def test_the_likeliest_step_stands_first(actions, is_with_desk, first):
    ordered = by_likelihood(actions, is_with_desk=is_with_desk)
    assert ordered[0] == first
    assert sorted(ordered) == sorted(actions)


@pytest.mark.parametrize("grant", [OWN, HEAD, DESK, Grant("auditor", "")], ids=str)
def test_the_page_costs_five_statements(grant, desk):
    token = desk.file("street-cn1", "in_progress")
    browser = desk.client(grant)
    browser.get(f"/desk/case/{token}")
    with counted_statements(desk.app) as sent:
        page = browser.get(f"/desk/case/{token}")
    assert page.status_code == 200
    asked = [each for each in sent if "routing_version" not in each]  # asked once a second, whatever the page
    assert len(asked) <= 5, asked
    for part in (
        'class="clock ',
        'class="place-map"',
        'id="notes"',
        'id="history"',
        "order.pdf",
        'id="resident"',
    ):
        assert part in page.text, part
    assert ('accesskey="a"' in page.text) == (grant.role != "auditor")


def test_the_ground_is_found_by_its_index(desk):
    token = desk.file("street-cn1")
    with counted_statements(desk.app) as sent:
        desk.client(OWN).get(f"/desk/case/{token}")
    assert any("basemap_feature" in each for each in sent)
    find = text(
        "EXPLAIN SELECT 1 FROM basemap_feature f JOIN report r ON r.id = :id"
        " WHERE f.jurisdiction_id = r.jurisdiction_id AND f.geom && ST_Expand(r.geom, 0.003, 0.002)"
    )
    with desk.database.reading() as tx:
        tx.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(row[0] for row in tx.execute(find, {"id": desk.row(token).id}))
    assert "ix_basemap_feature_geom" in plan


def test_the_map_of_a_place():
    street = {"type": "LineString", "coordinates": [[121.6, 29.2], [121.6, 29.201]]}
    water = {
        "type": "Polygon",
        "coordinates": [[[121.6, 29.2], [121.61, 29.2], [121.61, 29.21], [121.6, 29.2]]],
    }
    ground = [
        {"layer": "water", "properties": {"kind": "lake", "name_en": "Lake"}, "shape": water},
        {"layer": "streets", "properties": {"kind": "main", "name_en": "Mill Road"}, "shape": street},
        {"layer": "streets", "properties": {}, "shape": {"type": "GeometryCollection", "geometries": []}},
    ]
    drawn = place_map(ground, 121.6, 29.2, 24.0)
    assert [(each.kind, each.is_area) for each in drawn.strokes] == [("lake", True), ("main", False)]
    (x, y), (_, top) = drawn.strokes[1].lines[0]
    assert (x, y) == (180.0, 110.0)
    assert y - top == pytest.approx(
        110.9 * WIDTH / (2 * HALF_M), abs=0.3
    )  # 0.001° of latitude, northwards is up
    assert [each.names["en"] for each in drawn.names] in ([], ["Mill Road"])
    assert drawn.disc_px == pytest.approx(24 * WIDTH / (2 * HALF_M))
    assert place_map(ground, None, None, None) is None


@pytest.mark.parametrize(
    ("pattern", "point", "url"),
    [
        ("geo:{lat},{lon}?q={lat},{lon}", (121.5, 29.25), "geo:29.250000,121.500000?q=29.250000,121.500000"),
        (
            "https://maps.example/?to={lon},{lat}",
            (121.5, 29.25),
            "https://maps.example/?to=121.500000,29.250000",
        ),
        ("geo:{lat},{lon}", (None, None), ""),
    ],
)
def test_directions(pattern, point, url):
    assert directions_url(pattern, *point) == url
