"""Knows the rows that a pack's tables become, and how they replace what was loaded before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

import shapely
from sqlalchemy import Connection, Table, delete, update

from portal.db import insert_together
from portal.models.city import (
    basemap_feature,
    duty,
    holiday,
    planned_work,
    question,
    response_plan,
    service,
    target,
    unit,
    unit_boundary,
)
from portal.models.crews import crew
from portal.models.voice import answer_text
from portal.operations.crew_catalogue import crew_rows
from portal.pack.ladder import targets_with_lanes
from portal.pack.model import CityConfig, Feature, Pack, Texts
from portal.pack.works_rows import coded, read_span, services_of
from portal.queries.place_names import names_of
from routing.place_words import place_vector

Rows = list[dict[str, Any]]
# Reports go on naming these by code, so one that a new pack leaves out is kept and switched off.
KEPT_BY_CODE = {service: "service_code", unit: "unit_code", crew: "crew_code"}


def replace_catalogue(tx: Connection, jurisdiction_id: str, tables: Sequence[tuple[Table, Rows]]) -> None:
    """Put the rows in place of those of the city's last pack."""
    filled = []
    for table, rows in tables:
        of_city = table.c.jurisdiction_id == jurisdiction_id
        if table in KEPT_BY_CODE:
            code = KEPT_BY_CODE[table]
            is_named = table.c[code].in_([row[code] for row in rows])
            tx.execute(delete(table).where(of_city, is_named))
            tx.execute(update(table).where(of_city).values(is_active=False))
        else:
            tx.execute(delete(table).where(of_city))
        filled.append((table, [row | {"jurisdiction_id": jurisdiction_id} for row in rows]))
    insert_together(tx, filled)


def catalogue_rows(pack: Pack) -> list[tuple[Table, Rows]]:
    """Every catalogue table with its rows, as the pack has them."""
    return [
        (service, _services(pack)),
        (question, _questions(pack)),
        (unit, _units(pack)),
        (unit_boundary, _unit_boundaries(pack)),
        (duty, _duties(pack)),
        (target, _targets(pack)),
        (
            holiday,
            [
                {"date": row.day, "is_working": row.working, "name": _texts(row.names)}
                for row in pack.holidays
            ],
        ),
        (response_plan, _plans(pack)),
        (answer_text, _answers(pack)),
        (planned_work, _works(pack)),
        (basemap_feature, _basemap(pack)),
        *crew_rows(pack),
    ]


def config_row(city: CityConfig) -> dict[str, Any]:
    """What every process needs of city.toml; `portal.queries.city_parts` reads it."""
    calendar = city.calendar
    return {
        "map_centre": list(city.map_centre),
        "map_zoom": city.map_zoom,
        "local_srid": city.local_srid,
        "default_accuracy_m": city.default_accuracy_m,
        "ambiguous_below": city.ambiguous_below,
        "geocoded_border_m": city.geocoded_border_m,
        "datum": city.datum,
        "targets_of_service": dict(city.targets_of_service),
        "escalation": asdict(city.escalation),
        "closing": asdict(city.closing),
        "duplicates": asdict(city.duplicates),
        "incidents": asdict(city.incidents),
        "custody": asdict(city.custody),
        "privacy": asdict(city.privacy),
        "default_points": {name: list(point) for name, point in city.default_points.items()},
        "calendar": {
            "country": calendar.country,
            "subdivision": calendar.subdivision,
            "hours": {
                str(day): [[a.isoformat(), b.isoformat()] for a, b in spans]
                for day, spans in calendar.hours.items()
            },
            "cutoff": calendar.cutoff and calendar.cutoff.isoformat(),
            "after_cutoff_starts": calendar.after_cutoff_starts and calendar.after_cutoff_starts.isoformat(),
            "weekend_start": calendar.weekend_start,
            "skip_holidays": calendar.skip_holidays,
        },
    }


def _texts(texts: Texts) -> dict[str, str]:
    return dict(texts)


