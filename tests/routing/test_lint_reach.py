"""Rules that never lead, and places that nobody or two rules claim: proven where it is said, silent elsewhere."""

from __future__ import annotations

from datetime import datetime
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.boundary import Boundary, Hit, Layer, Nearby
from geo.crs import LonLat
from routing.conditions import parse
from routing.facts import ReportFacts, Service
from routing.lint_logic import can_hold, implies
from routing.lint_map import claims_geojson
from routing.lint_places import cut_places
from routing.lint_reach import lint_reach
from routing.rules import parse_rulebook
from routing.units import Directory, Unit

FALLBACK = {"id": "fallback", "lead": {"unit": "centre"}}
SERVICES = {
    one.code: one for one in (Service("lamp", "light"), Service("hole", "road"), Service("noise", "order"))
}
NIGHT, DAY = {"time": {"from": "22:00", "to": "06:00"}}, {"time": {"from": "08:00", "to": "18:00"}}
LATE = {"time": {"from": "23:00", "to": "02:00"}}


def area(code, west, south, east, north, **attributes):
    return Boundary(code, code, shapely.box(west, south, east, north), attributes)


DISTRICT = Layer("district", (area("D", 0, 0, 0.04, 0.02), area("E", 0.04, 0, 0.06, 0.02)), required=True)
STREET = Layer(
    "street", (area("S1", 0, 0, 0.02, 0.02, kind="old"), area("S2", 0.02, 0, 0.04, 0.02, kind="new"))
)
ZONE = Layer("zone", (area("Z1", 0, 0, 0.01, 0.02), area("Z2", 0.005, 0, 0.02, 0.02)))
S1, S2, D, Z1, Z2 = (
    {"layer": layer, "code": code}
    for layer, code in (("street", "S1"), ("street", "S2"), ("district", "D"), ("zone", "Z1"), ("zone", "Z2"))
)


@pytest.fixture(scope="module")
def found():
    units = [
        Unit("centre"),
        *(Unit(name) for name in "ab"),
        *(Unit(f"u{code}", boundaries=((layer, code),)) for layer, code in
          (("street", "S1"), ("street", "S2"), ("zone", "Z1"), ("zone", "Z2"))),
    ]  # fmt: skip
    directory = Directory(units, "centre")
    places = cut_places((DISTRICT, STREET, ZONE), {"street", "zone"})

    def reach(*rules):
        tables = [{"id": f"r{number}", "lead": {"unit": "a"}} | rule for number, rule in enumerate(rules, 1)]
        return lint_reach(parse_rulebook({"rule": [*tables, FALLBACK]}), SERVICES, directory, places)

    return reach


def lamp(*parts):
    return {"when": {"all": [{"service": "lamp"}, *parts]}}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param([lamp(S1), lamp(S1, NIGHT)], [("r2", "shadowed", "r1")], id="a condition more"),
        pytest.param([lamp(D), lamp(S1)], [("r2", "shadowed", "r1")], id="a street of the district"),
        pytest.param([lamp(S1), lamp(D)], [], id="the district after its street"),
        pytest.param([lamp(NIGHT), lamp(LATE)], [("r2", "shadowed", "r1")], id="an hour of the night"),
        pytest.param([lamp(LATE), lamp(NIGHT)], [], id="the rest of the night"),
        pytest.param([{"when": {"group": "light"}}, lamp(S1)], [("r2", "shadowed", "r1")], id="its group"),
        pytest.param([lamp({"near": {"layer": "school", "within_m": 50}}),
                      lamp({"near": {"layer": "school", "within_m": 20}})],
                     [("r2", "shadowed", "r1")], id="nearer"),
        pytest.param([lamp({"weekday": ["sat", "sun"]}), lamp({"weekday": "sun"})],
                     [("r2", "shadowed", "r1")], id="one of the days"),
        pytest.param([lamp({"answer": {"question": "q", "in": ["x", "y"]}}),
                      lamp({"answer": {"question": "q", "in": "x"}})], [("r2", "shadowed", "r1")], id="one answer"),
        pytest.param([lamp({"answer": {"question": "q", "in": "x"}}),
                      lamp({"answer": {"question": "q", "in": "y"}})], [], id="both answers may be given"),
        pytest.param([lamp(S1), lamp(S2), lamp({"layer": "street"})],
                     [("r3", "unreachable", "r1, r2")], id="two together"),
        pytest.param([lamp({"holiday": True}), lamp({"holiday": False}), lamp(S1)],
                     [("r3", "unreachable", "r1, r2")], id="either way"),
        pytest.param([{"lead": {"boundary_of": "street"}}, {"when": S1}], [("r2", "shadowed", "r1")], id="boundary"),
        pytest.param([{"lead": {"nearest_of": "depot"}}, {"when": S1}], [], id="a depot may be far"),
        pytest.param([lamp({"attr": {"layer": "street", "name": "kind", "in": "old"}}), lamp(S1)],
                     [("r2", "shadowed", "r1")], id="what an attribute says"),
        pytest.param([lamp(S1, S2)], [("r1", "contradicting", "")], id="streets apart"),
        pytest.param([lamp(Z1, Z2)], [], id="zones that overlap"),
        pytest.param([lamp(S2, Z1)], [("r1", "contradicting", "")], id="a zone of the other street"),
        pytest.param([lamp(NIGHT, DAY)], [("r1", "contradicting", "")], id="times apart"),
        pytest.param([lamp({"group": "road"})], [("r1", "contradicting", "")], id="service outside the group"),
        pytest.param([lamp({"not": {"service": "lamp"}})], [("r1", "contradicting", "")], id="not itself"),
        pytest.param([lamp({"priority": "high"}, {"priority": ["low", "normal"]})],
                     [("r1", "contradicting", "")], id="priorities apart"),
        pytest.param([{"when": {"any": [{"all": [{"service": "lamp"}, NIGHT, DAY]}, {"service": "hole"}]}}],
                     [("r1", "contradicting", "code: lamp; 22:00-06:00; 08:00-18:00")], id="one alternative"),
        pytest.param([lamp({"any": [{"channel": f"c{n}"} for n in range(9)]}),
                      lamp({"channel": "c4"})], [("r2", "shadowed", "r1")], id="one of many channels"),
    ],
)  # fmt: skip
def test_rules_that_never_lead(found, rules, expected):
    problems = found(*rules).problems
    assert [(one.rule_id, one.code, one.subject) for one in problems] == expected


