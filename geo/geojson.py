"""Knows GeoJSON: features read one by one, so that a bad one is named, and feature collections written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from geo.boundary import Boundary
from geo.sentences import ToldError, sentence

# 7 decimals are 1 cm on the ground.
DIGITS = 7


class GeoJsonError(ToldError):
    """A document that is not GeoJSON at all."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record as it stands in a file, in the file's own coordinates.

    `number` counts from 1. `problem` says why there is no geometry, where there is none.
    """

    number: int
    geometry: BaseGeometry | None
    properties: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


def read_features(document: Any) -> list[Row]:
    """Return one row for each feature of a collection (or of a lone feature or geometry).

    A feature that cannot be read keeps its place, with `problem` set. Raises GeoJsonError where the document
    itself is something else.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("type"), str):
        raise GeoJsonError("not a GeoJSON document: no object with a type")
    if document["type"] == "FeatureCollection":
        features = document.get("features")
        if not isinstance(features, list):
            raise GeoJsonError("the feature collection has no list of features")
        return [_read_feature(number, feature) for number, feature in enumerate(features, start=1)]
    feature = document if document["type"] == "Feature" else {"type": "Feature", "geometry": document}
    return [_read_feature(1, feature)]


def crs_name(document: Mapping[str, Any]) -> str | None:
    """Return what the (pre-standard but common) crs member says, None where there is none."""
    crs = document.get("crs")
    properties = crs.get("properties") if isinstance(crs, Mapping) else None
    name = properties.get("name") if isinstance(properties, Mapping) else None
    return name if isinstance(name, str) and name else None


def feature_collection(
    boundaries: Iterable[Boundary], *, digits: int = DIGITS, with_attributes: bool = False
) -> dict[str, Any]:
    """Write boundaries as a FeatureCollection with code and name; coordinates rounded for display."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {
                    **(boundary.attributes if with_attributes else {}),
                    "code": boundary.code,
                    "name": boundary.name,
                },
                "geometry": mapping(rounded(boundary.geometry, digits)),
            }
            for boundary in boundaries
        ],
    }


def rounded(geometry: BaseGeometry, digits: int = DIGITS) -> BaseGeometry:
    """Round the coordinates and drop the points that repeat. For display: validity is not promised."""
    at_grid = shapely.transform(geometry, lambda xy: np.round(xy, digits))
    return shapely.remove_repeated_points(at_grid)


def _read_feature(number: int, feature: Any) -> Row:
    if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
        return Row(number, None, problem=sentence("not a feature"))
    properties = feature.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    if feature.get("geometry") is None:
        return Row(number, None, properties, sentence("the feature has no geometry"))
    try:
        return Row(number, _read_geometry(feature["geometry"]), properties)
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        shapely.errors.ShapelyError,
    ) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        return Row(
            number, None, properties, sentence("the geometry cannot be read: %(reason)s", reason=reason)
        )


def _read_geometry(geometry: Any) -> BaseGeometry:
    if not isinstance(geometry, Mapping):
        raise GeoJsonError("it is not an object")
    kind = geometry.get("type")
    depth = _DEPTHS.get(str(kind))
    if depth is not None and _depth(geometry.get("coordinates")) not in {depth, None}:
        raise GeoJsonError("the coordinates are not nested as a %(kind)s must be", kind=kind)
    return shape(geometry)


_DEPTHS = {
    "Point": 1,
    "MultiPoint": 2,
    "LineString": 2,
    "MultiLineString": 3,
    "Polygon": 3,
    "MultiPolygon": 4,
}


def _depth(coordinates: Any) -> int | None:
    """Return how deep the lists are nested down to the first number, None for empty ones."""
    depth = 0
    while isinstance(coordinates, list | tuple):
        if not coordinates:
            return None
        coordinates, depth = coordinates[0], depth + 1
    return depth
