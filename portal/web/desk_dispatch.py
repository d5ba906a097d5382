"""Knows the dispatcher's table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, g, make_response, redirect, render_template, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from portal import clock
from portal.errors import Forbidden, InvalidInput, WenluError
from portal.i18n import N_, Message
from portal.operations.context import Actor
from portal.operations.move_report import Move, move_report
from portal.operations.rule_objection import keep_unit
from portal.queries.case_lines import Cursor, Page
from portal.queries.city import CityView
from portal.queries.dispatch_list import WHYS, dispatch_page, whys_of
from portal.queries.edition_changes import noted_cases
from portal.queries.staff_rights import READ_ONLY_ROLES, Grant, is_over_everything
from portal.web import access, staff_words
from portal.web.forms.staff_move import read_seq
from portal.web.services import city, reading, services, writing

pages = Blueprint("desk", __name__, url_prefix="/desk")
Act = Callable[[Connection, str, Actor, "Assignment", int], None]
DISPATCHERS = frozenset({"dispatcher", "admin"})
MOST_AT_ONCE = 100


@pages.get("/dispatch")
@access.staff("dispatcher", "admin", "auditor")
def dispatch() -> Response:
    """What waits for the dispatcher: outside every boundary, near a border, unaccepted, or with the desk."""
    return _dispatch_page(200)


@pages.post("/dispatch")
@access.staff("dispatcher", "admin")
def assign() -> Response:
    """Assign the chosen cases to a unit by hand, with a reason; each one stands or fails for itself."""
    return _each_chosen(_assign_one, "assigned")


@pages.post("/dispatch/keep")
@access.staff("dispatcher", "admin")
def keep() -> Response:
    """Answer the objections to the chosen cases: their units stay, because of the reason."""
    return _each_chosen(_keep_one, "kept")


def _each_chosen(act: Act, done: str) -> Response:
    """Do one thing to each chosen case; each one stands or fails for itself, and what was typed is kept."""
    grant, given = desk_grant(DISPATCHERS), request.form
    tokens = given.getlist("token")[:MOST_AT_ONCE]
    typed = Assignment(given.get("to_unit", ""), given.get("reason", "").strip(), tokens)
    if not tokens:
        return _dispatch_page(422, typed, {"token": Message(N_("Please choose at least one case."))})
    try:
        failed = _do_each(typed, Actor(grant.role, grant.unit_code, g.staff.account_id), act)
    except InvalidInput as refused:
        return _dispatch_page(422, typed, refused.fields)
    if failed:
        return _dispatch_page(409, typed, failed=failed)
    return redirect(f"/desk/dispatch?{done}={len(tokens)}", 303)


def _assign_one(tx: Connection, token: str, actor: Actor, typed: Assignment, seen: int) -> None:
    move_report(tx, services().context, token, actor, typed.as_move(seen))


def _keep_one(tx: Connection, token: str, actor: Actor, typed: Assignment, seen: int) -> None:
    keep_unit(tx, services().context, token, actor, typed.reason, seen)


def _do_each(typed: Assignment, actor: Actor, act: Act) -> dict[str, WenluError]:
    """Do it case by case; answers those that refused. InvalidInput: wrong for one, wrong for all."""
    failed: dict[str, WenluError] = {}
    for token in typed.tokens:
        try:
            with writing() as tx:
                act(tx, token, actor, typed, read_seq(request.form.get(f"seq-{token}", "")))
        except InvalidInput:
            raise
        except WenluError as refused:
            failed[token] = refused
    return failed


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the dispatcher typed."""

    to_unit: str = ""
    reason: str = ""
    tokens: Sequence[str] = ()

    def as_move(self, seen_seq: int) -> Move:
        """The move for one of the cases."""
        return Move("assign", reason=self.reason, to_unit=self.to_unit, seen_seq=seen_seq)


def desk_grant(roles: frozenset[str]) -> Grant:
    """The grant by which somebody acts for the coordination desk; Forbidden without one."""
    directory = city().directory
    held: list[Grant] = [
        one for one in g.staff.grants if one.role in roles and is_over_everything(one, directory)
    ]
    if not held:
        raise Forbidden(Message(N_("Only dispatchers of the coordination desk work on this page.")))
    return max(held, key=lambda one: one.role == "dispatcher")


def dispatch_refused(token: str, refused: WenluError) -> Response:
    """The page as it is now, saying what stood against the one case."""
    return _dispatch_page(409, failed={token: refused})


def _dispatch_page(
    status: int,
    typed: Assignment | None = None,
    faults: Mapping[str, Message] | None = None,
    failed: Mapping[str, WenluError] | None = None,
) -> Response:
    view, at = city(), clock.now()
    grant = desk_grant(DISPATCHERS | READ_ONLY_ROLES)
    why = next((each for each in WHYS if each == request.args.get("why")), None)
    after = Cursor.read(request.args.get("after", ""))
    with reading() as tx:
        noted = noted_cases(tx, view.jurisdiction_id)
        page = dispatch_page(tx, view.jurisdiction_id, view.coordination_unit, why, at, noted, after)
    reasons = {row.token: whys_of(row, view.coordination_unit, at, noted) for row in page.rows}
    new_units = {token: noted[token].new_unit for token, all_whys in reasons.items() if "redrawn" in all_whys}
    return make_response(
        render_template(
            "staff/dispatch.html",
            **_shared(view, page),
            why=why,
            whys=WHYS,
            whys_of=reasons,
            new_units=new_units,
            typed=typed or Assignment(_only(new_units.values()) if why == "redrawn" else ""),
            faults=faults or {},
            failed=failed or {},
            can_assign=grant.role in DISPATCHERS,
            assigned=_count("assigned"),
            kept=_count("kept"),
        ),
        status,
    )


def _count(name: str) -> int:
    """How many cases the address says were done just now; 0 for anything else."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0


def _only(units: Iterable[str]) -> str:
    """The unit that all of them are; "" where they differ."""
    found = set(units)
    return found.pop() if len(found) == 1 else ""


def _shared(view: CityView, page: Page) -> dict[str, Any]:
    now: datetime = clock.now()
    return {"city": view, "page": page, "now": now, "words": staff_words, "staff": g.staff}


def is_dispatcher() -> bool:
    """Whether the menu shows the dispatcher's table."""
    directory = city().directory
    roles = DISPATCHERS | READ_ONLY_ROLES
    return any(one.role in roles and is_over_everything(one, directory) for one in g.staff.grants)


pages.add_app_template_global(is_dispatcher, "is_dispatcher")
