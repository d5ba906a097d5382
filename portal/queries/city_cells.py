"""Knows how a loaded city is read back as the cells of a pack: what loading those would store again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import shapely
from sqlalchemy import Column, Connection, Row, Table, func, select

from portal.errors import NotReady
from portal.i18n import N_, Message, localised
from portal.models.city import (
    duty,
    holiday,
    jurisdiction_table,
    planned_work,
    question,
    response_plan,
    rulebook,
    service,
    target,
    unit,
    unit_boundary,
)
from portal.models.crews import crew, crew_shift
from portal.models.voice import answer_text
from portal.pack.cells import PLACES, Cells, RowCells
from portal.pack.config import WEEKDAYS
from portal.pack.works_rows import DIGITS, place_text, span_texts

SPAN = ("from_at", "to_at")
POINT = re.compile(r"-?[\d.]+(?:e-?\d+)?(?=[ )])")
Texts = Mapping[str, str]
Locales = Sequence[str]
Plain = dict[str, str]


def read_cells(tx: Connection, jurisdiction_id: str, layers: Iterable[Mapping[str, Any]] = ()) -> Cells:
    """The whole catalogue, with `layers` (name and what city.toml says of each) as its boundary files."""
    row = city_row(tx, jurisdiction_id)
    rules = select(rulebook.c.source).where(
        rulebook.c.jurisdiction_id == jurisdiction_id, rulebook.c.state == "active"
    )
    tables = {name: read_table(tx, jurisdiction_id, name, row.locales) for name in _READERS}
    return Cells(config_of(row, layers), tables, str(tx.scalar(rules) or ""))


def city_row(tx: Connection, jurisdiction_id: str) -> Row[Any]:
    """The city's own row; NotReady without a city."""
    row = tx.execute(
        select(jurisdiction_table).where(jurisdiction_table.c.id == jurisdiction_id)
    ).one_or_none()
    if row is None:
        raise NotReady(Message(N_("No city is loaded yet.")))
    return row


def read_table(tx: Connection, jurisdiction_id: str, name: str, locales: Locales) -> tuple[RowCells, ...]:
    """The rows of one table, in their order; one statement, of units two."""
    table, order, _ = _READERS[name]
    query = select(*_columns(table)).where(table.c.jurisdiction_id == jurisdiction_id)
    rows = [row._asdict() for row in tx.execute(query.order_by(*order))]
    if name != "units":
        return cells_of_rows(name, rows, locales)
    here = unit_boundary.c.jurisdiction_id == jurisdiction_id
    places = tx.execute(select(unit_boundary).where(here).order_by(unit_boundary.c.id))
    return cells_of_rows(name, rows, locales, [row._asdict() for row in places])


def cells_of_rows(
    name: str, rows: Iterable[Mapping[str, Any]], locales: Locales, places: Iterable[Mapping[str, Any]] = ()
) -> tuple[RowCells, ...]:
    """Rows as they are stored, or would be, as cells; `places` are those of units."""
    found = [_READERS[name][2](SimpleNamespace(**row), locales) for row in rows]
    if name == "units":
        held: dict[str, list[str]] = {}
        for place in places:
            held.setdefault(place["unit_code"], []).append(f"{place['layer']} {place['boundary_code']}")
        found = [row | {PLACES: "\n".join(held.get(row["unit_code"], ()))} for row in found]
    return tuple({key: text for key, text in row.items() if text} for row in found)


