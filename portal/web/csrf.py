"""Knows how a form proves that it came from our own page: a token signed for this browser's cookie."""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from portal.errors import Forbidden
from portal.i18n import N_
from portal.web.services import services

COOKIE = "wenlu_browser"
FIELD, HEADER = "csrf_token", "X-CSRF-Token"
THIRTY_DAYS = 30 * 24 * 3600
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Called by programs without cookies, so that no browser's authority can be misused.
COOKIELESS = ("/api/", "/open311/", "/unsubscribe/")
OPEN_TOO_LONG = N_("This page was open for too long, so it was not sent. Please send it once more.")
EXPIRED = N_("This page was open for too long. Go back, load it again and send it once more.")


class ExpiredForm(Forbidden):
    """A form of ours whose token no longer fits: a page may show it again, with what was typed and a new token."""


def csrf_token() -> str:
    """The token to put into a form of this page; makes the browser's cookie on first use."""
    browser = request.cookies.get(COOKIE) or g.get("new_browser")
    if not browser or len(browser) > 64:
        g.new_browser = browser = secrets.token_urlsafe(16)
    return _token_for(browser)


def _token_for(browser: str) -> str:
    return services().keyring.pseudonym("csrf", browser).hex()[:43]


def protect() -> None:
    """Before every request that may change something: Forbidden unless it came from a form of ours."""
    if request.method in SAFE_METHODS or request.path.startswith(COOKIELESS):
        return
    if not _is_same_origin():
        raise Forbidden(EXPIRED)
    browser = request.cookies.get(COOKIE, "")
    given = request.headers.get(HEADER) or request.form.get(FIELD, "")
    if not browser or not hmac.compare_digest(_token_for(browser).encode(), given.encode()):
        raise ExpiredForm(EXPIRED)


def _is_same_origin() -> bool:
    """What the browser itself says of where the request began, where it says anything."""
    if (site := request.headers.get("Sec-Fetch-Site")) is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


def install(app: Flask) -> None:
    """Check every unsafe request and offer `csrf_token()` to templates."""
    app.before_request(protect)
    app.jinja_env.globals["csrf_token"] = csrf_token

    @app.after_request
    def keep_browser(response: Response) -> Response:
        if browser := g.get("new_browser"):
            response.set_cookie(
                COOKIE,
                browser,
                max_age=THIRTY_DAYS,
                httponly=True,
                samesite="Lax",
                secure=services().settings.is_https,
            )
        return response
