"""Knows the page of one case on the desk: what it shows, and what each button does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, send_file
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from geo.crs import LonLat
from portal import clock
from portal.crypto import read_token
from portal.errors import Conflict, InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.operations.context import Actor
from portal.operations.move_report import move_report
from portal.operations.store_photo import SHOWN, THUMB, store_photo
from portal.operations.view_contact import Viewed, may_view, view_contact
from portal.queries.place_map import place_map
from portal.queries.receipt_words import reason_message
from portal.queries.staff_case import StaffCase, photo_of_case, staff_case, with_details
from portal.queries.staff_rights import Standing, accused_units, may_extend, part_of
from portal.web import access, staff_words
from portal.web.case_story import by_likelihood, story_of
from portal.web.clock_bars import clock_bars
from portal.web.closing_desk import desk_closing, filled
from portal.web.forms.staff_move import FIELDS, PLAIN_ACTIONS, TypedMove, fields_of, read_move, read_photos
from portal.web.history import last_hand_over
from portal.web.place_picture import directions_url, place_picture
from portal.web.receipt_picture import picture
from portal.web.receipt_text import receipt_text
from portal.web.services import city, reading, services, writing
from routing.lifecycle import available

pages = Blueprint("desk_case", __name__, url_prefix="/desk/case")
NOT_HERE = N_("There is no such case on your desk.")
PHOTO_SIZES = {"shown": SHOWN, "thumb": THUMB}
# One of these stands open, or as a large button: the likeliest that this person may take.
FIRST_STEPS = ("assign", "route", "accept", "start", "resume", "resolve")


@pages.get("/<token>")
@access.staff()
def show(token: str) -> AnyResponse:
    """The case with everything its desk may see, and a form for each thing that may be done now."""
    if (proper := read_token(token)) != token:
        return redirect(f"/desk/case/{proper}", 301)
    case, standing = open_case(token)
    return case_page(case, standing, 200)


@pages.post("/<token>/move")
@access.staff("handler", "unit_head", "dispatcher", "admin")
def move(token: str) -> AnyResponse:
    """Do one thing to the case; what was typed survives every refusal."""
    case, standing = open_case(token)
    typed = read_move(request.form)
    try:
        typed = _with_photos(typed)
        if with_answer := filled(typed, request.form, case, city()):
            return case_page(case, standing, 200, with_answer)
        actor = Actor(standing.role, standing.unit_code, g.staff.account_id)
        with writing() as tx:
            move_report(tx, services().context, token, actor, typed.as_move(city().timezone))
    except InvalidInput as refused:
        return case_page(case, standing, 422, typed, refused.fields)
    except Conflict as refused:
        return conflict_page(token, typed, refused)
    return shown_after(token, typed.action)


@pages.post("/<token>/contact")
@access.staff("handler", "unit_head", "dispatcher", "admin")
def contact(token: str) -> AnyResponse:
    """Show the reporter's contact once, for a purpose that everybody may read in the history."""
    case, standing = open_case(token)
    purpose, words = request.form.get("purpose", ""), request.form.get("words", "")
    actor = Actor(standing.role, standing.unit_code, g.staff.account_id)
    typed = TypedMove("contact", values={"purpose": purpose, "words": words})
    try:
        with writing() as tx:
            shown = view_contact(tx, services().context, token, actor, purpose, words)
    except InvalidInput as refused:
        return case_page(case, standing, 422, typed, refused.fields)
    except Conflict as refused:
        return conflict_page(token, typed, refused)
    case, standing = open_case(token)
    page = case_page(case, standing, 200, shown=shown)
    page.headers["Cache-Control"] = "no-store"
    return page


@pages.get("/<token>/photo/<media_token>/<size>")
@access.staff()
def photo(token: str, media_token: str, size: str) -> Response:
    """A photo of the case in its safe version, of private cases too."""
    case, _ = open_case(token)
    with reading() as tx:
        state = photo_of_case(tx, case.row.id, media_token)
    if state != "ready" or size not in PHOTO_SIZES:
        raise NotFound(Message(N_("There is no such photo.")))
    path = services().store.path(f"{media_token}/{PHOTO_SIZES[size]}")
    return send_file(path, mimetype="image/jpeg", max_age=3600)


def open_case(token: str) -> tuple[StaffCase, Standing]:
    """The case, and what this person is to it; NotFound where it is none of their business."""
    with reading() as tx:
        case = staff_case(tx, services().jurisdiction_id, token)
    standing = part_of(g.staff.grants, case, city().directory) if case else None
    if case is None or standing is None:
        raise NotFound(Message(NOT_HERE))
    return case, standing


