"""What the demo city's rulebook decides, as a resident would meet it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from portal.pack.city import build_city
from portal.pack.model import PackError
from portal.pack.reader import read_pack
from routing.router import PointQuery, Router

ZONE = ZoneInfo("Asia/Shanghai")
FRIDAY_MORNING = datetime(2026, 11, 20, 10, tzinfo=ZONE)
FRIDAY_NIGHT = datetime(2026, 11, 20, 23, tzinfo=ZONE)

DRUM_TOWER_PARK = (121.59327, 29.26057)
NORTH_BANK = (121.60965, 29.2685)
ACADEMY = (121.55490, 29.15)
EAST_HILL = (121.66, 29.175)
MAIN_ROAD = (121.5521, 29.2090)
AT_SEA = (121.78, 29.2)


@pytest.fixture(scope="module")
def router():
    folder = Path(__file__).resolve().parents[2] / "portal" / "demo" / "linhai"
    return Router(build_city(read_pack(folder)))


CASES = [
    pytest.param("street-light", DRUM_TOWER_PARK, {}, FRIDAY_MORNING, "park-light", "parks", ("lighting",),
                 id="lamp in a park"),
    pytest.param("street-light", DRUM_TOWER_PARK, {"park-or-street": ["street"]}, FRIDAY_MORNING, "light",
                 "lighting", (), id="lamp in a park that stands on the street after all"),
    pytest.param("street-light", NORTH_BANK, {"lamp-fault": ["wires"]}, FRIDAY_MORNING, "light-bare-wires",
                 "lighting", ("crew-north",), id="bare wires"),
    pytest.param("road-collapse", NORTH_BANK, {}, FRIDAY_NIGHT, "road-collapse", "crew-north",
                 ("traffic", "street-ba2"), id="collapse: the nearest crew"),
    pytest.param("road-collapse", ACADEMY, {}, FRIDAY_NIGHT, "road-collapse", "crew-south",
                 ("traffic", "street-cn2"), id="collapse elsewhere: another crew"),
    pytest.param("pothole", MAIN_ROAD, {}, FRIDAY_MORNING, "main-road-surface", "traffic", (),
                 id="hole in a main road"),
    pytest.param("pothole", ACADEMY, {}, FRIDAY_MORNING, "street-surface", "street-cn2", (),
                 id="hole in a side street"),
    pytest.param("noise", EAST_HILL, {}, FRIDAY_MORNING, "street-office", "street-wh2", (),
                 id="noise by day"),
    pytest.param("noise", EAST_HILL, {}, FRIDAY_NIGHT, "noise-at-night", "district-wh", ("street-wh2",),
                 id="noise at night"),
    pytest.param("corridor-clutter", ACADEMY, {}, FRIDAY_MORNING, "committee", "community-shuyuan",
                 ("street-cn2",), id="stairwell where a committee takes it"),
    pytest.param("corridor-clutter", EAST_HILL, {}, FRIDAY_MORNING, "street-office", "street-wh2", (),
                 id="stairwell elsewhere"),
    pytest.param("unit-complaint", None, {}, FRIDAY_MORNING, "complaint", "centre", (), id="complaint"),
    pytest.param("suggestion", EAST_HILL, {}, FRIDAY_MORNING, "voices-of-a-district", "district-wh", (),
                 id="suggestion with a place"),
    pytest.param("suggestion", None, {}, FRIDAY_MORNING, "fallback", "centre", (),
                 id="suggestion without a place"),
    pytest.param("pavement", AT_SEA, {}, FRIDAY_MORNING, "fallback", "centre", (), id="outside the city"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "place", "answers", "at", "rule", "lead", "assist"), CASES)
def test_who_leads(router, service, place, answers, at, rule, lead, assist):
    lon, lat = place or (None, None)
    decision = router.route(PointQuery(service, at, lon, lat, 5, answers)).decision
    assert (decision.rule_id, decision.lead, decision.assist) == (rule, lead, assist)


@pytest.mark.parametrize(
    ("loads", "at", "lead"),
    [
        pytest.param({}, FRIDAY_MORNING, "sanitation", id="nobody busy: the first named"),
        pytest.param({"sanitation": 3, "haiqing": 1}, FRIDAY_MORNING, "haiqing", id="the less busy one"),
        pytest.param({"sanitation": 3, "haiqing": 1}, FRIDAY_NIGHT, "sanitation", id="not at night"),
    ],
)
def test_bulky_waste_goes_to_whoever_has_least_to_do(router, loads, at, lead):
    query = PointQuery("missed-collection", at, *EAST_HILL, 5, {"waste-type": ["bulky"]})
    assert router.route(query, loads).decision.lead == lead


def test_a_place_on_the_river_is_handled_jointly(router):
    """With a poor fix on the boundary between two districts, the other bank's office assists."""
    layers = {layer.name: layer for layer in router.city.index.layers}
    banks = {boundary.code: boundary.geometry for boundary in layers["district"].boundaries}
    middle = banks["BA"].intersection(banks["CN"]).interpolate(0.5, normalized=True)
    decision = router.route(PointQuery("noise", FRIDAY_NIGHT, middle.x, middle.y, 60)).decision
    assert {decision.lead, *decision.assist} >= {"district-ba", "district-cn"}


def test_an_emergency_is_promised_within_a_day_even_on_a_friday_night(router):
    routed = router.route(PointQuery("road-collapse", FRIDAY_NIGHT, *NORTH_BANK, 5))
    promise = next(clock for clock in routed.clocks if clock.kind == "promise")
    assert routed.decision.priority == "emergency"
    assert (promise.due_at - FRIDAY_NIGHT).total_seconds() == 24 * 3600


def test_a_rule_gives_its_cases_their_own_targets(router):
    """The class stands before the service's targets; what it lacks comes from there, and the receipt says so."""
    lon, lat = 121.588144, 29.265138
    near, far = (
        router.route(PointQuery("street-light", FRIDAY_NIGHT, *place, 5)) for place in ((lon, lat), EAST_HILL)
    )
    assert (near.decision.targets, near.receipt["targets"]) == ("near-schools", "near-schools")
    amounts = {(plan.kind, plan.stage): (plan.target.applies_to, plan.target.amount) for plan in near.clocks}
    assert amounts["promise", "resolve"] == ("near-schools", 1)
    assert amounts["unit", "resolve"] == ("near-schools", 6)
    assert amounts["unit", "accept"] == ("*", 1)
    assert far.decision.targets is None
    assert "targets" not in far.receipt


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("city.toml", "map_zoom = 12", "map_zoom = 99", "city.toml:6 map_zoom"),
        ("units.csv", "\ndistrict-ba,centre,", "\ndistrict-ba,street-ba1,", "units.csv: error: unit"),
        ("rules.toml", 'id = "fallback"', 'id = "rest"', "rules.toml: error"),
        ("boundaries/park.geojson", "[\n", "", "boundaries/park.geojson"),
        ("city.toml", 'country = "CN"', 'country = "XX"', "city.toml: error"),
    ],
)
def test_a_city_is_not_built_from_a_faulty_pack(spoil, name, old, new, problem):
    with pytest.raises(PackError) as caught:
        build_city(read_pack(spoil(name, old, new)))
    assert problem in str(caught.value)
