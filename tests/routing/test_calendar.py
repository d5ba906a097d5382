"""Working time, in rows that a clerk can check against a wall calendar."""

import os
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.calendar import WorkingCalendar, parse_hours, parse_opening, parse_time
from routing.errors import CalendarError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
BOSTON = WorkingCalendar(
    timezone="America/New_York",
    hours=parse_hours({day: ["08:30-17:00"] for day in WEEKDAYS}),
    cutoff=time(17),
    after_cutoff_starts=time(8, 30),
    weekend_start="next_working_day_same_time",
    skip_holidays=False,
    holidays=frozenset({date(2011, 7, 4)}),
)
# Two spans a day; the Spring Festival of 2026 with two Saturdays worked instead.
LINHAI = WorkingCalendar(
    timezone="Asia/Shanghai",
    hours=parse_hours({day: ["09:00-12:00", "14:00-18:00"] for day in WEEKDAYS}),
    cutoff=time(17),
    weekend_start="next_opening",
    holidays=frozenset(date(2026, 2, 15) + timedelta(days=n) for n in range(9)) | {date(2026, 1, 1)},
    make_up_days=frozenset({date(2026, 2, 14), date(2026, 2, 28)}),
)


def _at(calendar, text):
    """Read "Fri 2011-07-01 18:23"; the weekday is checked, so that a row cannot lie."""
    weekday, rest = text.split(maxsplit=1)
    moment = datetime.fromisoformat(rest).replace(tzinfo=ZoneInfo(calendar.timezone))
    assert moment.strftime("%a") == weekday, f"{rest} is a {moment:%a}"
    return moment


def _text(calendar, moment):
    return moment.astimezone(ZoneInfo(calendar.timezone)).strftime("%a %Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("filed", "amount", "unit", "due"),
    [
        ("Wed 2011-07-06 00:19", 2, "working_days", "Fri 2011-07-08 00:19"),
        ("Wed 2011-07-06 16:59", 2, "working_days", "Fri 2011-07-08 16:59"),
        ("Wed 2011-07-06 17:00", 2, "working_days", "Mon 2011-07-11 08:30"),
        ("Wed 2011-07-06 18:37", 2, "working_days", "Mon 2011-07-11 08:30"),
        ("Fri 2011-07-01 18:23", 2, "working_days", "Wed 2011-07-06 08:30"),
        ("Sat 2011-07-02 11:06", 2, "working_days", "Wed 2011-07-06 11:06"),
        ("Sun 2011-07-03 08:24", 2, "working_days", "Wed 2011-07-06 08:24"),
        ("Sat 2011-07-02 18:02", 2, "working_days", "Thu 2011-07-07 08:30"),
        ("Sun 2011-07-03 17:35", 2, "working_days", "Thu 2011-07-07 08:30"),
        ("Mon 2011-07-04 10:00", 1, "working_days", "Tue 2011-07-05 10:00"),  # a holiday, and worked
        ("Fri 2011-07-01 10:00", 1, "working_days", "Mon 2011-07-04 10:00"),
        ("Sat 2011-07-02 00:23", 10, "working_days", "Mon 2011-07-18 00:23"),
        ("Fri 2011-07-01 17:40", 45, "working_days", "Mon 2011-09-05 08:30"),
        ("Fri 2011-07-08 21:12", 30, "days", "Sun 2011-08-07 21:12"),  # neither cut-off nor weekend
        ("Sat 2011-07-09 19:00", 30, "days", "Mon 2011-08-08 19:00"),
    ],
)
def test_boston_counts_as_its_own_records_do(filed, amount, unit, due):
    assert _text(BOSTON, BOSTON.add(_at(BOSTON, filed), amount, unit)) == due


