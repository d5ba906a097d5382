"""Knows a loaded city as the files of a pack, which loads to the same state."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shapely.geometry import mapping
from sqlalchemy import Connection, func, select

from portal.crypto import Keyring
from portal.models.city import basemap_feature
from portal.pack.cells import RowCells, csv_text, toml_text
from portal.pack.rows import TABLES
from portal.pack.works_rows import PLACE, read_place
from portal.queries.city_cells import read_cells
from portal.queries.city_layers import layer_files
from portal.queries.letter_cells import channel_cells, wording_cells


def pack_files(
    tx: Connection, jurisdiction_id: str, keyring: Keyring | None = None
) -> Iterator[tuple[str, str]]:
    """Every file of the pack: its name and its text. Without the key channels leave without their addresses."""
    layers = layer_files(tx, jurisdiction_id)
    declared = [each.config for each in layers if each.config is not None]
    cells = read_cells(tx, jurisdiction_id, declared)
    yield "city.toml", toml_text(cells.config)
    yield "rules.toml", cells.rules_text
    for name, spec in TABLES.items():
        if spec.required or cells.rows(name):
            yield spec.file, csv_text(name, cells.rows(name), cells.locales)
    for name, rows in _letters(tx, jurisdiction_id, keyring):
        yield TABLES[name].file, csv_text(name, rows, cells.locales)
    for each in layers:
        yield each.file, each.geojson()
    if cells.rows("works"):
        yield "works/works.geojson", _collection([_work(row) for row in cells.rows("works")])
    for kind, features in _basemap(tx, jurisdiction_id).items():
        yield f"basemap/{kind}.geojson", _collection(features)


def _letters(
    tx: Connection, jurisdiction_id: str, keyring: Keyring | None
) -> Iterator[tuple[str, Sequence[RowCells]]]:
    if wordings := wording_cells(tx, jurisdiction_id):
        yield "wordings", wordings
    if channels := channel_cells(tx, jurisdiction_id, keyring):
        yield "channels", channels


def _work(cells: RowCells) -> dict[str, Any]:
    properties = {name: text for name, text in cells.items() if name != PLACE}
    return {"type": "Feature", "properties": properties, "geometry": mapping(read_place(cells[PLACE]))}


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
