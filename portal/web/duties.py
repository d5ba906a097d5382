"""Answers `/duties`: who answers for what, by service and by place, as the city publishes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from geo.boundary import Boundary, Layer
from geo.crs import LonLat
from portal import clock
from portal.errors import InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.queries.duties import answerers, answering_at, by_group, duties, middle_of
from portal.queries.place_names import Place
from portal.web import access
from portal.web.areas import offered_areas
from portal.web.find import LONGEST, places_called, title_of
from portal.web.limits import count_look
from portal.web.locale import boundary_name, layer_title, local
from portal.web.services import city, reading, services
from portal.web.units import in_order

pages = Blueprint("duties", __name__)
NO_SERVICE = N_("There is no service with this code.")
HERE = N_("where you are")
NO_NUMBERS = N_("Please give the place as two numbers, or by its name.")


@pages.get("/duties")
@access.public
def catalogue() -> Response:
    """Every service with who may answer for it; with `area`, who does there."""
    layer, boundary = _area(request.args.get("area", ""))
    if boundary is None or layer is None:
        return _page()
    place = f"{boundary_name(layer.name, boundary.code)} ({layer_title(layer.name)})"
    return _page(middle_of(boundary), place)


@pages.post("/duties")
@access.public
def at_a_point() -> Response:
    """The same for a point or a name: posted, so that nobody's address stands in an address line or a log."""
    if words := " ".join(request.form.get("place", "").split()):
        return _by_name(words)
    count_look()
    try:
        point = LonLat(float(request.form.get("lon", "")), float(request.form.get("lat", "")))
    except ValueError:
        raise InvalidInput({"place": Message(NO_NUMBERS)}) from None
    if not (math.isfinite(point.lon) and abs(point.lon) <= 180 and abs(point.lat) <= 90):
        raise InvalidInput({"place": Message(NO_NUMBERS)})
    return _page(point, request.form.get("named", "")[:200] or Message(HERE))


@pages.get("/duties/<service_code>")
@access.public
def one(service_code: str) -> str:
    """One service: who may answer in which order, by what standard and procedure; one statement."""
    service = city().services.get(service_code)
    if service is None or not service.is_active:
        raise NotFound(Message(NO_SERVICE))
    with reading() as tx:
        published = duties(tx, services().jurisdiction_id, service_code)
    return render_template(
        "public/duty.html",
        service=service,
        answerers=answerers(city(), service),
        published=published,
        rulebook=city().rulebook_version,
        today=local(clock.now()).date(),
    )


@pages.get("/organisation")
@access.public
def organisation() -> str:
    """The units as they stand above each other, with what each publishes; one statement."""
    with reading() as tx:
        published = duties(tx, services().jurisdiction_id)
    counts: dict[str, int] = {}
    for each in published:
        counts[each.unit_code] = counts.get(each.unit_code, 0) + 1
    directory = city().directory
    return render_template(
        "public/organisation.html",
        rows=in_order(directory),
        counts=counts,
        centre=directory.coordination_unit,
    )


def _by_name(words: str) -> Response:
    """The one place of that name; a choice where there are several, and words where there is none."""
    found = places_called(words)
    if len(found) == 1:
        return _page(found[0].point, title_of(found[0]), typed=words)
    return _page(typed=words, found=found)


def _page(
    point: LonLat | None = None, place: Any = None, typed: str = "", found: Sequence[Place] | None = None
) -> Response:
    here = {each.service.code: each for each in answering_at(city(), point, clock.now())} if point else {}
    groups = by_group(city().services.values())
    page = render_template(
        "public/duties.html",
        groups=groups,
        answerers={each.code: answerers(city(), each) for _, members in groups for each in members},
        here=here,
        place=place,
        typed=typed,
        found=found,
        longest=LONGEST,
        areas=offered_areas(),
        chosen=request.args.get("area", ""),
    )
    return make_response(page)


def _area(key: str) -> tuple[Layer | None, Boundary | None]:
    """The boundary that `layer:code` names among those offered; nothing for anything else."""
    name, _, code = key.partition(":")
    for layer, boundaries in offered_areas():
        for boundary in boundaries:
            if (layer.name, boundary.code) == (name, code):
                return layer, boundary
    return None, None
