"""Every leaf of a rule, true and false, and what comes of combining them."""

import pytest

from routing.conditions import ConditionError, parse
from routing.leaves import ALWAYS, NEVER

PARK_OR_STREET = {"any": [{"layer": "park"}, {"layer": "street", "code": ["S1", "S2"]}]}


@pytest.mark.parametrize(
    ("when", "facts", "expected"),
    [
        ({"service": ["lamp", "hole"]}, {}, True),
        ({"service": "hole"}, {}, False),
        ({"group": ["lighting"]}, {}, True),
        ({"group": ["roads"]}, {}, False),
        ({"kind": ["report"]}, {}, True),
        ({"kind": ["praise"]}, {}, False),
        ({"layer": "park"}, {"hits": ["park P1"]}, True),
        ({"layer": "park"}, {"hits": ["street S1"]}, False),
        ({"layer": "street", "code": ["S1"]}, {"hits": ["street S2", "street S1"]}, True),
        ({"layer": "street", "code": ["S1"]}, {"hits": ["street S2"]}, False),
        ({"layer": "ward", "code": [7]}, {"hits": ["ward 7"]}, True),
        ({"near": {"layer": "school", "within_m": 50}}, {"near": ["school X 50.0"]}, True),
        ({"near": {"layer": "school", "within_m": 50}}, {"near": ["school X 50.1"]}, False),
        ({"near": {"layer": "school", "within_m": 50}}, {}, False),
        ({"answer": {"question": "q", "in": ["yes"]}}, {"answers": {"q": ("no", "yes")}}, True),
        ({"answer": {"question": "q", "in": ["yes"]}}, {"answers": {"q": ("no",)}}, False),
        ({"answer": {"question": "q", "in": ["yes"]}}, {}, False),
        ({"holiday": True}, {"is_holiday": True}, True),
        ({"holiday": False}, {"is_holiday": True}, False),
        ({"working_time": True}, {"is_working_time": True}, True),
        ({"working_time": True}, {"is_working_time": False}, False),
        ({"priority": ["high", "emergency"]}, {"priority": "high"}, True),
        ({"priority": ["high", "emergency"]}, {"priority": "low"}, False),
        ({"channel": ["phone"]}, {"channel": "phone"}, True),
        ({"channel": ["phone"]}, {"channel": "web"}, False),
        ({"not": {"service": ["lamp"]}}, {}, False),
        ({"not": {"layer": "park"}}, {}, True),
        ({"all": [{"service": "lamp"}, {"layer": "park"}]}, {"hits": ["park P1"]}, True),
        ({"all": [{"service": "lamp"}, {"layer": "park"}]}, {}, False),
        (PARK_OR_STREET, {"hits": ["street S2"]}, True),
        (PARK_OR_STREET, {"hits": ["street S3"]}, False),
    ],
)
def test_what_a_condition_says(make_facts, when, facts, expected):
    condition = parse(when)
    built = make_facts(**facts)
    assert condition.matches(built) is expected
    assert (condition.misses(built) == ()) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("yes", True), ("no", False)],
)
def test_an_attribute_of_the_boundary_that_was_hit(make_facts, value, expected):
    condition = parse({"attr": {"layer": "park", "name": "lit", "in": ["yes"]}})
    rows = {("park", "P1"): {"lit": value}, ("park", "P2"): {"lit": "yes"}}
    assert condition.matches(make_facts(hits=["park P1"], attributes=rows)) is expected


@pytest.mark.parametrize(
    ("start", "end", "at", "expected"),
    [
        ("08:00", "17:00", "2026-03-04 08:00", True),
        ("08:00", "17:00", "2026-03-04 16:59", True),
        ("08:00", "17:00", "2026-03-04 17:00", False),
        ("08:00", "17:00", "2026-03-04 07:59", False),
        ("22:00", "06:00", "2026-03-04 22:00", True),
        ("22:00", "06:00", "2026-03-04 23:59", True),
        ("22:00", "06:00", "2026-03-05 00:00", True),
        ("22:00", "06:00", "2026-03-05 05:59", True),
        ("22:00", "06:00", "2026-03-05 06:00", False),
        ("22:00", "06:00", "2026-03-05 21:59", False),
        ("22:00", "24:00", "2026-03-05 23:59", True),
        ("22:00", "24:00", "2026-03-05 00:00", False),
    ],
)
def test_a_window_of_time_may_pass_midnight(make_facts, start, end, at, expected):
    assert parse({"time": {"from": start, "to": end}}).matches(make_facts(at=at)) is expected


