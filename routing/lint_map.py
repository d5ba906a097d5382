"""Knows how gaps and overlaps of a rulebook are drawn: GeoJSON, one feature for each claim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import shapely

from routing.lint_reach import Claim

# About 0.1 m: finer than any boundary is drawn.
_DIGITS = 1e-6


def claims_geojson(claims: Sequence[Claim]) -> dict[str, Any]:
    """Return a FeatureCollection in EPSG:4326: kind, services, rules, units and area of each claim."""
    return {"type": "FeatureCollection", "features": [_feature(claim) for claim in claims if claim.pieces]}


def _feature(claim: Claim) -> dict[str, Any]:
    shapes = [piece.geometry for piece in claim.pieces if piece.geometry is not None]
    geometry = shapely.set_precision(shapely.union_all(shapes), _DIGITS)
    return {
        "type": "Feature",
        "properties": {
            "kind": claim.kind,
            "services": list(claim.services),
            "rules": list(claim.rules),
            "units": list(claim.units),
            "area_m2": round(sum(piece.area_m2 for piece in claim.pieces)),
            "boundaries": sorted({f"{layer}/{code}" for piece in claim.pieces for layer, code in piece.hits}),
        },
        "geometry": shapely.geometry.mapping(geometry),
    }
