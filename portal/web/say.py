"""Answers the one-tap links of our letters, and the same buttons on the public page: confirm, contest, rate.

Opening a link changes nothing: scanners of mail open every link they see. Only its buttons do.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from portal import clock
from portal.errors import Conflict, InvalidInput, NotFound, TooMany
from portal.i18n import N_, Message
from portal.operations.cast_voice import cast_voice, voter_may
from portal.operations.context import NEIGHBOUR_ROLE, REPORTER_ROLE
from portal.operations.limit_attempts import Limit, address_block, reserve_attempt
from portal.operations.rate_closing import ASPECTS, Rating, rate_closing
from portal.operations.voice_links import GUEST_ROLE, VoiceLink, Voter, read_link, voter_of
from portal.queries.closing_page import ClosingView, closing_view
from portal.web import access
from portal.web.csrf import COOKIE as BROWSER
from portal.web.history import asked_about, state_words
from portal.web.limits import is_unlimited
from portal.web.reporter import is_reporter
from portal.web.services import city, reading, services, writing

pages = Blueprint("say", __name__)
# Neighbours have no link: one address is heard twice a day on a case, so that nobody opens it alone.
ON_CASE = Limit("voice-case", 2, timedelta(days=1))
BY_ADDRESS = Limit("voice", 20, timedelta(hours=1))
RATED_ON_CASE = Limit("rating-case", 10, timedelta(days=1))
ASPECT_WORDS = {"speed": N_("Speed"), "result": N_("Result"), "manner": N_("Manner")}
SCORE_WORDS = {
    5: N_("very good"),
    4: N_("good"),
    3: N_("fair"),
    2: N_("poor"),
    1: N_("very poor"),
}
TOO_OFTEN = N_("This was said very often just now. Please try again later.")


@pages.get("/r/<token>/say/<code>")
@access.public
def show(token: str, code: str) -> Response:
    """What somebody is asked about a closing; changes nothing."""
    return _page(token, code, *_by_link(token, code))


@pages.post("/r/<token>/say/<code>")
@access.public
def answer(token: str, code: str) -> Response:
    """Hear the answer that a button of the page gave."""
    link, voter = _by_link(token, code)
    says, words = request.form.get("says", ""), request.form.get("reason", "")[:4000]
    try:
        with writing() as tx:
            cast_voice(tx, services().context, token, voter, says, words, link.closing_no)
    except InvalidInput as refused:
        return _page(token, code, link, voter, 422, faults=refused.fields)
    except Conflict as refused:
        return _page(token, code, link, voter, 409, note=refused.message)
    return redirect(f"/r/{token}/say/{code}", 303)


@pages.post("/r/<token>/say/<code>/rating")
@access.public
def rate(token: str, code: str) -> Response:
    """Keep the rating that the page's form gave."""
    link, voter = _by_link(token, code)
    try:
        _reserve(token, link.role)
        with writing() as tx:
            rate_closing(tx, services().context, token, voter, typed_rating(), link.closing_no)
    except InvalidInput as refused:
        return _page(token, code, link, voter, 422, faults=refused.fields)
    except (Conflict, TooMany) as refused:
        return _page(token, code, link, voter, 409 if isinstance(refused, Conflict) else 429, refused.message)
    return redirect(f"/r/{token}/say/{code}", 303)


@pages.post("/r/<token>/voice")
@access.public
def speak(token: str) -> Response:
    """A neighbour, or the reporter in their own browser, answers on the public page."""
    says, words = request.form.get("says", ""), request.form.get("reason", "")[:1000]
    voter = _of_browser(token)
    _reserve(token, voter.role)
    with writing() as tx:
        cast_voice(tx, services().context, token, voter, says, words)
    return redirect(f"/r/{token}?said={says}#closing", 303)


@pages.post("/r/<token>/rating")
@access.public
def rate_own(token: str) -> Response:
    """The reporter rates on their own page."""
    with writing() as tx:
        rate_closing(tx, services().context, token, _of_browser(token), typed_rating())
    return redirect(f"/r/{token}?said=rated#closing", 303)


def typed_rating() -> Rating:
    """The rating as the form brought it; what is no number is missing."""
    given = {aspect: request.form.get(aspect, "") for aspect in ASPECTS}
    scores = {aspect: int(text) for aspect, text in given.items() if text in {"1", "2", "3", "4", "5"}}
    return Rating(scores, request.form.get("words", "")[:4000])


def rating_words() -> dict[str, Any]:
    """What the rating form and the shown ratings say."""
    return {"aspects": ASPECT_WORDS, "scores": SCORE_WORDS}


def _by_link(token: str, code: str) -> tuple[VoiceLink, Voter]:
    """What the link says and who answers by it; whoever scanned a code is known by the browser alone."""
    keyring = services().keyring
    link = read_link(keyring, token, code, clock.now())
    if link.role == GUEST_ROLE:
        return link, voter_of(keyring, token, GUEST_ROLE, request.cookies.get(BROWSER, ""))
    return link, link.voter(keyring, token)


def _of_browser(token: str) -> Voter:
    keyring = services().keyring
    if is_reporter(token):
        return voter_of(keyring, token, REPORTER_ROLE)
    return voter_of(keyring, token, NEIGHBOUR_ROLE, request.cookies.get(BROWSER, ""))


def _reserve(token: str, role: str) -> None:
    """Count what comes without a link of one's own; raises TooMany. In a transaction of its own."""
    address, context = request.remote_addr or "", services().context
    if role not in (NEIGHBOUR_ROLE, GUEST_ROLE) or is_unlimited(address):
        return
    block = address_block(address)
    on_case = ON_CASE if role == NEIGHBOUR_ROLE else RATED_ON_CASE
    with writing() as tx:
        wait = reserve_attempt(
            tx, context, [on_case.of(context, block, token), BY_ADDRESS.of(context, block)]
        )
    if wait:
        raise TooMany(Message(TOO_OFTEN), wait)


def _page(
    token: str,
    code: str,
    link: VoiceLink,
    voter: Voter,
    status: int = 200,
    note: Message | None = None,
    faults: dict[str, Message] | None = None,
) -> Response:
    with reading() as tx:
        closing = closing_view(tx, services().jurisdiction_id, token, link.closing_no, voter.key)
    if closing is None:
        raise NotFound(Message(N_("There is no report with this number.")))
    is_newest = closing.closing_no == link.closing_no
    page = render_template(
        "public/say.html",
        closing=closing,
        code=code,
        asked=asked_about(closing.state, closing.closing_code),
        answers=_answers(closing, link.role) if is_newest else (),
        is_newest=is_newest,
        may_rate=is_newest and not closing.is_rated and closing.state != "duplicate",
        is_asked=link.role != GUEST_ROLE,
        state=state_words(closing.state, closing.closing_code),
        service=city().services.get(closing.service_code),
        unit_names=city().unit_names(closing.unit_code),
        typed=request.form,
        note=note,
        faults=faults or {},
        rating=rating_words(),
    )
    return make_response(page, status)


def _answers(closing: ClosingView, role: str) -> tuple[str, ...]:
    """The buttons that still do something for this person."""
    return tuple(each for each in voter_may(closing.state, role) if each != closing.said)
