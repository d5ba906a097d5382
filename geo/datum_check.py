"""Knows the marks of a wrong datum: a layer that lies beside its reference as GCJ-02 or BD-09 would have it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import shapely
from shapely.geometry.base import BaseGeometry

from geo.boundary import Layer
from geo.crs import DATUMS, Datum, LocalFrame, from_wgs84, shift_geometry, to_wgs84
from geo.findings import Finding
from geo.sentences import sentence
from geo.shift import Shift, measure_shift

_NAMES: dict[Datum, str] = {"wgs84": "WGS 84", "gcj02": "GCJ-02", "bd09": "BD-09"}
# A datum is only tried where the shift that it would cause is this near to the measured one.
_LIKE_M = 100.0
# What may be left when the right datum is undone: maps of one place drawn by different people.
_LEFT_M = 60.0
# Below this a shift is a matter of drawing, not of datum, and not worth a word.
_WORTH_M = 25.0


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A datum that would explain a shift. `is_reference`: it is the reference that is drawn in it.

    `east_m` and `north_m` are what the datum does at the middle of the layer that is drawn in it, `left` is
    what remains without it.
    """

    datum: Datum
    is_reference: bool
    east_m: float
    north_m: float
    left: Shift


def check_datum(
    layer: Layer,
    reference: Layer,
    *,
    declared: Datum = "wgs84",
    reference_declared: Datum = "wgs84",
) -> list[Finding]:
    """Compare a layer with a reference; both come in WGS 84 as far as their declared datums go.

    Kinds: datum (a declaration that brings them together, named), shift (of unknown origin),
    incomparable (nothing in common to measure by; all warnings). Nothing where they lie right.
    """
    shift = measure_shift(layer, reference)
    if shift is None or not shift.is_sure:
        message = sentence(
            "%(layer)s and %(reference)s have no lines in common: no shift can be measured",
            layer=layer.name,
            reference=reference.name,
        )
        return [Finding("warning", "incomparable", message)]
    if not shift.is_shifted or shift.size_m < _WORTH_M:
        return []
    suspicion = _explain(layer, reference, shift, declared, reference_declared)
    if suspicion is None:
        message = sentence(
            "%(layer)s lies %(shift)s from %(reference)s, a shift of unknown origin:"
            " no datum known here explains it",
            layer=layer.name,
            shift=told(shift.east_m, shift.north_m),
            reference=reference.name,
        )
        return [Finding("warning", "shift", message)]
    return [Finding("warning", "datum", _message(layer, reference, shift, suspicion))]


def told(east_m: float, north_m: float) -> str:
    """Spell a shift as people write it: (+525 m, -302 m), east before north."""
    return f"({east_m:+.0f} m, {north_m:+.0f} m)"


def _message(layer: Layer, reference: Layer, shift: Shift, found: Suspicion) -> str:
    at_fault, right, sign = (reference, layer, -1) if found.is_reference else (layer, reference, 1)
    name = _NAMES[found.datum]
    does = sentence("%(datum)s does", datum=name)
    if found.datum == "wgs84":
        does = sentence("undoing a datum that was never in it does")
    return sentence(
        "%(layer)s lies %(shift)s from %(right)s, as %(does)s here, %(caused)s: it is drawn in %(datum)s;"
        ' declare datum = "%(code)s" (--datum %(code)s) for %(layer)s, which leaves %(left)s',
        layer=at_fault.name,
        shift=told(sign * shift.east_m, sign * shift.north_m),
        right=right.name,
        does=does,
        caused=told(found.east_m, found.north_m),
        datum=name,
        code=found.datum,
        left=told(found.left.east_m, found.left.north_m),
    )


def _explain(
    layer: Layer, reference: Layer, shift: Shift, declared: Datum, reference_declared: Datum
) -> Suspicion | None:
    """Try each other datum for the layer, then for the reference; the one that leaves least explains it."""
    found = [*_of_layer(layer, reference, shift, declared)]
    if not found:
        turned = Shift(-shift.east_m, -shift.north_m, shift.height, shift.gain)
        swapped = _of_layer(reference, layer, turned, reference_declared)
        found = [replace(each, is_reference=True) for each in swapped]
    return min(found, key=lambda each: each.left.size_m, default=None)


def _of_layer(layer: Layer, reference: Layer, shift: Shift, declared: Datum) -> Iterator[Suspicion]:
    west, south, east, north = shapely.total_bounds([each.geometry for each in layer.boundaries])
    middle = from_wgs84((west + east) / 2, (south + north) / 2, declared)
    for datum in DATUMS:
        if datum == declared:
            continue
        right = to_wgs84(*middle, datum)
        x, y = LocalFrame(*right).project_point(*to_wgs84(*middle, declared))
        if max(abs(x - shift.east_m), abs(y - shift.north_m)) > _LIKE_M:
            continue
        left = measure_shift(_redrawn(layer, declared, datum), reference)
        if left and left.is_sure and not left.is_shifted and left.size_m <= _LEFT_M:
            yield Suspicion(datum, False, x, y, left)


def _redrawn(layer: Layer, declared: Datum, datum: Datum) -> Layer:
    """Return the layer as if its file had been declared to be in `datum`."""

    def anew(geometry: BaseGeometry) -> BaseGeometry:
        source = shapely.transform(
            geometry, lambda lon, lat: from_wgs84(lon, lat, declared), interleaved=False
        )
        return shift_geometry(source, datum)

    return replace(
        layer, boundaries=tuple(replace(each, geometry=anew(each.geometry)) for each in layer.boundaries)
    )
