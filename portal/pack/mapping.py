"""What a MAP.toml says about a file of past requests, and the file's rows in those terms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from geo.crs import Datum
from portal.pack.model import DATUMS, PackError
from portal.pack.points import read_points
from portal.pack.request_files import RawRow, RequestFileError, read_raw
from portal.pack.request_rows import RequestRow, RowMaker
from portal.pack.table import Notes
from portal.pack.toml import Keys, read_toml

__all__ = ["Compare", "RequestFileError", "RequestMapping", "RequestRow", "read_mapping", "read_requests"]


@dataclass(frozen=True, slots=True)
class Compare:
    """A recorded boundary code: only ever compared with our own answer, never fed to routing.

    `values`, when given, translates; what it does not list records nothing.
    """

    layer: str
    column: str
    regex: re.Pattern[str] | None = None
    strip_zeros: bool = False
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestMapping:
    """A MAP.toml. `columns` maps our field to the file's column; `values` a field to its translations.

    `default_points`: name to (lon, lat, metres) in EPSG:4326; points that near are flagged.
    """

    file: str
    timezone: ZoneInfo
    columns: Mapping[str, str]
    crs: str = ""
    datum: Datum = "wgs84"
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    time_format: str = ""
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    default_points: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    compare: Mapping[str, Compare] = field(default_factory=dict)

    @property
    def file_columns(self) -> tuple[str, ...]:
        """Every column of the file that is read, once."""
        compared = (compare.column for compare in self.compare.values())
        return tuple(dict.fromkeys((*self.columns.values(), *compared)))


def read_mapping(path: Path | str) -> RequestMapping:
    """Read a MAP.toml; raises PackError with every problem, each with its line and key."""
    path = Path(path)
    notes = Notes(path.name)
    table = read_toml(path, notes)
    mapping = _mapping(Keys(table, notes), path.name) if table is not None else None
    if mapping is None or any(finding.severity == "error" for finding in notes.findings):
        raise PackError(tuple(notes.findings))
    return mapping


def read_requests(path: Path | str, mapping: RequestMapping) -> Iterator[RequestRow]:
    """Stream the rows of a CSV(.gz) or parquet file, in file order, in constant memory.

    A row that cannot be used is yielded with its `problem`. Raises RequestFileError where the file as a
    whole cannot be read or lacks a column that the mapping names.
    """
    raw: Iterator[RawRow] = read_raw(Path(path), mapping.file_columns, mapping.delimiter, mapping.encoding)
    maker = RowMaker(mapping)
    return (maker.row(each) for each in raw)


def _mapping(keys: Keys, file: str) -> RequestMapping:
    source = keys.sub("source")
    columns = _texts(keys.sub("columns", required=True))
    values = keys.sub("values")
    tables = {name: _texts(values.sub(name)) for name in values.table}
    mapping = RequestMapping(
        file=file,
        timezone=_zone(source),
        columns=columns,
        crs=_crs(source),
        datum=cast("Datum", source.choice("datum", DATUMS, "wgs84")),
        delimiter=source.text("delimiter", ",") or ",",
        encoding=source.text("encoding", "utf-8-sig"),
        time_format=source.text("time_format"),
        values=tables,
        defaults=_texts(keys.sub("defaults")),
        default_points=read_points(keys.sub("default_points")),
        compare=_compares(keys.sub("compare"), tables),
    )
    if columns and not {"opened_at"} & {*columns, *mapping.defaults}:
        keys.error("columns", "opened_at is missing")
    if ("lon" in columns) != ("lat" in columns):
        keys.error("columns", "lon and lat go together")
    if "service_code" not in {*columns, *mapping.defaults}:
        keys.error("columns", "service_code is missing, and has no default")
    source.unknown()
    keys.unknown()
    return mapping


def _texts(keys: Keys) -> dict[str, str]:
    return {key: keys.text(key) for key in keys.table}


def _zone(source: Keys) -> ZoneInfo:
    name = source.text("timezone", "UTC")
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        source.error("timezone", f"{name!r} is not a known time zone")
        return ZoneInfo("UTC")


def _crs(source: Keys) -> str:
    import pyproj

    name = source.text("crs")
    try:
        pyproj.CRS.from_user_input(name or "EPSG:4326")
    except pyproj.exceptions.CRSError:
        source.error("crs", f"the coordinate system {name!r} is not known")
        return ""
    return name


def _compares(keys: Keys, values: Mapping[str, Mapping[str, str]]) -> dict[str, Compare]:
    compares = {}
    for name in keys.table:
        sub = keys.sub(name)
        regex = sub.text("regex")
        try:
            pattern = re.compile(regex) if regex else None
        except re.error as fault:
            sub.error("regex", f"not a regular expression: {fault}")
            pattern = None
        compares[name] = Compare(
            layer=sub.text("layer", required=True),
            column=sub.text("column", required=True),
            regex=pattern,
            strip_zeros=sub.yes("strip_zeros"),
            values=values.get(name, {}),
        )
        sub.unknown()
    return compares
