"""Knows how a dispatcher answers whoever says that it is the wrong unit: it stays, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from portal.operations.rule_objection import keep_unit
from portal.queries.objections import Answered, answered
from portal.queries.receipt_words import reason_message
from portal.queries.staff_case import StaffCase
from portal.queries.staff_rights import Standing
from portal.web import access
from portal.web.desk_case import act_on_case
from portal.web.forms.staff_move import TypedMove, read_seq
from portal.web.locale import say
from portal.web.services import city, services
from routing.lifecycle import available

pages = Blueprint("desk_objection", __name__, url_prefix="/desk/case")
KEEP = "keep_unit"


@dataclass(frozen=True, slots=True)
class ObjectionPanel:
    """The objections to a case, newest last; `proposed` is the answer that may be given now, "" where none may."""

    rows: list[Answered]
    proposed: str


@pages.post("/<token>/objection")
@access.staff("dispatcher", "admin")
def keep(token: str) -> Response:
    """The unit stays, for reasons that whoever objected can read."""
    words = request.form.get("reason", "").replace("\r\n", "\n").strip()
    typed = TypedMove(KEEP, read_seq(request.form.get("seen_seq", "")), {"reason": words})
    return act_on_case(
        token, typed, lambda tx, actor: keep_unit(tx, services().context, token, actor, words, typed.seen_seq)
    )


def objection_panel(case: StaffCase, standing: Standing) -> ObjectionPanel:
    """What was said against the unit, and what came of it."""
    rows = answered(case.events)
    may = KEEP in available(case.row.state, standing.role, standing.part, own_forms=True)
    is_waiting = any(each.answer is None for each in rows)
    return ObjectionPanel(rows, kept_because(case.row) if may and is_waiting else "")


def kept_because(row: Any) -> str:
    """The reason of the receipt as the public reads it: the likeliest answer."""
    return say(reason_message(row.public_receipt, city()))


pages.add_app_template_global(objection_panel, "objection_panel")
