"""Knows the pages on which staff sign in and out and look after their own account."""

from __future__ import annotations

import secrets

from flask import Blueprint, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from portal import clock
from portal.errors import InvalidInput
from portal.i18n import N_, Message
from portal.operations import manage_accounts, sign_in
from portal.operations.passwords import SHORTEST_PASSWORD
from portal.queries.accounts import count_sessions
from portal.queries.staff_rights import Staff
from portal.web import access
from portal.web.forms.staff_sign_in import read_credentials, safe_next
from portal.web.services import city, reading, services, writing
from portal.web.staff_words import ROLES

COOKIE = "wenlu_staff"
COOKIE_PATHS = ("/admin", "/desk")
SIGNED_OUT = N_("You are signed out.")
SIGNED_OUT_EVERYWHERE = N_("You are signed out in every browser.")
PASSWORD_CHANGED = N_("Your password is changed. Please sign in with the new one.")
NOTES = {"out": SIGNED_OUT, "everywhere": SIGNED_OUT_EVERYWHERE, "password": PASSWORD_CHANGED}
TOO_OFTEN = N_("Too many attempts to sign in. Please wait %(minutes)s minutes and try again.")

# What static/js/live.js sends: nobody pressed anything, so a forgotten page does not keep a session open.
WATCHING = "X-Watching"
pages = Blueprint("staff_auth", __name__, url_prefix="/desk")
pages.record_once(lambda setup: setup.app.jinja_env.globals.update(staff_roles=ROLES))


def find_staff() -> Staff | None:
    """Who is behind this request; also keeps their session alive, unless only an open page looks for news."""
    secret = request.cookies.get(COOKIE, "")
    if not secret:
        return None
    with writing() as tx:
        is_used = WATCHING not in request.headers
        staff = sign_in.resume_session(tx, services().context, secret, is_used=is_used)
    if staff and staff.is_demo and not is_demo_allowed():
        return None
    return staff


def is_demo_allowed() -> bool:
    """Demo accounts stay on this machine unless the operator said otherwise."""
    settings = services().settings
    return settings.is_loopback or settings.allow_demo_accounts


@pages.get("/sign-in")
@access.public
def sign_in_form() -> Response:
    """The form; who is signed in already goes on at once."""
    if find_staff():
        return redirect(safe_next(request.args.get("next", "")), 303)
    note = NOTES.get(request.args.get("note", ""))
    return _sign_in_page(200, note=Message(note) if note else None)


@pages.post("/sign-in")
@access.public
def sign_in_now() -> Response:
    """Check the password, within the limits, and start a session."""
    credentials = read_credentials(request.form, request.remote_addr or "", request.cookies.get(COOKIE, ""))
    context = services().context
    with writing() as tx:
        wait = sign_in.reserve_sign_in(tx, context, credentials)
    if wait:
        refused = _sign_in_page(429, fault=Message(TOO_OFTEN, {"minutes": -(-wait // 60)}))
        refused.headers["Retry-After"] = str(wait)
        return refused
    with writing() as tx:
        outcome = sign_in.sign_in(tx, context, credentials, is_demo_allowed=is_demo_allowed())
    if outcome.refusal:
        return _sign_in_page(422, fault=outcome.refusal)
    return _with_cookie(redirect(safe_next(request.form.get("next", "")), 303), outcome.secret)


@pages.post("/sign-out")
@access.public
def sign_out() -> Response:
    """End this session."""
    with writing() as tx:
        sign_in.sign_out(tx, request.cookies.get(COOKIE, ""))
    return _with_cookie(redirect("/desk/sign-in?note=out", 303), "")


@pages.get("/account")
@access.staff()
def account() -> Response:
    """One's own account: roles, sessions, password."""
    return _account_page(200)


@pages.post("/account/password")
@access.staff()
def change_password() -> Response:
    """Change the password; every session ends, this one too. Limited like signing in."""
    given, context = request.form, services().context
    old, new = given.get("old_password", "")[:300], given.get("password", "")
    try:
        if new != given.get("password_again", ""):
            raise InvalidInput({"password_again": Message(N_("The two passwords are not the same."))})
        _count_password_attempt(old)
        with writing() as tx:
            manage_accounts.change_password(tx, context, g.staff.account_id, old, new)
    except InvalidInput as refused:
        return _account_page(422, refused)
    return _with_cookie(redirect("/desk/sign-in?note=password", 303), "")


@pages.post("/account/sign-out-everywhere")
@access.staff()
def sign_out_everywhere() -> Response:
    """End every session of this account, this one too."""
    with writing() as tx:
        sign_in.sign_out_everywhere(tx, services().context, g.staff.account_id)
    return _with_cookie(redirect("/desk/sign-in?note=everywhere", 303), "")


def _count_password_attempt(old: str) -> None:
    """Somebody at an unlocked screen must not be able to try old passwords without end."""
    credentials = sign_in.Credentials(g.staff.email, old, request.remote_addr or "")
    with writing() as tx:
        wait = sign_in.reserve_sign_in(tx, services().context, credentials)
    if wait:
        raise InvalidInput({"old_password": Message(TOO_OFTEN, {"minutes": -(-wait // 60)})})


def _sign_in_page(status: int, fault: Message | None = None, note: Message | None = None) -> Response:
    wanted = safe_next(request.values.get("next", ""))
    page = render_template(
        "staff/sign_in.html",
        fault=fault,
        note=note,
        next=wanted,
        email=request.form.get("email", "")[:300],
        shows_demo=status == 200 and city().is_demo and is_demo_allowed(),
    )
    return make_response(page, status)


def _account_page(status: int, refused: InvalidInput | None = None) -> Response:
    now = clock.now()
    with reading() as tx:
        sessions = count_sessions(tx, g.staff.account_id, now, now - sign_in.SESSION_IDLE)
        view = city()
    faults = refused.fields if refused else {}
    page = render_template(
        "staff/account.html",
        staff=g.staff, sessions=sessions, city=view, faults=faults, shortest=SHORTEST_PASSWORD,
    )  # fmt: skip
    return make_response(page, status)


def _with_cookie(response: Response, secret: str) -> Response:
    """Set or drop the session's cookie; the browser gets a new form token with every change of person."""
    g.new_browser = secrets.token_urlsafe(16)
    for path in COOKIE_PATHS:  # nowhere else does a browser say who it is
        response.set_cookie(
            COOKIE,
            secret,
            max_age=int(sign_in.SESSION_LASTS.total_seconds()) if secret else 0,
            path=path,
            httponly=True,
            samesite="Lax",
            secure=services().settings.is_https,
        )
    return response
