"""What city.toml may say and how it becomes a CityConfig."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from geo.boundary import MOST_SNAP_M, USUAL_SNAP_M
from portal.i18n import N_
from portal.pack.gathering import read_duplicates, read_incidents
from portal.pack.ladder import read_escalation, read_lanes
from portal.pack.model import DATUMS, CalendarConfig, CityConfig, EditionConfig, LayerConfig
from portal.pack.points import read_points
from portal.pack.privacy import read_privacy
from portal.pack.table import CODE, Notes
from portal.pack.toml import Keys
from routing.closing import ClosingFigures
from routing.decision import AMBIGUOUS_BELOW, GEOCODED_BORDER_M
from routing.disputes import CustodyFigures

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKEND_STARTS = ("next_working_day_same_time", "next_opening")
JURISDICTION = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
LOCALE = re.compile(r"[a-z]{2,3}(_[A-Za-z]+)*")
EDITION_KEYS = ("file", "valid_from", "valid_to")


def data_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of measuring data: ${WENLU_DATA}, else `../shared/data` beside the checkout."""
    value = (os.environ if environ is None else environ).get("WENLU_DATA")
    return Path(value) if value else Path(__file__).resolve().parents[3] / "shared" / "data"


def resolve_file(written: str, folder: Path) -> Path | None:
    """Where a file named by a pack is read from; None when a relative name leaves the pack."""
    if written.startswith("${WENLU_DATA}"):
        return data_folder() / written.removeprefix("${WENLU_DATA}").lstrip("/")
    path = Path(written)
    if path.is_absolute():
        return path
    inside = (folder / path).resolve()
    return inside if inside.is_relative_to(folder.resolve()) else None


def read_config(table: Mapping[str, Any], folder: Path, notes: Notes) -> CityConfig:
    """Turn the parsed city.toml into a CityConfig; faults are noted and defaults stand in for them."""
    keys = Keys(table, notes)
    locales = _locales(keys)
    config = CityConfig(
        names=_texts(keys, "name", locales, required=True),
        jurisdiction_id=_jurisdiction(keys),
        timezone=_timezone(keys),
        locales=locales,
        map_centre=_centre(keys),
        map_zoom=int(keys.number("map_zoom", 12, 1, 22)),
        local_srid=int(keys.number("local_srid", 3857, 1024, 999999)),
        coordination_unit=keys.text("coordination_unit", required=True),
        default_accuracy_m=keys.number("default_accuracy_m", 30.0, 1, 500),
        datum=keys.choice("datum", DATUMS, "wgs84"),
        calendar=_calendar(keys.sub("calendar", required=True)),
        layers=_layers(keys.sub("layers", required=True), folder, locales),
        targets_of_service=_aims(keys.sub("targets_of_service")),
        ambiguous_below=keys.number("ambiguous_below", AMBIGUOUS_BELOW, 0, 1),
        geocoded_border_m=keys.number("geocoded_border_m", GEOCODED_BORDER_M, 0, 500),
        escalation=read_escalation(keys.sub("escalation")),
        lanes=read_lanes(keys.sub("lanes")) if "lanes" in table else None,
        closing=_closing(keys.sub("closing")),
        duplicates=read_duplicates(keys.sub("duplicates")),
        incidents=read_incidents(keys.sub("incidents")),
        custody=_custody(keys.sub("custody")),
        privacy=read_privacy(keys.sub("privacy")),
        default_points=read_points(keys.sub("default_points")),
    )
    keys.unknown()
    return config


def _locales(keys: Keys) -> tuple[str, ...]:
    locales = keys.strings("locales", required=True)
    for locale in locales:
        if not LOCALE.fullmatch(locale):
            keys.error(
                "locales", N_("'%(locale)s' is not a gettext locale like en or zh_Hans"), locale=locale
            )
    if len(set(locales)) != len(locales):
        keys.error("locales", N_("a locale is named twice"))
    if not locales and "locales" in keys.table:
        keys.error("locales", N_("is empty"))
    return locales or ("en",)


