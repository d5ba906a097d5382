"""Knows the holidays and make-up working days of China for a year and the next."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import holidays

from portal.demo.lanpu.names import Name

# The library's words to ours: the first that stands in its name.
WORDS = (
    ("Spring Festival", Name("春节", "Spring Festival")),
    ("Chinese New Year", Name("春节", "Spring Festival")),
    ("New Year", Name("元旦", "New Year’s Day")),
    ("Tomb", Name("清明节", "Tomb-sweeping Day")),
    ("Labor", Name("劳动节", "Labour Day")),
    ("Dragon", Name("端午节", "Dragon Boat Festival")),
    ("Mid-Autumn", Name("中秋节", "Mid-Autumn Festival")),
    ("National", Name("国庆节", "National Day")),
)
MAKE_UP = Name("调休上班", "Make-up working day")
SATURDAY, SUNDAY = 5, 6


def holiday_rows(today: date) -> list[dict[str, Any]]:
    """Rows of holidays.csv for this year and the next, in order; make-up days as published, else as is usual."""
    rows: dict[date, tuple[bool, Name]] = {}
    for year in (today.year, today.year + 1):
        known = holidays.country_holidays("CN", years=[year])
        published = {day for day in getattr(known, "weekend_workdays", ()) if day.year == year}
        off = {day: _named(text) for day, text in known.items()}
        if not published:
            off |= _bridges(off)
        rows |= {day: (False, name) for day, name in off.items() if day.year == year}
        rows |= {day: (True, MAKE_UP) for day in published or _usual_make_up(off) if day.year == year}
    return [
        {
            "date": day.isoformat(),
            "working": "yes" if working else "no",
            "name_zh_Hans": name.zh,
            "name_en": name.en,
        }
        for day, (working, name) in sorted(rows.items())
    ]


def _named(text: str) -> Name:
    return next((name for word, name in WORDS if word in text), Name("调休放假", "Day off in lieu"))


def _bridges(off: dict[date, Name]) -> dict[date, Name]:
    """Two working days beside the long festivals become days off, as is announced every year."""
    found: dict[date, Name] = {}
    for word in ("春节", "国庆节"):
        last = max((day for day, name in off.items() if name.zh == word), default=None)
        while last is not None and sum(name.zh == word for name in found.values()) < 2:
            last += timedelta(1)
            if last.weekday() < SATURDAY and last not in off:
                found[last] = next(name for _, name in WORDS if name.zh == word)
    return found


def _usual_make_up(off: dict[date, Name]) -> list[date]:
    """The Sunday before and the Saturday after each long festival."""
    found = []
    for word in ("春节", "国庆节"):
        days = sorted(day for day, name in off.items() if name.zh == word)
        if days:
            before = days[0] - timedelta(1)
            while before.weekday() != SUNDAY or before in off:
                before -= timedelta(1)
            after = days[-1] + timedelta(1)
            while after.weekday() != SATURDAY or after in off:
                after += timedelta(1)
            found += [before, after]
    return found
