"""How the rows of a pack become what routing works with: services, units, targets, the working calendar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import cast

import holidays as public_holidays

from portal.pack.ladder import targets_with_lanes
from portal.pack.model import HolidayRow, Pack, ServiceRow, UnitRow
from routing.calendar import WorkingCalendar
from routing.errors import RoutingError
from routing.facts import Kind, Service
from routing.targets import Target, TargetTable
from routing.units import Directory, Unit

YEARS = range(1970, 2101)


def service_of(row: ServiceRow) -> Service:
    """A service as routing sees it."""
    return Service(
        code=row.code,
        group=row.group,
        kind=cast("Kind", row.kind),
        names=row.names,
        importance=row.importance,
        is_sensitive=row.sensitive,
        duplicate_radius_m=row.duplicate_radius_m,
        photo=row.photo,  # type: ignore[arg-type]
        type=row.type,  # type: ignore[arg-type]
    )


def services_of(pack: Pack) -> dict[str, Service]:
    """Services by code, in the order of the file."""
    return {row.code: service_of(row) for row in pack.services}


def unit_of(row: UnitRow) -> Unit:
    """A unit as routing sees it."""
    return Unit(
        code=row.code,
        parent=row.parent,
        level=row.level,
        names=row.names,
        supervisor=row.supervisor_unit,
        boundaries=tuple((each.layer, each.code) for each in row.boundaries) if row.active else (),
        contract_from=row.contract_from,
        contract_to=row.contract_to,
    )


def directory_of(pack: Pack) -> Directory:
    """The units and the coordination unit; raises RoutingError where they contradict each other."""
    return Directory([unit_of(row) for row in pack.units], pack.city.coordination_unit)


def lenient_directory_of(pack: Pack) -> Directory | None:
    """A directory to check a rulebook against even where parents are wrong; None without any unit."""
    try:
        return directory_of(pack)
    except RoutingError:
        units = [replace(unit_of(row), parent="", supervisor="") for row in pack.units]
        return Directory(units, units[0].code) if units else None


def targets_of(pack: Pack) -> TargetTable:
    """The targets; raises RoutingError where two rows say the same thing."""
    rows = (
        Target(row.scope, row.priority, row.clock, row.stage, row.amount, row.unit)  # type: ignore[arg-type]
        for row in targets_with_lanes(pack)
    )
    return TargetTable(rows, pack.city.escalation.shares)


def calendar_of(pack: Pack) -> WorkingCalendar:
    """The working calendar with the country's public holidays; raises CalendarError."""
    config = pack.city.calendar
    days_off, make_up = holidays_of(pack)
    return WorkingCalendar(
        timezone=pack.city.timezone,
        hours=config.hours,
        cutoff=config.cutoff,
        after_cutoff_starts=config.after_cutoff_starts,
        weekend_start=config.weekend_start,  # type: ignore[arg-type]
        skip_holidays=config.skip_holidays,
        holidays=days_off,
        make_up_days=make_up,
    )


def holidays_of(pack: Pack) -> tuple[frozenset[date], frozenset[date]]:
    """(days off, make-up working days): the library's for the country, overruled by holidays.csv."""
    calendar = pack.city.calendar
    days_off, make_up = published_days(calendar.country, calendar.subdivision)
    return _overruled(days_off, make_up, pack.holidays)


@lru_cache(maxsize=8)
def published_days(country: str, subdivision: str = "") -> tuple[frozenset[date], frozenset[date]]:
    """(public holidays, make-up working days) that the library knows; empty without a country.

    Raises NotImplementedError for a country or subdivision that the library does not know.
    """
    if not country:
        return frozenset(), frozenset()
    found = public_holidays.country_holidays(country, subdiv=subdivision or None, years=YEARS)
    return frozenset(found), frozenset(getattr(found, "weekend_workdays", ()))


def _overruled(
    days_off: Iterable[date], make_up: Iterable[date], rows: Iterable[HolidayRow]
) -> tuple[frozenset[date], frozenset[date]]:
    off, work = set(days_off), set(make_up)
    for row in rows:
        (work if row.working else off).add(row.day)
        (off if row.working else work).discard(row.day)
    return frozenset(off), frozenset(work)