def _texts(keys: Keys, key: str, locales: tuple[str, ...], *, required: bool = False) -> dict[str, str]:
    sub = keys.sub(key, required=required)
    present = bool(sub.table)
    texts = {locale: sub.text(locale, required=required and present) for locale in locales}
    sub.unknown()
    return {locale: text for locale, text in texts.items() if text}


def _jurisdiction(keys: Keys) -> str:
    value = keys.text("jurisdiction_id", required=True)
    if value and not JURISDICTION.fullmatch(value):
        keys.error("jurisdiction_id", N_("'%(value)s' may hold only a-z, 0-9, dots and hyphens"), value=value)
    return value


def _timezone(keys: Keys) -> str:
    value = keys.text("timezone", required=True)
    try:
        ZoneInfo(value or "UTC")
    except (ValueError, OSError, KeyError):
        keys.error("timezone", N_("'%(value)s' is not a known time zone"), value=value)
        return "UTC"
    return value or "UTC"


def _centre(keys: Keys) -> tuple[float, float]:
    value = keys.raw("map_centre", required=True)
    if value is None:
        return (0.0, 0.0)
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 2 or not all(isinstance(number, int | float) for number in numbers):
        keys.error("map_centre", N_("is not [lon, lat]"))
        return (0.0, 0.0)
    lon, lat = float(numbers[0]), float(numbers[1])
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        keys.error(
            "map_centre",
            N_("[%(lon)s, %(lat)s] is not [lon, lat] in degrees"),
            lon=f"{lon:g}",
            lat=f"{lat:g}",
        )
    return (lon, lat)


def _calendar(keys: Keys) -> CalendarConfig:
    hours = keys.sub("hours", required=True)
    config = CalendarConfig(
        country=keys.text("country"),
        subdivision=keys.text("subdivision"),
        hours={day: spans for day, name in enumerate(WEEKDAYS) if (spans := _spans(hours, name))},
        cutoff=_clock_time(keys, "cutoff"),
        after_cutoff_starts=_clock_time(keys, "after_cutoff_starts"),
        weekend_start=keys.choice("weekend_start", WEEKEND_STARTS, "next_opening"),
        skip_holidays=keys.yes("skip_holidays", default=True),
    )
    if not config.hours and hours.table:
        keys.error("hours", N_("no weekday has working hours"))
    hours.unknown()
    keys.unknown()
    return config


def _closing(keys: Keys) -> ClosingFigures:
    usual = ClosingFigures()
    figures = ClosingFigures(
        proof_max_m=keys.number("proof_max_m", usual.proof_max_m, 1, 10_000),
        proof_max_hours=keys.number("proof_max_hours", usual.proof_max_hours, 1, 720),
        silent_days=keys.number("silent_days", usual.silent_days, 1, 365),
        voice_days=keys.number("voice_days", usual.voice_days, 1, 365),
        neighbours_to_reopen=int(keys.number("neighbours_to_reopen", usual.neighbours_to_reopen, 2, 1000)),
        contests_to_supervision=int(
            keys.number("contests_to_supervision", usual.contests_to_supervision, 1, 100)
        ),
    )
    keys.unknown()
    return figures


def _custody(keys: Keys) -> CustodyFigures:
    usual = CustodyFigures()
    figures = CustodyFigures(
        contest_hours=keys.number("contest_hours", usual.contest_hours, 0, 720),
        ruling_hours=keys.number("ruling_hours", usual.ruling_hours, 0.25, 720),
        task_accept_hours=keys.number("task_accept_hours", usual.task_accept_hours, 0.25, 720),
        task_hours=keys.number("task_hours", usual.task_hours, 0.25, 8760),
        time="hours"
        if keys.choice("time", ("working_hours", "hours"), usual.time) == "hours"
        else usual.time,
    )
    keys.unknown()
    return figures


def _spans(keys: Keys, name: str) -> tuple[tuple[time, time], ...]:
    spans: list[tuple[time, time]] = []
    for text in keys.strings(name):
        start, _, end = text.partition("-")
        try:
            span = (time.fromisoformat(start.strip()), _end_time(end.strip()))
        except ValueError:
            keys.error(name, N_("'%(text)s' is not a span like 09:00-17:30"), text=text)
            continue
        if not _follows(span, spans[-1] if spans else None):
            keys.error(name, N_("'%(text)s' does not run forwards"), text=text)
            continue
        spans.append(span)
    return tuple(spans)


