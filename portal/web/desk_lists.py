"""Knows the desk's lists: the inbox in the order of what is due, the board by state, and the map of one's cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from sqlalchemy import Connection, Row
from werkzeug.wrappers import Response

from portal.crypto import ALPHABET, TOKEN_LENGTH, read_token
from portal.queries.city import CityView
from portal.queries.custody_parts import live_tasks
from portal.queries.staff_inbox import Cursor, Wanted, board, frame, inbox_page
from portal.web import access
from portal.web.desk_frame import around
from portal.web.forms.case_filter import CaseFilter, read_filter, wanted_of
from portal.web.locale import gettext
from portal.web.services import city, reading, services

pages = Blueprint("desk_lists", __name__, url_prefix="/desk")
COLUMN_SIZE = 30


@pages.get("/")
@access.staff()
def inbox() -> Response:
    """The open cases of one's units in the order in which they fall due: as a list, a board or a map."""
    view = city()
    chosen = read_filter(request.args, view)
    wanted = wanted_of(chosen, g.staff, view)
    shown = chosen.value("view")
    more: dict[str, Any] = {}
    if number := _number_in(chosen.value("q")):
        return redirect(f"/desk/case/{number}", 303)
    with reading() as tx:
        if shown == "map":
            more["map"] = _drawn(view, chosen)
        if shown == "board":
            more["columns"] = board(tx, view.jurisdiction_id, wanted, COLUMN_SIZE)
        else:
            after = Cursor.read(request.args.get("after", ""))
            more["page"] = inbox_page(tx, view.jurisdiction_id, wanted, after)
            more["tasks"] = _my_tasks(tx, view, wanted)
        here = frame(tx, view.jurisdiction_id, wanted, g.staff.account_id)
    template = f"staff/lists/{shown or 'inbox'}.html"
    return make_response(render_template(template, **around(chosen, wanted, here), **more))


def _number_in(words: str) -> str:
    """The number of a case where just that was typed; "" for words, of which some are as long."""
    token = read_token(words)
    is_one = len(token) == TOKEN_LENGTH and set(token) <= set(ALPHABET)
    return token if is_one and (words.isupper() or any(map(str.isdigit, words))) else ""


def _drawn(view: CityView, chosen: CaseFilter) -> Any:
    """The map itself; it fetches the cases that the filters leave."""
    from portal.web.maps import draw_map  # folium costs 0.65 s to import

    layers = [layer for layer in view.router.city.index.layers if layer.is_area]
    query = chosen.query(view="")
    data = {
        "reports": "/desk/places.json" + (f"?{query}" if query else ""),
        "basemap": url_for("map_data.basemap"),
        "boundaries": url_for("map_data.layer", name=layers[0].name) if layers else "",
        "tiles": services().settings.tile_url,
        "attribution": services().settings.tile_attribution,
        "label": gettext("Map of my cases"),
        "more": gettext("Only the first to fall due are shown. Come closer to see all."),
    }
    return draw_map(view.config["map_centre"], view.config["map_zoom"], data, reports_js="js/desk_map.js")


def _my_tasks(tx: Connection, view: CityView, wanted: Wanted) -> Sequence[Row[Any]]:
    """What the units were asked for, where one looks at what they assist in."""
    if wanted.part != "assist" or wanted.units is None:
        return ()
    return live_tasks(tx, view.jurisdiction_id, wanted.units, wanted.kept_from)
