"""Answers the code that staff show or print for a case: it leads whoever scans it to the rating of its closing."""

from __future__ import annotations

import io

import segno
from flask import Blueprint, Response, g, make_response, render_template
from werkzeug.wrappers import Response as AnyResponse

from portal import clock
from portal.errors import Conflict
from portal.i18n import N_, Message
from portal.operations.voice_links import GUEST_ROLE, link_for
from portal.queries.staff_case import StaffCase
from portal.web import access
from portal.web.desk_case import open_case
from portal.web.services import city, services

pages = Blueprint("desk_code", __name__, url_prefix="/desk/case")
NOT_CLOSED = N_("There is nothing to rate yet: the case was never closed.")


@pages.get("/<token>/poster")
@access.staff()
def poster(token: str) -> AnyResponse:
    """A page to show or to print."""
    case, _ = open_case(token)
    days = int(city().closing.voice_days)
    page = render_template(
        "staff/poster.html", row=case.row, url=rating_url(case), days=days, staff=g.staff, city=city()
    )
    return make_response(page)


@pages.get("/<token>/code.svg")
@access.staff()
def code(token: str) -> Response:
    """The code itself."""
    case, _ = open_case(token)
    drawn = io.BytesIO()
    segno.make(rating_url(case), error="m", micro=False).save(
        drawn, kind="svg", scale=4, border=4, light="#fff", svgclass=None, lineclass=None
    )
    return Response(drawn.getvalue(), content_type="image/svg+xml")


def rating_url(case: StaffCase) -> str:
    """The signed address of the rating, the same all day so that a printed code and the page agree."""
    if not case.row.closing_count:
        raise Conflict(Message(NOT_CLOSED))
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    link = link_for(GUEST_ROLE, case.row.closing_count, today, city().closing.voice_days + 1)
    where = link.code(services().keyring, case.row.token)
    return f"{services().settings.public_url}/r/{case.row.token}/say/{where}"
