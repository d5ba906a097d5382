"""Knows what a boundary and a layer are, what a point finds in them, and how a geometry is made valid."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.crs import Array
from geo.sentences import ToldError

_POLYGONAL = frozenset({"Polygon", "MultiPolygon"})
_WORLD = shapely.box(-180.0, -90.0, 180.0, 90.0)
# Turns of the globe, in degrees to add to (lon, lat).
_TURNS = np.array([[-360.0, 0.0], [0.0, 0.0], [360.0, 0.0]])


class GeometryError(ToldError):
    """A geometry that cannot be used: empty, not finite, out of the degree range, or nothing left of it."""


# A layer's usual reach for points outside it, in metres, and the farthest that may be set.
USUAL_SNAP_M, MOST_SNAP_M = 0.0, 1000


@dataclass(frozen=True, slots=True)
class Boundary:
    """One named area (or line, or point) of a layer.

    `geometry` is in EPSG:4326 degrees, valid and split at ±180° (see `repair`). `code` is stable over
    editions and unique in its layer.
    """

    code: str
    name: str
    geometry: BaseGeometry
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layer:
    """One edition of a set of boundaries.

    `edition` is the database id, 0 for a layer straight from a file. A lower `tie_order` speaks first.
    `snap_m`: a point in no boundary belongs to the nearest one within so many metres. `required`: a point
    outside the layer is outside the city. `is_area` is False for features that are only ever near.
    """

    name: str
    boundaries: tuple[Boundary, ...]
    edition: int = 0
    tie_order: int = 100
    snap_m: float = USUAL_SNAP_M
    required: bool = False
    is_area: bool = True


@dataclass(frozen=True, slots=True)
class Hit:
    """A boundary that a point belongs to.

    `edge_m` is the distance in metres to that boundary's own edge, None where unmeasured or beyond the
    limit asked for. `snapped`: the boundary does not cover the point but is the nearest within `snap_m`.
    """

    layer: str
    code: str
    edition: int
    edge_m: float | None
    snapped: bool


@dataclass(frozen=True, slots=True)
class Nearby:
    """A boundary that does not cover the point, or a feature, and its distance in metres."""

    layer: str
    code: str
    distance_m: float


def repair(geometry: BaseGeometry) -> BaseGeometry:
    """Return the geometry that decisions are made with: 2-D, valid, inside ±180°.

    Polygons go through make_valid(method="structure"); those that reach or jump over the antimeridian are
    split there. A valid polygon comes back with exactly the coordinates it had. Lines and points are only
    checked. Raises GeometryError with a sentence that can be shown to the person who supplied the file.
    """
    if geometry is None or geometry.is_empty:
        raise GeometryError("the geometry is empty")
    flat = shapely.force_2d(geometry)
    _check_range(shapely.get_coordinates(flat))
    if flat.geom_type not in _POLYGONAL and not _has_polygons(flat):
        return flat
    unwrapped = _unwrap_all(flat)
    if not unwrapped.is_valid:
        unwrapped = _make_valid(unwrapped)
    repaired = _polygonal(_split(unwrapped))
    if repaired.is_empty:
        raise GeometryError("the polygon has no area: its ring collapses to a line or a point")
    return repaired


def _make_valid(geometry: BaseGeometry) -> BaseGeometry:
    valid = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
    # GEOS leaves two polygons side by side where a ring runs over its own edge again: unite them.
    return valid if valid.is_valid else shapely.union_all(_polygons(valid))


def _check_range(coordinates: Array) -> None:
    if not np.isfinite(coordinates).all():
        raise GeometryError("a coordinate is not a finite number")
    lon, lat = np.abs(coordinates).max(axis=0)
    if lon > 360.0 or lat > 90.0:
        raise GeometryError(
            "coordinates up to (%(lon)s, %(lat)s) are not degrees; they look like feet or metres:"
            " name the coordinate system the file was drawn in",
            lon=f"{lon:.10g}",
            lat=f"{lat:.10g}",
        )


def _polygons(geometry: BaseGeometry) -> list[BaseGeometry]:
    """Return the polygons of a geometry of any type, collections inside collections included."""
    if geometry.geom_type == "Polygon":
        return [] if geometry.is_empty else [geometry]
    if geometry.geom_type in {"MultiPolygon", "GeometryCollection"}:
        return [polygon for part in geometry.geoms for polygon in _polygons(part)]
    return []


def _has_polygons(geometry: BaseGeometry) -> bool:
    return geometry.geom_type == "GeometryCollection" and bool(_polygons(geometry))


def _polygonal(geometry: BaseGeometry) -> BaseGeometry:
    """Return the areas of `geometry` alone: one polygon as a Polygon, several as a MultiPolygon."""
    if geometry.geom_type in _POLYGONAL:
        return geometry
    polygons = _polygons(geometry)
    return polygons[0] if len(polygons) == 1 else shapely.multipolygons(polygons)


def _unwrap_all(geometry: BaseGeometry) -> BaseGeometry:
    unwrapped = [_unwrap(polygon) for polygon in _polygons(geometry)]
    return unwrapped[0] if geometry.geom_type == "Polygon" else shapely.multipolygons(unwrapped)


def _unwrap(polygon: BaseGeometry) -> BaseGeometry:
    """Draw on past ±180° where a ring jumps from one side of the map to the other.

    A civic boundary is never half the world wide, so a step over 180° is a crossing. A step of exactly 360°
    is the edge of the map itself.
    """
    rings = [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]
    if not any(_jumps(ring[:, 0]).any() for ring in rings):
        return polygon
    for ring in rings:
        ring[:, 0] += np.concatenate(([0.0], np.cumsum(_jumps(ring[:, 0]))))
    west = rings[0][:, 0].min()
    for hole in rings[1:]:
        # A hole lies in its shell, so bring it to the same turn of the globe.
        hole[:, 0] += 360.0 * np.ceil((west - hole[:, 0].min()) / 360.0)
    return shapely.Polygon(rings[0], rings[1:])


def _jumps(lon: Array) -> Array:
    steps = np.diff(lon)
    return np.where((np.abs(steps) > 180.0) & (np.abs(steps) < 360.0), -360.0 * np.sign(steps), 0.0)


def _split(geometry: BaseGeometry) -> BaseGeometry:
    """Cut at ±180° and bring each piece back into the range; untouched when it lies inside already."""
    west, _, east, _ = geometry.bounds
    if west >= -180.0 and east <= 180.0:
        return geometry
    pieces: list[BaseGeometry] = []
    for turn in _TURNS:
        turned = shapely.transform(geometry, lambda xy, turn=turn: xy + turn)
        # Cutting leaves lines where the polygon only touches the meridian: keep the areas.
        pieces += _polygons(shapely.intersection(turned, _WORLD))
    if not pieces:
        return geometry
    return shapely.union_all(pieces)
