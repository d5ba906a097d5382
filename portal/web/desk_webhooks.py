"""Answers `/desk/messages/webhooks`: who is told of public events, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from portal.errors import InvalidInput
from portal.i18n import Message
from portal.net_guard import NetGuard
from portal.operations.manage_webhooks import add_webhook, ask_for_test, rotate_secret, switch_webhook
from portal.queries.webhooks import list_webhooks, webhook_deliveries
from portal.web import access
from portal.web.admin import actor
from portal.web.history import LINES
from portal.web.services import city, reading, services, writing

pages = Blueprint("desk_webhooks", __name__, url_prefix="/desk/messages/webhooks")


@pages.get("")
@access.staff("admin")
def index() -> Response:
    """The webhooks, and a form for another."""
    return _page(200)


@pages.post("")
@access.staff("admin")
def add() -> Response:
    """Add one; its secret is shown this once."""
    given, context = request.form, services().context
    kinds = tuple(kind for kind in LINES if kind in given.getlist("kinds"))
    try:
        with writing() as tx:
            secret = add_webhook(
                tx, context, _guard(), actor(), given.get("name", ""), given.get("url", "")[:2000],
                given.get("unit", ""), kinds,
            )  # fmt: skip
    except InvalidInput as refused:
        return _page(422, refused.fields)
    return _page(200, secret=secret)


@pages.get("/<int:webhook_id>")
@access.staff("admin")
def show(webhook_id: int) -> Response:
    """The newest deliveries of one."""
    with reading() as tx:
        rows = webhook_deliveries(tx, services().jurisdiction_id, webhook_id)
    page = render_template("staff/messages/webhook.html", city=city(), staff=g.staff, rows=rows, lines=LINES)
    return make_response(page)


@pages.post("/<int:webhook_id>")
@access.staff("admin")
def change(webhook_id: int) -> Response:
    """A new secret, a test, stop or go on."""
    what, context = request.form.get("what", ""), services().context
    secret = ""
    with writing() as tx:
        if what == "rotate":
            secret = rotate_secret(tx, context, actor(), webhook_id)
        elif what == "test":
            ask_for_test(tx, context, webhook_id)
        elif what in {"stop", "resume"}:
            switch_webhook(tx, context, actor(), webhook_id, is_active=what == "resume")
    return _page(200, secret=secret) if secret else redirect("/desk/messages/webhooks", 303)


def _page(status: int, faults: Mapping[str, Message] | None = None, secret: str = "") -> Response:
    with reading() as tx:
        rows = list_webhooks(tx, services().jurisdiction_id)
    page = render_template(
        "staff/messages/webhooks.html",
        city=city(),
        staff=g.staff,
        rows=rows,
        faults=faults or {},
        secret=secret,
        kinds=LINES,
    )
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _guard() -> NetGuard:
    return NetGuard(services().settings.outbound_networks)
