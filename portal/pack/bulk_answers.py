"""Knows the answers to a chunk of rows: what each row shares with others is kept once, and told once."""

from __future__ import annotations

import csv
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd

from geo.crs import Array
from geo.lattice import Ints
from portal.pack.bulk import HEAD, PLACE

Value = TypeVar("Value", bound=Hashable)
Text = Callable[[str, Any], str]
EDGE = HEAD[-1]


class Table(Generic[Value]):
    """Values by number; a value that comes again has the number it had. 0 is the first one."""

    def __init__(self, first: Value) -> None:
        self.values: list[Value] = [first]
        self._numbers: dict[Value, int] = {first: 0}
        self.texts: list[str] = []

    def number(self, value: Value) -> int:
        """Return the number of a value."""
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self.values)
            self.values.append(value)
        return number


@dataclass(frozen=True)
class Tables:
    """What rows share: `heads` are the columns of HEAD without the distance, `places` those of the layers."""

    layers: tuple[str, ...]
    heads: Table[tuple[Any, ...]]
    places: Table[tuple[Any, ...]]
    errors: Table[str]

    @classmethod
    def empty(cls, layers: tuple[str, ...]) -> Tables:
        """Tables that know only a row without an answer."""
        return cls(layers, Table((None,) * (len(HEAD) - 1)), Table((None,) * len(layers)), Table(""))


@dataclass(frozen=True)
class Answers:
    """The answers to some rows: positions in `tables`, metres (NaN: none) and degrees (NaN: no place) of each."""

    tables: Tables
    head: Ints
    place: Ints
    error: Ints
    edge_m: Array
    lon: Array
    lat: Array

    def __len__(self) -> int:
        return len(self.head)

    @property
    def errors(self) -> int:
        """How many rows could not be routed."""
        return int(np.count_nonzero(self.error))

    def column(self, name: str) -> tuple[Ints, Sequence[Any]]:
        """A column as positions in a list of values; not for the distance and the degrees."""
        if name in HEAD:
            at = HEAD.index(name)
            return self.head, [values[at] for values in self.tables.heads.values]
        if name == "error":
            return self.error, self.tables.errors.values
        at = self.tables.layers.index(name.removeprefix("layer_"))
        return self.place, [values[at] for values in self.tables.places.values]

    def numbers(self, name: str) -> list[float | None]:
        """The distance, or the degrees of PLACE; None where there are none."""
        values = {EDGE: self.edge_m, **dict(zip(PLACE, (self.lon, self.lat), strict=True))}[name].tolist()
        return [None if value != value else value for value in values]

    def frame(self, columns: Sequence[str]) -> pd.DataFrame:
        """The answers as a table of plain values."""
        return pd.DataFrame({name: self._objects(name) for name in columns}, dtype=object)

    def lines(self, text: Text) -> list[str]:
        """The answers as CSV: the cells of each row as `text` spells them, with commas between."""
        tables = self.tables
        heads = _told(tables.heads, lambda values: zip(HEAD, values, strict=False), text)
        places = _told(tables.places, lambda values: zip(tables.layers, values, strict=True), text)
        errors = _told(tables.errors, lambda value: [("error", value)], text)
        edges = ["" if metres != metres else str(metres) for metres in self.edge_m.tolist()]
        rows = zip(self.head.tolist(), edges, self.place.tolist(), self.error.tolist(), strict=True)
        if not tables.layers:
            return [f"{heads[head]},{edge},{errors[error]}" for head, edge, _, error in rows]
        return [f"{heads[head]},{edge},{places[place]},{errors[error]}" for head, edge, place, error in rows]

    def _objects(self, name: str) -> Any:
        column = np.empty(len(self), object)
        if name in (EDGE, *PLACE):
            column[:] = self.numbers(name)
            return column
        at, values = self.column(name)
        known = np.empty(len(values), object)
        known[:] = values
        return known[at]


def row_texts(rows: Iterable[Sequence[Any]]) -> list[str]:
    """Rows as CSV, each without the end of its line; cells with a comma, a quote, CR or LF are quoted."""
    out = _Written()
    # A cell before them, because a row of one empty cell is written otherwise.
    csv.writer(out, lineterminator="\r\n").writerows(["", *row] for row in rows)
    return out.texts


class _Written:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def write(self, line: str) -> int:
        self.texts.append(line[1:-2])
        return len(line)


def _told(table: Table[Any], cells: Callable[[Any], Any], text: Text) -> list[str]:
    """The CSV of all values of a table; each is worked out once."""
    new = table.values[len(table.texts) :]
    table.texts += row_texts([text(name, one) for name, one in cells(value)] for value in new)
    return table.texts
