"""How a chunk of rows becomes a chunk of answers: rows alike are decided together, odd ones one by one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from geo.crs import Array, to_wgs84
from geo.lattice import Ints
from portal.pack.bulk import (
    HEAD,
    PLACE,
    BulkPlan,
    CellError,
    Cells,
    instant_of,
    parse_answers,
    route_rows,
    transformer,
)
from portal.pack.request_rows import plain
from routing.bulk import BulkRouter, Found
from routing.errors import RoutingError
from routing.facts import ReportFacts
from routing.priority import PRIORITIES, Priority
from routing.router import PointQuery

Column = Any  # an array of objects
_ODD = -1
_NUMBERS = frozenset({str, float, int})


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a file: `cells` is what routing reads, `rows` (or the arrow `table`) what is handed on."""

    cells: pd.DataFrame
    rows: Sequence[Sequence[Any]] = ()
    table: Any = None


@dataclass(frozen=True, slots=True)
class _Rows:
    """The plain rows of a chunk: where they stand, what they ask, where they lie (WGS 84, NaN without a place)."""

    at: Ints
    kind: Ints
    lon: Array
    lat: Array


class ChunkRouter:
    """Routes chunks by one plan, keeping what it has decided. Not for use by several threads."""

    def __init__(self, plan: BulkPlan) -> None:
        self.plan = plan
        self._router = BulkRouter(plan.router)
        self._kinds: list[ReportFacts] = []
        self._numbers: dict[Hashable, int] = {}
        self._heads: list[tuple[Any, ...]] = []
        self._move = transformer(plan.crs) if plan.crs else None

    def routed(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, pd.DataFrame]]:
        """Yield each batch with its answers."""
        for batch in batches:
            yield batch, self.route(batch.cells)

    def route(self, chunk: pd.DataFrame) -> pd.DataFrame:
        """Answer a chunk: one row in, one row out, in the same order and with the same index.

        `chunk` has the columns of `Cells`; the answer has `plan.columns` and then PLACE. The answers are
        those of `route_rows`.
        """
        cells = {name: chunk[name].to_numpy(object) for name in Cells._fields}
        rows = self._plain_rows(cells)
        found = self._router.answer(self._kinds, rows.kind, rows.lon, rows.lat)
        columns = self._columns(len(chunk), rows, found)
        single = np.setdiff1d(np.arange(len(chunk)), rows.at[found.decision >= 0])
        if single.size:
            asked = [
                Cells(*row) for row in zip(*(cells[name][single] for name in Cells._fields), strict=True)
            ]
            answers = zip(*route_rows(self.plan, asked), strict=True)
            for column, values in zip(columns.values(), answers, strict=True):
                column[single] = _objects(values)
        return pd.DataFrame(columns, index=chunk.index, dtype=object)

    def _plain_rows(self, cells: dict[str, Column]) -> _Rows:
        """The rows that can be decided together with others, and how."""
        lon, lat = _floats(cells["lon"]), _floats(cells["lat"])
        kind = self._kinds_of(cells)
        kind[cells["problem"] != ""] = _ODD
        if self._move:
            lon, lat = (np.asarray(each, float) for each in self._move(lon, lat))
        has_place = (np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)
        for row in np.flatnonzero(~has_place & (kind != _ODD)).tolist():
            is_blank = not plain(cells["lon"][row]) and not plain(cells["lat"][row])
            if not is_blank or self._kinds[kind[row]].service.is_place_needed:
                kind[row] = _ODD
        at = np.flatnonzero(kind != _ODD)
        lon, lat, has_place = lon[at], lat[at], has_place[at]
        lon[~has_place] = lat[~has_place] = np.nan
        datum = self.plan.datum or self.plan.router.city.datum
        if datum != "wgs84" and has_place.any():
            lon[has_place], lat[has_place] = to_wgs84(lon[has_place], lat[has_place], datum)
        return _Rows(at, kind[at], lon, lat)

    def _kinds_of(self, cells: dict[str, Column]) -> Ints:
        """What each row asks, its place left aside: a position in the list of kinds, or _ODD."""
        wanted = ["service", "priority", "answers", *(["time"] if self.plan.has_time else [])]
        names = [
            name for name in wanted if name == "service" or any(cell is not None for cell in cells[name])
        ]
        known: dict[Any, int] = {}
        found = []
        for values in zip(*(cells[name].tolist() for name in names), strict=True):
            try:
                number = known.get(values)
            except TypeError:  # answers as a table cannot be looked up
                number = self._kind(names, values)
            if number is None:
                number = known[values] = self._kind(names, values)
            found.append(number)
        return np.array(found, np.int64)

    def _kind(self, names: Sequence[str], values: Sequence[Any]) -> int:
        """The number of what a row asks; _ODD for a row with an error."""
        given = dict(zip(names, values, strict=True))
        plan = self.plan
        service = plan.router.city.services.get(plain(given["service"]))
        if service is None:
            return _ODD
        sight = self._router.sight(service)
        try:
            at = instant_of(plan, given.get("time"))
            answers = parse_answers(given.get("answers"))
            priority = plain(given.get("priority"))
            key = (service.code, priority, sight.answer_key(answers), sight.time_key(at))
            number = self._numbers.get(key)
            if number is None and (not priority or priority in PRIORITIES):
                number = self._new_kind(
                    key,
                    PointQuery(
                        service.code,
                        at,
                        answers=answers,
                        priority=cast(Priority, priority) or None,
                        is_geocoded=True,
                    ),
                )
        except (CellError, RoutingError, OverflowError):
            return _ODD
        return _ODD if number is None else number

    def _new_kind(self, key: Hashable, query: PointQuery) -> int:
        self._kinds.append(self.plan.router.facts(query))
        return self._numbers.setdefault(key, len(self._kinds) - 1)

    def _columns(self, count: int, rows: _Rows, found: Found) -> dict[str, Column]:
        """The answers of the rows that were decided; None everywhere else."""
        is_done = found.decision >= 0
        at, decision = rows.at[is_done], found.decision[is_done]
        columns = {name: np.full(count, None, object) for name in (*self.plan.columns, *PLACE)}
        self._heads += [
            (one.lead, ";".join(one.assist), one.confidence, one.rule_id, one.ambiguous, one.snapped)
            for one in self._router.decisions[len(self._heads) :]
        ]
        for name, values in zip(HEAD, zip(*self._heads, strict=True), strict=False):
            columns[name][at] = _objects(values)[decision]
        columns[HEAD[-1]][at] = _objects(
            [None if m != m else round(m, 3) for m in found.edge_m[is_done].tolist()]
        )
        for name in self.plan.layers:
            columns[f"layer_{name}"][at] = ""
        for place, name in enumerate(self._router.layers):
            codes = _objects([";".join(codes) for codes in self._router.codes(place)])
            columns[f"layer_{name}"][at] = codes[found.sets[place][is_done]]
        columns["error"][at] = ""
        for name, degrees in zip(PLACE, (rows.lon[is_done], rows.lat[is_done]), strict=True):
            columns[name][at] = _objects([None if d != d else d for d in degrees.tolist()])
        return columns


def frame_of(columns: Mapping[str, Sequence[Any]], rows: int) -> pd.DataFrame:
    """The chunk of so many rows: the columns of `Cells` that a file has; the others are None, `problem` empty."""
    given = {"problem": [""] * rows, **columns}
    cells = {
        name: _objects(given[name]) if name in given else np.full(rows, None, object)
        for name in Cells._fields
    }
    return pd.DataFrame(cells, dtype=object)


def _floats(values: Column) -> Array:
    """The cells as numbers; NaN for those that are none."""
    if set(map(type, values)) <= _NUMBERS:
        try:
            numbers = map(float, ["nan" if value == "" else value for value in values.tolist()])
            return np.fromiter(numbers, np.float64, len(values))
        except (ValueError, OverflowError):
            pass
    return np.array([_float(value) for value in values.tolist()], np.float64)


def _float(value: Any) -> float:
    try:
        return float(plain(value))
    except ValueError:
        return np.nan


def _objects(values: Sequence[Any]) -> Column:
    column = np.empty(len(values), object)
    column[:] = values
    return column
