"""Knows working time: which days and hours count, and when an amount of it has passed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from routing.errors import CalendarError

TimeUnit = Literal["working_hours", "working_days", "hours", "days"]
TIME_UNITS: tuple[TimeUnit, ...] = get_args(TimeUnit)
WeekendStart = Literal["next_working_day_same_time", "next_opening"]
WEEKEND_STARTS: tuple[WeekendStart, ...] = get_args(WeekendStart)

# Opening and closing by the local clock; closing at 00:00 means midnight at the end of the day.
Opening = tuple[time, time]
Span = tuple[datetime, datetime]

_DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RANGE = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")
_DAY = timedelta(days=1)
# Longer than any holiday: a calendar that is shut for so many days is a mistake in its data.
_LONGEST_REST = 370
_CACHED_DAYS = 4000


@dataclass(frozen=True)
class WorkingCalendar:
    """When a city's units work. Instants are aware datetimes; days and hours are local to `timezone`.

    `hours` maps 0 (Monday) to 6 to the openings of that day; a weekday without any is not worked. What is
    filed at or after `cutoff` on a working day counts from `after_cutoff_starts` (by default the first
    opening) of the next one. What is filed on another day counts from the next working day: at the same
    time of day, with the cut-off applied to that, or from its first opening, as `weekend_start` says.
    `make_up_days` are worked whatever weekday or holiday they fall on, with `make_up_hours` (by default
    those of the first worked weekday). Raises CalendarError for a calendar without working time.
    """

    timezone: str
    hours: Mapping[int, tuple[Opening, ...]]
    cutoff: time | None = None
    after_cutoff_starts: time | None = None
    weekend_start: WeekendStart = "next_working_day_same_time"
    skip_holidays: bool = True
    holidays: frozenset[date] = frozenset()
    make_up_days: frozenset[date] = frozenset()
    make_up_hours: tuple[Opening, ...] = ()
    zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _spans: dict[date, tuple[Span, ...]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "zone", ZoneInfo(self.timezone))
        except (ZoneInfoNotFoundError, ValueError):
            raise CalendarError(f"unknown time zone {self.timezone!r}") from None
        if not any(self.hours.values()):
            raise CalendarError("no weekday has opening hours")
        if self.weekend_start not in WEEKEND_STARTS:
            raise CalendarError(f"weekend_start is one of {', '.join(WEEKEND_STARTS)}")
        for openings in (*self.hours.values(), self.make_up_hours):
            _check_openings(openings)

    def is_holiday(self, day: date) -> bool:
        """Tell whether `day` is a public holiday that is not worked instead of another day."""
        return day in self.holidays and day not in self.make_up_days

    def is_working_day(self, day: date) -> bool:
        """Tell whether units work on `day`."""
        if day in self.make_up_days:
            return True
        if self.skip_holidays and day in self.holidays:
            return False
        return bool(self.hours.get(day.weekday()))

    def is_working_time(self, at: datetime) -> bool:
        """Tell whether units work at this instant; openings include their start and not their end."""
        instant = _utc(at)
        return any(start <= instant < end for start, end in self.spans(at.astimezone(self.zone).date()))

    def spans(self, day: date) -> tuple[Span, ...]:
        """Return the working spans of a local day in UTC.

        An opening or closing that the clocks skip falls on the change itself; one that comes twice means
        the first time.
        """
        found = self._spans.get(day)
        if found is None:
            if len(self._spans) > _CACHED_DAYS:
                self._spans.clear()
            edges = [self._span(day, opening) for opening in self._openings(day)]
            found = self._spans[day] = tuple(span for span in edges if span[0] < span[1])
        return found

    def counts_from(self, at: datetime) -> datetime:
        """Return the instant (UTC) from which something filed at `at` counts in working time."""
        local = _aware(at).astimezone(self.zone)
        day, clock = local.date(), local.timetz().replace(tzinfo=None)
        if not self.is_working_day(day):
            day = self._next_working_day(day)
            if self.weekend_start == "next_opening":
                return self.spans(day)[0][0]
        elif self.cutoff is None or clock < self.cutoff:
            return at.astimezone(UTC)
        if self.cutoff is not None and clock >= self.cutoff:
            day = self._next_working_day(day)
            if self.after_cutoff_starts is None:
                return self.spans(day)[0][0]
            clock = self.after_cutoff_starts.replace(fold=0)
        return self._at(day, clock)

    def add(self, start: datetime, amount: float, unit: TimeUnit) -> datetime:
        """Return the instant (UTC) at which `amount` has passed since something was filed at `start`.

        hours and days run around the clock, days keeping the local time of day. working_hours count opening
        hours only and working_days whole working days, keeping the time of day; both begin at
        `counts_from(start)`. Raises CalendarError for a negative amount, part of a day or an unknown unit.
        """
        if amount < 0:
            raise CalendarError(f"an amount of time must not be negative: {amount}")
        if unit == "hours":
            return _utc(start) + timedelta(hours=amount)
        if unit == "days":
            local = _aware(start).astimezone(self.zone)
            return self._at(local.date() + _whole_days(amount) * _DAY, local.time())
        if unit == "working_hours":
            return self.advance(self.counts_from(start), timedelta(hours=amount))
        if unit == "working_days":
            begin = self.counts_from(start).astimezone(self.zone)
            return self._at(self.working_day_after(begin.date(), _whole_days(amount)), begin.time())
        raise CalendarError(f"unknown unit {unit!r}: expected one of {', '.join(TIME_UNITS)}")

    def advance(self, begin: datetime, work: timedelta) -> datetime:
        """Return the instant (UTC) when `work` has been worked after `begin`, the cut-off left aside.

        Work that ends with the day ends at closing time and not at the next opening.
        """
        instant = _utc(begin)
        for start, end in self._spans_from(begin.astimezone(self.zone).date()):
            start = max(start, instant)
            if start < end:
                if work <= end - start:
                    return start + work
                work -= end - start
        raise CalendarError("unreachable: the days never end")

    def working_minutes(self, start: datetime, end: datetime) -> float:
        """Return the minutes of opening hours between two instants; 0 when `end` is not after `start`."""
        first, last = _utc(start), _utc(end)
        if last <= first:
            return 0.0
        worked = timedelta()
        day, last_day = start.astimezone(self.zone).date(), end.astimezone(self.zone).date()
        while day <= last_day:
            for opened, closed in self.spans(day):
                worked += max(min(closed, last) - max(opened, first), timedelta())
            day += _DAY
        return worked / timedelta(minutes=1)

    def working_day_after(self, day: date, count: int) -> date:
        """Return the `count`-th working day after `day`; `day` itself for 0."""
        for _ in range(count):
            day = self._next_working_day(day)
        return day

    def working_days_between(self, first: date, last: date) -> int:
        """Return how many working days come after `first` up to and including `last`."""
        return sum(self.is_working_day(first + n * _DAY) for n in range(1, (last - first).days + 1))

    def _openings(self, day: date) -> tuple[Opening, ...]:
        if not self.is_working_day(day):
            return ()
        if own := self.hours.get(day.weekday()):
            return own
        return self.make_up_hours or next(self.hours[name] for name in sorted(self.hours) if self.hours[name])

    def _span(self, day: date, opening: Opening) -> Span:
        opens, closes = opening
        last_day = day if closes != time() else day + _DAY
        return self._at(day, opens), self._at(last_day, closes)

    def _at(self, day: date, clock: time) -> datetime:
        """Return a local time as UTC: one that is skipped becomes the instant of the change."""
        local = datetime.combine(day, clock, tzinfo=self.zone)
        instant = local.astimezone(UTC)
        if instant.astimezone(self.zone).replace(tzinfo=None) == local.replace(tzinfo=None):
            return instant
        return _change_between(
            local.replace(fold=1).astimezone(UTC), local.replace(fold=0).astimezone(UTC), self.zone
        )

    def _next_working_day(self, day: date) -> date:
        for _ in range(_LONGEST_REST):
            day += _DAY
            if self.is_working_day(day):
                return day
        raise CalendarError(f"no working day within {_LONGEST_REST} days before {day}")

    def _spans_from(self, day: date) -> Iterator[Span]:
        while True:
            yield from self.spans(day)
            day = self._next_working_day(day)


def parse_hours(table: Mapping[str, list[str]]) -> dict[int, tuple[Opening, ...]]:
    """Read `{mon = ["09:00-12:00", …], …}` as a calendar's hours; raises CalendarError."""
    if unknown := sorted(set(table) - set(_DAY_NAMES)):
        raise CalendarError(f"unknown weekday {unknown[0]!r}: expected {', '.join(_DAY_NAMES)}")
    hours = {_DAY_NAMES.index(name): tuple(map(parse_opening, ranges)) for name, ranges in table.items()}
    for openings in hours.values():
        _check_openings(openings)
    return hours