def act_on_case(
    token: str, typed: TypedMove, do: Callable[[Connection, Actor], Any], done: str = "", panel: str = ""
) -> AnyResponse:
    """Do one thing to a case as what this person is to it; what was typed survives a refusal and a conflict."""
    case, standing = open_case(token)
    try:
        with writing() as tx:
            do(tx, Actor(standing.role, standing.unit_code, g.staff.account_id))
    except InvalidInput as refused:
        return case_page(case, standing, 422, typed, refused.fields)
    except Conflict as refused:
        return conflict_page(token, typed, refused)
    return shown_after(token, done or typed.action, panel)


def shown_after(token: str, action: str, panel: str = "") -> AnyResponse:
    """Where a person goes after what they did: to the case, or to their list where they handed it away.

    `panel` names the part of the page that says so, where it is not its head.
    """
    said = f"?{panel or 'done'}={action}"
    try:
        open_case(token)
    except NotFound:
        return redirect(f"/desk/{said}", 303)
    return redirect(f"/desk/case/{token}{said}{panel and '#' + panel}", 303)


def _with_photos(typed: TypedMove) -> TypedMove:
    """Keep the photos first, for themselves: a browser does not send a chosen file twice after a refusal."""
    chosen = read_photos(request.files.getlist("photos"), len(typed.media))
    if not chosen:
        return typed
    with writing() as tx:
        kept = tuple(store_photo(tx, services().context, content, "proof") for content in chosen)
    return replace(typed, media=(*typed.media, *kept))


def case_page(
    case: StaffCase,
    standing: Standing,
    status: int,
    typed: TypedMove | None = None,
    faults: Mapping[str, Message] | None = None,
    shown: Viewed | None = None,
) -> AnyResponse:
    """The page of a case, with what was typed and what is wrong with it."""
    with reading() as tx:
        case = with_details(tx, case)
    view = _view(case, standing, typed)
    page = render_template("staff/case.html", **view, faults=faults or {}, shown=shown)
    return make_response(page, status)


def conflict_page(token: str, typed: TypedMove, refused: Conflict) -> AnyResponse:
    """What the other person did, and what was typed here, ready to be sent again where that still makes sense."""
    case, standing = open_case(token)
    with reading() as tx:
        case = with_details(tx, case)
    view = _view(case, standing, replace(typed, seen_seq=case.last_seq))
    changes = case.events_after(typed.seen_seq)
    is_gone = typed.action in FIELDS and typed.action not in view["actions"]
    page = render_template(
        "staff/conflict.html", **view, faults={}, changes=changes, refused=refused.message, is_gone=is_gone
    )
    return make_response(page, 409)


def _view(case: StaffCase, standing: Standing, typed: TypedMove | None) -> dict[str, Any]:
    view = city()
    offered = list(available(case.row.state, standing.role, standing.part))
    if (
        not may_extend(standing.part, standing.unit_code, case.lead_unit, view.directory)
        and "extend" in offered
    ):
        offered.remove("extend")  # more time is applied for
    is_with_desk = standing.part == "desk" and case.lead_unit == view.coordination_unit
    actions = by_likelihood(offered, is_with_desk=is_with_desk or case.row.state == "submitted")
    now = clock.now()
    point = None if case.lon is None or case.lat is None else LonLat(case.lon, case.lat)
    return {
        "case": case,
        "row": case.row,
        "standing": standing,
        "city": view,
        "service": view.services.get(case.row.service_code),
        "reason": reason_message(case.row.receipt, view),
        "receipt": receipt_text(case.row.receipt, view),
        "picture": picture(case.row.receipt, view, point, is_coarse=False),
        "handed": last_hand_over(case.events, view),
        "actions": actions,
        "may_view_contact": may_view(standing.part, case.row.description, has_contact=case.has_contact),
        "barred": {case.lead_unit, *accused_units(case.about_unit, view.directory)},
        "next_step": next((action for action in actions if action in FIRST_STEPS), ""),
        "bars": clock_bars(case.parts["clocks"], case.lead_unit, now),
        "story": story_of(case.events),
        "place": place_map(case.parts["ground"], case.lon, case.lat, case.row.accuracy_m),
        "place_picture": place_picture,
        "directions": directions_url(services().settings.directions_url, case.lon, case.lat),
        "plain_actions": PLAIN_ACTIONS,
        "fields": {action: fields_of(action, case.row.kind) for action in actions},
        "typed": typed or TypedMove(""),
        "done": staff_words.DONE.get(request.args.get("done", "")),
        "words": staff_words,
        "now": now,
        "staff": g.staff,
        **desk_closing(case, view, actions),
    }
