"""Knows how a table of cells leaves as a file that a spreadsheet opens, and comes back as rows of cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from portal.i18n import N_
from portal.pack.cells import KEYS, PLACES, RowCells, csv_text, key_of, keyed
from portal.pack.model import Finding
from portal.pack.rows import SCOPE_COLUMNS
from portal.pack.said import said
from portal.pack.table import Notes, Row, read_rows_of
from portal.pack.works_rows import EDITED, PLACE
from portal.spreadsheet import guarded, unguarded

MOST_BYTES = 2 * 1024 * 1024
MOST_ROWS = 20_000
LONGEST_CELL, LONGEST_OUTLINE = 5_000, 100_000
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The rows of a file; `lines` tells for each where it stands there."""

    rows: tuple[RowCells, ...]
    lines: tuple[int, ...]
    findings: tuple[Finding, ...]


def spreadsheet(table: str, rows: Sequence[RowCells], locales: Sequence[str]) -> bytes:
    """The table as a file that a spreadsheet opens as text: no cell of it is a formula."""
    safe = [{name: text if name == PLACES else guarded(text) for name, text in row.items()} for row in rows]
    return csv_text(table, safe, locales).encode("utf-8-sig")


def read_spreadsheet(raw: bytes, table: str, locales: Sequence[str]) -> Uploaded:
    """The rows of an uploaded file, with everything noted that cannot be read."""
    spec = EDITED[table]
    notes = Notes(spec.file)
    if len(raw) > MOST_BYTES:
        notes.error(0, "", N_("the file is larger than %(value)s MB"), value=MOST_BYTES // 1024 // 1024)
        return Uploaded((), (), tuple(notes.findings))
    found: list[tuple[int, RowCells]] = []
    for row in read_rows_of(raw, notes, spec.columns, locales):
        if len(found) >= MOST_ROWS:
            notes.error(row.number, "", N_("the file has more than %(most)s rows"), most=MOST_ROWS)
            break
        found.append((row.number, _cells(row, table, spec.columns.names(locales))))
    if table == "units":
        found = _with_places(found)
    notes.findings += [fault for line, cells in found for fault in cell_faults(spec.file, line, cells)]
    notes.findings += _double_keys(table, found)
    return Uploaded(
        tuple(cells for _, cells in found), tuple(line for line, _ in found), tuple(notes.findings)
    )


def cell_faults(file: str, line: int, cells: RowCells) -> Iterable[Finding]:
    """What no cell may hold: too much, or signs that cannot be seen."""
    for name, text in cells.items():
        most = longest(name)
        if len(text) > most:
            yield Finding(
                file,
                line,
                name,
                "error",
                said(N_("more than %(most)s characters"), most=most),
            )
        if CONTROL.search(text):
            yield Finding(file, line, name, "error", said(N_("holds signs that cannot be shown")))


def longest(name: str) -> int:
    """How much a cell may hold: an outline has many corners."""
    return LONGEST_OUTLINE if name == PLACE else LONGEST_CELL


def filled(table: str, old: Sequence[RowCells], new: Sequence[RowCells]) -> list[RowCells]:
    """The new rows; what a file has no column for stays as it is."""
    known = keyed(table, old)
    found: list[RowCells] = []
    for key, row in ((key_of(table, row), row) for row in new):
        before = old[known[key]] if KEYS[table] and key in known else {}
        whole = {**before, **row}
        found.append({name: text for name, text in whole.items() if text})
    return found


def _cells(row: Row, table: str, names: Iterable[str]) -> dict[str, str]:
    """The cells of the columns that the file has; what a target is for may stand in several."""
    cells = {name: unguarded(row.text(name)) for name in names if name in row.cells}
    if table == "targets":
        scopes = [cells.pop(name, "") for name in SCOPE_COLUMNS]
        cells["service_code"] = next(filter(None, scopes), "")
    return cells


def _with_places(found: Iterable[tuple[int, RowCells]]) -> list[tuple[int, RowCells]]:
    """Units that stand once for each of their places, once; cells that differ are told of by the check."""
    units: dict[str, tuple[int, dict[str, str]]] = {}
    for line, cells in found:
        rest = {name: text for name, text in cells.items() if name not in ("layer", "boundary_code")}
        place = f"{cells.get('layer', '')} {cells.get('boundary_code', '')}".strip()
        first = units.setdefault(cells.get("unit_code", ""), (line, rest))[1]
        if "layer" in cells or "boundary_code" in cells:
            first[PLACES] = "\n".join(filter(None, (first.get(PLACES, ""), place)))
    return list(units.values())


def _double_keys(table: str, found: Iterable[tuple[int, RowCells]]) -> Iterable[Finding]:
    seen: dict[str, int] = {}
    for line, cells in found if KEYS[table] else ():
        key = key_of(table, cells)
        if key in seen:
            message = said(N_("'%(key)s' stands already in row %(seen)s"), key=key, seen=seen[key])
            yield Finding(EDITED[table].file, line, KEYS[table][0], "error", message)
        seen.setdefault(key, line)


def by_lines(findings: Iterable[Finding], file: str, lines: Sequence[int]) -> list[Finding]:
    """Findings about rows of cells, told by the lines of the file that they came from."""
    places: Mapping[int, int] = dict(enumerate(lines, start=2))
    return [
        Finding(each.file, places.get(each.row, each.row), each.column, each.severity, each.message)
        if each.file == file
        else each
        for each in findings
    ]
