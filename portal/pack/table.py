"""How a CSV table of a pack is read: header, rows, typed cells, and each fault with file, row and column."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from portal.i18n import N_
from portal.pack.model import Finding, Severity
from portal.pack.said import said

YES = frozenset({"yes", "true", "1", "y"})
NO = frozenset({"no", "false", "0", "n"})
CODE = re.compile(r"[\w-]+", re.ASCII)


@dataclass(slots=True)
class Notes:
    """Collects findings of one file; `lines` tells where the dotted keys of a TOML file stand."""

    file: str
    findings: list[Finding] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)

    def line(self, dotted: str) -> int:
        """The line of a dotted key, else of the nearest table above it, else 0."""
        while dotted and dotted not in self.lines:
            dotted = dotted.rpartition(".")[0]
        return self.lines.get(dotted, 0)

    def error(self, row: int, column: str, message: str, /, **params: Any) -> None:
        """Note something that makes the pack unusable."""
        self._add(row, column, "error", said(message, **params))

    def warn(self, row: int, column: str, message: str, /, **params: Any) -> None:
        """Note something that a person should look at."""
        self._add(row, column, "warning", said(message, **params))

    def _add(self, row: int, column: str, severity: Severity, message: str) -> None:
        self.findings.append(Finding(self.file, row, column, severity, message))


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns a table may have. `localised` are stems: `name` stands for `name_<locale>`."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    localised: tuple[str, ...] = ()
    localised_optional: tuple[str, ...] = ()

    def names(self, locales: Sequence[str]) -> tuple[str, ...]:
        """Every column, those of each language spelt out."""
        stems = (*self.localised, *self.localised_optional)
        return (*self.required, *self.optional, *(f"{stem}_{locale}" for stem in stems for locale in locales))


class Row:
    """One row with typed access to its cells; each faulty cell is noted once and a default returned."""

    def __init__(self, number: int, cells: Mapping[str, str], locales: Sequence[str], notes: Notes) -> None:
        self.number = number
        self.cells = cells
        self.locales = locales
        self.notes = notes

    def text(self, column: str, *, required: bool = False) -> str:
        """The trimmed cell; a missing required one is an error."""
        value = self.cells.get(column, "").strip()
        if required and not value:
            self.notes.error(self.number, column, N_("missing value"))
        return value

    def code(self, column: str, *, required: bool = True) -> str:
        """A code of word characters, `_` and `-`."""
        value = self.text(column, required=required)
        if value and not CODE.fullmatch(value):
            self.notes.error(
                self.number, column, N_("'%(value)s' may hold only letters, digits, _ and -"), value=value
            )
        return value

    def choice(
        self, column: str, allowed: Iterable[str], default: str = "", *, required: bool = False
    ) -> str:
        """One of a fixed set of words; blank gives the default."""
        value = self.text(column, required=required)
        if not value:
            return default
        allowed = tuple(allowed)
        if value not in allowed:
            self.notes.error(
                self.number,
                column,
                N_("'%(value)s' is none of %(list)s"),
                value=value,
                list=", ".join(allowed),
            )
            return default
        return value

    def yes(self, column: str, *, default: bool = False) -> bool:
        """A yes/no cell; blank gives the default."""
        value = self.text(column).lower()
        if value and value not in YES | NO:
            self.notes.error(self.number, column, N_("'%(value)s' is neither yes nor no"), value=value)
        return value in YES if value in YES | NO else default

    def number_in(
        self,
        column: str,
        default: float,
        low: float = -math.inf,
        high: float = math.inf,
        *,
        required: bool = False,
    ) -> float:
        """A finite number between bounds; blank gives the default."""
        value = self.text(column, required=required)
        if not value:
            return default
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self.notes.error(self.number, column, N_("'%(value)s' is not a number"), value=value)
            return default
        if not low <= number <= high:
            self.notes.error(
                self.number,
                column,
                N_("%(value)s lies outside %(low)s to %(high)s"),
                value=value,
                low=f"{low:g}",
                high=f"{high:g}",
            )
            return default
        return number

    def integer(self, column: str, default: int, low: float = -math.inf, high: float = math.inf) -> int:
        """A whole number between bounds; blank gives the default."""
        number = self.number_in(column, default, low, high)
        if number != int(number):
            self.notes.error(
                self.number, column, N_("%(number)s is not a whole number"), number=f"{number:g}"
            )
            return default
        return int(number)

    def day(self, column: str, *, required: bool = False) -> date | None:
        """An ISO date; blank gives None."""
        value = self.text(column, required=required)
        if not value:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.notes.error(
                self.number, column, N_("'%(value)s' is not a date like 2030-01-31"), value=value
            )
            return None

    def texts(self, stem: str, *, required: bool = False) -> dict[str, str]:
        """The cells of `stem_<locale>` per locale; blanks left out, or errors where required."""
        found = {}
        for locale in self.locales:
            value = self.text(f"{stem}_{locale}", required=required)
            if value:
                found[locale] = value
        return found


def read_rows(path: Path, notes: Notes, columns: Columns, locales: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of a UTF-8 CSV file (BOM tolerated). Row 1 is the header; blank lines are skipped but
    counted, as a spreadsheet would.
    """
    return read_rows_of(path.read_bytes(), notes, columns, locales)


def read_rows_of(raw: bytes, notes: Notes, columns: Columns, locales: Sequence[str]) -> Iterator[Row]:
    """Like `read_rows`, of what stands in a file."""
    records = _records(raw, notes)
    if not records or not any(cell.strip() for cell in records[0]):
        notes.error(1, "", N_("the file has no header row"))
        return
    header = [cell.strip() for cell in records[0]]
    if not _check_header(header, notes, columns, locales):
        return
    for number, record in enumerate(records[1:], start=2):
        if not any(cell.strip() for cell in record):
            continue
        if len(record) > len(header):
            notes.error(
                number,
                "",
                N_("%(count)s cells where the header has %(header)s"),
                count=len(record),
                header=len(header),
            )
            continue
        if len(record) < len(header):
            notes.warn(
                number,
                header[len(record)],
                N_("%(count)s cells where the header has %(header)s"),
                count=len(record),
                header=len(header),
            )
        yield Row(number, dict(zip(header, record, strict=False)), locales, notes)


def _records(raw: bytes, notes: Notes) -> list[list[str]]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        notes.error(
            raw.count(b"\n", 0, fault.start) + 1, "", N_("not UTF-8 at byte %(value)s"), value=fault.start + 1
        )
        return []
    records: list[list[str]] = []
    try:
        records.extend(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as fault:
        notes.error(len(records) + 1, "", N_("not readable as CSV: %(fault)s"), fault=fault)
    return records


def _check_header(header: list[str], notes: Notes, columns: Columns, locales: Sequence[str]) -> bool:
    required = list(columns.required) + [
        f"{stem}_{locale}" for stem in columns.localised for locale in locales
    ]
    optional = set(columns.optional)
    optional.update(f"{stem}_{locale}" for stem in columns.localised_optional for locale in locales)
    missing = [column for column in required if column not in header]
    for column in missing:
        notes.error(1, column, N_("missing column"))
    for column in dict.fromkeys(header):
        if header.count(column) > 1:
            notes.error(1, column, N_("column named twice"))
        elif column not in required and column not in optional:
            notes.warn(1, column, N_("unknown column, ignored"))
    return not missing