def _services(pack: Pack) -> Rows:
    return [
        {
            "service_code": row.code,
            "group": row.group,
            "group_name": _texts(row.group_names),
            "kind": row.kind,
            "name": _texts(row.names),
            "description": _texts(row.descriptions),
            "keywords": {locale: list(words) for locale, words in row.keywords.items()},
            "importance": row.importance,
            "is_sensitive": row.sensitive,
            "duplicate_radius_m": row.duplicate_radius_m,
            "photo": row.photo,
            "type": row.type,
            "position": position,
            "is_active": row.active,
        }
        for position, row in enumerate(pack.services)
    ]


def _questions(pack: Pack) -> Rows:
    return [
        {
            "service_code": row.service_code,
            "code": row.code,
            "datatype": row.datatype,
            "is_required": row.required,
            "order": row.order,
            "question": _texts(row.texts),
            "values": [{"key": choice.key, "label": _texts(choice.labels)} for choice in row.values],
            "show_if": [list(pair) for pair in row.show_if],
            "stop": dict(row.stop),
        }
        for row in pack.questions
    ]


def _units(pack: Pack) -> Rows:
    return [
        {
            "unit_code": row.code,
            "parent": row.parent or None,
            "level": row.level,
            "name": _texts(row.names),
            "email": row.email or None,
            "webhook": row.webhook or None,
            "phone": row.phone or None,
            "supervisor_unit": row.supervisor_unit or None,
            "contract_from": row.contract_from,
            "contract_to": row.contract_to,
            "position": position,
            "is_active": row.active,
        }
        for position, row in enumerate(pack.units)
    ]


def _unit_boundaries(pack: Pack) -> Rows:
    return [
        {"unit_code": row.code, "layer": boundary.layer, "boundary_code": boundary.code}
        for row in pack.units
        for boundary in row.boundaries
    ]


def _duties(pack: Pack) -> Rows:
    return [
        {
            "unit_code": row.unit_code,
            "service_code": row.service_code,
            "standard": _texts(row.standards),
            "procedure": _texts(row.procedures),
            "legal_basis": row.legal_basis or None,
            "review_by": row.review_by,
        }
        for row in pack.duties
    ]


def _targets(pack: Pack) -> Rows:
    return [
        {
            "applies_to": row.scope,
            "priority": row.priority,
            "clock": row.clock,
            "stage": row.stage,
            "amount": row.amount,
            "unit": row.unit,
        }
        for row in targets_with_lanes(pack)
    ]


def _plans(pack: Pack) -> Rows:
    return [
        {
            "code": row.code,
            "title": _texts(row.titles),
            "trigger": row.trigger or None,
            "steps": _texts(row.steps),
        }
        for row in pack.plans
    ]


def _answers(pack: Pack) -> Rows:
    return [
        {"applies_to": row.scope, "ending": row.ending, "position": row.row, "text": _texts(row.texts)}
        for row in pack.answers
    ]


def _works(pack: Pack) -> Rows:
    zone = ZoneInfo(pack.city.timezone)
    return [_work(code, feature, zone) for code, _, feature in coded(pack.works)]


def _work(code: str, feature: Feature, zone: ZoneInfo) -> dict[str, Any]:
    starts, ends = read_span(feature.properties, zone)
    return {
        "code": code,
        "geom": _ewkt(feature.geometry),
        "service_codes": list(services_of(feature.properties)),
        "from_at": starts,
        "to_at": ends,
        "message": _message(feature.properties),
    }


def _message(properties: Mapping[str, Any]) -> dict[str, str]:
    return {
        key.removeprefix("message_"): str(text)
        for key, text in properties.items()
        if key.startswith("message_")
    }


def _basemap(pack: Pack) -> Rows:
    return [
        {
            "kind": file.name,
            "properties": dict(feature.properties),
            "geom": _ewkt(feature.geometry),
            "words": place_vector(names_of(feature.properties).values()) or None,
        }
        for file in pack.basemap
        for feature in file.features
    ]


def _ewkt(geometry: Any) -> str:
    return f"SRID=4326;{shapely.to_wkt(geometry, rounding_precision=7)}"