@pytest.mark.parametrize(
    ("weekday", "at", "expected"),
    [
        (["mon", "tue"], "2026-03-02 12:00", True),  # Monday
        (["mon", "tue"], "2026-03-04 12:00", False),  # Wednesday
        (["sun"], "2026-03-08 23:59", True),  # Sunday
        (["sun"], "2026-03-09 00:00", False),  # Monday
    ],
)
def test_weekdays_are_local(make_facts, weekday, at, expected):
    assert parse({"weekday": weekday}).matches(make_facts(at=at)) is expected


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("park", "a condition is a table"),
        ({}, "asks one thing"),
        ({"service": ["a"], "group": ["b"]}, "asks one thing"),
        ({"servce": ["a"]}, "unknown condition 'servce'"),
        ({"code": ["P1"]}, "unknown condition 'code'"),
        ({"all": []}, "all needs a list"),
        ({"any": {"service": "a"}}, "any needs a list"),
        ({"not": []}, "a condition is a table"),
        ({"service": []}, "service needs at least one value"),
        ({"service": [True]}, "needs a word"),
        ({"code": ["x"], "layer": ""}, "layer needs a word"),
        ({"kind": ["rant"]}, "kind 'rant' is unknown"),
        ({"priority": ["urgent"]}, "priority 'urgent' is unknown"),
        ({"weekday": ["monday"]}, "weekday 'monday' is unknown"),
        ({"time": {"from": "9:00", "to": "10:00"}}, "is not a time of day"),
        ({"time": {"from": "09:00"}}, "time needs a table with from, to"),
        ({"time": {"from": "09:00", "to": "09:00"}}, "must not be empty"),
        ({"time": {"from": "00:00", "to": "24:00"}}, "must not be empty"),
        ({"near": {"layer": "x", "within_m": 0}}, "within_m over 0"),
        ({"near": {"layer": "x", "within_m": "5"}}, "within_m over 0"),
        ({"attr": {"layer": "x", "name": "y"}}, "attr needs a table"),
        ({"holiday": "yes"}, "holiday is true or false"),
    ],
)
def test_what_cannot_be_read_is_explained(when, message):
    with pytest.raises(ConditionError, match=message):
        parse(when)


@pytest.mark.parametrize(
    ("when", "service", "expected"),
    [
        ({"service": "lamp"}, "lamp", ALWAYS),
        ({"service": "lamp"}, "hole", NEVER),
        ({"not": {"group": "roads"}}, "hole", NEVER),
        ({"all": [{"service": "lamp"}, {"layer": "park"}]}, "lamp", parse({"layer": "park"})),
        ({"all": [{"service": "lamp"}, {"layer": "park"}]}, "hole", NEVER),
        ({"any": [{"service": "lamp"}, {"layer": "park"}]}, "lamp", ALWAYS),
        ({"any": [{"service": "lamp"}, {"layer": "park"}]}, "hole", parse({"layer": "park"})),
        ({"not": {"layer": "park"}}, "hole", parse({"not": {"layer": "park"}})),
    ],
)
def test_what_remains_once_the_service_is_known(services, when, service, expected):
    assert parse(when).for_service(services[service]) == expected


@pytest.mark.parametrize(
    ("when", "keys"),
    [
        ({"layer": "park"}, {("park", None)}),
        (PARK_OR_STREET, {("park", None), ("street", "S1"), ("street", "S2")}),
        ({"all": [PARK_OR_STREET, {"layer": "ward", "code": "7"}]}, {("ward", "7")}),
        ({"any": [{"layer": "park"}, {"holiday": True}]}, None),
        ({"not": {"layer": "park"}}, None),
        ({"attr": {"layer": "park", "name": "lit", "in": "yes"}}, {("park", None)}),
    ],
)
def test_the_boundaries_that_a_condition_cannot_do_without(when, keys):
    assert parse(when).area_keys() == keys


def test_the_nearest_way_to_have_matched(make_facts):
    condition = parse({"any": [{"layer": "park", "code": "P1"}, {"layer": "park", "code": "P2"}]})
    (miss,) = condition.misses(make_facts(others=["park P1 20", "park P2 8"]))
    assert (miss.code, miss.distance_m) == ("P2", 8.0)
