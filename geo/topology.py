"""Knows what is wrong between the boundaries of a layer: overlaps, gaps, slivers, doubles, in m²."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from geo.boundary import Boundary, Layer
from geo.crs import ground_area_m2
from geo.findings import Finding
from geo.gaps import holes, wedges
from geo.sentences import Sentence, sentence
from geo.spelling import check_codes

# Less than this is called a sliver: neighbours drawn from different surveys, not a claim to ground.
SLIVER_M2 = 100.0
# Less than this is rounding of coordinates and not reported.
NOISE_M2 = 0.01
# A neighbour touches a gap but for rounding: a centimetre.
_TOUCH_DEGREES = 1e-7
_NAMED = 4
_AREAS = frozenset({"Polygon", "MultiPolygon"})


def check_layer(
    layer: Layer, *, sliver_m2: float = SLIVER_M2, rows: Mapping[str, tuple[int, ...]] | None = None
) -> list[Finding]:
    """Return what is wrong in a layer, the largest first of each kind.

    Kinds: duplicate-code (error), invalid (error), alike-codes, odd-code, duplicate, overlap, sliver-overlap,
    gap, sliver-gap, wedge (warnings). A gap is ground in no boundary with boundaries all round it, a wedge a
    narrow one that is open to the outside. Points and lines are only checked for codes. With `rows`, the
    numbers of the file's rows by code, messages name them. What `read_layer` repaired is among its own findings.
    """
    areas = [boundary for boundary in layer.boundaries if boundary.geometry.geom_type in _AREAS]
    findings = [*_duplicate_codes(layer.boundaries), *_invalid(areas)]
    if layer.is_area and not any(finding.kind == "invalid" for finding in findings):
        findings += check_codes([boundary.code for boundary in layer.boundaries])
        findings += _overlaps(areas, sliver_m2, rows or {})
        findings += _gaps(areas, sliver_m2)
    return [_with_row(finding, rows or {}) for finding in findings]


def _with_row(finding: Finding, rows: Mapping[str, tuple[int, ...]]) -> Finding:
    numbers = rows.get(finding.code, ())
    return replace(finding, row=numbers[0]) if numbers else finding


def _duplicate_codes(boundaries: Sequence[Boundary]) -> list[Finding]:
    counts = Counter(boundary.code for boundary in boundaries)
    return [
        Finding(
            "error",
            "duplicate-code",
            sentence("%(count)s boundaries have the code %(code)s", count=count, code=repr(code)),
            code=code,
        )
        for code, count in counts.items()
        if count > 1
    ]


def _invalid(areas: Sequence[Boundary]) -> list[Finding]:
    return [
        Finding("error", "invalid", _reason(area.geometry), code=area.code)
        for area in areas
        if not area.geometry.is_valid
    ]


def _reason(geometry: BaseGeometry) -> Sentence:
    return sentence("the outline is faulty: %(reason)s", reason=shapely.is_valid_reason(geometry))


def _overlaps(
    areas: Sequence[Boundary], sliver_m2: float, rows: Mapping[str, tuple[int, ...]]
) -> list[Finding]:
    geometries = np.array([area.geometry for area in areas], dtype=object)
    first, second = STRtree(geometries).query(geometries, predicate="intersects")
    is_pair = first < second
    pairs = zip(first[is_pair], second[is_pair], strict=True)
    findings = [_overlap(areas[one], areas[other], sliver_m2, rows) for one, other in pairs]
    return _largest_first(finding for finding in findings if finding)


def _overlap(
    one: Boundary, other: Boundary, sliver_m2: float, rows: Mapping[str, tuple[int, ...]]
) -> Finding | None:
    common = shapely.intersection(one.geometry, other.geometry)
    area = ground_area_m2(common)
    if area <= NOISE_M2:
        return None
    told = {"one": _told(one.code, rows), "other": _told(other.code, rows), "area": f"{area:,.1f}"}
    if shapely.equals(one.geometry, other.geometry):
        message = sentence("%(one)s and %(other)s are the same area (%(area)s m²)", **told)
        return _finding("duplicate", message, one.code, area)
    kind = "overlap" if area >= sliver_m2 else "sliver-overlap"
    message = sentence("%(one)s and %(other)s overlap at %(at)s (%(area)s m²)", at=_place(common), **told)
    return _finding(kind, message, one.code, area)


def _told(code: str, rows: Mapping[str, tuple[int, ...]]) -> str:
    numbers = ", ".join(str(number) for number in rows.get(code, ()))
    return sentence("%(code)s (row %(numbers)s)", code=repr(code), numbers=numbers) if numbers else repr(code)


def _gaps(areas: Sequence[Boundary], sliver_m2: float) -> list[Finding]:
    """Find ground in no boundary. A hole that a single boundary has drawn for itself may be meant so."""
    geometries = [area.geometry for area in areas]
    if not geometries:
        return []
    union = shapely.union_all(geometries)
    tree = STRtree(geometries)
    findings = []
    for hole in holes(union):
        area = ground_area_m2(hole)
        if area > NOISE_M2:
            kind = "gap" if area >= sliver_m2 else "sliver-gap"
            message = _ground(hole, area, areas, tree)
            findings.append(_finding(kind, message, "", area))
    open_ones = []
    for wedge in wedges(geometries, union):
        area = ground_area_m2(wedge)
        message = sentence(
            "narrow and open to the outside: %(ground)s", ground=_ground(wedge, area, areas, tree)
        )
        open_ones.append(_finding("wedge", message, "", area))
    return _largest_first(findings) + _largest_first(open_ones)


def _ground(gap: BaseGeometry, area: float, areas: Sequence[Boundary], tree: STRtree) -> Sentence:
    """Say where a gap is and how large, naming the boundaries at its sides, the first few of them."""
    near = sorted(tree.query(gap, predicate="dwithin", distance=_TOUCH_DEGREES))
    codes = [repr(areas[position].code) for position in near]
    told = {"at": _place(gap), "area": f"{area:,.1f}", "codes": ", ".join(codes[:_NAMED])}
    if not codes:
        return sentence("ground in no boundary at %(at)s (%(area)s m²)", **told)
    if len(codes) <= _NAMED:
        return sentence("ground in no boundary at %(at)s beside %(codes)s (%(area)s m²)", **told)
    more = len(codes) - _NAMED
    return sentence(
        "ground in no boundary at %(at)s beside %(codes)s and %(more)s more (%(area)s m²)", more=more, **told
    )


def _finding(kind: str, message: Sentence, code: str, area: float) -> Finding:
    return Finding("warning", kind, message, code=code, area_m2=area)


def _largest_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: -(finding.area_m2 or 0.0))


def _place(geometry: BaseGeometry) -> str:
    at = shapely.point_on_surface(geometry)
    return f"{at.x:.6f}, {at.y:.6f}"
