"""Answers `/desk/works`: what the city knows already, entered in a hurry by the dispatcher, ended with a click."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import shapely
from flask import Blueprint, g, make_response, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from geo.crs import LonLat
from portal import clock
from portal.errors import InvalidInput
from portal.i18n import N_, Message
from portal.operations.context import Actor
from portal.operations.tell_works import Notice, around, end_work, tell_work
from portal.queries.duties import by_group
from portal.queries.planned_works import works_to_come
from portal.queries.staff_rights import READ_ONLY_ROLES
from portal.web import access, staff_words
from portal.web.admin import changing
from portal.web.areas import offered_areas
from portal.web.desk_case import open_case
from portal.web.desk_dispatch import DISPATCHERS, desk_grant
from portal.web.forms.place import find_area
from portal.web.known_works import span_words
from portal.web.locale import local
from portal.web.services import city, reading, services

MOST = 200
METRES = (50, 150, 500, 1500)
USUAL_METRES = "150"
NO_PLACE = N_("Please choose an area, or give longitude and latitude.")
NO_TIME = N_("Please say until when.")

pages = Blueprint("desk_works", __name__, url_prefix="/desk/works")


@pages.get("")
@access.staff("dispatcher", "admin", "auditor")
def index() -> Response:
    """What is in force or to come, and the form; `case` fills in the place and service of a case."""
    return _page(200, _suggested(request.args.get("case", "")), {})


@pages.post("")
@access.staff("dispatcher", "admin")
def tell() -> Response:
    """Say what is known: whoever reports it there reads it from now on."""
    actor = _actor()
    try:
        notice = _notice(request.form)
        with changing() as tx:
            tell_work(tx, services().context, actor, notice)
    except InvalidInput as refused:
        return _page(422, request.form, refused.fields)
    return redirect("/desk/works?done=told", 303)


@pages.post("/end")
@access.staff("dispatcher", "admin")
def end() -> Response:
    """It is over: nobody reads it any more."""
    actor = _actor()
    with changing() as tx:
        end_work(tx, services().context, actor, request.form.get("code", ""))
    return redirect("/desk/works?done=ended", 303)


def _actor() -> Actor:
    grant = desk_grant(DISPATCHERS)
    return Actor(grant.role, grant.unit_code, g.staff.account_id)


def _notice(given: MultiDict[str, str]) -> Notice:
    try:
        until = datetime.fromisoformat(given.get("until", "")).replace(tzinfo=None)
    except ValueError:
        raise InvalidInput({"until": Message(NO_TIME)}) from None
    if given.get("area"):
        place = find_area(given["area"], city().router.city.index.layers).geometry
    else:
        place = _disc(given)
    return Notice(given.getlist("services"), place, until, given.get("message", "").strip()[:500])


def _disc(given: MultiDict[str, str]) -> shapely.Geometry:
    try:
        lon, lat, metres = (float(given.get(name, "")) for name in ("lon", "lat", "metres"))
    except ValueError:
        raise InvalidInput({"place": Message(NO_PLACE)}) from None
    if not (-180 <= lon <= 180 and -85 <= lat <= 85 and metres in METRES):
        raise InvalidInput({"place": Message(NO_PLACE)})
    return around(LonLat(lon, lat), metres)


def _suggested(token: str) -> MultiDict[str, str]:
    """The place and service of a case, until tomorrow evening."""
    until = (local(clock.now()) + timedelta(days=1)).replace(hour=18, minute=0)
    found = MultiDict({"metres": USUAL_METRES, "until": until.strftime("%Y-%m-%dT%H:%M")})
    if token:
        case, _ = open_case(token)
        found["services"] = case.row.service_code
        if case.lon is not None and case.lat is not None:
            found["lon"], found["lat"] = f"{case.lon:.6f}", f"{case.lat:.6f}"
    return found


def _page(status: int, typed: MultiDict[str, str], faults: Mapping[str, Message]) -> Response:
    grant = desk_grant(DISPATCHERS | READ_ONLY_ROLES)
    now = clock.now()
    with reading() as tx:
        works = works_to_come(tx, city().jurisdiction_id, now, MOST)
    page = render_template(
        "staff/works.html",
        city=city(),
        staff=g.staff,
        words=staff_words,
        works=works,
        now=now,
        typed=typed,
        faults=faults,
        groups=by_group(city().services.values()),
        areas=offered_areas(),
        all_metres=METRES,
        span_words=span_words,
        may_change=grant.role in DISPATCHERS,
    )
    return make_response(page, status)
