"""How a chunk of rows becomes a chunk of answers: rows alike are decided together, odd ones one by one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from geo.crs import Array, LonLat, to_wgs84
from geo.lattice import Ints
from portal.pack.bulk import (
    HEAD,
    BulkPlan,
    CellError,
    Cells,
    instant_of,
    parse_answers,
    route_rows,
    told,
    transformer,
)
from portal.pack.bulk_answers import Answers, Tables
from portal.pack.request_rows import plain
from routing.bulk import BulkRouter, Found, group_rows
from routing.errors import RoutingError
from routing.facts import ReportFacts
from routing.priority import PRIORITIES, Priority
from routing.router import PointQuery

Column = Any  # an array of objects
_ODD = -1
_NUMBERS = frozenset({str, float, int})


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a file: `cells` is what routing reads.

    What is handed on stands in `given`, in `lines` (of CSV without any quotes) or in the arrow `table`.
    """

    cells: pd.DataFrame
    given: Sequence[Sequence[Any]] = ()
    lines: Sequence[str] = ()
    table: Any = None

    @property
    def rows(self) -> Sequence[Sequence[Any]]:
        """The cells of every row, where there is no arrow table."""
        return [line.split(",") for line in self.lines] if self.lines else self.given


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
        self._tables = Tables.empty(plan.layers)
        self._heads: list[int] = []  # by decision
        self._places: dict[tuple[int, ...], int] = {}  # by the sets of all layers
        self._move = transformer(plan.crs) if plan.crs else None

    def route(self, chunk: pd.DataFrame) -> Answers:
        """Answer a chunk, which has the columns of `Cells`: the answers are those of `route_rows`, in order."""
        cells = {name: chunk[name].to_numpy(object) for name in Cells._fields}
        rows = self._plain_rows(cells)
        found = self._router.answer(self._kinds, rows.kind, rows.lon, rows.lat)
        answers = self._answers(len(chunk), rows, found)
        for at in np.flatnonzero(found.decision < 0).tolist():
            self._put(answers, int(rows.at[at]), self._alone(rows, at))
        single = np.setdiff1d(np.arange(len(chunk)), rows.at)
        if single.size:
            asked = [
                Cells(*row) for row in zip(*(cells[name][single] for name in Cells._fields), strict=True)
            ]
            for row, answer in zip(single.tolist(), route_rows(self.plan, asked), strict=True):
                self._put(answers, row, answer)
        return answers

    def _alone(self, rows: _Rows, at: int) -> tuple[Any, ...]:
        """The answer of a row that no other is like: beside a border, or beyond every boundary."""
        router = self.plan.router
        facts = router.located(
            self._kinds[int(rows.kind[at])], LonLat(float(rows.lon[at]), float(rows.lat[at]))
        )
        return told(self.plan, facts, router.decide_on(facts))

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

    def _answers(self, count: int, rows: _Rows, found: Found) -> Answers:
        """The answers of the rows that were decided; nothing everywhere else."""
        is_done = found.decision >= 0
        at = rows.at[is_done]
        self._heads += [
            self._tables.heads.number(
                (one.lead, ";".join(one.assist), one.confidence, one.rule_id, one.ambiguous, one.snapped)
            )
            for one in self._router.decisions[len(self._heads) :]
        ]
        head, place, error = (np.zeros(count, np.int64) for _ in range(3))
        edge_m, lon, lat = (np.full(count, np.nan) for _ in range(3))
        head[at] = np.array(self._heads, np.int64)[found.decision[is_done]]
        place[at] = self._places_of([sets[is_done] for sets in found.sets], at.size)
        edge_m[at] = [round(metres, 3) for metres in found.edge_m[is_done].tolist()]
        lon[at], lat[at] = rows.lon[is_done], rows.lat[is_done]
        return Answers(self._tables, head, place, error, edge_m, lon, lat)

    def _places_of(self, sets: Sequence[Ints], count: int) -> Ints:
        """The number of the boundaries of all layers that hold each row."""
        if not sets or not count:
            return np.full(count, self._place(()), np.int64)
        first, group = group_rows(sets)
        return np.array([self._place(tuple([int(one[row]) for one in sets])) for row in first], np.int64)[
            group
        ]

    def _place(self, key: tuple[int, ...]) -> int:
        number = self._places.get(key)
        if number is None:
            codes = {
                name: ";".join(self._router.codes_of(at, key[at]))
                for at, name in enumerate(self._router.layers)
            }
            number = self._tables.places.number(tuple(codes.get(name, "") for name in self.plan.layers))
            self._places[key] = number
        return number

    def _put(self, answers: Answers, row: int, answer: tuple[Any, ...]) -> None:
        """Take up the answer of a row that was asked alone."""
        tables, last = self._tables, len(HEAD) - 1
        answers.head[row] = tables.heads.number(answer[:last])
        answers.place[row] = tables.places.number(answer[last + 1 : last + 1 + len(tables.layers)])
        answers.error[row] = tables.errors.number(answer[-3])
        for column, value in zip(
            (answers.edge_m, answers.lon, answers.lat), (answer[last], *answer[-2:]), strict=True
        ):
            column[row] = np.nan if value is None else value


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
