"""The whole way from a point to an answer, on boundaries drawn here and without any database."""

import pickle
from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.boundary import Boundary, Layer
from geo.crs import LonLat, from_wgs84
from geo.index import PointIndex
from routing.calendar import WorkingCalendar
from routing.errors import CalendarError, InvalidPlace, RoutingError, UnknownService
from routing.receipt import explain_trace, reason
from routing.router import City, PointQuery, Router
from routing.rules import parse_rulebook
from routing.targets import Target, TargetTable

# One metre in degrees near (113.90, 22.50).
NORTH, EAST = 1 / 110_750, 1 / 102_900
LON, LAT = 113.90, 22.50
WEDNESDAY = datetime(2026, 3, 4, 10, tzinfo=ZoneInfo("Asia/Shanghai"))

RULES = [
    {"id": "lit-park", "when": {"all": [{"service": "lamp"}, {"attr": {"layer": "park", "name": "lit", "in": "yes"}}]},
     "lead": {"unit": "parks"}},
    {"id": "crew", "when": {"answer": {"question": "broken", "in": ["wire"]}}, "lead": {"nearest_of": "depot"}},
    {"id": "idle", "when": {"channel": ["phone"]}, "lead": {"least_loaded": ["crew-a", "crew-b"]}},
    {"id": "enquiries", "when": {"kind": ["enquiry"]}, "lead": {"unit": "lighting"}},
    {"id": "holiday", "when": {"holiday": True}, "lead": {"unit": "centre"}, "priority": "high"},
    {"id": "street", "when": {"kind": ["report"]}, "lead": {"boundary_of": "street"}, "ambiguous": "joint"},
    {"id": "fallback", "lead": {"unit": "centre"}},
]  # fmt: skip


def _at(x, y):
    """Return degrees for metres east and north of the corner where the two streets meet."""
    return LON + x * EAST, LAT + y * NORTH


def _box(code, west, south, east, north, **attributes):
    return Boundary(code, code, shapely.box(*_at(west, south), *_at(east, north)), attributes)


@pytest.fixture(scope="module")
def layers():
    depots = tuple(Boundary(code, code, shapely.Point(*_at(x, 0))) for code, x in (("A", -900), ("B", 900)))
    return (
        Layer("street", (_box("S1", -1000, 0, 0, 1000), _box("S2", 0, 0, 1000, 1000)), 4, 1, 5.0, True),
        Layer("park", (_box("P1", 100, 100, 300, 300, lit="yes"), _box("P2", -300, 100, -100, 300)), 2, 2),
        Layer("depot", depots, 9, is_area=False),
    )


@pytest.fixture(scope="module")
def city(layers, directory, services):
    targets = [
        Target("*", "", "promise", "resolve", 5, "working_days"),
        Target("*", "", "unit", "accept", 2, "working_hours"),
    ]
    hours = {day: ((time(9), time(17)),) for day in range(5)}
    calendar = WorkingCalendar("Asia/Shanghai", hours, holidays=frozenset({datetime(2026, 4, 6).date()}))  # noqa: DTZ001
    return City(
        PointIndex.build(layers), parse_rulebook({"rule": RULES}, version="7"), directory, calendar,
        TargetTable(targets), services, "Asia/Shanghai", published_by="office",
    )  # fmt: skip


@pytest.fixture(scope="module")
def router(city):
    return Router(city)


def _query(x=None, y=None, service="lamp", **given):
    lon, lat = (None, None) if x is None else _at(x, y)
    return PointQuery(service, given.pop("at", WEDNESDAY), lon, lat, **given)


@pytest.mark.parametrize(
    ("query", "lead", "key"),
    [
        (_query(-500, 500), "mill", "boundary"),
        (_query(500, 500), "quay", "boundary"),
        (_query(200, 200), "parks", "boundary"),
        (_query(200, 200, "hole"), "quay", "boundary"),
        (_query(-200, 200), "mill", "boundary"),
        (_query(-500, -4), "mill", "snapped"),
        (_query(-500, -6), "centre", "outside"),
        (_query(90_000, 90_000), "centre", "outside"),
        (_query(), "centre", "no_place"),
        (_query(service="ask"), "lighting", "service"),
        (_query(500, 500, "ask"), "lighting", "service"),
        (_query(3, 500, accuracy_m=30), "quay", "ambiguous"),
        (_query(3, 500), "quay", "ambiguous"),
        # A record of an address: only the border itself is doubtful.
        (_query(3, 500, is_geocoded=True), "quay", "boundary"),
        (_query(0.3, 500, is_geocoded=True), "quay", "ambiguous"),
        (_query(3, 500, is_geocoded=True, accuracy_m=30), "quay", "ambiguous"),
        (_query(-700, 500, answers={"broken": ["wire"]}), "crew-a", "boundary"),
        (_query(700, 500, answers={"broken": "wire"}), "crew-b", "boundary"),
        (_query(500, 500, channel="phone"), "crew-a", "service"),
        (_query(500, 500, at=datetime(2026, 4, 6, 1, tzinfo=UTC)), "centre", "service"),
    ],
)
def test_the_whole_way(router, query, lead, key):
    routed = router.route(query)
    assert routed.decision.lead == lead
    assert reason(routed.receipt)[0] == f"reason.{key}"


