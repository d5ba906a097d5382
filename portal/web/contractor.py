"""Answers `/job/open/<code>`: one case for a contractor without an account, by a signed link that ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from flask import Blueprint, make_response, redirect, render_template, request
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response

from portal import clock
from portal.errors import Forbidden, InvalidInput, NotFound
from portal.i18n import Message
from portal.models.crews import contractor_question
from portal.operations.contractor_links import ENDED, Opened, ask_unit, note_use, open_link
from portal.operations.limit_attempts import Limit, reserve_attempt
from portal.operations.move_checks import Move
from portal.operations.move_report import move_report
from portal.queries.report_page import report_view
from portal.web import access, staff_words
from portal.web.forms.staff_move import end_of_day, read_photos, read_seq
from portal.web.limits import count_guess, too_many
from portal.web.place_picture import directions_url
from portal.web.services import city, reading, services, writing
from routing.closing import closing_codes_for
from routing.lifecycle import available

pages = Blueprint("contractor", __name__, url_prefix="/job/open")
ACTIONS = ("accept", "start", "resolve", "ask")
# A link in wrong hands does no more than this; so often nobody works on one case.
USES = Limit("contractor-link", 60, timedelta(minutes=10))
# Endings that a contractor may name; the rest is for the unit to decide.
ENDINGS = ("fixed", "partly_fixed", "not_found", "answered")


@pages.get("/<code>")
@access.public
def show(code: str) -> Response:
    """The case: place, what is to be done, by when; opening it changes nothing. Four statements."""
    return _page(code, 200)


@pages.post("/<code>/<action>")
@access.public
def act(code: str, action: str) -> Response:
    """Accept, begin, ask, or resolve with proof, as the contractor's unit."""
    if action not in ACTIONS:
        raise NotFound(Message(ENDED))
    opened = _limited(code)
    try:
        with writing() as tx:
            _act(tx, opened, action)
            note_use(tx, opened)
    except InvalidInput as refused:
        return _page(code, 422, action, refused.fields)
    done = "ended" if action == "resolve" else action
    return redirect(f"/job/open/{code}?done={done}", 303)


def _act(tx: Connection, opened: Opened, action: str) -> None:
    given, context = request.form, services().context
    if action == "ask":
        ask_unit(tx, context, opened, given.get("question", ""))
        return
    move = Move(action, seen_seq=read_seq(given.get("seen_seq", "")))
    if action == "resolve":
        code = given.get("closing_code", "")
        move = Move(
            action, reason=given.get("reason", ""), closing_code=code if code in ENDINGS else "",
            public_text=given.get("public_text", ""), photos=tuple(read_photos(request.files.getlist("photos"), 0)),
            until=end_of_day(given.get("until", ""), city().timezone), seen_seq=move.seen_seq,
        )  # fmt: skip
    move_report(tx, context, opened.token, opened.actor, move)


def _limited(code: str) -> Opened:
    """The link, counted: TooMany for one that is used by the dozen."""
    opened = _opened(code)
    with writing() as tx:
        wait = reserve_attempt(tx, services().context, [USES.of(services().context, str(opened.link_id))])
    if wait:
        raise too_many(wait)
    return opened


def _opened(code: str) -> Opened:
    """What the link opens; one that opens nothing is counted as a guess."""
    try:
        with reading() as tx:
            return open_link(tx, services().context, code)
    except Forbidden:
        count_guess()
        raise


def _page(code: str, status: int, failed: str = "", faults: Mapping[str, Message] | None = None) -> Response:
    opened = _opened(code)
    with reading() as tx:
        found = report_view(tx, services().jurisdiction_id, opened.token)
        mine = contractor_question.c.report_id == opened.case_id
        theirs = contractor_question.c.unit_code == opened.unit_code
        asked = tx.execute(
            select(contractor_question).where(mine, theirs).order_by(contractor_question.c.id)
        ).all()
    if found is None:
        raise Forbidden(Message(ENDED))
    view = city()
    offered = [each for each in available(found.state, "contractor", "lead") if each in ACTIONS]
    page = render_template(
        "public/job.html", code=code, opened=opened, report=found, questions=asked, seq=opened.last_seq, city=view,
        service=view.services.get(found.service_code), actions=offered, words=staff_words, failed=failed,
        faults=faults or {}, now=clock.now(), is_open=found.status == "open",
        endings=[each.code for each in closing_codes_for(found.kind) if each.code in ENDINGS],
        directions=directions_url(services().settings.directions_url, found.own["lon"], found.own["lat"]),
    )  # fmt: skip
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
