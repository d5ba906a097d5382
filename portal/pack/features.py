"""How the small GeoJSON files of a pack (points, planned works, basemap) are read, feature by feature."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import shape

from portal.i18n import N_
from portal.pack.model import Feature, FeatureFile
from portal.pack.table import NO, YES, Notes


def read_features(path: Path, notes: Notes) -> FeatureFile:
    """Read a FeatureCollection in EPSG:4326; features that cannot be used are noted and left out."""
    features = []
    for row, item in enumerate(_collection(path, notes), start=1):
        feature = _feature(item, row, notes)
        if feature is not None:
            features.append(feature)
    return FeatureFile(file=notes.file, name=path.stem, features=tuple(features))


def _collection(path: Path, notes: Notes) -> list[Any]:
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as fault:
        notes.error(getattr(fault, "lineno", 0), "", N_("not readable as GeoJSON: %(fault)s"), fault=fault)
        return []
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        notes.error(0, "features", N_("not a FeatureCollection"))
        return []
    return features


def _feature(item: Any, row: int, notes: Notes) -> Feature | None:
    try:
        geometry = shape(item["geometry"])
        bounds = geometry.bounds
    except (KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError) as fault:
        notes.error(row, "geometry", N_("not readable: %(value)s"), value=fault or type(fault).__name__)
        return None
    if geometry.is_empty or not all(map(math.isfinite, bounds)):
        notes.error(row, "geometry", N_("is empty"))
        return None
    if bounds[0] < -180 or bounds[2] > 180 or bounds[1] < -90 or bounds[3] > 90:
        notes.error(
            row, "geometry", N_("coordinates are not degrees: EPSG:4326, lon before lat, is expected")
        )
        return None
    properties = item.get("properties") or {}
    if not isinstance(properties, dict):
        notes.error(row, "properties", N_("is not an object"))
        return None
    return Feature(row=row, geometry=geometry, properties=properties)


def check_points(points: FeatureFile, notes: Notes) -> None:
    """Service points, depots and assets: a code each, once; yes/no where yes/no is meant."""
    seen: dict[str, int] = {}
    for feature in points.features:
        code = str(feature.properties.get("code") or "").strip()
        if not code:
            notes.error(feature.row, "code", N_("missing value"))
        elif code in seen:
            notes.error(
                feature.row,
                "code",
                N_("'%(code)s' stands already in feature %(seen)s"),
                code=code,
                seen=seen[code],
            )
        seen.setdefault(code, feature.row)
        for column in ("mobile", "accessible"):
            value = feature.properties.get(column)
            if value not in (None, "") and str(value).lower() not in YES | NO:
                notes.error(feature.row, column, N_("'%(value)s' is neither yes nor no"), value=value)