def test_a_receipt_carries_editions_and_exact_distances(router):
    receipt = router.route(_query(3, 500, accuracy_m=30)).receipt
    assert receipt["editions"] == {"street": 4, "park": 2, "depot": 9}
    assert receipt["hits"] == [{"layer": "street", "code": "S2", "edge_m": pytest.approx(3.0, abs=0.01)}]
    assert (receipt["runner_up"], receipt["assist"]) == ("mill", ["mill"])
    assert receipt["published_by"] == "office"


def test_the_promise_follows_from_the_targets(router):
    clocks = router.route(_query(500, 500)).clocks
    assert [(clock.kind, clock.stage, clock.due_at.isoformat()) for clock in clocks] == [
        ("promise", "resolve", "2026-03-11T02:00:00+00:00"),  # Wednesday 10:00 there
        ("unit", "accept", "2026-03-04T04:00:00+00:00"),  # Wednesday 12:00 there
    ]


@pytest.mark.parametrize(
    ("loads", "lead"), [({}, "crew-a"), ({"crew-a": 2, "crew-b": 1, "mill": 9}, "crew-b")]
)
def test_loads_decide_between_crews(router, loads, lead):
    routed = router.route(_query(500, 500, channel="phone"), loads)
    assert routed.decision.lead == lead
    assert "mill" not in routed.facts.loads


@pytest.mark.parametrize(
    ("given", "used"),
    [(None, 30.0), (0.0, 1.0), (-5.0, 1.0), (12.5, 12.5), (9000.0, 500.0), (float("nan"), 30.0)],
)
def test_accuracy_is_clamped(router, given, used):
    assert router.facts(_query(500, 500, accuracy_m=given)).accuracy_m == used


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09"])
def test_every_datum_leads_to_the_same_place(router, datum):
    lon, lat = from_wgs84(*_at(500, 500), datum)
    facts = router.facts(PointQuery("lamp", WEDNESDAY, lon, lat, datum=datum))
    assert facts.point == pytest.approx(_at(500, 500), abs=1e-7)


def test_a_city_has_a_datum_of_its_own(city):
    lon, lat = from_wgs84(*_at(3, 500), "gcj02")
    facts = Router(replace(city, datum="gcj02")).facts(PointQuery("lamp", WEDNESDAY, lon, lat))
    assert facts.point == pytest.approx(_at(3, 500), abs=1e-7)


@pytest.mark.parametrize(
    ("priority", "urgency", "is_vulnerable", "service", "expected"),
    [
        (None, 2, False, "lamp", "normal"),
        (None, 2, False, "hole", "high"),
        (None, 3, True, "lamp", "emergency"),
        ("low", 3, True, "lamp", "low"),
    ],
)
def test_priority_is_given_or_computed(router, priority, urgency, is_vulnerable, service, expected):
    query = _query(500, 500, service, priority=priority, urgency=urgency, is_vulnerable=is_vulnerable)
    assert router.facts(query).priority == expected


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (_query(service="ghost"), UnknownService),
        (PointQuery("lamp", datetime(2026, 3, 4)), CalendarError),  # noqa: DTZ001
        (PointQuery("lamp", WEDNESDAY, 181.0, 0.0), InvalidPlace),
        (PointQuery("lamp", WEDNESDAY, 0.0, 90.1), InvalidPlace),
        (PointQuery("lamp", WEDNESDAY, float("nan"), 0.0), InvalidPlace),
    ],
)
def test_questions_that_cannot_be_answered(router, query, error):
    with pytest.raises(error):
        router.route(query)


def test_a_city_can_be_sent_to_another_process(city, router):
    sent = pickle.loads(pickle.dumps(city))
    for query in (_query(3, 500), _query(200, 200), _query(), _query(-500, -4)):
        assert Router(sent).route(query) == router.route(query)
        facts = router.facts(query)
        here = explain_trace(facts, city.rulebook, city.directory)
        assert explain_trace(facts, sent.rulebook, sent.directory) == here


