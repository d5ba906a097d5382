"""Answers the "wrong?" button of `/r/<token>`: somebody says that another unit should answer."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from portal.operations.object_to_route import Objected, Objection, object_to_route, reserve_objection
from portal.web import access
from portal.web.reporter import is_reporter
from portal.web.services import services, writing

pages = Blueprint("objections", __name__)


@pages.post("/r/<token>/objection")
@access.public
def say_wrong(token: str) -> Response:
    """Keep what somebody says against the receipt."""
    keep_objection(token, request.form.get("text", ""), is_by_reporter=is_reporter(token))
    return redirect(f"/r/{token}?objected=1#why", 303)


def keep_objection(token: str, words: str, *, is_by_reporter: bool, should_be: str = "") -> Objected:
    """Count the attempt, then record; raises what `object_to_route` does, and TooMany."""
    objection = Objection(words, request.remote_addr or "", is_by_reporter, should_be)
    with writing() as tx:
        reserve_objection(tx, services().context, token, objection)
    with writing() as tx:
        return object_to_route(tx, services().context, token, objection)
