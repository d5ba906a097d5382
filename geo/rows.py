"""Knows how rows in degrees become a layer: codes cleaned, geometries repaired, one boundary per code."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from geo.boundary import USUAL_SNAP_M, Boundary, GeometryError, Layer, repair
from geo.crs import ground_area_m2
from geo.findings import Finding
from geo.geojson import Row
from geo.sentences import ToldError, sentence

_AREAS = frozenset({"Polygon", "MultiPolygon"})
# Columns listed in a message about a missing one.
_LISTED = 12


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """What the reader of a layer asks for.

    `code`: source column, None to number the rows. `code_regex`: its first group (or the whole match) is the
    code. `is_area`: None decides by what the rows hold.
    """

    name: str
    code: str | None
    name_column: str | None = None
    code_regex: str | None = None
    code_strip_zeros: bool = False
    tie_order: int = 100
    snap_m: float = USUAL_SNAP_M
    required: bool = False
    is_area: bool | None = None

    def layer(self, boundaries: Iterable[Boundary], *, is_area: bool) -> Layer:
        """Return the layer with these boundaries."""
        return Layer(
            self.name,
            tuple(boundaries),
            tie_order=self.tie_order,
            snap_m=self.snap_m,
            required=self.required,
            is_area=is_area,
        )


class ColumnError(ToldError):
    """The rows do not have what the specification names."""


def build_layer(rows: Sequence[Row], spec: LayerSpec) -> tuple[Layer, list[Finding]]:
    """Make a layer of rows in EPSG:4326.

    A row that cannot be used is an error finding; one that was repaired or united with another of the same
    code is a warning. Raises ColumnError where no row has the code column, or the pattern is none.
    """
    _check_columns(rows, spec)
    findings: list[Finding] = []
    is_area = _is_area(rows) if spec.is_area is None else spec.is_area
    usable: list[tuple[Row, Boundary]] = []
    for row in rows:
        boundary, finding = _read_row(row, spec, is_area=is_area)
        if boundary:
            usable.append((row, boundary))
        if finding:
            findings.append(finding)
    boundaries, united = _unite(usable)
    return spec.layer(boundaries, is_area=is_area), findings + united


def rows_by_code(rows: Iterable[Row], spec: LayerSpec) -> dict[str, tuple[int, ...]]:
    """Return the numbers of the rows with each code, for messages that send somebody to the file."""
    numbers: dict[str, tuple[int, ...]] = {}
    for row in rows:
        if row.geometry is not None and (code := _code(row, spec)):
            numbers[code] = (*numbers.get(code, ()), row.number)
    return numbers


def plain_text(value: Any) -> str:
    """Return a cell as people spell it: 3.0 is 3, blanks and missing values are ''."""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() else str(value)
    text = str(value).strip()
    # The last two are how pandas spells a missing date and a missing anything.
    return "" if value is None or text in {"NaT", "<NA>"} else text


def _check_columns(rows: Sequence[Row], spec: LayerSpec) -> None:
    columns = {column: None for row in rows for column in row.properties}
    for wanted in (spec.code, spec.name_column):
        if rows and wanted and wanted not in columns:
            listed = ", ".join(list(columns)[:_LISTED]) or "none"
            raise ColumnError(
                "there is no column %(wanted)s; the file has: %(listed)s", wanted=repr(wanted), listed=listed
            )
    if spec.code_regex is not None:
        try:
            re.compile(spec.code_regex)
        except re.error as error:
            raise ColumnError(
                "code_regex %(code_regex)s is not a pattern: %(error)s",
                code_regex=repr(spec.code_regex),
                error=error,
            ) from error


def _is_area(rows: Sequence[Row]) -> bool:
    return any(row.geometry is not None and row.geometry.geom_type in _AREAS for row in rows)


def _read_row(row: Row, spec: LayerSpec, *, is_area: bool) -> tuple[Boundary | None, Finding | None]:
    if row.geometry is None:
        return None, Finding("error", "geometry", row.problem, row=row.number)
    code = _code(row, spec)
    if not code:
        spelt = plain_text(row.properties.get(spec.code or ""))
        why = sentence("column %(column)s is blank", column=spec.code)
        if spelt:
            why = sentence("the code %(code)s does not match code_regex", code=repr(spelt))
        return None, Finding("error", "code", why, row=row.number)
    try:
        geometry = repair(row.geometry)
    except GeometryError as error:
        return None, Finding("error", "geometry", str(error), code=code, row=row.number)
    if is_area and geometry.geom_type not in _AREAS:
        message = sentence("a %(geom_type)s in a layer of areas", geom_type=geometry.geom_type)
        return None, Finding("error", "geometry", message, code=code, row=row.number)
    boundary = Boundary(code, _name(row, spec) or code, geometry, _attributes(row.properties))
    return boundary, _repair_finding(row, code, geometry) if is_area else None


def _code(row: Row, spec: LayerSpec) -> str:
    if spec.code is None:
        return str(row.number)
    code = plain_text(row.properties.get(spec.code))
    if spec.code_regex is not None:
        match = re.search(spec.code_regex, code)
        groups = match.groups() if match else ()
        code = "" if not match else (groups[0] or "") if groups else match.group()
    if spec.code_strip_zeros and code:
        code = code.lstrip("0") or "0"
    return code


def _name(row: Row, spec: LayerSpec) -> str:
    return plain_text(row.properties.get(spec.name_column)) if spec.name_column else ""


def _attributes(properties: Mapping[str, Any]) -> dict[str, str]:
    texts = {str(key): plain_text(value) for key, value in properties.items()}
    return {key: text for key, text in texts.items() if text}


def _repair_finding(row: Row, code: str, repaired: BaseGeometry) -> Finding | None:
    """Tell what was wrong with an invalid polygon, and how much ground the repair changed."""
    source = row.geometry
    if source is None or source.is_valid or source.geom_type not in _AREAS:
        return None
    changed = abs(ground_area_m2(repaired) - abs(ground_area_m2(source)))
    reason = shapely.is_valid_reason(source).split("[")[0].lower()
    message = sentence(
        "the polygon is invalid (%(reason)s); it was repaired, which changed its area by %(changed)s m²"
        " (%(doubtful)s m² belong to it or not as one reads the ring)",
        reason=reason,
        changed=f"{changed:,.1f}",
        doubtful=f"{_doubtful_m2(source, repaired):,.1f}",
    )
    return Finding("warning", "invalid", message, code=code, row=row.number, area_m2=changed)


def _doubtful_m2(source: BaseGeometry, repaired: BaseGeometry) -> float:
    """Return the ground on which the repair and the other usual reading, inside and outside by turns, differ."""
    by_turns = shapely.make_valid(shapely.force_2d(source), method="linework")
    return ground_area_m2(shapely.symmetric_difference(by_turns, repaired))


def _unite(usable: Sequence[tuple[Row, Boundary]]) -> tuple[list[Boundary], list[Finding]]:
    """Make one boundary of the rows with one code: name and attributes of the first, all of the ground."""
    by_code: dict[str, list[tuple[Row, Boundary]]] = {}
    for row, boundary in usable:
        by_code.setdefault(boundary.code, []).append((row, boundary))
    boundaries, findings = [], []
    for code, group in by_code.items():
        (first_row, first), *others = group
        if others:
            geometry = repair(shapely.union_all([boundary.geometry for _, boundary in group]))
            numbers = ", ".join(str(row.number) for row, _ in group)
            message = sentence(
                "rows %(numbers)s have the code %(code)s; they were united into one boundary",
                numbers=numbers,
                code=repr(code),
            )
            findings.append(Finding("warning", "duplicate-code", message, code=code, row=first_row.number))
            first = Boundary(code, first.name, geometry, first.attributes)
        boundaries.append(first)
    return boundaries, findings