def test_a_rulebook_about_another_city_is_refused_at_once(city):
    rules = [
        {"id": "a", "when": {"near": {"layer": "school", "within_m": 9}}, "lead": {"boundary_of": "ward"}},
        {"id": "fallback", "lead": {"unit": "ghost"}},
    ]
    with pytest.raises(RoutingError, match="layer school, layer ward, unit ghost"):
        Router(replace(city, rulebook=parse_rulebook({"rule": rules})))


@pytest.mark.parametrize(
    ("query", "edge_m"),
    [(_query(3, 500), 3.0), (_query(200, 150), 50.0), (_query(500, 500), None), (_query(-90, 200), 90.0)],
)
def test_the_edge_distance_is_that_of_the_boundary_that_decided(router, query, edge_m):
    assert router.route(query).edge_m == (edge_m if edge_m is None else pytest.approx(edge_m, abs=0.05))


@given(x=st.floats(-60, 60), y=st.floats(440, 560), accuracy=st.floats(1, 100))
@settings(max_examples=60, deadline=None)
def test_the_public_learns_nothing_from_where_a_sensitive_report_was(router, x, y, accuracy):
    """Every true point with one public point and one lead looks the same from outside."""
    public_point = LonLat(*_at(500, 500))
    query = _query(abs(x) + 1, y, "noise", accuracy_m=accuracy)
    other = _query(700, 700, "noise", accuracy_m=20.0)
    one = router.public_receipt(query, router.route(query), public_point)
    two = router.public_receipt(other, router.route(other), public_point)
    assert one == two


@pytest.mark.parametrize("accuracy", [2.0, 20.0, 200.0])
def test_the_accuracy_of_a_phone_does_not_shine_through(router, accuracy):
    """The public point lies near a border, where accuracy decides how sure the answer is."""
    query = _query(500, 500, "noise", accuracy_m=accuracy)
    public = router.public_receipt(query, router.route(query), LonLat(*_at(12, 500)))
    assert (public["confidence"], public["accuracy_m"]) == (0.7, None)
    assert public["hits"] == [{"layer": "street", "code": "S2", "edge": "5-25"}]


def test_an_ordinary_report_shows_bands(router):
    query = _query(3, 500)
    public = router.public_receipt(query, router.route(query), LonLat(*_at(0, 0)))
    assert public["hits"] == [{"layer": "street", "code": "S2", "edge": "<5"}]


@given(x=st.floats(-1100, 1100), y=st.floats(-100, 1100), accuracy=st.floats(1, 500), hour=st.integers(0, 23))
@settings(max_examples=150, deadline=None)
def test_anywhere_the_trace_and_the_receipt_tell_one_story(router, city, x, y, accuracy, hour):
    at = WEDNESDAY.replace(hour=hour)
    routed = router.route(_query(x, y, accuracy_m=accuracy, at=at))
    trace = explain_trace(routed.facts, city.rulebook, city.directory)
    assert (trace.winner, trace.lead) == (routed.receipt["rule"], routed.receipt["lead"])
    assert trace.facts_digest == routed.receipt["facts"]
    assert trace.near_misses == routed.decision.near_misses
    assert router.route(_query(x, y, accuracy_m=accuracy, at=at)).receipt == routed.receipt


def test_measured_shares_agree_with_the_estimate_at_a_straight_edge(router, city):
    facts = router.facts(_query(9, 500, "hole"))
    shares = city.index.shares(*facts.point, facts.accuracy_m, "street")
    estimate = router.route(_query(9, 500, "hole")).decision.confidence
    assert shares["S2"] == pytest.approx(estimate, abs=2e-3)


def test_the_disc_is_measured_only_where_something_lies_in_it(router):
    near, far = router.facts(_query(3, 500, accuracy_m=30)), router.facts(_query(80, 500, accuracy_m=30))
    assert near.shares["street"] == pytest.approx({"S1": 0.4364, "S2": 0.5636}, abs=2e-3)
    assert far.others
    assert far.shares == {}


def test_a_city_says_when_a_place_is_doubtful(city):
    strict = Router(replace(city, geocoded_border_m=5.0))
    lax = Router(replace(city, ambiguous_below=0.5))
    assert strict.route(_query(3, 500, is_geocoded=True)).decision.ambiguous
    assert not lax.route(_query(3, 500, accuracy_m=30)).decision.ambiguous
