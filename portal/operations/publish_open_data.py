"""Knows how the open data is written: compressed files beside each other, replaced whole, with an index."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

import shapely
from sqlalchemy import Connection

from portal import clock
from portal.queries.city import CityView
from portal.queries.duties import duties
from portal.queries.open_data import REPORT_COLUMNS, day_roots, open_events, open_reports, open_seals
from portal.spreadsheet import guarded

INDEX = "index.json"
FORMAT = 1
NIGHTLY_AT = time(2, 30)  # the city's time: when everybody sleeps
Row = Mapping[str, Any]


def is_night_due(folder: Path, now: datetime, timezone: str) -> bool:
    """Whether the dump is missing, or older than the last night in which it was to be made."""
    try:
        made_at = datetime.fromisoformat(json.loads((folder / INDEX).read_text())["made_at"])
    except (OSError, ValueError, KeyError):
        return True
    here = now.astimezone(ZoneInfo(timezone))
    night = datetime.combine(here.date(), NIGHTLY_AT, here.tzinfo)
    return made_at < (night if night <= here else night - timedelta(days=1))


def publish_open_data(
    tx: Connection, city: CityView, folder: Path, on_progress: Callable[[str, int], None] = lambda *_: None
) -> dict[str, Any]:
    """Write everything public about a city into a folder, and answer its index.

    `tx` must see one snapshot, or the dump would not prove itself. Each file is replaced at once and the index
    last, so that a reader never meets half a file. Memory holds one batch of rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    here = city.jurisdiction_id
    files = [
        *_reports(folder, open_reports(tx, here), on_progress),
        _lines(folder / "events.ndjson.gz", open_events(tx, here), on_progress),
        _lines(folder / "seals.ndjson.gz", open_seals(tx, here), on_progress),
        _table(folder / "roots.csv.gz", ("day", "first", "last", "root"), day_roots(tx)),
        _table(folder / "services.csv.gz", *_services(city)),
        _table(folder / "units.csv.gz", *_units(city)),
        _table(folder / "duties.csv.gz", *_duties(tx, city)),
        *(_layer(folder, layer) for layer in city.router.city.index.layers if layer.is_area),
    ]
    index = {
        "format": FORMAT,
        "city": dict(city.names),
        "jurisdiction_id": here,
        "made_at": clock.now().isoformat(),
        "licence": city.config.get("open_data_licence", "CC BY 4.0"),
        "files": files,
    }
    with _replacing(folder / INDEX) as out:
        out.write(json.dumps(index, ensure_ascii=False, indent=1).encode())
    return index


def _reports(
    folder: Path, rows: Iterable[Row], on_progress: Callable[[str, int], None]
) -> Iterator[dict[str, Any]]:
    """The reports as a table and as points, in one pass."""
    table, points, count = folder / "reports.csv.gz", folder / "reports.geojson.gz", 0
    with _packed(table) as flat, _packed(points) as shaped:
        writer = csv.DictWriter(flat, REPORT_COLUMNS)
        writer.writeheader()
        shaped.write('{"type":"FeatureCollection","features":[')
        for row in rows:
            writer.writerow({name: _harmless(value) for name, value in row.items()})
            shaped.write(("," if count else "") + "\n" + _json(_feature(row)))
            count += 1
            if count % 1000 == 0:
                on_progress(table.name, count)
        shaped.write("\n]}\n")
    yield _entry(table, count)
    yield _entry(points, count)


def _feature(row: Row) -> Row:
    point = None if row["lon"] is None else {"type": "Point", "coordinates": [row["lon"], row["lat"]]}
    rest = {name: value for name, value in row.items() if name not in ("lon", "lat")}
    return {"type": "Feature", "geometry": point, "properties": rest}


def _lines(path: Path, rows: Iterable[Row], on_progress: Callable[[str, int], None]) -> dict[str, Any]:
    count = 0
    with _packed(path) as out:
        for count, row in enumerate(rows, 1):
            out.write(_json(row) + "\n")
            if count % 1000 == 0:
                on_progress(path.name, count)
    return _entry(path, count)


def _table(path: Path, columns: tuple[str, ...], rows: Iterable[Row]) -> dict[str, Any]:
    count = 0
    with _packed(path) as out:
        writer = csv.DictWriter(out, columns)
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _harmless(row[name]) for name in columns})
            count += 1
    return _entry(path, count)


def _services(city: CityView) -> tuple[tuple[str, ...], Iterator[Row]]:
    rows = (
        {"service_code": each.code, "group": each.group, "kind": each.kind}
        | {f"name_{locale}": each.names.get(locale, "") for locale in city.locales}
        for each in city.services.values()
        if each.is_active
    )
    return ("service_code", "group", "kind", *(f"name_{locale}" for locale in city.locales)), rows


def _units(city: CityView) -> tuple[tuple[str, ...], Iterator[Row]]:
    rows = (
        {"unit_code": each.code, "parent": each.parent, "level": each.level}
        | {f"name_{locale}": each.names.get(locale, "") for locale in city.locales}
        for each in city.directory
    )
    return ("unit_code", "parent", "level", *(f"name_{locale}" for locale in city.locales)), rows


def _duties(tx: Connection, city: CityView) -> tuple[tuple[str, ...], Iterator[Row]]:
    words = [(field, locale) for field in ("standard", "procedure") for locale in city.locales]
    columns = (
        "unit_code",
        "service_code",
        *(f"{field}_{locale}" for field, locale in words),
        "legal_basis",
        "review_by",
    )
    rows = (
        {f"{field}_{locale}": getattr(each, field).get(locale, "") for field, locale in words}
        | {"unit_code": each.unit_code, "service_code": each.service_code, "legal_basis": each.legal_basis}
        | {"review_by": each.review_by or ""}
        for each in duties(tx, city.jurisdiction_id)
    )
    return columns, rows


def _layer(folder: Path, layer: Any) -> dict[str, Any]:
    path = folder / f"boundaries-{layer.name}.geojson.gz"
    with _packed(path) as out:
        out.write('{"type":"FeatureCollection","features":[')
        for number, boundary in enumerate(layer.boundaries):
            shape = json.loads(shapely.to_geojson(boundary.geometry))
            feature = {
                "type": "Feature",
                "geometry": shape,
                "properties": {"code": boundary.code, "name": boundary.name},
            }
            out.write(("," if number else "") + "\n" + _json(feature))
        out.write("\n]}\n")
    return _entry(path, len(layer.boundaries))


@contextmanager
def _packed(path: Path) -> Iterator[IO[str]]:
    """A compressed text file that takes the place of the old one when it is finished; no date in its header."""
    with _replacing(path) as out, gzip.GzipFile("", "wb", 6, out, mtime=0) as packed:
        text = io.TextIOWrapper(packed, "utf-8", newline="")
        yield text
        text.flush()
        text.detach()


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    half = path.with_name(f".{path.name}.half")
    with half.open("wb") as out:
        yield out
    half.replace(path)


def _entry(path: Path, rows: int) -> dict[str, Any]:
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {"name": path.name, "rows": rows, "bytes": path.stat().st_size, "sha256": digest}


def _json(value: Row) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _harmless(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula gets an apostrophe before it."""
    return guarded(value) if isinstance(value, str) else value
