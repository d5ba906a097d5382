"""How a row of a file becomes a question to the router, and the answer a row: no file and no database here."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from geo.crs import Datum
from portal.pack.request_rows import plain
from routing.decision import Decision
from routing.errors import RoutingError
from routing.facts import ReportFacts
from routing.priority import PRIORITIES
from routing.router import PointQuery, Router, edge_distance_m

# Before and after the columns of the layers; then where the place lies in WGS 84, for writers of maps.
HEAD = ("lead_unit", "assist_units", "confidence", "rule", "ambiguous", "snapped", "edge_distance_m")
TAIL = ("error",)
PLACE = ("_lon", "_lat")


class CellError(ValueError):
    """A cell that cannot be used; the message names it for a person."""


class Cells(NamedTuple):
    """One row as its file has it; what a file has no column for is None. `problem`: why it cannot be read."""

    lon: Any
    lat: Any
    service: Any
    time: Any
    priority: Any
    answers: Any
    problem: str


@dataclass(frozen=True, slots=True)
class BulkPlan:
    """What holds for every row. `crs` as PROJ names it, "" for degrees; `datum` None for the city's own.

    `at` is the instant of rows without a time. `has_time`: the file has a column of times, so each must hold.
    """

    router: Router
    at: datetime
    crs: str = ""
    datum: Datum | None = None
    has_time: bool = False

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers in the order of their columns: by tie order, then by name."""
        layers = sorted(self.router.city.index.layers, key=lambda layer: (layer.tie_order, layer.name))
        return tuple(layer.name for layer in layers)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of an answer, in order."""
        return (*HEAD, *(f"layer_{name}" for name in self.layers), *TAIL)


def route_rows(plan: BulkPlan, rows: list[Cells]) -> list[tuple[Any, ...]]:
    """Answer rows one by one: a tuple of `plan.columns` and PLACE (EPSG:4326 degrees) for each.

    Never raises for what a row holds: see its `error`.
    """
    return [_answer(plan, row, place) for row, place in zip(rows, _places(plan, rows), strict=True)]


Place = tuple[float, float] | CellError | None


def _places(plan: BulkPlan, rows: list[Cells]) -> list[Place]:
    """Where the rows lie in degrees of the datum; None without a place."""
    places = [_place(row) for row in rows]
    if not plan.crs:
        return places
    move = transformer(plan.crs)
    numbers = [place if isinstance(place, tuple) else (math.nan, math.nan) for place in places]
    lons, lats = move([lon for lon, _ in numbers], [lat for _, lat in numbers])
    moved = zip(places, lons, lats, strict=True)
    return [(lon, lat) if isinstance(place, tuple) else place for place, lon, lat in moved]


def _place(row: Cells) -> Place:
    texts = plain(row.lon), plain(row.lat)
    if not any(texts):
        return None
    try:
        return float(texts[0]), float(texts[1])
    except ValueError:
        return CellError(f"lon, lat: {texts[0]!r}, {texts[1]!r} are not two numbers")


def transformer(crs: str) -> Any:
    """The way from a coordinate system to degrees."""
    import pyproj

    return pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform


def _answer(plan: BulkPlan, row: Cells, place: Place) -> tuple[Any, ...]:
    try:
        facts, decision = plan.router.decide(query_of(plan, row, place))
    except (CellError, RoutingError) as error:
        return _refused(plan, str(error))
    except OverflowError:
        return _refused(plan, f"time: {plain(row.time)!r} is out of range")
    return told(plan, facts, decision)


def told(plan: BulkPlan, facts: ReportFacts, decision: Decision) -> tuple[Any, ...]:
    """A decision as `route_rows` answers it."""
    return (*_head(facts, decision), *_layers(plan, facts), "", *(facts.point or (None, None)))


def _refused(plan: BulkPlan, why: str) -> tuple[Any, ...]:
    return (*[None] * (len(plan.columns) - 1), why, None, None)


def _head(facts: ReportFacts, decision: Decision) -> tuple[Any, ...]:
    edge_m = edge_distance_m(facts, decision)
    return (
        decision.lead,
        ";".join(decision.assist),
        decision.confidence,
        decision.rule_id,
        decision.ambiguous,
        decision.snapped,
        None if edge_m is None else round(edge_m, 3),
    )


def _layers(plan: BulkPlan, facts: ReportFacts) -> list[str]:
    codes: dict[str, list[str]] = {name: [] for name in plan.layers}
    for hit in facts.hits:
        codes[hit.layer].append(hit.code)
    return [";".join(found) for found in codes.values()]


def query_of(plan: BulkPlan, row: Cells, place: Place) -> PointQuery:
    """What a row asks of the router; CellError where it cannot be asked."""
    if row.problem:
        raise CellError(row.problem)
    if isinstance(place, CellError):
        raise place
    code = plain(row.service)
    service = plan.router.city.services.get(code)
    if place is None and service is not None and service.is_place_needed:
        raise CellError("lon, lat: missing value")
    lon, lat = place or (None, None)
    priority = plain(row.priority)
    if priority and priority not in PRIORITIES:
        raise CellError(f"priority: {priority!r} is none of {', '.join(PRIORITIES)}")
    return PointQuery(
        service_code=code,
        at=instant_of(plan, row.time),
        lon=lon,
        lat=lat,
        answers=parse_answers(row.answers),
        datum=plan.datum,
        priority=priority or None,
        is_geocoded=True,  # rows are records
    )


def instant_of(plan: BulkPlan, value: Any) -> datetime:
    """The row's own time, local where it names no zone: the earlier one where clocks were put back."""
    if not plan.has_time:
        return plan.at
    text = plain(value)
    if not text:
        raise CellError("time: missing value")
    at: Any = value
    try:
        if not isinstance(value, datetime):
            at = datetime.fromisoformat(value.isoformat() if isinstance(value, date) else text)
    except ValueError:
        raise CellError(f"time: {text!r} is not a date and time") from None
    local: datetime = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(plan.router.city.timezone))
    return local


def parse_answers(value: Any) -> dict[str, tuple[str, ...]]:
    """Answers as a JSON object, or as `question=key;question=key`; CellError where it is neither."""
    text = value if isinstance(value, Mapping) else plain(value)
    if not text:
        return {}
    if isinstance(text, str) and not text.startswith("{"):
        return _paired(text)
    try:
        table = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        raise CellError("answers: not readable as JSON") from None
    return {str(code): _keys(code, value) for code, value in table.items() if value is not None}


def _paired(text: str) -> dict[str, tuple[str, ...]]:
    answers: dict[str, tuple[str, ...]] = {}
    for pair in filter(None, (part.strip() for part in text.split(";"))):
        code, mark, key = (part.strip() for part in pair.partition("="))
        if not (code and mark and key):
            raise CellError(f"answers: {pair[:60]!r} is not question=key")
        answers[code] = (*answers.get(code, ()), key)
    return answers


def _keys(code: Any, value: Any) -> tuple[str, ...]:
    keys = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(isinstance(key, str | int | float) for key in keys):
        raise CellError(f"answers: {str(code)[:60]!r} needs a key or a list of keys")
    return tuple(plain(key) for key in keys)
