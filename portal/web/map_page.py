"""Answers `/map`: the public map, its filters as a plain form, and the same reports as a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request, url_for

from portal import clock
from portal.queries.public_reports import STATUSES, ReportFilter, last_change, public_reports
from portal.queries.report_counts import MOST_COUNTED, Counted, count_reports
from portal.web import access
from portal.web.areas import offered_areas
from portal.web.fresh import unchanged_or
from portal.web.history import STATES
from portal.web.locale import gettext, ngettext, number
from portal.web.map_filter import PERIODS, Chosen, read_filters, read_point
from portal.web.services import city, reading, services
from routing.lifecycle import OPEN_STATES

pages = Blueprint("map_page", __name__)
PAGE_SIZE = 25
CLOSE_ZOOM = 16  # a street and those beside it


@pages.get("/map")
@access.public
def show() -> str:
    """The map and the list beside it, with their number; three statements."""
    chosen, here = read_filters(request.args), services().jurisdiction_id
    after = request.args.get("after", "")
    with reading() as tx:
        page = public_reports(tx, here, chosen.wanted, limit=PAGE_SIZE, after=after)
        found = count_reports(tx, here, chosen.wanted)
    return render_template(
        "public/map.html",
        map=_drawn(chosen),
        chosen=chosen,
        page=page,
        count=_counted(found["state"], chosen.wanted),
        counts=_choices(found),
        areas=offered_areas(),
        periods=PERIODS,
        services=[each for each in city().services.values() if each.is_active],
        units=list(city().directory),
        words={"states": STATES},
        now=clock.now(),
    )


@pages.get("/map/changed")
@access.public
def changed() -> Response:
    """When a report changed last: what an open page asks for, to fetch the rest only then; one statement."""
    with reading() as tx:
        at = last_change(tx, services().jurisdiction_id)
    return unchanged_or(jsonify(at=at.isoformat() if at else ""))


def _counted(found: Counted, wanted: ReportFilter) -> str:
    """What is listed, in words."""
    states = wanted.states or tuple(STATES)
    words = ngettext("%(count)s report", "%(count)s reports", min(found.of(states), MOST_COUNTED))
    if found.is_more:  # how many of all are open nobody has counted
        return gettext("more than %(count)s", count=words)
    if len(states) == 1:
        return words
    still_open = found.of(set(states) & set(OPEN_STATES))
    return gettext("%(count)s, %(open)s of them open", count=words, open=number(still_open))


def _choices(found: Mapping[str, Counted]) -> dict[str, dict[str, str]]:
    """The number behind each choice; none where not all were counted."""
    states = {state: (state,) for state in STATES} | STATUSES
    codes = {"service": city().services, "unit": [each.code for each in city().directory]}
    groups = {"state": states} | {name: {code: (code,) for code in each} for name, each in codes.items()}
    return {
        name: {} if count.is_more else {"": number(count.all)} | _numbers(count, groups[name])
        for name, count in found.items()
    }


def _numbers(count: Counted, groups: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return {value: number(count.of(each)) for value, each in groups.items()}


def _drawn(chosen: Chosen) -> Any:
    """The map itself; it fetches the reports that the filters leave."""
    from portal.web.maps import draw_map  # folium costs 0.65 s to import, and only this page needs it

    layers = [layer for layer in city().router.city.index.layers if layer.is_area]
    settings = services().settings
    layer, _, area = chosen.words["area"].partition(":")
    shown = next((each for each in layers if each.name == layer), layers[0] if layers else None)
    data = {
        "reports": url_for("map_data.reports") + (f"?{chosen.query}" if chosen.query else ""),
        "basemap": url_for("map_data.basemap"),
        "boundaries": url_for("map_data.layer", name=shown.name) if shown else "",
        "area": area,
        "tiles": settings.tile_url,
        "attribution": settings.tile_attribution,
        "label": gettext("Map of reports"),
        "more": gettext("Only the newest are shown. Come closer to see all."),
    }
    if (near := read_point(request.args.get("near", ""))) is not None:
        return draw_map(near, CLOSE_ZOOM, data | {"near": "yes"})
    return draw_map(city().config["map_centre"], city().config["map_zoom"], data)
