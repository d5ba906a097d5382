"""Answers the "wrong?" button of `/r/<token>`: somebody says that another unit should answer."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from portal.errors import InvalidInput, TooMany
from portal.i18n import Message
from portal.operations.object_to_route import Objected, Objection, object_to_route, reserve_objection
from portal.web import access
from portal.web.csrf import OPEN_TOO_LONG, ExpiredForm
from portal.web.reporter import is_reporter
from portal.web.services import services, writing
from portal.web.tracking import report_page

pages = Blueprint("objections", __name__)


@pages.post("/r/<token>/objection")
@access.public
def say_wrong(token: str) -> Response:
    """Keep what somebody says against the receipt; what was typed survives every refusal."""
    try:
        keep_objection(token, request.form.get("text", ""), is_by_reporter=is_reporter(token))
    except InvalidInput as refused:
        return _said_again(token, refused.fields["text"], 422)
    except TooMany as refused:
        page = _said_again(token, refused.message, 429)
        page.headers["Retry-After"] = str(refused.retry_after)
        return page
    return redirect(f"/r/{token}?objected=1#why", 303)


@pages.errorhandler(ExpiredForm)
def send_again(_refusal: ExpiredForm) -> Response:
    """The page with the words kept and a fresh token, for somebody who took long to write."""
    return _said_again((request.view_args or {})["token"], Message(OPEN_TOO_LONG), 403)


def _said_again(token: str, fault: Message, status: int) -> Response:
    refused = {"fault": fault, "words": request.form.get("text", "")}
    return make_response(report_page(token, objection=refused), status)


def keep_objection(token: str, words: str, *, is_by_reporter: bool, should_be: str = "") -> Objected:
    """Count the attempt, then record; raises what `object_to_route` does, and TooMany."""
    objection = Objection(words, request.remote_addr or "", is_by_reporter, should_be)
    with writing() as tx:
        reserve_objection(tx, services().context, token, objection)
    with writing() as tx:
        return object_to_route(tx, services().context, token, objection)
