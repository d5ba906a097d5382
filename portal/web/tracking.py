"""Answers `/r/<token>`: one report as everybody may follow it, and what its reporter may add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, send_file
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from geo.crs import LonLat
from portal import clock
from portal.crypto import read_token
from portal.errors import NotFound
from portal.i18n import Message
from portal.operations.answer_question import answer_question
from portal.operations.cast_voice import SAID, cast_voice
from portal.operations.context import REPORTER, REPORTER_ROLE
from portal.operations.move_report import Move, move_report
from portal.operations.store_photo import SHOWN, THUMB
from portal.operations.voice_links import voter_of
from portal.queries.case_parts import PUBLIC_PARTS, case_parts
from portal.queries.city import CityView
from portal.queries.objections import answered
from portal.queries.receipt_words import reason_message
from portal.queries.report_page import ReportView, newest_seq, public_history, report_view
from portal.web import access, clock_words, staff_words
from portal.web.closing_view import closing_of
from portal.web.forms.report_form import ANSWER
from portal.web.fresh import unchanged_or
from portal.web.history import (
    CLOSINGS,
    REASONS,
    STAGES,
    STATES,
    asked_about,
    custody_chain,
    history_lines,
    last_hand_over,
    state_words,
)
from portal.web.proof import comparison
from portal.web.receipt_picture import picture
from portal.web.receipt_text import receipt_text
from portal.web.reporter import (
    NO_REPORT,
    check_secret,
    is_reporter,
    let_in,
    one_time_url,
    private_url,
    require_reporter,
    spend_one_time_code,
)
from portal.web.services import city, reading, services, writing
from routing.lifecycle import available

pages = Blueprint("tracking", __name__)
REPORTER_MOVES = ("confirm", "contest", "unmerge")
PHOTO_SIZES = {"shown": SHOWN, "thumb": THUMB}


@pages.get("/r/<token>")
@access.public
def show(token: str) -> AnyResponse:
    """The tracking page."""
    if (proper := read_token(token)) != token:
        return redirect(f"/r/{proper}", 301)
    return make_response(render_template("public/tracking.html", **_view(token)))


@pages.get("/r/<token>/changed")
@access.public
def changed(token: str) -> AnyResponse:
    """How far the report has come: what its open page asks for, to fetch the rest only then; one statement."""
    with reading() as tx:
        seq = newest_seq(tx, services().jurisdiction_id, token)
    if seq is None:
        raise NotFound(Message(NO_REPORT))
    return unchanged_or(jsonify(seq=seq))


@pages.get("/r/<token>/filed")
@access.public
def filed(token: str) -> AnyResponse:
    """What the resident sees after filing: unit, reason, promise, private link; for the reporter only."""
    if not is_reporter(token):
        return redirect(f"/r/{token}", 303)
    links = {"private_url": private_url(token), "one_time_url": one_time_url(token)}
    return make_response(render_template("public/filed.html", **_view(token), **links))


@pages.post("/r/<token>/open")
@access.public
def open_with_secret(token: str) -> AnyResponse:
    """Exchange the secret of the private link for this report's cookie."""
    check_secret(token, request.form.get("secret", "")[:200])
    return let_in(redirect(f"/r/{token}", 303), token)


@pages.get("/r/<token>/open/<code>")
@access.public
def one_time(token: str, code: str) -> str:
    """A one-time link: opening it changes nothing, so that a mail scanner cannot use it up."""
    return render_template("public/one_time.html", token=token, code=code)


@pages.post("/r/<token>/open/<code>")
@access.public
def open_once(token: str, code: str) -> AnyResponse:
    """Exchange a one-time link for this report's cookie."""
    spend_one_time_code(token, code)
    return let_in(redirect(f"/r/{token}", 303), token)


@pages.post("/r/<token>/answer")
@access.public
def answer(token: str) -> AnyResponse:
    """The reporter answers the question that settles who is responsible."""
    require_reporter(token)
    given = {
        name[len(ANSWER) :]: tuple(request.form.getlist(name))
        for name in request.form
        if name.startswith(ANSWER)
    }
    with writing() as tx:
        answer_question(tx, services().context, token, given)
    return redirect(f"/r/{token}", 303)


