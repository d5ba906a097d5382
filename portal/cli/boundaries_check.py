"""Knows `wenlu boundaries check`: what is wrong in a boundary file, by itself and beside a reference."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import shapely

from geo.boundary import Layer
from geo.crs_guess import Box, likely_crs
from geo.datum_check import check_datum
from geo.files import read_layer
from geo.findings import Finding
from geo.postgis import load_layers
from geo.topology import SLIVER_M2, check_layer
from portal.cli.boundary_files import Source, read, source_options, step, tell
from portal.cli.connect import reached
from portal.cli.packs import open_pack, readable
from portal.pack.layers import read_edition


@click.command()
@source_options
@click.option("--sliver", type=click.FloatRange(min=0), default=SLIVER_M2, show_default=True, help="m²")
@click.option(
    "--reference",
    "references",
    multiple=True,
    help="a file, or a layer of --pack or of the loaded city, to hold this one against; may be repeated",
)
@click.option("--pack", type=click.Path(path_type=Path, exists=True, file_okay=False), help="a city's folder")
def check(sliver: float, references: tuple[str, ...], pack: Path | None, **given: Any) -> None:
    """List what is wrong in a boundary file, areas in m²; exit 1 where there are errors.

    Invalid rings, gaps, overlaps, slivers, codes that are double or oddly spelt, an undeclared coordinate
    system; with --reference also a shift against it, and the datum that explains the shift.
    """
    source = Source(**given)
    done = read(source, source.file.name.split(".")[0])
    layer, findings = done.layer, list(done.findings)
    known = list(_references(references, pack))
    if layer.boundaries:
        step("checking topology")
        findings += check_layer(layer, sliver_m2=sliver, rows=done.rows)
        for reference in known:
            step(f"comparing with {reference.name}")
            findings += check_datum(layer, reference, declared=source.datum)
    elif done.extent and not source.crs:
        findings += _undeclared(done.extent, known, pack)
    errors = tell(findings, source.file.name)
    for line in _sums(findings):
        click.echo(f"{source.file.name}: {line}")
    if errors:
        sys.exit(1)
    click.echo(f"{source.file.name}: {len(layer.boundaries)} boundaries, no errors, {len(findings)} warnings")


def _references(names: tuple[str, ...], pack: Path | None) -> Iterator[Layer]:
    """Read each reference: a file that is there, else a layer of the pack, else of the city that is loaded."""
    for name in names:
        file = Path(name)
        if file.is_file():
            layer, _ = read_layer(file, name=file.name.split(".")[0], code=None)
        else:
            layer = _layer_of_pack(pack, name) if pack else _layer_in_force(name)
        if not layer.boundaries:
            raise click.ClickException(f"no row of the reference {name} can be used")
        yield layer


def _layer_of_pack(folder: Path, name: str) -> Layer:
    with readable():
        config = open_pack(folder).city.layers.get(name)
    if config is None:
        raise click.ClickException(f"there is no file {name}, and the pack has no such layer")
    return read_edition(config, config.editions[-1])[0]


def _layer_in_force(name: str) -> Layer:
    with reached() as here, here.database.reading() as tx:
        layers = {layer.name: layer for layer in load_layers(tx, here.context().jurisdiction_id)}
    if name not in layers:
        raise click.ClickException(f"there is no file {name}, and the city has no such layer")
    return layers[name]


def _undeclared(extent: Box, known: list[Layer], pack: Path | None) -> Iterator[Finding]:
    """Name the coordinate system that would put the file on a reference, or on the pack's city."""
    places = [(layer.name, _box(layer)) for layer in known]
    if pack:
        with readable():
            lon, lat = open_pack(pack).city.map_centre
        places.append(("the city", (lon, lat, lon, lat)))
    for name, place in places:
        guess = likely_crs(extent, place)
        if guess:
            others = f", as do {guess.others} others within metres" if guess.others else ""
            message = (
                f"{guess.code} ({guess.name}) would put it on {name}{others}:"
                f' declare crs = "{guess.code}" (--crs {guess.code})'
            )
            yield Finding("warning", "likely-crs", message)
            return


def _box(layer: Layer) -> Box:
    west, south, east, north = shapely.total_bounds([boundary.geometry for boundary in layer.boundaries])
    return float(west), float(south), float(east), float(north)


def _sums(findings: list[Finding]) -> Iterator[str]:
    """One line for each kind of finding that there are several of."""
    areas: Counter[str] = Counter()
    for found in findings:
        areas[found.kind] += int(found.area_m2 or 0)
    for kind, count in Counter(found.kind for found in findings).items():
        if count > 1:
            yield f"{count} × {kind}" + (f", {areas[kind]:,} m² together" if areas[kind] else "")
