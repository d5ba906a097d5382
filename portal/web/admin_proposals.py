"""Answers `/admin/rules/proposals`: rule lines that hand-overs and rulings propose, and a draft of chosen ones."""

from __future__ import annotations

from collections.abc import Collection

from flask import Blueprint, make_response, render_template, request
from werkzeug.wrappers import Response

from portal import clock
from portal.errors import InvalidInput
from portal.i18n import Message
from portal.operations.draft_rules import draft_of_offers, offered_rules
from portal.web import access
from portal.web.admin import READERS, shared
from portal.web.admin_rules import PAST, draft_page
from portal.web.services import reading, services

MOST_CHOSEN = 200

pages = Blueprint("admin_proposals", __name__, url_prefix="/admin/rules")


@pages.get("/proposals")
@access.staff(*READERS)
def index() -> Response:
    """The proposed lines with their evidence."""
    return _page(200)


@pages.post("/draft")
@access.staff("admin")
def draft() -> Response:
    """Put the chosen lines into a draft, which is checked and compared before anybody publishes it."""
    chosen = set(request.form.getlist("line")[:MOST_CHOSEN])
    try:
        with reading() as tx:
            text = draft_of_offers(tx, services().context, clock.now() - PAST, chosen)
    except InvalidInput as refused:
        return _page(422, chosen, refused.fields["line"])
    return draft_page(200, text)


def _page(status: int, chosen: Collection[str] = (), fault: Message | None = None) -> Response:
    with reading() as tx:
        offers = offered_rules(tx, services().context, clock.now() - PAST)
    page = render_template(
        "staff/admin/proposals.html", offers=offers, days=PAST.days, chosen=chosen, fault=fault, **shared()
    )
    return make_response(page, status)
