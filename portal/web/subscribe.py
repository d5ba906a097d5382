"""Answers `/subscribe`: news of an area, a service or a unit by e-mail, one's own link, and the one-click end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, make_response, redirect, render_template, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from portal.errors import InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.operations.context import Context
from portal.operations.follow_report import stop_following
from portal.operations.limit_attempts import address_block
from portal.operations.news_letter import subject_names
from portal.operations.subscribe import (
    PACES,
    WRONG_LINK,
    Wish,
    check_subject,
    confirm_subscription,
    leave_subscription,
    stop_subscription,
    subscribe,
)
from portal.queries.subscriptions import Subject, own_subscription
from portal.web import access
from portal.web.areas import offered_areas
from portal.web.locale import current_locale, named
from portal.web.services import city, reading, services, writing

pages = Blueprint("subscribe", __name__)
PACE_WORDS = {"daily": N_("Once a day, in the morning"), "hourly": N_("At most once an hour")}
STOPS: Mapping[str, Callable[[Connection, Context, str, str], None]] = {
    "news": stop_subscription,
    "follow": stop_following,
}


@pages.get("/subscribe")
@access.public
def ask() -> Response:
    """The form for one area, service or unit, or the choice of one; no statement. A report has its own."""
    return _form(_subject(request.args)) if request.args.get("kind") else _choice()


@pages.post("/subscribe")
@access.public
def send() -> Response:
    """Write to the address and ask; the answer is the same whoever gets these letters already."""
    subject, form = _subject(request.form), request.form
    email, pace = form.get("email", "").strip()[:254], form.get("pace", "")[:20]
    wish = Wish(subject, email, pace, current_locale(), address_block(request.remote_addr or ""))
    try:
        with writing() as tx:
            subscribe(tx, services().context, wish)
    except InvalidInput as refusal:
        return _form(subject, email, pace, refusal.fields, 422)
    return _form(subject, is_asked=True)


@pages.get("/subscription/<token>")
@access.public
def show(token: str) -> str:
    """A subscriber's own page: opening it changes nothing, so that a mail scanner cannot agree for anybody."""
    with reading() as tx:
        found = own_subscription(tx, services().jurisdiction_id, token)
    if found is None:
        raise NotFound(Message(WRONG_LINK))
    return render_template(
        "public/subscription.html",
        token=token,
        found=found,
        name=named(subject_names(city(), Subject(found.kind, found.code))),
        paces=PACE_WORDS,
    )


@pages.post("/subscription/<token>/confirm")
@access.public
def confirm(token: str) -> Response:
    """Agree to the letters with the secret of one's own link."""
    with writing() as tx:
        confirm_subscription(tx, services().context, token, request.form.get("secret", "")[:200])
    return redirect(f"/subscription/{token}?done=confirm", 303)


@pages.post("/subscription/<token>/leave")
@access.public
def leave(token: str) -> str:
    """End them, and forget the address."""
    with writing() as tx:
        leave_subscription(tx, services().context, token, request.form.get("secret", "")[:200])
    return render_template("public/unsubscribe_news.html", is_done=True)


@pages.get("/unsubscribe/<kind>/<token>/<code>")
@access.public
def stop_page(kind: str, token: str, code: str) -> str:
    """Opening the link changes nothing, so that a mail scanner ends nobody's letters."""
    if kind not in STOPS:
        raise NotFound(Message(WRONG_LINK))
    return render_template("public/unsubscribe_news.html", is_done=False, address=request.path)


@pages.post("/unsubscribe/<kind>/<token>/<code>")
@access.public
def stop_now(kind: str, token: str, code: str) -> str:
    """End the letters: pressed on the page, or by a mail program (RFC 8058), which has no cookie."""
    if kind not in STOPS:
        raise NotFound(Message(WRONG_LINK))
    with writing() as tx:
        STOPS[kind](tx, services().context, token, code)
    return render_template("public/unsubscribe_news.html", is_done=True)


def _choice() -> Response:
    offered = [each for each in city().services.values() if each.is_active]
    page = render_template(
        "public/subscribe_choice.html", areas=offered_areas(), services=offered, units=list(city().directory)
    )
    return make_response(page)


def _subject(given: Mapping[str, str]) -> Subject:
    return check_subject(city(), Subject(given.get("kind", "")[:20], given.get("code", "")[:80]))


def _form(
    subject: Subject,
    email: str = "",
    pace: str = "",
    faults: Mapping[str, Message] | None = None,
    status: int = 200,
    *,
    is_asked: bool = False,
) -> Response:
    page = render_template(
        "public/subscribe.html",
        subject=subject,
        name=named(subject_names(city(), subject)),
        paces=PACE_WORDS,
        pace=pace if pace in PACES else PACES[0],
        email=email,
        faults=faults or {},
        is_asked=is_asked,
    )
    return make_response(page, status)
