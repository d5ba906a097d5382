"""Knows what the form of a boundary file brings: the file on disk for as long as it is read, and how to read it."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import cast

from werkzeug.datastructures import FileStorage

from geo.boundary import USUAL_SNAP_M, Layer
from geo.crs import Datum
from geo.files import read_by_usual_code
from geo.findings import Finding
from geo.rows import LayerSpec
from geo.topology import check_layer
from portal.errors import InvalidInput
from portal.i18n import N_, Message, message_of
from portal.pack.model import DATUMS
from portal.pack.table import CODE
from portal.pack.upload_guard import Hostile, check_size, check_upload, ending_of
from portal.queries.city_layers import file_of
from portal.queries.editions import LayerRow

NO_FILE = N_("Choose a file first.")
NO_LAYER = N_("Choose a layer, or name a new one with letters, digits, _ and -.")
NO_DATE = N_("This is not a date like 2030-01-31.")
NO_NUMBER = N_("This is not a number.")
LONGEST = 200
MOST_ORDER = 10_000


@dataclass(frozen=True, slots=True)
class BoundaryUpload:
    """A file as it was read. `is_new`: the city does not have the layer yet."""

    layer: Layer
    findings: Sequence[Finding]
    is_new: bool
    valid_from: date | None
    valid_to: date | None

    @property
    def has_errors(self) -> bool:
        """Whether it can be staged at all."""
        return any(each.severity == "error" for each in self.findings)


def read_upload(
    given: Mapping[str, str],
    sent: FileStorage | None,
    layers: Mapping[str, LayerRow],
    in_force: Sequence[Layer] = (),
) -> BoundaryUpload:
    """Read and check the file; InvalidInput names what does not hold.

    Where the form names no column of codes, the columns of the map in force are tried first: what was
    downloaded can be uploaded again as it is.
    """
    if sent is None or not sent.filename:
        raise InvalidInput({"file": Message(NO_FILE)})
    name = given.get("layer", "").strip() or given.get("new_layer", "").strip()
    if not CODE.fullmatch(name) or len(name) > 40:
        raise InvalidInput({"layer": Message(NO_LAYER)})
    valid = {key: _day(given, key) for key in ("valid_from", "valid_to")}
    try:
        ending = ending_of(sent.filename)
        with tempfile.TemporaryDirectory(prefix="wenlu-map-") as folder:
            path = Path(folder) / f"upload{ending}"
            sent.save(path)
            check_upload(path, ending)
            layer, findings = _read(
                path, name, given, next((one for one in in_force if one.name == name), None)
            )
    except Hostile as refused:
        raise InvalidInput({"file": message_of(refused.said)}) from None
    return BoundaryUpload(layer, findings, name not in layers, valid["valid_from"], valid["valid_to"])


def read_layer_settings(
    given: Mapping[str, str], name: str, locales: Sequence[str]
) -> tuple[LayerRow, dict[str, str]]:
    """What the form of a layer says: its settings and its title in each language."""
    numbers = {}
    for key, kind, usual in (("tie_order", int, 0), ("snap_m", float, USUAL_SNAP_M)):
        try:
            numbers[key] = kind(given.get(key, "").strip() or usual)
        except ValueError:
            raise InvalidInput({key: Message(NO_NUMBER)}) from None
    if not (math.isfinite(numbers["snap_m"]) and abs(numbers["tie_order"]) < MOST_ORDER):
        raise InvalidInput({"tie_order": Message(NO_NUMBER)})
    titles = {locale: given.get(f"title_{locale}", "").strip()[:LONGEST] for locale in locales}
    row = LayerRow(
        name,
        int(numbers["tie_order"]),
        float(numbers["snap_m"]),
        given.get("required") == "yes",
        is_area=True,
    )
    return row, {locale: text for locale, text in titles.items() if text}


def _read(
    path: Path, name: str, given: Mapping[str, str], in_force: Layer | None
) -> tuple[Layer, list[Finding]]:
    text = {key: given.get(key, "").strip()[:LONGEST] or None for key in ("code", "name", "crs")}
    datum = given.get("datum", "")
    spec = LayerSpec(
        name, text["code"], name_column=text["name"], code_strip_zeros=given.get("strip_zeros") == "yes"
    )
    read = partial(
        read_by_usual_code, path, crs=text["crs"], datum=cast("Datum", datum if datum in DATUMS else "wgs84")
    )
    done = read(_by_columns_of(in_force, spec)) if in_force and not spec.code else None
    if done is None or not done.layer.boundaries:
        done = read(spec)
    findings = [replace(each, severity="error") if each.kind == "code" else each for each in done.findings]
    check_size(done.layer)
    if done.layer.boundaries:
        findings += check_layer(done.layer, rows=done.rows)
    return done.layer, sorted(findings, key=lambda each: each.severity != "error")


def _by_columns_of(in_force: Layer, spec: LayerSpec) -> LayerSpec:
    columns = file_of(in_force).config or {}
    return replace(
        spec,
        code=columns.get("code"),
        name_column=spec.name_column or columns.get("name") or None,
        code_strip_zeros=spec.code_strip_zeros or bool(columns.get("code_strip_zeros")),
    )


def _day(given: Mapping[str, str], key: str) -> date | None:
    written = given.get(key, "").strip()
    try:
        return date.fromisoformat(written) if written else None
    except ValueError:
        raise InvalidInput({key: Message(NO_DATE)}) from None