@pages.post("/r/<token>/move/<action>")
@access.public
def reporter_move(token: str, action: str) -> AnyResponse:
    """The reporter confirms, contests, or separates a joined report."""
    require_reporter(token)
    if action not in REPORTER_MOVES:
        raise NotFound(Message(NO_REPORT))
    words, context = request.form.get("reason", "")[:1000], services().context
    with writing() as tx:
        if action in SAID:
            cast_voice(tx, context, token, voter_of(context.keyring, token, REPORTER_ROLE), action, words)
        else:
            move_report(tx, context, token, REPORTER, Move(action, reason=words, public_text=words))
    return redirect(f"/r/{token}", 303)


@pages.get("/r/<token>/photo/<media_token>/<size>")
@access.public
def photo(token: str, media_token: str, size: str) -> Response:
    """A photo in its safe version; those of private reports for the reporter only."""
    with reading() as tx:
        report = report_view(tx, services().jurisdiction_id, token)
    known = report is not None and any(each["token"] == media_token for each in report.photos)
    if (
        report is None
        or not known
        or size not in PHOTO_SIZES
        or (report.is_private and not is_reporter(token))
    ):
        raise NotFound(Message(NO_REPORT))
    path = services().store.path(f"{media_token}/{PHOTO_SIZES[size]}")
    response = send_file(path, mimetype="image/jpeg", conditional=True)
    response.headers["Cache-Control"] = (
        "private, max-age=86400" if report.is_private else "public, max-age=86400"
    )
    return response


def report_page(token: str, **more: Any) -> str:
    """The tracking page as text, with what a form of it brought back."""
    return render_template("public/tracking.html", **_view(token), **more)


def _view(token: str) -> dict[str, Any]:
    """Everything that the pages of one report show; three statements."""
    place = city()
    with reading() as tx:
        report = report_view(tx, services().jurisdiction_id, token)
        if report is None:
            raise NotFound(Message(NO_REPORT))
        events = public_history(tx, report.case_id)
        parts = case_parts(tx, report.case_id, PUBLIC_PARTS)
    own = is_reporter(token)
    receipt = report.own["receipt"] if own else report.public_receipt
    return {
        "report": report,
        "closing": closing_of(report, parts, place, is_own=own),
        "compare": comparison(report.photos, events),
        "photo_base": f"/r/{token}/photo",
        "rows": parts,  # by name, of the tables in PUBLIC_PARTS
        "is_own": own,
        "is_open_to_all": own or not report.is_private,
        "service": place.services.get(report.service_code),
        "unit_names": place.unit_names(report.lead_unit),
        "reason": reason_message(receipt, place),
        "receipt": receipt_text(receipt, place),
        "picture": _picture(report, receipt, place, is_own=own),
        "is_objected": "objected" in request.args,
        "objections": answered(events),
        "question": _question(report) if own else None,
        "moves": [each for each in available(report.state, "reporter", "reporter") if each in REPORTER_MOVES],
        "lines": history_lines(events, place),
        "handed": last_hand_over(events, place),
        "pause": clock_words.pause_of(events, report.state),
        "city_unit": place.coordination_unit,
        "custody": custody_chain(events, place, report.closed_at),
        "now": clock.now(),
        "asked": asked_about(report.state, report.closing_code),
        "words": _words(report),
        "settings": services().settings,
        "config": place.config,
    }


def _words(report: ReportView) -> dict[str, Mapping[str, str]]:
    """The words of codes; those of its own state are as honest as its ending allows."""
    states = STATES | {
        report.state: state_words(
            report.state, report.closing_code, is_confirmed=report.confirmed_at is not None, kind=report.kind
        )
    }
    return {
        "states": states, "closings": CLOSINGS, "stages": STAGES, "reasons": REASONS, "roles": staff_words.ROLES,
    }  # fmt: skip


def _picture(report: ReportView, receipt: Mapping[str, Any], place: CityView, *, is_own: bool) -> Markup:
    """The receipt's map around the point that this reader may see; none of a private report for others."""
    lon, lat = (report.own["lon"], report.own["lat"]) if is_own else (report.lon, report.lat)
    if lon is None or lat is None or (report.is_private and not is_own):
        return Markup("")
    service = place.services.get(report.service_code)
    # A service that has gone from the catalogue may have been a sensitive one.
    is_coarse = not is_own and (service is None or service.is_sensitive)
    return picture(receipt, place, LonLat(lon, lat), is_coarse=is_coarse)


def _question(report: ReportView) -> Any:
    """The question that would settle who is responsible, while it is open."""
    service = city().services.get(report.service_code)
    if service is None or not report.is_ambiguous or not report.question_code or report.status != "open":
        return None
    return next((each for each in service.questions if each.code == report.question_code), None)
