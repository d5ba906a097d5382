"""Knows how the filters of reports stand in an address: state, service, unit, area and period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from datetime import time as day_time
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from geo.crs import LonLat
from portal import clock
from portal.i18n import N_
from portal.queries.public_reports import Box, ReportFilter
from portal.web.locale import local
from portal.web.services import city

FEED_NAMES = ("state", "service", "unit", "area")
NAMES = (*FEED_NAMES, "period", "from", "to")
PERIODS = {
    "7": N_("Last 7 days"),
    "30": N_("Last 30 days"),
    "90": N_("Last 90 days"),
    "365": N_("Last 365 days"),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a reader chose, as it stands in the address, and what it means."""

    words: Mapping[str, str]
    wanted: ReportFilter

    @property
    def query(self) -> str:
        """The filters that are set, as the end of an address; the same for everybody."""
        return urlencode({name: value for name, value in self.words.items() if value})

    @property
    def feed_query(self) -> str:
        """Those of them that a feed knows as well."""
        return urlencode({name: self.words[name] for name in FEED_NAMES if self.words[name]})

    @property
    def subject(self) -> tuple[str, str] | None:
        """The one thing that was chosen and can be followed: its kind and code."""
        found = [(name, self.words[name]) for name in ("area", "service", "unit") if self.words[name]]
        return found[0] if len(found) == 1 else None


def read_filters(given: Mapping[str, str], box: Box | None = None) -> Chosen:
    """The filters of an address. A day that is none is left out; what nobody knows finds nothing."""
    words = {name: given.get(name, "").strip()[:80] for name in NAMES}
    if words["period"] not in PERIODS:
        words["period"] = ""
    for name in ("from", "to"):
        words[name] = "" if words["period"] or _day(words[name]) is None else words[name]
    since, until = _period(words)
    wanted = ReportFilter.of(words["state"], words["service"], words["unit"], box, words["area"])
    return Chosen(words, replace(wanted, since=since, until=until))


def read_point(text: str) -> LonLat | None:
    """A point of the earth as an address has it, "lon,lat"; None for anything else."""
    try:
        lon, lat = (float(part) for part in text[:60].split(","))
    except ValueError:
        return None
    return LonLat(lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else None


def _period(words: Mapping[str, str]) -> tuple[datetime | None, datetime | None]:
    """Both ends, the second one excluded: whole days of the city."""
    if words["period"]:
        return _midnight(local(clock.now()).date() - timedelta(days=int(words["period"]) - 1)), None
    first, last = _day(words["from"]), _day(words["to"])
    return (
        _midnight(first) if first else None,
        _midnight(last + timedelta(days=1)) if last else None,
    )


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1900 < found.year < 2200 else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, day_time.min, ZoneInfo(city().timezone))