def config_of(row: Row[Any], layers: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """What city.toml would say."""
    config = dict(row.config)
    calendar, ladder = dict(config.pop("calendar")), config.pop("escalation", None)
    calendar["hours"] = {
        WEEKDAYS[int(day)]: [f"{_minute(start)}-{_minute(end, is_end=True)}" for start, end in spans]
        for day, spans in calendar["hours"].items()
    }
    for key in ("cutoff", "after_cutoff_starts"):
        calendar[key] = _minute(calendar[key]) if calendar.get(key) else None
    table: dict[str, Any] = {
        "name": dict(row.name),
        "jurisdiction_id": row.id,
        "timezone": row.timezone,
        "locales": list(row.locales),
        "coordination_unit": row.coordination_unit,
        **config,
        "calendar": {key: value for key, value in calendar.items() if value is not None},
    }
    if ladder:
        table["escalation"] = {
            **ladder["shares"],
            **{key: value for key, value in ladder.items() if key not in ("shares", "steps")},
            "step": ladder["steps"],
        }
    table["layers"] = {each["layer"]: {k: v for k, v in each.items() if k != "layer"} for each in layers}
    return table


def _degrees(row: Any, axis: int) -> str:
    """A crew's base: two columns of a query, or the text that is about to be stored."""
    if hasattr(row, "lon"):
        value = (row.lon, row.lat)[axis]
        return "" if value is None else repr(value)
    return POINT.findall(row.geom)[axis] if row.geom else ""


def _columns(table: Table) -> list[Any]:
    if "geom" not in table.c:
        return list(table.c)
    rest = [column for column in table.c if column.name != "geom"]
    if table is planned_work:
        return _work_columns(rest)
    return [*rest, func.ST_X(table.c.geom).label("lon"), func.ST_Y(table.c.geom).label("lat")]


def _work_columns(rest: Sequence[Column[Any]]) -> list[Any]:
    """Moments in the city's own time, the place as text."""
    here = jurisdiction_table.c.id == planned_work.c.jurisdiction_id
    zone = select(jurisdiction_table.c.timezone).where(here).scalar_subquery()
    local = [func.timezone(zone, each).label(each.name) for each in rest if each.name in SPAN]
    place = func.ST_AsText(planned_work.c.geom, DIGITS).label("geom")
    return [*(each for each in rest if each.name not in SPAN), *local, place]


def _service(row: Any, locales: Locales) -> Plain:
    return {
        "service_code": row.service_code,
        "group": row.group,
        **_texts("group_name", row.group_name, locales),
        "kind": row.kind,
        **_names("name", row.name, locales),
        **_texts("description", row.description, locales),
        **{f"keywords_{locale}": ";".join(row.keywords.get(locale, ())) for locale in locales},
        "importance": str(row.importance),
        "sensitive": _yes(row.is_sensitive),
        "duplicate_radius_m": _number(row.duplicate_radius_m),
        "photo": row.photo,
        "type": row.type,
        "active": _yes(row.is_active),
    }


def _question(row: Any, locales: Locales) -> Plain:
    choices = (f"{each['key']}={_labels(each['label'], locales)}" for each in row.values)
    return {
        "service_code": row.service_code,
        "code": row.code,
        "datatype": row.datatype,
        "required": _yes(row.is_required),
        "order": str(row.order),
        **_names("question", row.question, locales),
        "values": ";".join(choices),
        "show_if": ";".join(f"{code}={key}" for code, key in row.show_if),
        "stop": ";".join(f"{key}={code}" for key, code in row.stop.items()),
    }


def _labels(labels: Texts, locales: Locales) -> str:
    return "|".join(labels.get(locale) or localised(labels, locale) for locale in sorted(locales))


def _unit(row: Any, locales: Locales) -> Plain:
    return {
        "unit_code": row.unit_code,
        "parent": row.parent or "",
        "level": row.level,
        **_names("name", row.name, locales),
        "email": row.email or "",
        "webhook": row.webhook or "",
        "phone": row.phone or "",
        "supervisor_unit": row.supervisor_unit or "",
        "contract_from": str(row.contract_from or ""),
        "contract_to": str(row.contract_to or ""),
        "active": _yes(row.is_active),
    }


def _duty(row: Any, locales: Locales) -> Plain:
    return {
        "unit_code": row.unit_code,
        "service_code": row.service_code,
        **_texts("standard", row.standard, locales),
        **_texts("procedure", row.procedure, locales),
        "legal_basis": row.legal_basis or "",
        "review_by": str(row.review_by or ""),
    }


def _target(row: Any, _locales: Locales) -> Plain:
    return {
        "service_code": row.applies_to,
        "priority": row.priority,
        "clock": row.clock,
        "stage": row.stage,
        "amount": _number(row.amount),
        "unit": row.unit,
    }


def _holiday(row: Any, locales: Locales) -> Plain:
    return {"date": str(row.date), "working": _yes(row.is_working), **_texts("name", row.name, locales)}


def _plan(row: Any, locales: Locales) -> Plain:
    told = {**_names("title", row.title, locales), **_names("steps", row.steps, locales)}
    return {"code": row.code, "trigger": row.trigger or "", **told}


def _answer(row: Any, locales: Locales) -> Plain:
    words = _names("text", row.text, locales)
    return {"service_code": row.applies_to, "closing_code": row.ending, **words}


def _crew(row: Any, locales: Locales) -> Plain:
    return {
        "crew_code": row.crew_code,
        "unit_code": row.unit_code,
        **_names("name", row.name, locales),
        "services": ";".join(row.services),
        "capacity": str(row.capacity),
        "lon": _degrees(row, 0),
        "lat": _degrees(row, 1),
        "email": row.email or "",
        "phone": row.phone or "",
        "active": _yes(row.is_active),
    }


def _shift(row: Any, _locales: Locales) -> Plain:
    return {"crew_code": row.crew_code, "day": row.day, "from": row.from_time, "to": row.to_time}


def _work(row: Any, locales: Locales) -> Plain:
    starts, ends = span_texts(row.from_at, row.to_at)
    return {
        "code": row.code,
        "services": ";".join(row.service_codes),
        "from": starts,
        "to": ends,
        "place": place_text(shapely.from_wkt(row.geom.removeprefix("SRID=4326;"))),
        **_names("message", row.message, locales),
    }


_Reader = tuple[Table, tuple[Any, ...], Callable[[Any, Locales], Plain]]
_READERS: Mapping[str, _Reader] = {
    "services": (service, (service.c.position, service.c.id), _service),
    "questions": (question, (question.c.id,), _question),
    "units": (unit, (unit.c.position, unit.c.id), _unit),
    "duties": (duty, (duty.c.id,), _duty),
    "targets": (target, (target.c.id,), _target),
    "holidays": (holiday, (holiday.c.id,), _holiday),
    "plans": (response_plan, (response_plan.c.id,), _plan),
    "crews": (crew, (crew.c.position, crew.c.id), _crew),
    "rosters": (crew_shift, (crew_shift.c.id,), _shift),
    "answers": (answer_text, (answer_text.c.position, answer_text.c.id), _answer),
    "works": (planned_work, (planned_work.c.id,), _work),
}


def _texts(stem: str, texts: Texts, locales: Locales) -> Plain:
    return {f"{stem}_{locale}": texts.get(locale, "") for locale in locales}


def _names(stem: str, texts: Texts, locales: Locales) -> Plain:
    """What a pack must say in every language; where one is missing, another stands in."""
    return {f"{stem}_{locale}": texts.get(locale) or localised(texts, locale) for locale in locales}


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _minute(time: str, *, is_end: bool = False) -> str:
    short = time.removesuffix(":00") if time.count(":") == 2 else time
    return "24:00" if is_end and short == "00:00" else short