@pytest.mark.parametrize(
    ("filed", "amount", "unit", "due"),
    [
        ("Wed 2026-03-04 09:00", 1, "working_hours", "Wed 2026-03-04 10:00"),
        ("Wed 2026-03-04 09:00", 3, "working_hours", "Wed 2026-03-04 12:00"),  # closing time, not 14:00
        ("Wed 2026-03-04 11:30", 1, "working_hours", "Wed 2026-03-04 14:30"),
        ("Wed 2026-03-04 12:30", 1, "working_hours", "Wed 2026-03-04 15:00"),
        ("Wed 2026-03-04 16:30", 2, "working_hours", "Thu 2026-03-05 09:30"),
        ("Wed 2026-03-04 17:00", 2, "working_hours", "Thu 2026-03-05 11:00"),  # the cut-off
        ("Fri 2026-03-06 16:00", 9, "working_hours", "Mon 2026-03-09 18:00"),
        ("Sat 2026-03-07 16:00", 1, "working_hours", "Mon 2026-03-09 10:00"),
        ("Wed 2026-03-04 07:00", 0.5, "working_hours", "Wed 2026-03-04 09:30"),
        ("Sat 2026-03-07 16:00", 2, "working_days", "Wed 2026-03-11 09:00"),
        ("Fri 2026-02-13 10:00", 1, "working_days", "Sat 2026-02-14 10:00"),  # a Saturday worked
        ("Fri 2026-02-13 10:00", 2, "working_days", "Tue 2026-02-24 10:00"),  # after the festival
        ("Sat 2026-02-14 16:00", 3, "working_hours", "Tue 2026-02-24 10:00"),
        ("Wed 2026-02-18 11:00", 1, "working_hours", "Tue 2026-02-24 10:00"),  # filed in the festival
        ("Fri 2026-02-27 10:00", 1, "working_days", "Sat 2026-02-28 10:00"),
        ("Fri 2026-02-27 10:00", 2, "working_days", "Mon 2026-03-02 10:00"),
        ("Wed 2025-12-31 10:00", 1, "working_days", "Fri 2026-01-02 10:00"),  # over the year's end
        ("Wed 2025-12-31 17:30", 1, "working_hours", "Fri 2026-01-02 10:00"),
        ("Wed 2025-12-31 10:00", 256, "working_days", "Thu 2026-12-31 10:00"),  # a whole year
        ("Wed 2026-03-04 23:50", 0.5, "hours", "Thu 2026-03-05 00:20"),  # around the clock
        ("Wed 2026-03-04 23:50", 3, "days", "Sat 2026-03-07 23:50"),
    ],
)
def test_two_spans_a_day_holidays_and_days_worked_instead(filed, amount, unit, due):
    assert _text(LINHAI, LINHAI.add(_at(LINHAI, filed), amount, unit)) == due


NIGHT = WorkingCalendar("America/New_York", {day: ((time(0), time(0)),) for day in range(7)})
EARLY = WorkingCalendar("America/New_York", {day: ((time(1), time(4)),) for day in range(7)})


@pytest.mark.parametrize(
    ("calendar", "filed", "amount", "unit", "due"),
    [
        # The clocks go forward on Sunday 8 March 2026 at 02:00 and back on Sunday 1 November at 02:00.
        (BOSTON, "Fri 2026-03-06 10:00", 1, "working_days", "Mon 2026-03-09 10:00"),
        (BOSTON, "Fri 2026-10-30 10:00", 1, "working_days", "Mon 2026-11-02 10:00"),
        (NIGHT, "Sat 2026-03-07 23:00", 4, "working_hours", "Sun 2026-03-08 04:00"),
        (NIGHT, "Sat 2026-10-31 23:00", 4, "working_hours", "Sun 2026-11-01 02:00"),
        (NIGHT, "Sat 2026-03-07 23:00", 24, "hours", "Mon 2026-03-09 00:00"),
        (NIGHT, "Sat 2026-10-31 23:00", 24, "hours", "Sun 2026-11-01 22:00"),
        (NIGHT, "Sat 2026-03-07 23:00", 1, "days", "Sun 2026-03-08 23:00"),
        (NIGHT, "Sat 2026-03-07 02:30", 1, "days", "Sun 2026-03-08 03:00"),  # 02:30 is skipped
        (EARLY, "Sat 2026-03-07 23:00", 2, "working_hours", "Sun 2026-03-08 04:00"),  # two hours that day
        (EARLY, "Sat 2026-10-31 23:00", 4, "working_hours", "Sun 2026-11-01 04:00"),  # four hours that day
    ],
)
def test_when_the_clocks_change(calendar, filed, amount, unit, due):
    assert _text(calendar, calendar.add(_at(calendar, filed), amount, unit)) == due


