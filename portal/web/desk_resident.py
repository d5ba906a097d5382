"""Answers when a unit writes to a resident: through the case, under an alias."""

from __future__ import annotations

from flask import Blueprint, g, redirect, request
from werkzeug.wrappers import Response

from portal.errors import Conflict, InvalidInput
from portal.operations.context import Actor
from portal.operations.relay_words import alias, write_to_resident
from portal.web import access
from portal.web.desk_case import case_page, conflict_page, open_case
from portal.web.forms.staff_move import TypedMove
from portal.web.services import services, writing

pages = Blueprint("desk_resident", __name__, url_prefix="/desk/case")


@pages.post("/<token>/resident")
@access.staff("handler", "unit_head", "dispatcher", "admin")
def write(token: str) -> Response:
    """Ask the resident something; what was typed survives a refusal."""
    case, standing = open_case(token)
    actor = Actor(standing.role, standing.unit_code, g.staff.account_id)
    words = request.form.get("words", "")
    typed = TypedMove("resident", values={"words": words})
    try:
        with writing() as tx:
            write_to_resident(tx, services().context, token, actor, words)
    except InvalidInput as refused:
        return case_page(case, standing, 422, typed, refused.fields)
    except Conflict as refused:
        return conflict_page(token, typed, refused)
    return redirect(f"/desk/case/{token}#resident", 303)


def alias_of(token: str) -> str:
    """What the resident of a case is called on the desk."""
    return alias(services().keyring, token)


pages.add_app_template_global(alias_of, "alias_of")
