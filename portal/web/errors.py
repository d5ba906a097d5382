"""Knows how each refusal looks as a page: status, title, and what the reader can do."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask, Response, current_app, make_response, render_template, request
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException, SecurityError

from portal.errors import Conflict, Forbidden, InvalidInput, NotFound, NotReady, TooMany, WenluError
from portal.i18n import N_, Message
from portal.web.locale import say

log = logging.getLogger("wenlu.web")
FACES = "wenlu_error_faces"
Face = Callable[[int, Any, WenluError | None], Response]

STATUS_OF: tuple[tuple[type[WenluError], int], ...] = (
    (InvalidInput, 422),
    (NotFound, 404),
    (Forbidden, 403),
    (Conflict, 409),
    (TooMany, 429),
    (NotReady, 503),
)
TITLES = {
    400: N_("We could not read that"),
    403: N_("Not for you to see"),
    404: N_("There is nothing here"),
    405: N_("That cannot be done here"),
    409: N_("Something changed in the meantime"),
    413: N_("That is too large"),
    422: N_("Please check what you entered"),
    429: N_("Too many requests"),
    500: N_("Something went wrong on our side"),
    503: N_("Not ready yet"),
}
ADVICE = {
    404: N_("The address may be mistyped, or the report may have been removed."),
    413: N_("Please send fewer or smaller photos."),
    429: N_("Please wait a moment and try again."),
    500: N_("It has been noted. Please try again in a few minutes."),
    503: N_("Please try again in a few minutes."),
}
# What a refused step was about, by its address; and where each part of the site begins.
SUBJECTS = (
    (r"/desk/case/[0-9A-Z]+", N_("Go back to the case")),
    (r"/desk/incidents/[0-9A-Z]+", N_("Go back to the incident")),
    (r"/r/[0-9A-Z]+", N_("Go back to the report")),
)
HOMES = (
    ("/desk", ("/desk/", N_("Go to the desk"))),
    ("/admin", ("/admin", N_("Go to the administration"))),
    ("/", ("/", N_("Go to the front page"))),
)


def status_of(error: WenluError) -> int:
    """The HTTP status of a refusal."""
    return next((status for kind, status in STATUS_OF if isinstance(error, kind)), 400)


def title_of(status: int) -> str:
    """The title of a status in the reader's language."""
    return say_msgid(TITLES.get(status) or TITLES[500 if status >= 500 else 400])


def say_msgid(msgid: str) -> str:
    """A marked string in the reader's language."""
    return say(Message(msgid))


def html_face(status: int, title: str, error: WenluError | None) -> Response:
    """The refusal as a page."""
    detail = say(error.message) if error else say_msgid(ADVICE[status]) if status in ADVICE else ""
    ways = ways_back(request.path, status)
    return make_response(
        render_template("errors/error.html", status=status, title=title, detail=detail, ways=ways), status
    )


def ways_back(path: str, status: int) -> list[tuple[str, str]]:
    """Where a refusal leads on, as address and words: to the case or report it was about, then to the desk or home."""
    ways = [(re.match(pattern, path), words) for pattern, words in SUBJECTS]
    subject = [(match[0], words) for match, words in ways if match and match[0] != path and status != 404]
    home = next(way for prefix, way in HOMES if path.startswith(prefix))
    return [*subject, home]


def install(app: Flask, faces: Sequence[tuple[str, Face]]) -> None:
    """Answer every refusal in the form of the part of the site it happened in; `faces`: path prefix, face."""
    app.extensions[FACES] = tuple(faces)
    app.register_error_handler(WenluError, _refuse)
    app.register_error_handler(HTTPException, _refuse_http)
    app.register_error_handler(DataError, _refuse_data)
    app.register_error_handler(Exception, _fail)


def _answer(status: int, error: WenluError | None = None) -> Response:
    faces: Sequence[tuple[str, Face]] = current_app.extensions[FACES]
    face = next((face for prefix, face in faces if request.path.startswith(prefix)), html_face)
    response = face(status, title_of(status), error)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _refuse(error: WenluError) -> Response:
    return _answer(status_of(error), error)


def _refuse_http(error: HTTPException) -> Response:
    if error.code is not None and error.code < 400:  # a redirect of the router
        return make_response(error.get_response())
    if isinstance(error, SecurityError):  # a foreign host name: no address of ours can be written for it
        return Response("This host name is not served here.\n", 400, content_type="text/plain")
    response = _answer(error.code or 500)
    if error.code == 405 and (allowed := getattr(error, "valid_methods", None)):
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _refuse_data(error: DataError) -> Response:
    # A zero byte, or a number beyond the column's range: the database is the last to notice.
    log.warning("%s was sent what the database cannot hold: %s", request.endpoint, type(error.orig).__name__)
    return _answer(400)


def _fail(error: Exception) -> Response:
    # The route only: an address may hold what somebody typed.
    log.error("%s failed: %s", request.endpoint, type(error).__name__, exc_info=error)
    return _answer(500)
