"""Which target applies, and the clocks that follow from it."""

from datetime import date, datetime, time
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from routing.calendar import WorkingCalendar
from routing.errors import RoutingError
from routing.targets import Target, TargetTable, due_after_pause, plan_clocks

ZONE = ZoneInfo("Asia/Shanghai")
CALENDAR = WorkingCalendar(
    "Asia/Shanghai", {day: ((time(9), time(17)),) for day in range(5)}, holidays=frozenset({date(2026, 3, 9)})
)
TABLE = TargetTable(
    [
        Target("*", "", "promise", "resolve", 15, "working_days"),
        Target("*", "emergency", "promise", "resolve", 2, "hours"),
        Target("lighting", "", "promise", "resolve", 10, "working_days"),
        Target("lamp", "", "promise", "resolve", 5, "working_days"),
        Target("lamp", "high", "promise", "resolve", 1, "working_days"),
        Target("*", "", "unit", "accept", 2, "working_hours"),
        Target("*", "emergency", "unit", "accept", 0.5, "hours"),
        Target("roads", "", "unit", "resolve", 8, "working_hours"),
    ]
)


def _local(text):
    moment = datetime.fromisoformat(text[4:]).replace(tzinfo=ZONE)
    assert moment.strftime("%a") == text[:3]
    return moment


def _text(moment):
    return moment.astimezone(ZONE).strftime("%a %Y-%m-%d %H:%M")


def test_the_class_that_a_rule_sets_stands_before_the_service_and_behind_a_contract(services):
    rows = [
        *TABLE,
        Target("near-schools", "", "promise", "resolve", 3, "hours"),
        Target("near-schools", "", "unit", "resolve", 2, "hours"),
        Target("@mill", "", "unit", "resolve", 9, "hours"),
    ]
    find = partial(TargetTable(rows).find, services["lamp"], "high")
    assert find("promise", "resolve", targets="near-schools").amount == 3
    assert find("unit", "resolve", "quay", targets="near-schools").amount == 2
    assert find("unit", "resolve", "mill", targets="near-schools").amount == 9
    assert find("unit", "accept", "mill", targets="near-schools").amount == 2
    assert find("promise", "resolve", targets="roads").amount == 1, (
        "a group without such a row: the service's"
    )


@pytest.mark.parametrize(
    ("service", "priority", "amount"),
    [
        ("lamp", "high", 1),  # service and priority
        ("lamp", "normal", 5),  # service
        ("lamp", "emergency", 5),  # the service counts before the priority
        ("noise", "emergency", 2),  # anything, with the priority
        ("noise", "low", 15),  # anything
    ],
)
def test_the_most_specific_row_wins(services, service, priority, amount):
    assert TABLE.find(services[service], priority, "promise", "resolve").amount == amount


def test_a_group_counts_between_service_and_anything(services):
    rows = [row for row in TABLE if row.applies_to != "lamp"]
    assert TargetTable(rows).find(services["lamp"], "high", "promise", "resolve").amount == 10
    assert TABLE.find(services["hole"], "normal", "unit", "first_answer") is None


@pytest.mark.parametrize(
    ("service", "priority", "filed", "clocks"),
    [
        (
            "hole", "normal", "Wed 2026-03-04 10:00",
            [("promise", "resolve", "Thu 2026-03-26 10:00"), ("unit", "accept", "Wed 2026-03-04 12:00"),
             ("unit", "resolve", "Thu 2026-03-05 10:00")],
        ),
        (
            "noise", "emergency", "Sat 2026-03-07 23:45",
            [("promise", "resolve", "Sun 2026-03-08 01:45"), ("unit", "accept", "Sun 2026-03-08 00:15")],
        ),
    ],
)  # fmt: skip
def test_the_clocks_of_a_report(services, service, priority, filed, clocks):
    plans = plan_clocks(services[service], priority, _local(filed), CALENDAR, TABLE)
    assert [(plan.kind, plan.stage, _text(plan.due_at)) for plan in plans] == clocks
    assert all(plan.start_at <= plan.at_risk_at <= plan.due_at for plan in plans)


@pytest.mark.parametrize(
    ("amount", "unit", "filed", "at_risk"),
    [
        (8, "working_hours", "Fri 2026-03-06 13:00", "Tue 2026-03-10 11:00"),  # 6 of 8 hours worked
        (1, "working_days", "Fri 2026-03-06 12:00", "Tue 2026-03-10 10:00"),  # not on the Sunday
        (8, "hours", "Fri 2026-03-06 20:00", "Sat 2026-03-07 02:00"),
        (4, "days", "Fri 2026-03-06 20:00", "Mon 2026-03-09 20:00"),
    ],
)
def test_a_clock_is_at_risk_after_three_quarters(services, amount, unit, filed, at_risk):
    table = TargetTable([Target("*", "", "unit", "resolve", amount, unit)])
    (plan,) = plan_clocks(services["lamp"], "normal", _local(filed), CALENDAR, table)
    assert _text(plan.at_risk_at) == at_risk


@pytest.mark.parametrize(
    ("unit", "due", "paused", "resumed", "moved"),
    [
        ("hours", "Wed 03-04 15:00", "Wed 03-04 12:00", "Thu 03-05 12:00", "Thu 03-05 15:00"),
        ("working_hours", "Wed 03-04 15:00", "Wed 03-04 12:00", "Fri 03-06 16:00", "Tue 03-10 11:00"),
        ("working_hours", "Wed 03-04 15:00", "Wed 03-04 12:00", "Sat 03-07 16:00", "Tue 03-10 12:00"),
        ("working_days", "Fri 03-06 15:00", "Tue 03-03 10:00", "Thu 03-05 09:00", "Wed 03-11 15:00"),
        ("working_days", "Fri 03-06 15:00", "Tue 03-03 10:00", "Tue 03-03 16:00", "Fri 03-06 15:00"),
        ("days", "Fri 03-06 15:00", "Sat 03-07 10:00", "Sun 03-08 10:00", "Fri 03-06 15:00"),
    ],
)
def test_a_pause_moves_what_is_left(unit, due, paused, resumed, moved):
    rows = [_local(text[:4] + "2026-" + text[4:]) for text in (due, paused, resumed, moved)]
    assert due_after_pause(*rows[:3], unit, CALENDAR) == rows[3]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("*", "", "unit", "accept", 1, "hours")] * 2, "two targets"),
        ([("*", "urgent", "unit", "accept", 1, "hours")], "unknown priority"),
        ([("*", "", "promise", "accept", 1, "hours")], "there is no clock promise accept"),
        ([("*", "", "unit", "accept", 1, "weeks")], "unknown unit"),
        ([("*", "", "unit", "accept", 0, "hours")], "over 0"),
        ([("*", "", "unit", "accept", 1.5, "days")], "counted whole"),
    ],
)
def test_targets_that_cannot_be(rows, message):
    with pytest.raises(RoutingError, match=message):
        TargetTable([Target(*row) for row in rows])
