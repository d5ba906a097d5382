"""Answers `/desk/crews`, where crews and loans are kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, g, make_response, redirect, render_template, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from portal import clock
from portal.errors import Conflict, InvalidInput, NotFound
from portal.i18n import Message
from portal.operations.context import Actor
from portal.operations.edit_crew import HEADS, NO_CREW, CrewForm, save_crew
from portal.operations.lend_crew import DECIDERS, NO_LOAN, answer_loan, return_crew
from portal.queries.crews import CrewView, crews_now, open_loans, people_of_unit
from portal.queries.staff_rights import Grant, units_of
from portal.web import access, staff_words
from portal.web.services import city, reading, services, writing

pages = Blueprint("desk_crews", __name__, url_prefix="/desk")
WORKERS = ("handler", "unit_head", "dispatcher", "admin")


@pages.get("/crews")
@access.staff()
def crews() -> Response:
    """The crews of one's units as they stand now, and those asked for, lent and borrowed; two statements."""
    return _crews_page(200)


def _crews_page(status: int, failed: int = 0, faults: Sequence[Message] = ()) -> Response:
    """The page; `faults` say why the loan of number `failed` was refused, and what was typed there is kept."""
    view = city()
    units = units_of(g.staff.grants, view.directory)
    with reading() as tx:
        found = crews_now(tx, view, clock.now(), units=units)
        loans = open_loans(tx, view.jurisdiction_id, units)
    leads_all = units is None and bool(HEADS & g.staff.roles)
    return make_response(
        render_template(
            "staff/crews.html", city=view, crews=found, loans=loans, staff=g.staff, words=staff_words,
            units=units, led=None if leads_all else _led(), may_edit=leads_all or bool(_led()),
            failed=failed, faults=faults,
        ),
        status,
    )  # fmt: skip


@pages.get("/crews/<code>")
@access.staff("unit_head", "dispatcher", "admin")
def edit(code: str) -> Response:
    """The form of a crew; `new` makes one."""
    return _form(code, 200)


@pages.post("/crews/<code>")
@access.staff("unit_head", "dispatcher", "admin")
def save(code: str) -> Response:
    """Keep what was typed."""
    form = _typed(code)
    _, unit = _crew_and_unit(code, form.unit_code)
    try:
        with writing() as tx:
            save_crew(tx, services().context, sure(actor_for(unit, HEADS)), form)
    except InvalidInput as refused:
        return _form(code, 422, refused.fields)
    except Conflict as refused:
        return _form(code, 409, {"form": refused.message})
    return redirect("/desk/crews?field=saved", 303)


@pages.post("/crews/loan/<int:number>")
@access.staff("unit_head", "dispatcher", "admin")
def loan(number: int) -> Response:
    """Grant, refuse or give back a crew."""
    what, words = request.form.get("do", ""), request.form.get("words", "")
    view = city()
    with reading() as tx:
        rows = open_loans(tx, view.jurisdiction_id, units_of(g.staff.grants, view.directory))
    row = next((each for each in rows if each.id == number), None)
    if row is None:
        raise NotFound(Message(NO_LOAN))
    try:
        with writing() as tx:
            _answer(tx, row, what, words)
    except InvalidInput as refused:
        return _crews_page(422, number, tuple(refused.fields.values()))
    except Conflict as refused:
        return _crews_page(409, number, (refused.message,))
    done = {"return": "returned", "grant": "granted"}.get(what, "refused")
    return redirect(f"/desk/crews?field={done}", 303)


def _answer(tx: Connection, row: Any, what: str, words: str) -> None:
    """Give a crew back, or grant or refuse what was asked, as the one of the two units that may."""
    if what == "return":
        actor = actor_for(row.owner_unit, DECIDERS) or actor_for(row.borrower_unit, DECIDERS)
        return_crew(tx, services().context, row.id, sure(actor))
    else:
        actor = sure(actor_for(row.owner_unit, DECIDERS))
        answer_loan(tx, services().context, row.id, actor, is_granted=what == "grant", words=words)


def point_of_form() -> tuple[float, float] | None:
    """Where the crew is, as the form or the phone says; None for anything else."""
    try:
        lon, lat = float(request.form["lon"].replace(",", ".")), float(request.form["lat"].replace(",", "."))
    except (KeyError, ValueError):
        return None
    is_place = math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90
    return (lon, lat) if is_place else None


def actor_for(unit: str, roles: frozenset[str]) -> Actor | None:
    """The actor that somebody is towards a unit: the strongest grant in `roles` that reaches it."""
    directory = city().directory
    for role in ("admin", "dispatcher", "unit_head", "handler"):
        for grant in g.staff.grants:
            reach = units_of([grant], directory)
            if grant.role == role and role in roles and (reach is None or unit in reach):
                return Actor(grant.role, grant.unit_code, g.staff.account_id)
    return None


def sure(actor: Actor | None) -> Actor:
    """The actor; NotFound where somebody has no say there."""
    if actor is None:
        raise NotFound(Message(NO_CREW))
    return actor


def _led() -> frozenset[str]:
    """The units whose crews this person may change and lend."""
    grants = [Grant(each.role, each.unit_code) for each in g.staff.grants if each.role in HEADS]
    return units_of(grants, city().directory) or frozenset()


def _crew_and_unit(code: str, wanted: str) -> tuple[CrewView | None, str]:
    """The crew, where there is one, and its unit; NotFound where it is none of this person's."""
    view = city()
    with reading() as tx:
        found = crews_now(tx, view, clock.now(), code=code)
    unit = found[0].unit if found else wanted
    if (not found and not wanted) or actor_for(unit, HEADS) is None:
        raise NotFound(Message(NO_CREW))
    return (found[0] if found else None), unit


def _typed(code: str) -> CrewForm:
    given = request.form
    numbers = [
        int(each)
        for each in given.getlist("member")
        if each.isascii() and each.isdecimal() and len(each) < 18
    ]
    capacity = given.get("capacity", "")
    return CrewForm(
        code=code if code != "new" else given.get("code", "").strip(),
        unit_code=given.get("unit_code", ""),
        name=given.get("name", ""),
        services=_parts(given.get("services", "")),
        capacity=int(capacity) if capacity.isascii() and capacity.isdecimal() and len(capacity) < 6 else None,
        base=point_of_form(), email=given.get("email", ""), phone=given.get("phone", ""),
        roster=given.get("roster", ""),
        members=tuple(numbers), is_active=bool(given.get("is_active")),
    )  # fmt: skip


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("；", ";").split(";") if part.strip())


def _form(code: str, status: int, faults: Mapping[str, Message] | None = None) -> Response:
    view = city()
    wanted = request.values.get("unit_code") or next(iter(sorted(_led())), "") or view.coordination_unit
    found, unit = _crew_and_unit(code, wanted if code == "new" else "")
    with reading() as tx:
        people = people_of_unit(tx, view.jurisdiction_id, unit)
    typed: Any = _typed(code) if request.method == "POST" else None
    page = render_template(
        "staff/crew_form.html", city=view, crew=found, code=code, unit=unit, people=people, typed=typed,
        faults=faults or {}, staff=g.staff, words=staff_words, led=sorted(_led()),
    )  # fmt: skip
    return make_response(page, status)
