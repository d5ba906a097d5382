"""Knows a loaded city as the files of a pack, which loads to the same state."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from portal.models.city import basemap_feature, planned_work
from portal.pack.cells import csv_text, toml_text
from portal.pack.rows import TABLES
from portal.queries.city_cells import read_cells
from portal.queries.city_layers import layer_files


def pack_files(tx: Connection, jurisdiction_id: str) -> Iterator[tuple[str, str]]:
    """Every file of the pack: its name and its text."""
    layers = layer_files(tx, jurisdiction_id)
    declared = [each.config for each in layers if each.config is not None]
    cells = read_cells(tx, jurisdiction_id, declared)
    yield "city.toml", toml_text(cells.config)
    yield "rules.toml", cells.rules_text
    for name, spec in TABLES.items():
        if spec.required or cells.rows(name):
            yield spec.file, csv_text(name, cells.rows(name), cells.locales)
    for each in layers:
        yield each.file, each.geojson()
    works = _works(tx, jurisdiction_id, ZoneInfo(str(cells.config["timezone"])))
    if works:
        yield "works/works.geojson", _collection(works)
    for kind, features in _basemap(tx, jurisdiction_id).items():
        yield f"basemap/{kind}.geojson", _collection(features)


def _works(tx: Connection, jurisdiction_id: str, zone: ZoneInfo) -> list[dict[str, Any]]:
    geometry = func.ST_AsGeoJSON(planned_work.c.geom, 7).label("geometry")
    rest = [column for column in planned_work.c if column.name != "geom"]
    here = planned_work.c.jurisdiction_id == jurisdiction_id
    rows = tx.execute(select(*rest, geometry).where(here).order_by(planned_work.c.id))
    return [_feature(row, _work(row, zone)) for row in rows]


def _work(row: Any, zone: ZoneInfo) -> dict[str, Any]:
    last = row.to_at.astimezone(zone).date() - timedelta(days=1)  # the last day is included
    return {
        "services": ";".join(row.service_codes),
        "from": str(row.from_at.astimezone(zone).date()),
        "to": str(last),
        **{f"message_{locale}": text for locale, text in row.message.items()},
    }


def _basemap(tx: Connection, jurisdiction_id: str) -> Mapping[str, list[dict[str, Any]]]:
    geometry = func.ST_AsGeoJSON(basemap_feature.c.geom, 7).label("geometry")
    query = select(basemap_feature.c.kind, basemap_feature.c.properties, geometry)
    here = basemap_feature.c.jurisdiction_id == jurisdiction_id
    found: dict[str, list[dict[str, Any]]] = {}
    for row in tx.execute(query.where(here).order_by(basemap_feature.c.id)):
        found.setdefault(row.kind, []).append(_feature(row, row.properties))
    return found


def _feature(row: Any, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "properties": dict(properties), "geometry": json.loads(row.geometry)}


def _collection(features: Sequence[Mapping[str, Any]]) -> str:
    lines = ",\n".join(json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in features)
    return f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n'
