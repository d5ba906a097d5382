"""Answers `/desk/case/<token>/plan`: a step of the case's response plan is done."""

from __future__ import annotations

from flask import Blueprint, g, redirect
from werkzeug.wrappers import Response

from portal.operations.case_plan import tick_plan_step
from portal.operations.context import Actor
from portal.web import access
from portal.web.desk_case import open_case
from portal.web.services import services, writing

pages = Blueprint("desk_plan", __name__, url_prefix="/desk")


@pages.post("/case/<token>/plan/<int:position>")
@access.staff("handler", "unit_head", "dispatcher", "admin")
def step(token: str, position: int) -> Response:
    """Tick a step of the plan."""
    _, standing = open_case(token)
    actor = Actor(standing.role, standing.unit_code, g.staff.account_id)
    with writing() as tx:
        tick_plan_step(tx, services().context, token, actor, position)
    return redirect(f"/desk/case/{token}#plan", 303)
