"""Knows what the public map draws: reports as points, the city's own basemap, its boundaries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import shapely
from sqlalchemy import Connection, func, select, true

from geo.boundary import Layer
from portal.models.city import basemap_feature
from portal.models.report import report
from portal.queries.public_reports import COLUMNS, PublicReport, ReportFilter, conditions, public_row

MOST_POINTS = 1000
# Kinds of basemap features that a map needs only when it shows single streets.
FINE_KINDS = ("local", "lane")
# About 5 m and 1 m: what a map at street level can show.
SIMPLIFY_DEGREES, GRID_DEGREES = 0.00005, 0.00001


def map_points(
    tx: Connection, jurisdiction_id: str, wanted: ReportFilter, most: int = MOST_POINTS
) -> tuple[list[PublicReport], bool]:
    """The newest reports that have a public place, at most `most`, and whether there were more."""
    query = (
        select(*COLUMNS)
        .where(*conditions(jurisdiction_id, wanted), report.c.public_geom.is_not(None))
        .order_by(report.c.opened_at.desc(), report.c.id.desc())
        .limit(min(most, MOST_POINTS) + 1)
    )
    found = [public_row(row) for row in tx.execute(query)]
    return found[:most], len(found) > most


def basemap(tx: Connection, jurisdiction_id: str, part: str = "") -> dict[str, Any]:
    """The city's own basemap as a GeoJSON feature collection; land and water first, streets last.

    `part` fine: only what is drawn from near (`FINE_KINDS`); coarse: all but that; otherwise everything.
    """
    is_fine = func.coalesce(basemap_feature.c.properties["kind"].astext, "").in_(FINE_KINDS)
    chosen = {"fine": is_fine, "coarse": ~is_fine}.get(part, true())
    query = (
        select(
            basemap_feature.c.kind,
            basemap_feature.c.properties,
            func.ST_AsGeoJSON(func.ST_SimplifyPreserveTopology(basemap_feature.c.geom, SIMPLIFY_DEGREES), 5),
        )
        .where(basemap_feature.c.jurisdiction_id == jurisdiction_id, chosen)
        .order_by(func.ST_Dimension(basemap_feature.c.geom).desc(), basemap_feature.c.id)
        .limit(20_000)
    )
    features = [
        {
            "type": "Feature",
            "properties": _basemap_properties(kind, properties),
            "geometry": json.loads(shape),
        }
        for kind, properties, shape in tx.execute(query)
    ]
    return {"type": "FeatureCollection", "features": features}


def _basemap_properties(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"layer": kind} | {
        key: value for key, value in properties.items() if key.startswith(("name", "kind"))
    }


def boundaries(layer: Layer) -> dict[str, Any]:
    """A layer's active boundaries as GeoJSON, simplified for drawing: never used for a decision."""
    features = []
    for boundary in layer.boundaries:
        shape = shapely.set_precision(
            shapely.simplify(boundary.geometry, SIMPLIFY_DEGREES), GRID_DEGREES, mode="pointwise"
        )
        properties = {"code": boundary.code, "name": boundary.name}
        features.append(
            {"type": "Feature", "properties": properties, "geometry": shapely.geometry.mapping(shape)}
        )
    return {"type": "FeatureCollection", "features": features}