def parse_opening(text: str) -> Opening:
    """Read "09:00-12:00"; the end may be 24:00. Raises CalendarError."""
    match = _RANGE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise CalendarError(f"{text!r} is not a span of hours such as 09:00-12:00")
    opens, closes = match.groups()
    return parse_time(opens), time() if closes == "24:00" else parse_time(closes)


def parse_time(text: str) -> time:
    """Read "HH:MM"; raises CalendarError."""
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a time of day has no zone
    except (TypeError, ValueError):
        raise CalendarError(f"{text!r} is not a time of day such as 08:30") from None


def _check_openings(openings: tuple[Opening, ...]) -> None:
    last = time()
    for number, (opens, closes) in enumerate(openings):
        ends_day = closes == time()
        if (not ends_day and closes <= opens) or (number and (opens < last or last == time())):
            raise CalendarError(f"opening hours must rise and not overlap: {opens:%H:%M}-{closes:%H:%M}")
        last = closes


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant between two at which the zone's offset changes, by halving."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _whole_days(amount: float) -> int:
    if amount != int(amount):
        raise CalendarError(f"days are counted whole: {amount}")
    return int(amount)


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None or at.utcoffset() is None:
        raise CalendarError(f"{at.isoformat()} has no time zone")
    return at


def _utc(at: datetime) -> datetime:
    return _aware(at).astimezone(UTC)
