"""Knows a pack as plain cells: what stands in its tables, changed row by row, read by the same readers as files."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from portal.pack.config import read_config
from portal.pack.model import FeatureFile, Finding, Pack
from portal.pack.rows import TABLES, merge_units
from portal.pack.table import Notes, Row
from portal.pack.works_rows import EDITED

RowCells = Mapping[str, str]
# What tells the rows of a table apart; those of answers.csv have nothing but their order.
KEYS: Mapping[str, tuple[str, ...]] = {
    "services": ("service_code",),
    "questions": ("service_code", "code"),
    "units": ("unit_code",),
    "duties": ("unit_code", "service_code"),
    "targets": ("service_code", "priority", "clock", "stage"),
    "holidays": ("date",),
    "plans": ("code",),
    "crews": ("crew_code",),
    "rosters": (),
    "answers": (),
    "works": ("code",),
}
# A unit's places stand in one cell, a line each: layer and code. In the file they are rows of their own.
PLACES = "places"
FIRST_ROW = 2


@dataclass(frozen=True, slots=True)
class Cells:
    """A city as text: city.toml as tables, the rows of each table, the rulebook."""

    config: Mapping[str, Any]
    tables: Mapping[str, Sequence[RowCells]] = field(default_factory=dict)
    rules_text: str = ""

    def rows(self, table: str) -> Sequence[RowCells]:
        """The rows of a table, in their order."""
        return self.tables.get(table, ())

    def with_rows(self, table: str, rows: Iterable[RowCells]) -> Cells:
        """The same city with other rows in one table."""
        return replace(self, tables={**self.tables, table: tuple(rows)})

    @property
    def locales(self) -> tuple[str, ...]:
        """The languages of the city."""
        return tuple(self.config.get("locales", ()))


def keyed(table: str, rows: Sequence[RowCells]) -> dict[str, int]:
    """Where each row stands, by its key; rows without a key of their own are counted."""
    names = KEYS.get(table)
    if not names:
        return {str(number): number for number in range(len(rows))}
    return {key_of(table, row): number for number, row in enumerate(rows)}


def key_of(table: str, row: RowCells) -> str:
    """The key of a row, as it stands in addresses and in the city's book."""
    return "/".join(row.get(name, "") for name in KEYS[table])


def digest_of(row: RowCells) -> str:
    """What tells whether a row is still the one that somebody looked at."""
    said = {name: text for name, text in row.items() if text}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def pack_of_cells(cells: Cells, folder: Path = Path()) -> Pack:
    """The pack that these cells are, faults noted as for files; without points and basemap.

    Rows are numbered from 2, as in a file in which a unit has one row.
    """
    notes = Notes("city.toml")
    config = read_config(cells.config, folder, notes)
    findings: list[Finding] = notes.findings
    tables: dict[str, list[Any]] = {}
    for name, spec in EDITED.items():
        told = Notes(spec.file, findings)
        rows = [
            spec.parse(Row(number, each, config.locales, told), spec.file)
            for number, row in enumerate(cells.rows(name), start=FIRST_ROW)
            for each in (spread(row) if name == "units" else (row,))
        ]
        tables[name] = [row for row in rows if row is not None]
    told = Notes(TABLES["units"].file, findings)
    units = merge_units(tables.pop("units"), config.locales, told.error)
    works = FeatureFile(EDITED["works"].file, "works", tuple(tables.pop("works")))
    read: dict[str, Any] = {name: tuple(rows) for name, rows in tables.items()}
    return Pack(
        folder=folder,
        config=config,
        units=units,
        rules_text=cells.rules_text,
        works=(works,),
        findings=tuple(findings),
        **read,
    )


def spread(row: RowCells) -> Iterator[RowCells]:
    """A unit's row, once for each of its places, as units.csv has it."""
    rest = {name: text for name, text in row.items() if name != PLACES}
    places = [line.split(None, 1) for line in row.get(PLACES, "").splitlines() if line.strip()]
    for place in places:
        layer, code = (place[0], place[1].strip()) if len(place) == 2 else (place[0], "")
        yield rest | {"layer": layer, "boundary_code": code}
    if not places:
        yield rest


def csv_text(table: str, rows: Sequence[RowCells], locales: Sequence[str]) -> str:
    """A table as its file."""
    columns = columns_of(table, locales)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, extrasaction="ignore", restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerows(dict(each) for each in (spread(row) if table == "units" else (row,)))
    return out.getvalue()


def columns_of(table: str, locales: Sequence[str]) -> list[str]:
    """Every column that a file of this table may have."""
    columns = EDITED[table].columns
    stems = (*columns.localised, *columns.localised_optional)
    names = [*columns.required, *(f"{stem}_{locale}" for stem in stems for locale in locales)]
    names += [name for name in columns.optional if name not in ("service", "group", "scope")]
    if table == "targets":  # whatever it is for stands in this column
        names.insert(0, names.pop(names.index("service_code")))
    return names


def toml_text(table: Mapping[str, Any], prefix: str = "") -> str:
    """Plain values as TOML: one key a line, tables below."""
    plain = {key: value for key, value in table.items() if not _is_table(value) and value is not None}
    text = "".join(f"{_key(key)} = {_value(value)}\n" for key, value in plain.items())
    for key, value in table.items():
        name = f"{prefix}{_key(key)}"
        if isinstance(value, Mapping):
            text += f"\n[{name}]\n{toml_text(value, name + '.')}"
        elif _is_table(value):
            text += "".join(f"\n[[{name}]]\n{toml_text(each, name + '.')}" for each in value)
    return text


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list | tuple) and bool(value) and all(isinstance(each, Mapping) for each in value)
    )


def _key(key: str) -> str:
    return key if key.isascii() and key.replace("_", "a").replace("-", "a").isalnum() else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    # What JSON writes for text, numbers and truth is TOML too, but for one control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
