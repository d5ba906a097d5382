"""Answers `/desk/changed`: whether an open list or case of the desk is still true."""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, request

from portal.crypto import read_token
from portal.queries.desk_pulse import newest_of_desk
from portal.queries.staff_rights import units_of
from portal.web import access
from portal.web.desk_case import open_case
from portal.web.fresh import unchanged_or
from portal.web.services import city, reading, services

pages = Blueprint("desk_pulse", __name__, url_prefix="/desk")


@pages.get("/changed")
@access.staff()
def changed() -> Response:
    """How far a case (`?case=`) or the cases of one's units have come; one statement."""
    if token := request.args.get("case", ""):
        case, _ = open_case(read_token(token))
        return unchanged_or(jsonify(seq=case.last_seq))
    units = units_of(g.staff.grants, city().directory)
    with reading() as tx:
        newest = newest_of_desk(tx, services().jurisdiction_id, units)
    return unchanged_or(jsonify(newest=newest))


def pulse(token: str = "") -> str:
    """What an open page asks; nothing where it came from a form, whose answer cannot be fetched again."""
    if request.method != "GET":
        return ""
    return f"/desk/changed?case={token}" if token else "/desk/changed"


pages.add_app_template_global(pulse, "desk_pulse")
