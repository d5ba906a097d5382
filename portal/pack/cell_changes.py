"""Knows what differs between two states of a table, row by row and cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from portal.pack.cells import RowCells, keyed

# Reports go on naming the rows of these: what a file leaves out is switched off, not taken away.
KEPT = frozenset({"services", "units", "crews"})
What = Literal["added", "changed", "removed", "switched_off"]


@dataclass(frozen=True, slots=True)
class CellChange:
    """One cell before and after."""

    column: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row that is not what it was."""

    what: What
    key: str
    cells: tuple[CellChange, ...]

    def plain(self) -> dict[str, Any]:
        """For the city's book."""
        return {
            "what": self.what,
            "key": self.key,
            "cells": [[cell.column, cell.old, cell.new] for cell in self.cells],
        }


def with_left_out(table: str, old: Sequence[RowCells], new: Sequence[RowCells]) -> tuple[RowCells, ...]:
    """The new rows, and after them those that must be kept: switched off."""
    if table not in KEPT:
        return tuple(new)
    named = keyed(table, new)
    left = (
        dict(old[place]) | {"active": "no"} for key, place in keyed(table, old).items() if key not in named
    )
    return (*new, *left)


def table_changes(table: str, old: Sequence[RowCells], new: Sequence[RowCells]) -> list[RowChange]:
    """Every row that differs: those that are new or changed in their order, then those that are gone."""
    before, after = keyed(table, old), keyed(table, new)
    changes = []
    for key, place in after.items():
        known = old[before[key]] if key in before else {}
        cells = _cells(known, new[place])
        if cells:
            changes.append(RowChange(_what(table, key in before, known, new[place]), key, cells))
    gone = [key for key in before if key not in after]
    changes += [RowChange("removed", key, _cells(old[before[key]], {})) for key in gone]
    return changes


def _what(table: str, is_known: bool, old: RowCells, new: RowCells) -> What:
    if not is_known:
        return "added"
    is_off = table in KEPT and new.get("active") == "no" and old.get("active") != "no"
    return "switched_off" if is_off else "changed"


def _cells(old: RowCells, new: RowCells) -> tuple[CellChange, ...]:
    names = dict.fromkeys((*new, *old))
    pairs = ((name, old.get(name, ""), new.get(name, "")) for name in names)
    return tuple(CellChange(*pair) for pair in pairs if pair[1] != pair[2])