def _follows(span: tuple[time, time], earlier: tuple[time, time] | None) -> bool:
    """Whether a span runs forwards and after the one before; 00:00 as its end is midnight."""
    if span[1] != time(0) and span[0] >= span[1]:
        return False
    return earlier is None or (earlier[1] != time(0) and earlier[1] <= span[0])


def _end_time(text: str) -> time:
    return time(0) if text == "24:00" else time.fromisoformat(text)


def _clock_time(keys: Keys, key: str) -> time | None:
    value = keys.text(key)
    if not value:
        return None
    try:
        return time.fromisoformat(value)
    except ValueError:
        keys.error(key, N_("'%(value)s' is not a time like 17:00"), value=value)
        return None


def _layers(keys: Keys, folder: Path, locales: tuple[str, ...]) -> dict[str, LayerConfig]:
    layers = {}
    for name in keys.table:
        sub = keys.sub(name)
        if not CODE.fullmatch(name):
            keys.error(name, N_("a layer's name may hold only letters, digits, _ and -"))
        layers[name] = _layer(name, sub, folder, locales)
    return layers


def _layer(name: str, keys: Keys, folder: Path, locales: tuple[str, ...]) -> LayerConfig:
    tables = keys.raw("editions")
    shared = {key: value for key, value in keys.table.items() if key not in (*EDITION_KEYS, "editions")}
    if tables is not None and "file" in keys.table:
        keys.error("file", N_("a layer has either a file or editions, not both"))
    if not isinstance(tables, list | None) or not all(isinstance(item, dict) for item in tables or ()):
        keys.error("editions", N_("is not a list of tables"))
        tables = []
    if tables is None:
        tables = [{key: value for key, value in keys.table.items() if key in EDITION_KEYS}]
    editions = [
        _edition(Keys({**shared, **item}, keys.notes, keys.prefix), folder) for item in tables if item
    ]
    if not editions:
        keys.error("file", "missing")
    layer = LayerConfig(
        name=name,
        titles=_texts(keys, "title", locales),
        editions=tuple(sorted(filter(None, editions), key=lambda edition: str(edition.valid_from or ""))),
        tie_order=int(keys.number("tie_order", 100)),
        snap_m=keys.number("snap_m", USUAL_SNAP_M, 0, MOST_SNAP_M),
        required=keys.yes("required"),
    )
    known = {"title", "tie_order", "snap_m", "required", "editions", *EDITION_KEYS, *_EDITION_FIELDS}
    rest = {key: value for key, value in keys.table.items() if key not in known}
    Keys(rest, keys.notes, keys.prefix).unknown()
    return layer


_EDITION_FIELDS = ("code", "name", "code_regex", "code_strip_zeros", "crs", "datum")


def _edition(keys: Keys, folder: Path) -> EditionConfig | None:
    file = keys.text("file", required=True)
    code = keys.text("code", required=True)
    regex = keys.text("code_regex")
    try:
        re.compile(regex)
    except re.error as fault:
        keys.error("code_regex", N_("not a regular expression: %(fault)s"), fault=fault)
        regex = ""
    path = resolve_file(file, folder) if file else None
    if file and path is None:
        keys.error("file", N_("'%(file)s' lies outside the pack"), file=file)
    if path is None:
        return None
    edition = EditionConfig(
        file=file,
        path=path,
        code=code,
        name=keys.text("name"),
        code_regex=regex,
        code_strip_zeros=keys.yes("code_strip_zeros"),
        crs=keys.text("crs"),
        datum=keys.choice("datum", DATUMS, "wgs84"),
        valid_from=keys.day("valid_from"),
        valid_to=keys.day("valid_to"),
    )
    if edition.valid_from and edition.valid_to and edition.valid_from >= edition.valid_to:
        keys.error("valid_to", N_("is not after valid_from"))
    return edition


def _aims(keys: Keys) -> dict[str, float]:
    return {key: keys.number(key, 0.0, 0) for key in keys.table}
