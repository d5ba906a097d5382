"""How planned works and outages become a table with a row each, and a row the feature that works/*.geojson has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from portal.i18n import N_
from portal.pack.model import Feature, FeatureFile, Finding, Pack
from portal.pack.rows import TABLES, Table
from portal.pack.table import Columns, Notes, Row

PLACE = "place"
DAY = timedelta(days=1)
DIGITS = 7


def work(row: Row, file: str) -> Feature | None:
    """A work as one row says it; None where its place cannot be read."""
    properties = {name: row.text(name) for name in ("services", "from", "to")}
    properties["code"] = row.text("code", required=True)
    properties |= {f"message_{locale}": text for locale, text in row.texts("message").items()}
    text = row.text(PLACE, required=True)
    place = read_place(text)
    if text and place is None:
        message = N_("is no place: give longitude and latitude, like 121.47 31.23, or an outline as WKT")
        row.notes.error(row.number, PLACE, message)
    return place and Feature(row.number, place, properties)


WORKS = Table(
    "works.csv",
    Columns(required=("code", "services", "from", "to", PLACE), localised=("message",)),
    work,
)
# What can be changed row by row: the tables of a pack, and what its GeoJSON files say.
EDITED: Mapping[str, Table] = {**TABLES, "works": WORKS}


def read_place(text: str) -> BaseGeometry | None:
    """Longitude and latitude, or any outline as WKT, in degrees; None for anything else."""
    try:
        lon, lat = map(float, text.replace(",", " ").split())
        place: BaseGeometry = shapely.Point(lon, lat)
    except ValueError:
        place = shapely.from_wkt(text, on_invalid="ignore")
    if place is None or place.is_empty:
        return None
    west, south, east, north = place.bounds
    return place if west >= -180 and east <= 180 and south >= -90 and north <= 90 else None


def place_text(place: BaseGeometry) -> str:
    """What `read_place` reads as the same place."""
    if place.geom_type == "Point":
        lon, lat = (f"{each:.{DIGITS}f}".rstrip("0").rstrip(".") for each in place.coords[0][:2])
        return f"{lon} {lat}"
    return str(shapely.to_wkt(place, rounding_precision=DIGITS))


def read_span(properties: Mapping[str, Any], zone: tzinfo) -> tuple[datetime, datetime]:
    """From when to when a work lasts: days, the last included, or days with a time. ValueError for neither."""
    starts, ends = (str(properties.get(name) or "") for name in ("from", "to"))
    is_day = len(ends) == len("2030-01-31")
    return _moment(starts, zone), _moment(ends, zone) + (DAY if is_day else timedelta())


def _moment(text: str, zone: tzinfo) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=zone)


def span_texts(starts: datetime, ends: datetime) -> tuple[str, str]:
    """What `read_span` reads as these moments, both in the city's time."""
    last = ends - DAY
    return _text(starts, starts), _text(ends, last)


def _text(moment: datetime, day: datetime) -> str:
    is_midnight = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    return str(day.date()) if is_midnight else moment.replace(tzinfo=None).isoformat(timespec="minutes")


def services_of(properties: Mapping[str, Any]) -> tuple[str, ...]:
    """The services that a planned work explains; `*` for all. A list, or text separated by `;`."""
    value = properties.get("services") or properties.get("service_codes") or ()
    parts: Iterable[Any] = value.replace("；", ";").split(";") if isinstance(value, str) else value
    return tuple(text for part in parts if (text := str(part).strip()))


def coded(files: Iterable[FeatureFile]) -> list[tuple[str, FeatureFile, Feature]]:
    """Every work with its code; one without a code is called after its place in the order."""
    all_works = [(file, feature) for file in files for feature in file.features]
    return [
        (str(feature.properties.get("code") or f"work-{number}"), file, feature)
        for number, (file, feature) in enumerate(all_works, start=1)
    ]


def check_works(pack: Pack) -> list[Finding]:
    """A work stands once, explains services that there are, says from when to when, and says it to everybody."""
    known = {"*", *(row.code for row in pack.services)}
    findings: list[Finding] = []
    seen: set[str] = set()
    for code, file, feature in coded(pack.works):
        notes = Notes(file.file, findings)
        if code in seen:
            notes.error(feature.row, "code", N_("'%(code)s' stands there already"), code=code)
        seen.add(code)
        _check_services(feature, known, notes)
        _check_span(feature, notes)
        for locale in pack.city.locales:
            if not feature.properties.get(f"message_{locale}"):
                notes.error(feature.row, f"message_{locale}", N_("missing value"))
    return findings


def _check_services(feature: Feature, known: set[str], notes: Notes) -> None:
    codes = services_of(feature.properties)
    if not codes:
        notes.error(feature.row, "services", N_("missing value"))
    for code in codes:
        if code not in known:
            notes.error(feature.row, "services", N_("there is no service '%(code)s'"), code=code)


def _check_span(feature: Feature, notes: Notes) -> None:
    is_read = True
    for name in ("from", "to"):
        text = str(feature.properties.get(name) or "")
        try:
            datetime.fromisoformat(text)
        except ValueError:
            is_read = False
            message = N_(
                "'%(day)s' is neither a day like 2030-01-31 nor one with a time like 2030-01-31T18:00"
            )
            notes.error(feature.row, name, message, day=text)
    if is_read:
        starts, ends = read_span(feature.properties, UTC)
        if ends <= starts:
            notes.error(feature.row, "to", N_("lies before from"))
