"""Everything that can be said about a pack before it is loaded, in one list."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from geo.boundary import Layer
from portal.i18n import N_
from portal.pack.check_layers import check_layers, check_unit_places
from portal.pack.check_rows import check_rows
from portal.pack.check_rules import check_rules
from portal.pack.convert import holidays_of, published_days
from portal.pack.crew_rows import check_contracts, check_crews
from portal.pack.letter_rows import check_channels
from portal.pack.model import Finding, Pack
from portal.pack.said import said
from portal.pack.table import Notes

AHEAD = timedelta(days=180)


def check(pack: Pack, today: date | None = None) -> list[Finding]:
    """Return every finding of reading and cross-checking a pack, by file and row.

    With `today`, layers are those in force on that day, and make-up working days are looked for in the 180
    days after it. Errors make a pack unusable; warnings are for a person to judge.
    """
    return check_with_layers(pack, today)[0]


def check_with_layers(pack: Pack, today: date | None = None) -> tuple[list[Finding], tuple[Layer, ...]]:
    """Like `check`, and hand over the layers that were read, so that loading need not read them again."""
    findings = list(pack.findings)
    if pack.config is None:
        return findings, ()
    layers, found = check_layers(pack, today)
    findings += found + _check_tables(pack, layers, today)
    return sorted(findings, key=lambda finding: (finding.file, finding.row)), layers


def check_tables(pack: Pack, layers: Iterable[Layer], today: date | None = None) -> list[Finding]:
    """Like `check`, of a pack whose layers are known already and need not be read from files."""
    layers = tuple(layers)
    findings = list(pack.findings)
    if pack.config is None:
        return findings
    findings += check_unit_places(pack, layers) + _check_tables(pack, layers, today)
    return sorted(findings, key=lambda finding: (finding.file, finding.row))


def _check_tables(pack: Pack, layers: Iterable[Layer], today: date | None) -> list[Finding]:
    findings = check_rows(pack)
    findings += check_crews(pack) + check_contracts(pack, today) + check_channels(pack)
    findings += check_rules(pack, layers)
    return findings + _check_calendar(pack, today)


def _check_calendar(pack: Pack, today: date | None) -> list[Finding]:
    notes = Notes("city.toml")
    calendar = pack.city.calendar
    line = pack.config_lines.get("calendar.country", 0)
    try:
        known_make_up = published_days(calendar.country, calendar.subdivision)[1]
    except (NotImplementedError, ValueError):
        message = said(
            N_("no public holidays are known for '%(country)s' '%(subdivision)s'"),
            country=calendar.country,
            subdivision=calendar.subdivision,
        )
        notes.error(line, "calendar.country", message)
        return notes.findings
    # A country that has had make-up days will have them again; which ones is published late in the year.
    if today and known_make_up and calendar.skip_holidays:
        planned = holidays_of(pack)[1]
        if not any(today < day <= today + AHEAD for day in planned):
            message = said(
                N_("no make-up working days are published for the 180 days after %(today)s"), today=today
            )
            holidays = Notes("holidays.csv", notes.findings)
            holidays.warn(1, "date", message)
    return notes.findings