@pytest.mark.parametrize(
    ("at", "is_working"),
    [
        ("Wed 2026-03-04 08:59", False),
        ("Wed 2026-03-04 09:00", True),
        ("Wed 2026-03-04 12:00", False),
        ("Wed 2026-03-04 14:00", True),
        ("Wed 2026-03-04 18:00", False),
        ("Sat 2026-03-07 10:00", False),
        ("Sat 2026-02-14 10:00", True),
        ("Mon 2026-02-16 10:00", False),
    ],
)
def test_is_working_time(at, is_working):
    assert LINHAI.is_working_time(_at(LINHAI, at)) is is_working


def test_a_holiday_that_is_worked_is_still_a_holiday():
    assert BOSTON.is_holiday(date(2011, 7, 4))
    assert BOSTON.is_working_day(date(2011, 7, 4))
    assert LINHAI.is_holiday(date(2026, 2, 16))
    assert not LINHAI.is_working_day(date(2026, 2, 16))


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("Wed 2026-03-04 11:00", "Wed 2026-03-04 15:00", 120),
        ("Fri 2026-03-06 17:00", "Mon 2026-03-09 10:00", 120),
        ("Mon 2026-03-09 10:00", "Fri 2026-03-06 17:00", 0),
        ("Sat 2026-02-14 17:00", "Tue 2026-02-24 09:00", 60),
    ],
)
def test_working_minutes_between_two_instants(start, end, minutes):
    assert LINHAI.working_minutes(_at(LINHAI, start), _at(LINHAI, end)) == minutes


def test_hours_of_a_day_worked_instead_can_be_its_own():
    short = WorkingCalendar(
        "Asia/Shanghai",
        LINHAI.hours,
        make_up_days=LINHAI.make_up_days,
        make_up_hours=(parse_opening("10:00-11:00"),),
    )
    assert (
        short.working_minutes(*(_at(short, f"Sat 2026-02-14 {clock}") for clock in ("00:00", "23:00"))) == 60
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: WorkingCalendar("Mars/Base", BOSTON.hours), "unknown time zone"),
        (lambda: WorkingCalendar("UTC", {}), "no weekday has opening hours"),
        (lambda: WorkingCalendar("UTC", {0: ()}), "no weekday has opening hours"),
        (lambda: WorkingCalendar("UTC", BOSTON.hours, weekend_start="later"), "weekend_start"),
        (lambda: parse_hours({"mon": ["12:00-09:00"]}), "must rise"),
        (lambda: parse_hours({"mon": ["09:00-12:00", "11:00-14:00"]}), "must rise"),
        (lambda: parse_hours({"mon": ["09:00-24:00", "11:00-14:00"]}), "must rise"),
        (lambda: parse_hours({"monday": ["09:00-12:00"]}), "unknown weekday"),
        (lambda: parse_hours({"mon": ["9-12"]}), "not a span"),
        (lambda: parse_time("25:00"), "not a time of day"),
        (lambda: BOSTON.add(datetime(2026, 3, 4, 10), 1, "hours"), "no time zone"),  # noqa: DTZ001
        (lambda: BOSTON.add(datetime(2026, 3, 4, tzinfo=UTC), -1, "hours"), "negative"),
        (lambda: BOSTON.add(datetime(2026, 3, 4, tzinfo=UTC), 1.5, "working_days"), "counted whole"),
        (lambda: BOSTON.add(datetime(2026, 3, 4, tzinfo=UTC), 1, "weeks"), "unknown unit"),
    ],
)
def test_calendars_that_cannot_be(build, message):
    with pytest.raises(CalendarError, match=message):
        build()


def test_a_city_that_never_works_again_is_an_error_and_not_a_hang():
    shut = WorkingCalendar(
        "UTC", BOSTON.hours, holidays=frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(800))
    )
    with pytest.raises(CalendarError, match="no working day"):
        shut.add(datetime(2026, 1, 5, 10, tzinfo=UTC), 1, "working_days")


# --- a second, slower way to count, to hold the first against ------------------------------------------

CALENDARS = int(os.environ.get("CALENDARS", "300"))  # `make calendars` counts 10,000
quarters = st.integers(12, 95)  # from 03:00: no zone below changes its clocks later in the day


