"""Knows the reporter of a report again: a cookie for that report alone, made from the secret or a one-time link."""

from __future__ import annotations

import secrets
from datetime import timedelta

from flask import request
from itsdangerous import BadSignature, SignatureExpired, TimestampSigner
from werkzeug.wrappers import Response

from portal.errors import Forbidden
from portal.i18n import N_, Message
from portal.operations.limit_attempts import Limit, reserve_attempt
from portal.web.services import services, writing

COOKIE = "wenlu_reporter"
COOKIE_SECONDS = 180 * 24 * 3600
LINK_SECONDS = 2 * 24 * 3600
ONE_USE = Limit("private-link", 1, timedelta(seconds=LINK_SECONDS))
WRONG = N_("This private link does not belong to this report.")
NO_REPORT = N_("There is no report with this number.")
NOT_REPORTER = N_("Only the person who filed this report may do that. Open it by your private link first.")
USED = N_("This link was used before, or is too old. Use the private link that you kept.")


def is_reporter(token: str) -> bool:
    """Whether this browser has shown that it filed the report."""
    try:
        kept = _signer("reporter").unsign(request.cookies.get(COOKIE, ""), max_age=COOKIE_SECONDS)
    except BadSignature:
        return False
    return secrets.compare_digest(kept, token.encode())


def require_reporter(token: str) -> None:
    """Forbidden for a browser that has not shown it."""
    if not is_reporter(token):
        raise Forbidden(Message(NOT_REPORTER))


def let_in(response: Response, token: str) -> Response:
    """Give this browser the cookie of one report; it is sent back to that report's pages only."""
    response.set_cookie(
        COOKIE,
        _signer("reporter").sign(token).decode(),
        max_age=COOKIE_SECONDS,
        path=f"/r/{token}",
        httponly=True,
        samesite="Lax",
        secure=services().settings.is_https,
    )
    return response


def check_secret(token: str, secret: str) -> None:
    """Forbidden unless the secret is this report's."""
    if not services().keyring.is_reporter_secret(token, secret.strip().removeprefix("#")):
        raise Forbidden(Message(WRONG))


def private_url(token: str) -> str:
    """The reporter's link: the secret stands in the fragment, which no server and no log ever sees."""
    return f"{services().settings.public_url}/r/{token}#{services().keyring.reporter_secret(token)}"


def one_time_url(token: str) -> str:
    """A link that opens the report once, for two days, by a press of a button: it needs no JavaScript."""
    code = _signer("one-time-link").sign(f"{token}.{secrets.token_urlsafe(12)}").decode()
    return f"{services().settings.public_url}/r/{token}/open/{code}"


def spend_one_time_code(token: str, code: str) -> None:
    """Forbidden unless the code is this report's, young enough and used for the first time."""
    try:
        named = _signer("one-time-link").unsign(code, max_age=LINK_SECONDS).decode().partition(".")[0]
    except (BadSignature, SignatureExpired, UnicodeDecodeError):
        raise Forbidden(Message(USED)) from None
    with writing() as tx:
        waiting = reserve_attempt(tx, services().context, [ONE_USE.of(services().context, code)])
    if named != token or waiting:
        raise Forbidden(Message(USED))


def _signer(purpose: str) -> TimestampSigner:
    return TimestampSigner(services().keyring.cookie_key(), salt=purpose)
