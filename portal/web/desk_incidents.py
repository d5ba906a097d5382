"""Answers `/desk/incidents`: group incidents with their plans, and what may be the same as a case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from portal import clock
from portal.errors import Conflict, NotFound
from portal.i18n import N_, Message
from portal.operations.context import Actor
from portal.operations.move_report import Move, move_report
from portal.operations.run_incident import NO_INCIDENT, end_incident, tick_step
from portal.queries.alike_cases import Alike, Solved, alike_cases
from portal.queries.group_incidents import group_incident, group_incidents
from portal.queries.staff_case import StaffCase
from portal.queries.staff_rights import Standing, part_of
from portal.web import access, staff_words
from portal.web.desk_case import conflict_page, open_case
from portal.web.forms.staff_move import TypedMove
from portal.web.history import CLOSINGS
from portal.web.services import city, reading, services, writing
from routing.lifecycle import available

pages = Blueprint("desk_incidents", __name__, url_prefix="/desk")
ACTING = ("handler", "unit_head", "dispatcher", "admin")
RESPECTS = {"service": N_("service"), "time": N_("time"), "text": N_("words")}


@pages.get("/incidents")
@access.staff()
def index() -> str:
    """The group incidents that concern one's desk, those that run first."""
    with reading() as tx:
        found = group_incidents(tx, city().jurisdiction_id)
    mine = [row for row in found if part_of(g.staff.grants, row, city().directory)]
    mine.sort(key=lambda row: row.ended_at is not None)
    return _page("staff/incidents.html", incidents=mine)


@pages.get("/incidents/<token>")
@access.staff()
def show(token: str) -> str:
    """One incident: its cases on the map and in order, and the steps of its plan."""
    return _incident_page(token)


def _incident_page(token: str, refused: Conflict | None = None) -> str:
    """The page of an incident; `refused` says what somebody else did first."""
    with reading() as tx:
        found = group_incident(tx, city().jurisdiction_id, token)
    members = (
        [row for row in found.members if part_of(g.staff.grants, row, city().directory)] if found else []
    )
    if found is None or not members:
        raise NotFound(Message(NO_INCIDENT))
    may_act = _standing(members) is not None
    return _page(
        "staff/incident.html",
        found=found,
        members=members,
        may_act=may_act,
        box=_box(members),
        refused=refused,
    )


@pages.post("/incidents/<token>/step/<int:position>")
@access.staff(*ACTING)
def step(token: str, position: int) -> Response:
    """Tick a step of the plan."""
    try:
        with writing() as tx:
            tick_step(tx, services().context, token, _actor(token), position)
    except Conflict as refused:
        return make_response(_incident_page(token, refused), 409)
    return redirect(f"/desk/incidents/{token}", 303)


@pages.post("/incidents/<token>/end")
@access.staff(*ACTING)
def end(token: str) -> Response:
    """Declare it over."""
    try:
        with writing() as tx:
            end_incident(tx, services().context, token, _actor(token))
    except Conflict as refused:
        return make_response(_incident_page(token, refused), 409)
    return redirect("/desk/incidents", 303)


@pages.post("/case/<token>/same/<other>")
@access.staff(*ACTING)
def join(token: str, other: str) -> Response:
    """One click: the later of two cases is joined with the earlier one."""
    pair = [open_case(token), open_case(other)]
    pair.sort(key=lambda one: (one[0].row.opened_at, one[0].row.id))
    (first, _), (later, standing) = pair
    actor = Actor(standing.role, standing.unit_code, g.staff.account_id)
    move = Move("mark_duplicate", duplicate_of=first.row.token)
    try:
        with writing() as tx:
            move_report(tx, services().context, later.row.token, actor, move)
    except Conflict as refused:
        return conflict_page(token, TypedMove(move.action), refused)
    return redirect(f"/desk/case/{token}?done=mark_duplicate", 303)


@pages.app_template_global()
def alike_to(case: StaffCase) -> dict[str, Any]:
    """What may be the same as a case and who may join it, and solved cases like it; one statement."""
    with reading() as tx:
        same, solved = alike_cases(tx, case, city())
    seen = [one for one in same if part_of(g.staff.grants, one.row, city().directory)]
    return {
        "same": [(one, _may_join(case, one)) for one in seen] if case.row.closed_at is None else [],
        "solved": _theirs(solved),
        "respects": RESPECTS,
        "closings": CLOSINGS,
    }


def _theirs(solved: Iterable[Solved]) -> list[Solved]:
    """Others' solved cases show how it was done; a complaint only where it is on this desk."""
    grants, directory = g.staff.grants, city().directory
    return [one for one in solved if one.row.about_unit is None or part_of(grants, one.row, directory)]


def _may_join(case: StaffCase, one: Alike) -> bool:
    """Whether this person may close the later of the two for the earlier."""
    later = max(case.row, one.row, key=lambda row: (row.opened_at, row.id))
    standing = part_of(g.staff.grants, later, city().directory)
    return standing is not None and "mark_duplicate" in available(later.state, standing.role, standing.part)


def _standing(rows: Iterable[Any]) -> Standing | None:
    """What somebody is to the cases where they may do most; None where they only read."""
    found = [part_of(g.staff.grants, row, city().directory) for row in rows]
    acting = [standing for standing in found if standing is not None and standing.part != "read"]
    return max(acting, key=lambda one: one.part == "desk", default=None)


def _actor(token: str) -> Actor:
    with reading() as tx:
        found = group_incident(tx, city().jurisdiction_id, token)
    standing = _standing(found.members) if found else None
    if standing is None:
        raise NotFound(Message(NO_INCIDENT))
    return Actor(standing.role, standing.unit_code, g.staff.account_id)


def _box(rows: Iterable[Any]) -> dict[str, float] | None:
    """Where the points lie within the small picture: shares of its width and height."""
    placed = [row for row in rows if row.lon is not None]
    if not placed:
        return None
    west, east = min(row.lon for row in placed), max(row.lon for row in placed)
    south, north = min(row.lat for row in placed), max(row.lat for row in placed)
    return {"west": west, "south": south, "width": max(east - west, 1e-6), "height": max(north - south, 1e-6)}


def _page(name: str, **more: Any) -> str:
    view = city()
    return render_template(
        name,
        city=view,
        words=staff_words,
        now=clock.now(),
        staff=g.staff,
        done=request.args.get("done"),
        **more,
    )
