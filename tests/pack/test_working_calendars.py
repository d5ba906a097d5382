"""Working time in three countries, from published holidays and the city's own days, in rows for a wall calendar."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from portal.pack.convert import holidays_of, published_days
from portal.pack.model import HolidayRow
from portal.pack.reader import read_pack
from routing.calendar import WorkingCalendar, parse_hours

WEEK = ("mon", "tue", "wed", "thu", "fri")


def calendar(zone: str, country: str, hours: str, **more) -> WorkingCalendar:
    days_off, make_up = published_days(country)
    spans = parse_hours({day: hours.split() for day in WEEK})
    return WorkingCalendar(zone, spans, holidays=days_off, make_up_days=make_up, **more)


SHANGHAI = calendar(
    "Asia/Shanghai", "CN", "09:00-12:00 14:00-18:00", cutoff=time(17), weekend_start="next_opening"
)
NEW_YORK = calendar("America/New_York", "US", "08:30-17:00", cutoff=time(17), after_cutoff_starts=time(8, 30))
AMSTERDAM = calendar("Europe/Amsterdam", "NL", "08:00-17:30", weekend_start="next_opening")

# (filed, amount, unit, due): local clocks of the calendar's own zone.
TABLE = [
    (SHANGHAI, "Friday 2026-06-05 16:59", 1, "working_days", "Monday 2026-06-08 16:59"),
    (SHANGHAI, "Friday 2026-06-05 17:00", 1, "working_days", "Tuesday 2026-06-09 09:00"),
    (SHANGHAI, "Friday 2026-06-05 16:59", 2, "working_hours", "Monday 2026-06-08 09:59"),
    (SHANGHAI, "Saturday 2026-06-06 16:59", 1, "working_days", "Tuesday 2026-06-09 09:00"),
    (SHANGHAI, "Friday 2026-02-13 16:59", 1, "working_days", "Saturday 2026-02-14 16:59"),  # make-up day
    (SHANGHAI, "Saturday 2026-02-14 16:59", 1, "working_days", "Tuesday 2026-02-24 16:59"),  # the festival
    (SHANGHAI, "Friday 2026-02-27 10:00", 2, "working_days", "Monday 2026-03-02 10:00"),  # Saturday worked
    (SHANGHAI, "Wednesday 2026-09-30 16:00", 3, "working_hours", "Thursday 2026-10-08 10:00"),  # National Day
    (SHANGHAI, "Friday 2026-10-09 10:00", 1, "working_days", "Saturday 2026-10-10 10:00"),  # make-up day
    (
        SHANGHAI,
        "Wednesday 2025-12-31 17:30",
        1,
        "working_hours",
        "Sunday 2026-01-04 10:00",
    ),  # year's end, make-up
    (SHANGHAI, "Sunday 2026-03-08 02:30", 24, "hours", "Monday 2026-03-09 02:30"),  # no clocks change
    (NEW_YORK, "Friday 2026-06-05 16:59", 1, "working_days", "Monday 2026-06-08 16:59"),
    (NEW_YORK, "Friday 2026-06-05 17:00", 1, "working_days", "Tuesday 2026-06-09 08:30"),
    (NEW_YORK, "Saturday 2026-06-06 16:59", 1, "working_days", "Tuesday 2026-06-09 16:59"),
    (NEW_YORK, "Wednesday 2026-11-25 16:00", 2, "working_hours", "Friday 2026-11-27 09:30"),  # Thanksgiving
    (NEW_YORK, "Thursday 2026-12-31 16:30", 1, "working_hours", "Monday 2027-01-04 09:00"),  # the year's end
    (
        NEW_YORK,
        "Friday 2026-03-06 16:30",
        1,
        "working_hours",
        "Monday 2026-03-09 09:00",
    ),  # clocks forward between
    (NEW_YORK, "Saturday 2026-03-07 12:00", 24, "hours", "Sunday 2026-03-08 13:00"),  # a day of 23 hours
    (NEW_YORK, "Saturday 2026-10-31 12:00", 24, "hours", "Sunday 2026-11-01 11:00"),  # a day of 25 hours
    (NEW_YORK, "Saturday 2026-10-31 12:00", 1, "days", "Sunday 2026-11-01 12:00"),
    (AMSTERDAM, "Friday 2026-04-24 16:59", 1, "working_days", "Tuesday 2026-04-28 16:59"),  # King's Day
    (
        AMSTERDAM,
        "Thursday 2026-04-02 17:00",
        1,
        "working_hours",
        "Tuesday 2026-04-07 08:30",
    ),  # Good Friday and Easter
    (AMSTERDAM, "Friday 2026-04-03 17:00", 1, "working_hours", "Tuesday 2026-04-07 09:00"),  # Easter Monday
    (AMSTERDAM, "Saturday 2026-03-28 12:00", 24, "hours", "Sunday 2026-03-29 13:00"),  # clocks forward
    (AMSTERDAM, "Saturday 2026-10-24 12:00", 24, "hours", "Sunday 2026-10-25 11:00"),  # clocks back
    (AMSTERDAM, "Saturday 2026-10-24 02:30", 1, "days", "Sunday 2026-10-25 02:30"),  # comes twice: the first
    (AMSTERDAM, "Saturday 2026-03-28 02:30", 1, "days", "Sunday 2026-03-29 03:00"),  # is skipped
    (AMSTERDAM, "Thursday 2026-12-31 17:00", 1, "working_days", "Monday 2027-01-04 17:00"),
]


def at(zone: str, text: str) -> datetime:
    """Read "Friday 2026-06-05 16:59"; the weekday is checked, so that a row cannot lie."""
    weekday, rest = text.split(maxsplit=1)
    moment = datetime.fromisoformat(rest).replace(tzinfo=ZoneInfo(zone))
    assert moment.strftime("%A") == weekday, f"{rest} is a {moment:%A}"
    return moment


@pytest.mark.parametrize(
    ("city", "filed", "amount", "unit", "due"),
    [pytest.param(*row, id=f"{row[0].timezone}: filed {row[1]}, {row[2]} {row[3]}") for row in TABLE],
)
def test_when_it_is_due(city: WorkingCalendar, filed: str, amount: int, unit: str, due: str) -> None:
    found = city.add(at(city.timezone, filed), amount, unit).astimezone(ZoneInfo(city.timezone))
    assert found.strftime("%A %Y-%m-%d %H:%M") == at(city.timezone, due).strftime("%A %Y-%m-%d %H:%M")


def test_a_city_that_works_on_holidays_says_so() -> None:
    busy = calendar("America/New_York", "US", "08:30-17:00", skip_holidays=False)
    filed = at("America/New_York", "Wednesday 2026-11-25 16:00")
    assert busy.add(filed, 2, "working_hours") == at("America/New_York", "Thursday 2026-11-26 09:30")


@pytest.mark.parametrize(
    ("day", "is_working", "works"),
    [
        pytest.param(date(2026, 10, 10), None, True, id="Saturday 10 October 2026, worked as published"),
        pytest.param(date(2026, 10, 10), False, False, id="the same, taken back by holidays.csv"),
        pytest.param(date(2026, 10, 2), None, False, id="Friday 2 October 2026, National Day"),
        pytest.param(date(2026, 10, 2), True, True, id="the same, worked by holidays.csv"),
        pytest.param(date(2026, 6, 10), False, False, id="Wednesday 10 June 2026, the city's own holiday"),
    ],
)
def test_the_citys_own_days_overrule_the_published_ones(
    demo, day: date, is_working: bool | None, works: bool
) -> None:
    from dataclasses import replace

    from portal.pack.convert import calendar_of

    rows = () if is_working is None else (HolidayRow("holidays.csv", 2, day, is_working, {}),)
    pack = replace(read_pack(demo), holidays=rows)
    assert calendar_of(pack).is_working_day(day) is works
    assert (day in holidays_of(pack)[1]) <= works
