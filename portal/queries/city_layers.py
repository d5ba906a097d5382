"""Knows the boundaries in force as the files and the `[layers]` of a pack that would load to the same map."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import shapely
from shapely.geometry import mapping
from sqlalchemy import Connection, select

from geo.boundary import USUAL_SNAP_M, Boundary, Layer
from geo.postgis import load_layers
from geo.tables import edition
from geo.tables import layer as layer_table

USUAL_TIE_ORDER = 100
# Columns that are added where no column of the source says the code or the name.
OWN_CODE, OWN_NAME = "boundary_code", "boundary_name"


@dataclass(frozen=True, slots=True)
class LayerFile:
    """One layer in force as a file; `config` None: a file of points/ that city.toml need not name."""

    file: str
    layer: Layer = field(repr=False)
    config: dict[str, Any] | None = None

    def geojson(self) -> str:
        """The file's text, with every digit of the coordinates."""
        config = self.config or {}
        features = ",\n".join(_feature(each, config) for each in self.layer.boundaries)
        return f'{{"type":"FeatureCollection","features":[\n{features}\n]}}\n'


def file_of(layer: Layer) -> LayerFile:
    """One edition as a file that can be drawn on and uploaded again; `config` names its columns."""
    column, is_stripped = _code_column(layer.boundaries)
    config = {"code": column, "name": _name_column(layer.boundaries), "code_strip_zeros": is_stripped}
    return LayerFile(f"{layer.name}.geojson", layer, config)


def layer_files(tx: Connection, jurisdiction_id: str) -> list[LayerFile]:
    """Every layer in force, by tie order and name."""
    named = layer_table.c
    query = (
        select(edition.c.id, edition.c.valid_from, edition.c.valid_to, named.title)
        .join(layer_table, named.id == edition.c.layer_id)
        .where(edition.c.jurisdiction_id == jurisdiction_id, edition.c.state == "active")
    )
    about = {row.id: row for row in tx.execute(query)}
    return [
        _file(layer, about[layer.edition].title, about[layer.edition])
        for layer in load_layers(tx, jurisdiction_id)
    ]


def declared_layers(layers: Sequence[Layer]) -> Iterator[dict[str, Any]]:
    """What a check of tables must know of layers: that they are there."""
    for layer in layers:
        yield {"layer": layer.name, "file": f"boundaries/{layer.name}.geojson", "code": "code"}


def _file(layer: Layer, title: dict[str, str], about: Any) -> LayerFile:
    is_dated = about.valid_from or about.valid_to
    is_usual = layer.tie_order == USUAL_TIE_ORDER and layer.snap_m == USUAL_SNAP_M and not layer.required
    if not layer.is_area and is_usual and not title and not is_dated and _is_plain(layer.boundaries):
        return LayerFile(f"points/{layer.name}.geojson", layer)
    folder = "boundaries" if layer.is_area else "points"
    file = f"{folder}/{layer.name}.geojson"
    code, is_stripped = _code_column(layer.boundaries)
    config = {
        "layer": layer.name,
        "file": file,
        "code": code,
        "name": _name_column(layer.boundaries),
        "code_strip_zeros": is_stripped or None,
        "valid_from": about.valid_from and about.valid_from.isoformat(),
        "valid_to": about.valid_to and about.valid_to.isoformat(),
        "tie_order": layer.tie_order,
        "snap_m": layer.snap_m,
        "required": layer.required or None,
        "title": dict(title) or None,
    }
    return LayerFile(file, layer, {key: value for key, value in config.items() if value is not None})


def _is_plain(boundaries: Sequence[Boundary]) -> bool:
    return all(
        each.attributes.get("code") == each.code and each.attributes.get("name", "") == each.name
        for each in boundaries
    )


def _code_column(boundaries: Sequence[Boundary]) -> tuple[str, bool]:
    """The column that says every code, and whether zeros in front of it were dropped."""
    for is_stripped in (False, True):
        for column in sorted(boundaries[0].attributes, key=lambda each: (each != "code", each)):
            texts = [each.attributes.get(column, "") for each in boundaries]
            codes = [(text.lstrip("0") or "0") if is_stripped and text else text for text in texts]
            if codes == [each.code for each in boundaries]:
                return column, is_stripped
    return OWN_CODE, False


def _name_column(boundaries: Sequence[Boundary]) -> str | None:
    """The column that says every name; None where the codes are the names."""
    if all(each.name == each.code for each in boundaries):
        return None
    for column in sorted(boundaries[0].attributes, key=lambda each: (each != "name", each)):
        if all((each.attributes.get(column) or each.code) == each.name for each in boundaries):
            return column
    return OWN_NAME


def _feature(boundary: Boundary, config: dict[str, Any]) -> str:
    properties = dict(boundary.attributes)
    if config.get("code") == OWN_CODE:
        properties[OWN_CODE] = boundary.code
    if config.get("name") == OWN_NAME:
        properties[OWN_NAME] = boundary.name
    geometry = mapping(shapely.set_srid(boundary.geometry, 0))
    found = {"type": "Feature", "properties": properties, "geometry": geometry}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))
