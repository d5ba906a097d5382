"""Answers the dispatcher's one press: a suggested unit gets the case, with the reason that stood beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, g, redirect, request
from werkzeug.wrappers import Response

from portal.errors import Conflict, InvalidInput
from portal.i18n import N_, Message
from portal.operations.context import Actor
from portal.operations.move_report import Move, move_report
from portal.queries.suggested_units import Suggestion, suggested_units
from portal.web import access
from portal.web.desk_case import open_case
from portal.web.desk_dispatch import dispatch_refused
from portal.web.forms.staff_move import read_seq
from portal.web.services import city, reading, services, writing

pages = Blueprint("desk_route", __name__, url_prefix="/desk")
# Why a unit is suggested; %(unit)s is added where it becomes the reason of the move, which everybody may read.
WHYS: Mapping[str, str] = {
    "objected": N_("Somebody at the place says so"),
    "map": N_("By map and rules in force"),
    "share": N_("%(share)s %% of the possible place lies with it"),
    "second": N_("Second in the decision"),
    "nearest": N_("Nearest, %(metres)s m away"),
    "above": N_("Stands above the unit that has not accepted"),
}
NOT_ANY_MORE = N_("This unit is not suggested for the case any more. Please look again.")


@pages.post("/dispatch/route")
@access.staff("dispatcher", "admin")
def route() -> Response:
    """Give one case to one of the units that are suggested for it; the reason is worked out again, never taken."""
    token, _, unit = request.form.get("route", "").partition(":")
    view = city()
    _, standing = open_case(token)
    with reading() as tx:
        offered = suggested_units(tx, view, [token])[token]
    chosen = next((one for one in offered if one.unit_code == unit), None)
    if chosen is None:
        return dispatch_refused(token, Conflict(Message(NOT_ANY_MORE)))
    words = why_of(chosen).in_locale(view.locales[0])
    seen = read_seq(request.form.get(f"seq-{token}", ""))
    move = Move("assign", reason=words, public_text=words, to_unit=unit, seen_seq=seen)
    actor = Actor(standing.role, standing.unit_code, g.staff.account_id)
    try:
        with writing() as tx:
            move_report(tx, services().context, token, actor, move)
    except (Conflict, InvalidInput) as refused:
        return dispatch_refused(token, refused)
    why = request.args.get("why", "")
    return redirect(f"/desk/dispatch?assigned=1{'&why=' + why if why.isalpha() else ''}", 303)


def why_of(one: Suggestion) -> Message:
    """The reason as a sentence."""
    return Message(WHYS[one.why], dict(one.params))


@pages.app_template_global()
def suggestions_for(rows: Sequence[Any]) -> Mapping[str, list[tuple[str, Message]]]:
    """Units with their reasons for the cases of the dispatcher's page; one statement."""
    with reading() as tx:
        found = suggested_units(tx, city(), [row.token for row in rows])
    return {token: [(one.unit_code, why_of(one)) for one in some] for token, some in found.items()}
