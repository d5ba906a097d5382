"""Knows what is done to many cases, each for itself so that one refusal holds up no other, and saved filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, g, make_response, redirect, render_template, request
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from portal.errors import Conflict, NotFound, WenluError
from portal.i18n import Message
from portal.operations.context import Actor
from portal.operations.keep_filters import forget_filter, save_filter
from portal.operations.move_report import move_report
from portal.operations.send_crew import Sent, send_crew
from portal.queries.many_cases import ManyCase, kinds_since, many_cases
from portal.queries.staff_inbox import frame
from portal.queries.staff_rights import part_of
from portal.web import access
from portal.web.desk_case import NOT_HERE
from portal.web.desk_frame import around
from portal.web.forms.bulk import BulkForm, read_bulk
from portal.web.forms.case_filter import CaseFilter, read_filter, wanted_of
from portal.web.forms.staff_move import read_account
from portal.web.services import city, reading, services, writing

pages = Blueprint("desk_bulk", __name__, url_prefix="/desk")
Refused = Mapping[str, WenluError]
Cases = Mapping[str, ManyCase]


@pages.post("/bulk")
@access.staff("handler", "unit_head", "dispatcher", "admin")
def bulk() -> Response:
    """Do one thing to every ticked case; those that could not be done are named, with what was typed kept."""
    typed = read_bulk(request.form)
    back = _filter_in(typed.back)
    if faults := typed.faults():
        return _outcome(typed, back, {}, faults)
    with reading() as tx:
        cases = many_cases(tx, services().jurisdiction_id, typed.seen)
    refused = _each(typed, cases)
    if refused:
        return _outcome(typed, back, refused)
    query = back.query()
    return redirect(f"/desk/?{query}{'&' if query else ''}went={len(typed.seen)}", 303)


@pages.post("/filters")
@access.staff()
def save() -> Response:
    """Save the filter in use under a name."""
    kept = _filter_in(request.form.get("query", ""))
    try:
        with writing() as tx:
            save_filter(
                tx, services().context, g.staff.account_id, request.form.get("name", ""), kept.query()
            )
    except Conflict:
        return _back_to(kept, "full")
    return _back_to(kept, "saved")


@pages.post("/filters/<int:number>/forget")
@access.staff()
def forget(number: int) -> Response:
    """Forget a saved filter."""
    with writing() as tx:
        forget_filter(tx, g.staff.account_id, number)
    return redirect("/desk/?filter=forgotten", 303)


def _each(typed: BulkForm, cases: Cases) -> dict[str, WenluError]:
    """Do it case by case; answers those that could not be, with the reason."""
    refused: dict[str, WenluError] = {}
    for token in typed.seen:
        try:
            _one(typed, cases.get(token))
        except WenluError as refusal:
            refused[token] = refusal
    return refused


def _one(typed: BulkForm, case: ManyCase | None) -> None:
    view = city()
    standing = part_of(g.staff.grants, case, view.directory) if case else None
    if case is None or standing is None:
        raise NotFound(Message(NOT_HERE))
    actor = Actor(standing.role, standing.unit_code, g.staff.account_id)
    sent = _sent(typed, case.token)
    move = None if sent else typed.move(case, view)
    with writing() as tx:
        if sent is not None:
            send_crew(tx, services().context, case.token, actor, sent)
        elif move is not None:
            move_report(tx, services().context, case.token, actor, move)


def _sent(typed: BulkForm, token: str) -> Sent | None:
    """To whom a case is to be given; None where something else is to be done."""
    if typed.action not in ("take", "person", "crew"):
        return None
    person = read_account(typed.value("person"))
    who = g.staff.account_id if typed.action == "take" else person
    return Sent(typed.value("crew"), who, typed.seen[token])


def _outcome(
    typed: BulkForm, back: CaseFilter, refused: Refused, faults: list[Message] | None = None
) -> Response:
    """What was done, and the form again for the cases that were not: as it was typed, with what happened since."""
    view = city()
    wanted = wanted_of(back, g.staff, view)
    left = refused if refused else typed.seen
    with reading() as tx:
        now = _on_my_desk(tx, left)
        since = kinds_since(tx, {case.id: typed.seen[token] for token, case in now.items()})
        here = frame(tx, view.jurisdiction_id, wanted, g.staff.account_id)
    page = render_template(
        "staff/lists/outcome.html",
        **around(back, wanted, here),
        typed=typed,
        faults=faults or [],
        refused=refused,
        done=[] if faults else [token for token in typed.seen if token not in refused],
        left=now,
        since={token: since.get(case.id, ()) for token, case in now.items()},
    )
    return make_response(page, 422 if faults else 409)


def _on_my_desk(tx: Connection, tokens: Mapping[str, Any]) -> dict[str, ManyCase]:
    """The cases as they are now, without those that are none of this person's business."""
    directory = city().directory
    found = many_cases(tx, services().jurisdiction_id, tokens)
    return {
        token: found[token]
        for token in tokens
        if token in found and part_of(g.staff.grants, found[token], directory) is not None
    }


def _filter_in(query: str) -> CaseFilter:
    return read_filter(MultiDict(parse_qsl(query[:1000])), city())


def _back_to(kept: CaseFilter, said: str) -> Response:
    query = kept.query()
    return redirect(f"/desk/?{query}{'&' if query else ''}filter={said}", 303)
