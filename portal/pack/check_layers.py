"""What the boundary files must say to the rest of a pack: the codes that units name exist, and who is missing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import pairwise

from geo.boundary import Layer
from portal.i18n import N_
from portal.pack.layers import read_edition, read_layers
from portal.pack.model import EditionConfig, Finding, Pack
from portal.pack.said import listed, said
from portal.pack.table import Notes


def check_layers(pack: Pack, on: date | None = None) -> tuple[tuple[Layer, ...], list[Finding]]:
    """Read the layers in force and judge them; also try every other edition. Returns the layers read."""
    layers, findings = read_layers(pack, on)
    for config in pack.city.layers.values():
        for edition in config.editions:
            if edition is not config.edition_on(on):
                findings.extend(read_edition(config, edition)[1])
        findings.extend(_overlapping_editions(pack, config.name, config.editions))
    findings.extend(check_unit_places(pack, layers))
    return layers, findings


def _overlapping_editions(pack: Pack, name: str, editions: tuple[EditionConfig, ...]) -> list[Finding]:
    notes = Notes("city.toml")
    line = pack.config_lines.get(f"layers.{name}.editions", 0)
    for earlier, later in pairwise(editions):
        if earlier.valid_to is None or later.valid_from is None:
            message = said(N_("all but the newest edition need valid_to, all but the oldest valid_from"))
            notes.error(line, f"layers.{name}.editions", message)
        elif earlier.valid_to > later.valid_from:
            message = said(
                N_("the edition until %(valid_to)s overlaps the one from %(valid_from)s"),
                valid_to=earlier.valid_to,
                valid_from=later.valid_from,
            )
            notes.error(line, f"layers.{name}.editions", message)
    return notes.findings


def check_unit_places(pack: Pack, layers: Iterable[Layer]) -> list[Finding]:
    """Every boundary that a unit names exists, and every boundary of a layer so used has a unit."""
    notes = Notes("units.csv")
    codes = {layer.name: {boundary.code for boundary in layer.boundaries} for layer in layers}
    used: dict[str, set[str]] = {}
    for unit in pack.units:
        for boundary in unit.boundaries:
            if boundary.layer not in pack.city.layers:
                notes.error(boundary.row, "layer", N_("there is no layer '%(layer)s'"), layer=boundary.layer)
                continue
            if unit.active:
                used.setdefault(boundary.layer, set()).add(boundary.code)
            # An empty layer could not be read, which was told already.
            if codes.get(boundary.layer) and boundary.code not in codes[boundary.layer]:
                message = said(
                    N_("the layer '%(layer)s' has no boundary '%(code)s'"),
                    layer=boundary.layer,
                    code=boundary.code,
                )
                notes.error(boundary.row, "boundary_code", message)
    for layer, named in used.items():
        if orphans := sorted(codes.get(layer, set()) - named):
            shown = listed(orphans)
            message = said(
                N_("%(count)s boundaries of '%(layer)s' have no unit: %(shown)s"),
                count=len(orphans),
                layer=layer,
                shown=shown,
            )
            notes.warn(1, "boundary_code", message)
    return notes.findings