@st.composite
def openings(draw):
    edges = sorted(draw(st.lists(quarters, min_size=2, max_size=6, unique=True)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return tuple((time(a // 4, a % 4 * 15), time(b // 4, b % 4 * 15)) for a, b in pairs)


days = st.dates(date(2026, 2, 20), date(2026, 4, 10)) | st.dates(date(2026, 10, 20), date(2027, 1, 10))


@st.composite
def calendars(draw):
    worked = draw(st.lists(st.integers(0, 6), min_size=1, max_size=7, unique=True))
    return WorkingCalendar(
        timezone=draw(
            st.sampled_from(["America/New_York", "Asia/Shanghai", "Europe/Amsterdam", "Australia/Lord_Howe"])
        ),
        hours={day: draw(openings()) for day in worked},
        cutoff=draw(st.none() | st.sampled_from([time(12), time(17), time(23)])),
        after_cutoff_starts=draw(st.none() | st.sampled_from([time(8, 30), time(3)])),
        weekend_start=draw(st.sampled_from(["next_working_day_same_time", "next_opening"])),
        skip_holidays=draw(st.booleans()),
        holidays=frozenset(draw(st.lists(days, max_size=12))),
        make_up_days=frozenset(draw(st.lists(days, max_size=4))),
    )


def _opens(calendar, day):
    """Return the openings of a day, from the definitions alone."""
    first = calendar.hours[min(calendar.hours)]
    if day in calendar.make_up_days:
        return calendar.hours.get(day.weekday(), first)
    if calendar.skip_holidays and day in calendar.holidays:
        return ()
    return calendar.hours.get(day.weekday(), ())


def _first_minute(calendar, filed):
    """Return the local naive time from which a filing counts: day by day, by hand."""
    moment = filed.astimezone(ZoneInfo(calendar.timezone)).replace(tzinfo=None)
    tomorrow = timedelta(days=1)
    is_moved = False
    while not _opens(calendar, moment.date()):
        moment, is_moved = moment + tomorrow, True
    if is_moved and calendar.weekend_start == "next_opening":
        return datetime.combine(moment.date(), _opens(calendar, moment.date())[0][0])
    if calendar.cutoff and moment.time() >= calendar.cutoff:
        moment += tomorrow
        while not _opens(calendar, moment.date()):
            moment += tomorrow
        start = calendar.after_cutoff_starts or _opens(calendar, moment.date())[0][0]
        return datetime.combine(moment.date(), start)
    return moment if is_moved else None


def _count_minutes(calendar, filed, minutes):
    """Walk minute by minute, looking at the local clock, until enough of them were worked."""
    zone = ZoneInfo(calendar.timezone)
    moved = _first_minute(calendar, filed)
    at = filed.astimezone(UTC) if moved is None else moved.replace(tzinfo=zone).astimezone(UTC)
    while minutes:
        local = at.astimezone(zone)
        clock = local.time().replace(fold=0)
        minutes -= any(opens <= clock < closes for opens, closes in _opens(calendar, local.date()))
        at += timedelta(minutes=1)
    return at


@given(
    calendar=calendars(),
    day=days,
    minute=st.integers(0, 1439),
    minutes=st.integers(1, 1200),
)
@settings(max_examples=CALENDARS, deadline=None)
def test_working_hours_equal_a_count_minute_by_minute(calendar, day, minute, minutes):
    filed = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute)
    due = calendar.add(filed, minutes / 60, "working_hours")
    assert abs(due - _count_minutes(calendar, filed, minutes)) < timedelta(milliseconds=1)


@given(calendar=calendars(), day=days, minute=st.integers(0, 1439), minutes=st.integers(1, 6000))
@settings(max_examples=150, deadline=None)
def test_working_minutes_undo_an_addition(calendar, day, minute, minutes):
    filed = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute)
    due = calendar.add(filed, minutes / 60, "working_hours")
    assert calendar.working_minutes(calendar.counts_from(filed), due) == pytest.approx(minutes, abs=1e-4)


@given(calendar=calendars(), day=days, minute=st.integers(0, 1439), count=st.integers(0, 40))
@settings(max_examples=150, deadline=None)
def test_working_days_keep_the_time_of_day(calendar, day, minute, count):
    filed = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute)
    zone = ZoneInfo(calendar.timezone)
    begin = calendar.counts_from(filed).astimezone(zone)
    due = calendar.add(filed, count, "working_days").astimezone(zone)
    between = [begin.date() + timedelta(days=n + 1) for n in range((due.date() - begin.date()).days)]
    assert sum(bool(_opens(calendar, each)) for each in between) == count
    assert due.time() == begin.time() or begin.time() < time(3)  # an hour that the clocks skip
