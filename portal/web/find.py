"""Answers `/find`: a report looked up by its number, as a person types it."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from portal.crypto import ALPHABET, read_token
from portal.queries.report_page import is_report
from portal.web import access
from portal.web.limits import count_guess
from portal.web.services import reading, services

pages = Blueprint("find", __name__)


@pages.get("/find")
@access.public
def find() -> Response:
    """Lead to the report; numbers that no report has are counted, so that nobody tries them all."""
    typed = read_token(request.args.get("number", ""))
    number = "".join(letter for letter in typed if letter in ALPHABET)[:40]
    if not number:
        return redirect("/", 303)
    with reading() as tx:
        is_known = is_report(tx, services().jurisdiction_id, number)
    if not is_known:
        count_guess()
    return redirect(f"/r/{number}", 303)
