"""Answers what the maps fetch: reports in view, the city's basemap, its boundaries, all as GeoJSON."""

from __future__ import annotations

import gzip
from typing import Any

from flask import Blueprint, Response, current_app, request

from portal.api.cors import allow_any_origin
from portal.api.reports import read_box
from portal.errors import NotFound
from portal.i18n import N_, Message
from portal.queries.public_reports import PublicReport
from portal.queries.report_map import basemap as read_basemap
from portal.queries.report_map import boundaries, map_points
from portal.web import access
from portal.web.locale import service_name, unit_name
from portal.web.map_filter import read_filters
from portal.web.services import city, reading, services

pages = Blueprint("map_data", __name__, url_prefix="/api/v1")
pages.after_request(allow_any_origin)
GEOJSON = "application/geo+json"
WORTH_PACKING = 20_000  # characters: a map is asked for over a telephone's line


@pages.get("/map/reports")
@access.public
def reports() -> Response:
    """Reports with a public place, newest first, at most 1,000: `bbox`, and the filters of the map."""
    wanted = read_filters(request.args, read_box(request.args.get("bbox", ""))).wanted
    with reading() as tx:
        found, is_cut = map_points(tx, services().jurisdiction_id, wanted)
    features = [_feature(each) for each in found]
    return _geojson(
        {"type": "FeatureCollection", "features": features, "is_cut": is_cut}, "public, max-age=15"
    )


def _feature(found: PublicReport) -> dict[str, Any]:
    point = [round(found.lon or 0, 6), round(found.lat or 0, 6)]
    properties = {
        "token": found.token,
        "state": found.state,
        "status": found.status,
        "service": service_name(found.service_code),
        "unit": unit_name(found.lead_unit),
        "text": found.public_text[:140],
        "is_outside": found.place_flag == "outside",
    }
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": point}, "properties": properties}


@pages.get("/basemap")
@access.public
def basemap() -> Response:
    """The city's own basemap; `part` coarse or fine for what is seen from afar or only from near."""
    with reading() as tx:
        drawn = read_basemap(tx, services().jurisdiction_id, request.args.get("part", ""))
    return _geojson(drawn, "public, max-age=3600")


@pages.get("/layers/<name>")
@access.public
def layer(name: str) -> Response:
    """The boundaries of a layer in force, simplified for drawing."""
    for found in city().router.city.index.layers:
        if found.name == name:
            return _geojson(boundaries(found), "public, max-age=3600")
    raise NotFound(Message(N_("There is no layer with this name.")))


def _geojson(document: dict[str, Any], caching: str) -> Response:
    text = current_app.json.dumps(document, separators=(",", ":"))
    response = Response(text, content_type=GEOJSON)
    if len(text) > WORTH_PACKING and request.accept_encodings["gzip"]:
        response.set_data(gzip.compress(text.encode(), 5, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = caching
    response.add_etag()
    response.make_conditional(request)
    return response
