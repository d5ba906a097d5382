"""Answers `/tiles/{z}/{x}/{y}.mvt`: the public reports as vector tiles."""

from __future__ import annotations

from flask import Blueprint, Response, request

from portal.errors import NotFound
from portal.i18n import N_, Message
from portal.queries.report_tiles import is_tile, report_tile
from portal.web import access
from portal.web.services import reading, services

pages = Blueprint("tiles", __name__)
MVT = "application/vnd.mapbox-vector-tile"


@pages.get("/tiles/<int:z>/<int:x>/<int:y>.mvt")
@access.public
def tile(z: int, x: int, y: int) -> Response:
    """One tile; any site may read it."""
    if not is_tile(z, x, y):
        raise NotFound(Message(N_("There is no such tile.")))
    with reading() as tx:
        drawn = report_tile(tx, services().jurisdiction_id, z, x, y)
    response = Response(drawn, content_type=MVT)
    response.headers |= {"Cache-Control": "public, max-age=30", "Access-Control-Allow-Origin": "*"}
    response.add_etag()
    response.make_conditional(request)
    return response
