"""Answers "me too" on a report, and a follower's own link `/follow/<token>`."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from portal.crypto import read_token
from portal.errors import InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.operations.follow_report import confirm_follower, follow_report, leave_report
from portal.operations.limit_attempts import address_block
from portal.queries.case_parts import PUBLIC_PARTS
from portal.queries.follow_page import followed_report
from portal.queries.incident_part import IncidentPart
from portal.web import access
from portal.web.csrf import COOKIE
from portal.web.history import state_words
from portal.web.locale import current_locale
from portal.web.services import city, reading, services, writing

pages = Blueprint("follow", __name__)
PUBLIC_PARTS["incident"] = IncidentPart()
ACTIONS = {"confirm": confirm_follower, "leave": leave_report}
NO_LINK = N_("This link does not belong to anybody who follows a report.")


@pages.get("/r/<token>/follow")
@access.public
def ask(token: str) -> Response:
    """The question whether somebody has the same problem."""
    return _form(read_token(token))


@pages.post("/r/<token>/follow")
@access.public
def follow(token: str) -> Response:
    """Count the voice; an address gets a letter that asks whether it is theirs."""
    email, address = request.form.get("email", "").strip()[:254], address_block(request.remote_addr or "")
    voice = f"{address} {request.cookies.get(COOKIE, '')}"
    try:
        with writing() as tx:
            done = follow_report(
                tx, services().context, read_token(token), voice, address, email, current_locale()
            )
    except InvalidInput as refusal:
        return _form(token, email, refusal.fields, 422)
    answer = "asked" if done.is_asked else "counted" if done.is_new else "again"
    return redirect(f"/r/{done.token}?me-too={answer}", 303)


@pages.get("/follow/<token>")
@access.public
def show(token: str) -> str:
    """A follower's own page: opening it changes nothing, so that a mail scanner cannot agree for anybody."""
    with reading() as tx:
        found = followed_report(tx, services().jurisdiction_id, token)
    if found is None:
        raise NotFound(Message(NO_LINK))
    service = city().services.get(found.service_code)
    names = service.names if service else {"en": found.service_code}
    words = state_words(found.state, found.closing_code)
    return render_template("public/follower.html", token=token, found=found, names=names, state=words)


@pages.post("/follow/<token>/<action>")
@access.public
def act(token: str, action: str) -> Response:
    """Agree to letters, or end them, with the secret of one's own link."""
    if action not in ACTIONS:
        raise NotFound(Message(NO_LINK))
    with writing() as tx:
        ACTIONS[action](tx, services().context, token, request.form.get("secret", "")[:200])
    return redirect(f"/follow/{token}?done={action}", 303)


def _form(token: str, email: str = "", faults: object = None, status: int = 200) -> Response:
    page = render_template("public/follow.html", token=token, email=email, faults=faults or {})
    return make_response(page, status)