def test_what_is_too_large_is_left_undecided(found):
    """Eight answers that each need one of seven values for themselves: impossible, but long to prove."""
    sits = [[{"answer": {"question": f"q{one}-{seat}", "in": "x"}} for seat in range(7)] for one in range(8)]
    alone = [
        {"not": {"all": [sits[one][seat], sits[other][seat]]}}
        for seat in range(7)
        for one, other in combinations(range(8), 2)
    ]
    crowd = {"all": [*({"any": seats} for seats in sits), *alone]}
    assert can_hold([parse(crowd)]) == "unknown"
    few = {"all": [*({"any": seats[:2]} for seats in sits[:3]), *alone]}
    assert can_hold([parse(few)]) == "no"
    problems = found({"when": crowd}).problems
    assert [(one.rule_id, one.code) for one in problems] == [("r1", "not_decided")]


def test_claims_name_places_services_and_units(found):
    claims = found(lamp(S1), {**lamp(NIGHT), "lead": {"unit": "b"}}, {"when": {"service": "hole"}}).claims
    rows = {(one.kind, one.services, one.rules, one.units) for one in claims}
    assert rows == {
        ("gap", ("noise",), (), ()),
        ("overlap", ("lamp",), ("r1", "r2"), ("a", "b")),
        ("partial_gap", ("lamp",), ("r2",), ()),
    }
    overlap = next(one for one in claims if one.kind == "overlap")
    assert {hit for piece in overlap.pieces for hit in piece.hits if hit[0] == "street"} == {("street", "S1")}


def test_the_map_draws_overlapping_zones(found):
    claims = found({"when": {"service": ["lamp", "hole", "noise"]}, "lead": {"boundary_of": "zone"}}).claims
    features = claims_geojson(claims)["features"]
    drawn = {one["properties"]["kind"]: shapely.geometry.shape(one["geometry"]) for one in features}
    assert drawn["overlap"].equals(shapely.box(0.005, 0, 0.01, 0.02))
    assert drawn["gap"].equals(shapely.box(0.02, 0, 0.06, 0.02))
    overlap = next(one["properties"] for one in features if one["properties"]["kind"] == "overlap")
    assert (overlap["units"], overlap["services"]) == (["uZ1", "uZ2"], ["hole", "lamp", "noise"])
    assert overlap["area_m2"] == pytest.approx(0.005 * 111_320 * 0.02 * 110_574, rel=0.01)


LEAVES = st.sampled_from(
    [
        S1, S2, {"layer": "street"}, NIGHT, DAY, LATE, {"weekday": ["mon", "tue"]}, {"weekday": "tue"},
        {"holiday": True}, {"holiday": False}, {"priority": ["high", "low"]}, {"priority": "low"},
        {"near": {"layer": "school", "within_m": 50}}, {"near": {"layer": "school", "within_m": 200}},
        {"answer": {"question": "q", "in": ["x", "y"]}}, {"answer": {"question": "q", "in": ["y"]}},
        {"channel": "web"}, {"channel": ["web", "api"]},
    ]
)  # fmt: skip
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=8,
)
FACTS = st.builds(
    lambda hits, minute, day, holiday, priority, near, answers, channel: ReportFacts(
        SERVICES["lamp"],
        datetime(2026, 3, day, minute // 60, minute % 60, tzinfo=ZoneInfo("UTC")),
        LonLat(0, 0),
        hits=tuple(Hit("street", code, 1, None, False) for code in hits),
        near={} if near is None else {"school": Nearby("school", "a", near)},
        answers={"q": tuple(answers)},
        is_holiday=holiday,
        priority=priority,
        channel=channel,
    ),
    st.sets(st.sampled_from(["S1", "S2", "S3"])), st.integers(0, 1439), st.integers(2, 8), st.booleans(),
    st.sampled_from(["emergency", "high", "normal", "low"]), st.none() | st.floats(0, 400),
    st.sets(st.sampled_from(["x", "y", "z"])), st.sampled_from(["web", "api", "phone"]),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(CONDITIONS, CONDITIONS, FACTS)
def test_what_is_proven_holds_for_any_report(one, other, facts):
    """No false alarm: what "can never hold" holds for no report, and an implication has no exception."""
    first, second = parse(one), parse(other)
    if first.matches(facts):
        assert can_hold([first]) != "no"
        if not second.matches(facts):
            assert implies(first, second) != "yes"
