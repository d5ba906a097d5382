"""Marks, colours and the ladder, in tables."""

from datetime import UTC, datetime, timedelta

import pytest

from routing.escalation import (
    NONE,
    ORANGE,
    RED,
    USUAL_STEPS,
    YELLOW,
    Escalation,
    Ladder,
    Look,
    Marked,
    Step,
    case_colour,
    look_at,
    marks_of,
    next_look,
    stands_above,
    step_of,
)
from routing.units import Directory, Unit

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
UNITS = Directory(
    [
        Unit("centre", level="city"),
        Unit("north", "centre", "district"),
        Unit("oak", "north", "street"),
        Unit("grove", "oak", "community"),
        Unit("lamps", "centre", "department"),
        Unit("firm", "lamps", "contractor", supervisor="north"),
    ],
    "centre",
)


def clock(kind="unit", mark=0, **hours):
    """A clock that is reminded at 5:00, at risk at 7:30, nearly due at 9:00 and due at noon unless told otherwise."""
    at = {"remind_at": 5, "at_risk_at": 7.5, "nearly_at": 9, "due_at": 12} | hours
    start = NOON - timedelta(hours=12)
    moments = {name: None if value is None else start + timedelta(hours=value) for name, value in at.items()}
    return Marked(kind, mark, **moments)


def at(hour):
    return NOON - timedelta(hours=12) + timedelta(hours=hour)


@pytest.mark.parametrize(
    ("hour", "mark", "passed", "next_hour"),
    [
        pytest.param(4.9, 0, (), 5, id="04:54 nothing yet"),
        pytest.param(5, 0, (1,), 7.5, id="05:00 reminded"),
        pytest.param(5, 1, (), 7.5, id="05:00 reminded before"),
        pytest.param(8, 0, (2,), 9, id="08:00 at risk; the reminder is past"),
        pytest.param(9.5, 1, (3,), 12, id="09:30 nearly due; at risk is past"),
        pytest.param(12, 3, (4,), 13, id="12:00 breached"),
        pytest.param(12.5, 0, (4,), 13, id="12:30 breached, nobody had looked"),
        pytest.param(13, 4, (5,), 16, id="13:00 first step"),
        pytest.param(17, 3, (4, 5, 6), 36, id="17:00 breach and two steps, each for itself"),
        pytest.param(36, 6, (7,), None, id="12:00 next day the last step"),
        pytest.param(99, 7, (), None, id="long after: nothing more"),
    ],
)
def test_marks_of_a_clock(hour, mark, passed, next_hour):
    found = clock(mark=mark)
    reached, next_at = max((mark, *passed)), None if next_hour is None else at(next_hour)
    assert look_at(found, at(hour), USUAL_STEPS) == Look(passed, reached, next_at)
    assert next_look(found, reached, USUAL_STEPS) == next_at


def test_a_clock_without_reminder_and_nearness_has_fewer_marks():
    assert [mark for mark, _ in marks_of(clock(remind_at=None, nearly_at=None), ())] == [2, 4]
    assert [mark for mark, _ in marks_of(clock("supervision"), USUAL_STEPS)] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("clocks", "hour", "floor", "colour"),
    [
        pytest.param([], 12, NONE, NONE, id="no clock"),
        pytest.param([clock()], 7, NONE, NONE, id="in time"),
        pytest.param([clock()], 8, NONE, YELLOW, id="at risk"),
        pytest.param([clock("promise")], 9, NONE, ORANGE, id="nearly due"),
        pytest.param([clock()], 12, NONE, ORANGE, id="a stage breached"),
        pytest.param([clock("promise")], 12, NONE, RED, id="the promise broken"),
        pytest.param([clock("extension")], 12, NONE, YELLOW, id="an application unanswered"),
        pytest.param([clock("task")], 12, NONE, ORANGE, id="any other kind"),
        pytest.param(
            [clock(due_at=30, at_risk_at=20, nearly_at=25), clock("promise")], 12, NONE, RED, id="the worst"
        ),
        pytest.param([clock()], 7, RED, RED, id="a group complaint or a serious incident"),
    ],
)
def test_the_colour_of_a_case(clocks, hour, floor, colour):
    assert case_colour(clocks, at(hour), floor) == colour


@pytest.mark.parametrize(
    ("to", "unit", "told"),
    [
        ("unit_head", "oak", "oak"),
        ("parent", "oak", "north"),
        ("parent", "grove", "oak"),
        ("district", "grove", "north"),
        ("district", "lamps", "centre"),  # none of that level above: its parent
        ("parent", "firm", "north"),  # the named supervisor stands before the parent
        ("parent", "centre", "centre"),
        ("centre", "grove", "centre"),
        ("parent", "gone", "centre"),
    ],
)
def test_who_is_told(to, unit, told):
    assert Ladder(Escalation(), UNITS).recipient(Step(1, to), unit) == told


def test_a_complaint_does_not_climb_to_those_it_is_about():
    assert Ladder(Escalation(), UNITS).recipient(Step(1, "parent"), "oak", {"north", "oak"}) == "centre"


@pytest.mark.parametrize(
    ("unit", "other", "above"),
    [
        ("north", "oak", True),
        ("centre", "grove", True),
        ("north", "firm", True),  # supervises it
        ("oak", "oak", False),
        ("oak", "north", False),
        ("lamps", "oak", False),
        ("", "oak", False),
    ],
)
def test_who_stands_above(unit, other, above):
    assert stands_above(unit, other, UNITS) is above


def test_figures_survive_the_way_through_the_database():
    from dataclasses import asdict

    figures = Escalation(steps=(Step(0.5, "district"), Step(8, "centre", supervise=True)), extension_hours=8)
    assert Escalation.from_plain(asdict(figures)) == figures
    assert Escalation.from_plain(None) == Escalation()
    older = asdict(figures)
    del older["supervised_kinds"]
    assert Escalation.from_plain(older) == figures, "stored before a city could name them"
    assert Escalation().supervised_kinds == ("report", "complaint", "enquiry")
    assert step_of(5, figures.steps) == Step(0.5, "district")
    assert step_of(4, figures.steps) is None
    assert step_of(7, figures.steps) is None
