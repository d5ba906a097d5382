"""How the boundary files that a pack names become geo layers, with what was found in them told as findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, cast

from shapely.geometry.base import BaseGeometry

from geo import files
from geo.boundary import Boundary, Layer
from geo.crs import Datum
from geo.findings import Finding as GeoFinding
from portal.i18n import N_
from portal.pack.model import EditionConfig, Finding, LayerConfig, Pack
from portal.pack.said import said


def read_edition(layer: LayerConfig, edition: EditionConfig) -> tuple[Layer, list[Finding]]:
    """Read one file of a layer into WGS 84. Problems are findings; the layer may come back empty.

    Without a column of codes, which city.toml was told already, nothing is read.
    """
    if not edition.code:
        return Layer(layer.name, ()), []
    read, found = files.read_layer(
        edition.path,
        name=layer.name,
        code=edition.code,
        name_column=edition.name or None,
        code_regex=edition.code_regex or None,
        code_strip_zeros=edition.code_strip_zeros,
        crs=edition.crs or None,
        datum=cast("Datum", edition.datum),
        tie_order=layer.tie_order,
        snap_m=layer.snap_m,
        required=layer.required,
    )
    return read, [_finding(each, edition) for each in found]


def _finding(found: GeoFinding, edition: EditionConfig) -> Finding:
    message: str = found.message
    if found.code:
        message = said(N_("%(code)s: %(fault)s"), code=found.code, fault=found.message)
    column = {"code": edition.code, "duplicate-code": edition.code}.get(found.kind, "geometry")
    return Finding(edition.file, found.row or 0, column, found.severity, message)


def read_layers(
    pack: Pack, on: date | None = None, *, names: Iterable[str] | None = None
) -> tuple[tuple[Layer, ...], list[Finding]]:
    """Read the editions in force on a day (None: the newest) of all layers, or of those named.

    Editions are numbered 1, 2, … in order of time, so that a receipt can tell them apart without a database.
    """
    layers: list[Layer] = []
    findings: list[Finding] = []
    wanted = None if names is None else set(names)
    for name, config in pack.city.layers.items():
        if wanted is not None and name not in wanted:
            continue
        edition = config.edition_on(on)
        if edition is None:
            line = pack.config_lines.get(f"layers.{name}", 0)
            message = "no edition is in force" + (f" on {on}" if on else "")
            findings.append(Finding("city.toml", line, f"layers.{name}", "error", message))
            continue
        layer, found = read_edition(config, edition)
        layers.append(replace(layer, edition=config.editions.index(edition) + 1))
        findings.extend(found)
    if wanted is None:
        layers.extend(point_layers(pack))
    return tuple(layers), findings


def point_layers(pack: Pack) -> tuple[Layer, ...]:
    """The files of points/ that city.toml does not declare as layers: features that are only ever near."""
    return tuple(
        Layer(
            file.name,
            tuple(_point(feature.properties, feature.geometry) for feature in file.features),
            edition=1,
            is_area=False,
        )
        for file in pack.points
        if file.name not in pack.city.layers
    )


def _point(properties: Mapping[str, Any], geometry: BaseGeometry) -> Boundary:
    attributes = {key: str(value) for key, value in properties.items() if value is not None}
    return Boundary(attributes.get("code", ""), attributes.get("name", ""), geometry, attributes)
