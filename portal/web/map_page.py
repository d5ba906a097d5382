"""Answers `/map`: the public map, its filters as a plain form, and the same reports as a list."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for

from portal import clock
from portal.queries.public_reports import ReportFilter, public_reports
from portal.web import access
from portal.web.history import STATES
from portal.web.locale import gettext
from portal.web.services import city, reading, services

pages = Blueprint("map_page", __name__)
FILTERS = ("state", "service", "unit")
PAGE_SIZE = 25


@pages.get("/map")
@access.public
def show() -> str:
    """The map and the list beside it; two statements."""
    chosen = {name: request.args.get(name, "")[:80] for name in FILTERS}
    wanted = ReportFilter.of(chosen["state"], chosen["service"], chosen["unit"])
    after = request.args.get("after", "")
    with reading() as tx:
        page = public_reports(tx, services().jurisdiction_id, wanted, limit=PAGE_SIZE, after=after)
    return render_template(
        "public/map.html",
        map=_drawn({name: value for name, value in chosen.items() if value}),
        chosen=chosen,
        page=page,
        services=[each for each in city().services.values() if each.is_active],
        units=list(city().directory),
        words={"states": STATES},
        now=clock.now(),
    )


def _drawn(filters: dict[str, str]) -> Any:
    """The map itself; it fetches the reports that the filters leave."""
    from portal.web.maps import draw_map  # folium costs 0.65 s to import, and only this page needs it

    layers = [layer for layer in city().router.city.index.layers if layer.is_area]
    settings = services().settings
    data = {
        "reports": url_for("map_data.reports") + (f"?{urlencode(filters)}" if filters else ""),
        "basemap": url_for("map_data.basemap"),
        "boundaries": url_for("map_data.layer", name=layers[0].name) if layers else "",
        "tiles": settings.tile_url,
        "attribution": settings.tile_attribution,
        "label": gettext("Map of reports"),
        "more": gettext("Only the newest are shown. Come closer to see all."),
    }
    return draw_map(city().config["map_centre"], city().config["map_zoom"], data)
