"""Who is on duty: weekdays, working days and days off, dates, and nights that run into the next day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.calendar import WorkingCalendar
from routing.crews import Candidate, can_do, ranked, suggested
from routing.errors import RoutingError
from routing.rosters import is_on_duty, read_shift

ZONE = ZoneInfo("Asia/Shanghai")
# Monday 9 March 2026 is a holiday here, and Saturday 14 March a make-up day.
CALENDAR = WorkingCalendar(
    timezone="Asia/Shanghai", hours={day: ((time(9), time(17)),) for day in range(5)},
    holidays=frozenset({date(2026, 3, 9)}), make_up_days=frozenset({date(2026, 3, 14)}),
)  # fmt: skip
ROSTERS = {
    "office": [("working", "08:30", "17:30")],
    "weekend": [("off", "08:00", "20:00")],
    "night": [("daily", "20:00", "08:00")],
    "always": [("daily", "00:00", "24:00")],
    "tuesdays": [("tue", "10:00", "12:00")],
    "replaced": [("daily", "08:00", "20:00"), ("2026-03-10", "22:00", "23:00")],
    "nobody": [("daily", "08:00", "20:00"), ("2026-03-10", "", "")],
    "split": [("tue", "06:00", "09:00"), ("tue", "18:00", "21:00")],
}


@pytest.mark.parametrize(
    ("roster", "local", "on_duty"),
    [
        ("office", "2026-03-10 08:30", True),
        ("office", "2026-03-10 17:30", False),
        ("office", "2026-03-09 10:00", False),
        ("office", "2026-03-14 10:00", True),
        ("weekend", "2026-03-09 10:00", True),
        ("weekend", "2026-03-10 10:00", False),
        ("weekend", "2026-03-14 10:00", False),
        ("weekend", "2026-03-15 10:00", True),
        ("night", "2026-03-10 23:59", True),
        ("night", "2026-03-10 00:00", True),
        ("night", "2026-03-10 07:59", True),
        ("night", "2026-03-10 08:00", False),
        ("always", "2026-03-10 00:00", True),
        ("always", "2026-03-10 23:59", True),
        ("tuesdays", "2026-03-10 11:00", True),
        ("tuesdays", "2026-03-11 11:00", False),
        ("replaced", "2026-03-10 10:00", False),
        ("replaced", "2026-03-10 22:30", True),
        ("replaced", "2026-03-11 10:00", True),
        ("nobody", "2026-03-10 10:00", False),
        ("split", "2026-03-10 07:00", True),
        ("split", "2026-03-10 12:00", False),
        ("split", "2026-03-10 20:59", True),
    ],
)
def test_who_is_on_duty(roster, local, on_duty):
    shifts = [read_shift(*row) for row in ROSTERS[roster]]
    at = datetime.fromisoformat(local).replace(tzinfo=ZONE)
    assert is_on_duty(shifts, at.astimezone(UTC), CALENDAR) is on_duty


@given(st.integers(0, 366 * 24 * 60))
def test_day_and_night_share_the_clock_between_them(minutes):
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    day, night = [read_shift("daily", "08:00", "20:00")], [read_shift("daily", "20:00", "08:00")]
    assert is_on_duty(day, at, CALENDAR) is not is_on_duty(night, at, CALENDAR)
    assert is_on_duty(day, at, CALENDAR) is is_on_duty(day, at + timedelta(days=1), CALENDAR)


@pytest.mark.parametrize(
    "row",
    [
        ("someday", "08:00", "09:00"),
        ("mon", "", ""),
        ("mon", "8", "99:00"),
        ("2026-3-1", "", ""),
        ("mon", "08:00", ""),
    ],
)
def test_a_line_that_says_nothing(row):
    with pytest.raises(RoutingError):
        read_shift(*row)


def crew(code, load=0, capacity=4, on_duty=True, able=True, metres=None):
    return Candidate(code, "u", load, capacity, on_duty, able, metres)


@pytest.mark.parametrize(
    ("crews", "nearest", "idlest"),
    [
        ([crew("a", metres=500), crew("b", metres=900)], "a", "a"),
        ([crew("a", 3, metres=500), crew("b", 1, metres=900)], "a", "b"),
        ([crew("a", 4, metres=500), crew("b", 1, metres=900)], "b", "b"),
        ([crew("a", on_duty=False, metres=5), crew("b", 3, metres=900)], "b", "b"),
        ([crew("a", able=False, metres=5), crew("b", 3, metres=900)], "b", "b"),
        ([crew("a", 1, capacity=2), crew("b", 2, capacity=8)], "b", "b"),
        ([crew("a"), crew("b", metres=9_000)], "b", "b"),
        ([crew("a", on_duty=False), crew("b", 4)], None, None),
        ([], None, None),
    ],
)
def test_whom_to_ask(crews, nearest, idlest):
    found = suggested(crews)
    assert (found.get("nearest_free") and found["nearest_free"].code) == nearest
    assert (found.get("least_loaded") and found["least_loaded"].code) == idlest
    if nearest:
        assert ranked(crews)[0].code == nearest


@pytest.mark.parametrize(
    ("skills", "able"), [((), True), (("pothole",), True), (("roads",), True), (("water",), False)]
)
def test_what_a_crew_can_do(skills, able):
    assert can_do(skills, "pothole", "roads") is able
