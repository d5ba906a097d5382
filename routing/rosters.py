"""Knows who is on duty: shifts by weekday, working calendar or date, in the city's own time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from geo.sentences import sentence
from routing.errors import RoutingError

if TYPE_CHECKING:
    from routing.calendar import WorkingCalendar

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Every day; days on which the city works; days on which it does not (weekends and holidays).
GENERAL = ("daily", "working", "off")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shift:
    """One line of a roster. An end that is not after the start lies on the next day; both None: nobody."""

    day: str
    starts: time | None
    ends: time | None

    @property
    def on(self) -> date | None:
        """The one date it speaks of; None for a line that repeats."""
        return None if self.day in WEEKDAYS or self.day in GENERAL else date.fromisoformat(self.day)


def read_shift(day: str, starts: str, ends: str) -> Shift:
    """A line as written (`24:00` ends the day); raises RoutingError with a sentence for the writer."""
    day = day.strip().lower()
    if day not in WEEKDAYS and day not in GENERAL and not _is_date(day):
        raise RoutingError(
            sentence(
                "%(day)s is none of %(general)s and no date like 2030-01-31",
                day=repr(day),
                general=", ".join((*WEEKDAYS, *GENERAL)),
            )
        )
    if not (starts.strip() or ends.strip()):
        if not _is_date(day):
            raise RoutingError(sentence("only a date may go without times: nobody is on duty then"))
        return Shift(day, None, None)
    return Shift(day, _time(starts), _time(ends))


def is_on_duty(shifts: Iterable[Shift], at: datetime, calendar: WorkingCalendar) -> bool:
    """Tell whether one of a crew's shifts runs at an instant; the lines of a date stand instead of its others."""
    rows = tuple(shifts)
    local = at.astimezone(calendar.zone).replace(tzinfo=None)
    return any(
        start <= local < end
        for day in (local.date(), local.date() - _DAY)  # a night shift began yesterday
        for start, end in _spans(rows, day, calendar)
    )


def _spans(
    shifts: tuple[Shift, ...], day: date, calendar: WorkingCalendar
) -> Iterable[tuple[datetime, datetime]]:
    dated = [shift for shift in shifts if shift.on == day]
    usual = {WEEKDAYS[day.weekday()], "daily", "working" if calendar.is_working_day(day) else "off"}
    for shift in dated or [shift for shift in shifts if shift.day in usual]:
        if shift.starts is not None and shift.ends is not None:
            end = datetime.combine(day, shift.ends)
            yield datetime.combine(day, shift.starts), end if shift.ends > shift.starts else end + _DAY


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == len("2030-01-31")


def _time(text: str) -> time:
    try:
        return time() if text.strip() == "24:00" else time.fromisoformat(text.strip())
    except ValueError:
        raise RoutingError(sentence("%(text)s is not a time like 08:30", text=repr(text))) from None
