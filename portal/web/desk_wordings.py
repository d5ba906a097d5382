"""Answers `/desk/messages/templates`: the words of every message, edited with a preview, version by version."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from portal.errors import InvalidInput, NotFound
from portal.i18n import Message
from portal.operations.letter_wording import PLACES
from portal.operations.manage_messages import (
    NO_MESSAGE,
    current_wording,
    edit_wording,
    preview,
    version_of,
)
from portal.operations.write_letter import occasions
from portal.pack.letter_rows import AUDIENCES
from portal.queries.deliveries import edited_wordings
from portal.web import access
from portal.web.admin import actor
from portal.web.services import city, reading, services, writing

pages = Blueprint("desk_wordings", __name__, url_prefix="/desk/messages/templates")


@pages.get("")
@access.staff("admin")
def index() -> str:
    """Every message in every language of the city, and which were edited."""
    with reading() as tx:
        edited = edited_wordings(tx, services().jurisdiction_id)
    known = {audience: sorted(occasions(audience)) for audience in AUDIENCES}
    return render_template(
        "staff/messages/wordings.html", city=city(), staff=g.staff, known=known, edited=edited
    )


@pages.get("/<audience>/<occasion>/<locale>")
@access.staff("admin")
def edit(audience: str, occasion: str, locale: str) -> Response:
    """One wording, with the places that it may have."""
    key = _key(audience, occasion, locale)
    with reading() as tx:
        words = current_wording(tx, services().jurisdiction_id, *key)
        version = version_of(tx, services().jurisdiction_id, key)
    return _page(key, words, version)


@pages.post("/<audience>/<occasion>/<locale>")
@access.staff("admin")
def keep(audience: str, occasion: str, locale: str) -> Response:
    """Show a preview, keep a version, or go back to the wording that came with us."""
    key, given = _key(audience, occasion, locale), request.form
    words = (given.get("subject", "").strip(), given.get("body", "").replace("\r\n", "\n").strip())
    seen = int(given["seen"]) if given.get("seen", "").isdecimal() else 0
    what, samples = given.get("what", ""), {"city": str(city().names.get(locale, ""))}
    try:
        if what == "preview":
            return _page(key, words, seen, shown=preview(*words, locale, samples))
        with writing() as tx:
            edit_wording(tx, services().context, actor(), key, None if what == "reset" else words, seen)
    except InvalidInput as refused:
        return _page(key, words, seen, faults=refused.fields, status=422)
    return redirect(request.path + "?done=1", 303)


def _key(audience: str, occasion: str, locale: str) -> tuple[str, str, str]:
    if locale not in city().locales or audience not in AUDIENCES or occasion not in occasions(audience):
        raise NotFound(Message(NO_MESSAGE))
    return audience, occasion, locale


def _page(
    key: tuple[str, str, str], words: tuple[str, str], seen: int, status: int = 200, **more: Any
) -> Response:
    shared = {"shown": None, "faults": {}, "done": request.args.get("done")} | more
    page = render_template(
        "staff/messages/wording.html",
        city=city(),
        staff=g.staff,
        key=key,
        words=words,
        seen=seen,
        places=PLACES,
        **shared,
    )
    return make_response(page, status)
