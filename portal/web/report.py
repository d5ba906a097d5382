"""Answers `/report`: the form, its questions, and what is sent with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from geo.crs import LonLat, to_wgs84
from portal import clock
from portal.errors import Conflict, InvalidInput, TooMany
from portal.i18n import N_, Message
from portal.operations.submission import FORM_PHOTOS, Submission, check_submission
from portal.queries.city import QuestionView, ServiceView
from portal.queries.duties import by_group
from portal.queries.nearby_reports import nearby_reports
from portal.queries.planned_works import known_works
from portal.web import access
from portal.web.areas import offered_areas
from portal.web.csrf import OPEN_TOO_LONG, ExpiredForm
from portal.web.forms.report_form import (
    ReportForm,
    empty_form,
    in_page_order,
    read_form,
    read_photos,
    submission_of,
)
from portal.web.intake import file_report, keep_photo
from portal.web.known_works import until_words
from portal.web.locale import current_locale
from portal.web.reporter import let_in
from portal.web.services import city, reading, services

pages = Blueprint("report", __name__)
SENT_BEFORE = N_("A report was already sent from this page. Send once more to file this as another report.")


@pages.get("/report")
@access.public
def form() -> Response:
    """The empty form; `?service=` chooses one, `?unit=` and `?about=` the unit or case that a complaint is about."""
    named = {"service_code": "service", "about_unit": "unit", "about_case": "about"}
    wanted = {field: request.args.get(name, "") for field, name in named.items()}
    return _page(empty_form(wanted))


@pages.get("/report/questions")
@access.public
def questions() -> Response:
    """The questions of one service, for the form that is already open."""
    blank = empty_form({"service_code": request.args.get("service", "")})
    return make_response(
        render_template("public/_questions.html", form=blank, service=_service(blank), question_stops=_stops)
    )


@pages.post("/report")
@access.public
def send() -> Response:
    """File what was typed; what does not hold comes back with everything else kept."""
    given = read_form(request.form)
    if "show_questions" in request.form:
        return _page(_keeping_photos(given))
    try:
        submitted = file_report(_submission(given))
    except InvalidInput as refusal:
        return _page(_keeping_photos(replace(given, faults=refusal.fields)), 422)
    except Conflict:
        again = replace(_keeping_photos(given), request_id=empty_form({}).request_id)
        return _page(replace(again, faults={"form": Message(SENT_BEFORE)}), 409)
    except TooMany as refusal:
        page = _page(replace(_keeping_photos(given), faults={"form": refusal.message}), 429)
        page.headers["Retry-After"] = str(refusal.retry_after)
        return page
    return let_in(redirect(f"/r/{submitted.token}/filed", 303), submitted.token)


@pages.errorhandler(ExpiredForm)
def send_again(_refusal: ExpiredForm) -> Response:
    """The form with everything kept and a fresh token, for somebody who took long to write."""
    given = _keeping_photos(read_form(request.form))
    given = replace(given, request_id=given.request_id or empty_form({}).request_id)
    return _page(replace(given, faults={"form": Message(OPEN_TOO_LONG)} | dict(given.faults)), 403)


def _submission(given: ReportForm) -> Submission:
    """What the form amounts to; InvalidInput names every fault at once, those that cannot be read first."""
    photos, unread = read_photos(request.files.getlist("photo"), len(given.media))
    submission, misplaced = submission_of(given, city().router.city.index.layers, current_locale(), photos)
    if not (faults := {**unread, **misplaced}):
        return submission
    try:
        check_submission(submission, city())
    except InvalidInput as refusal:
        faults = {**refusal.fields, **faults}
    raise InvalidInput(faults)


def _keeping_photos(given: ReportForm) -> ReportForm:
    """Photos become tokens, so that they need not be chosen again; what is no photo is named."""
    kept, faults = list(given.media), dict(given.faults)
    for each in request.files.getlist("photo"):
        if not each.filename or len(kept) >= FORM_PHOTOS:
            continue
        each.stream.seek(0)
        try:
            kept.append(keep_photo(each.read()))
        except InvalidInput as refusal:
            faults |= refusal.fields
        except TooMany as refusal:
            faults["media"] = refusal.message
    return replace(given, media=tuple(kept), faults=in_page_order(faults))


def _page(given: ReportForm, status: int = 200) -> Response:
    shown = render_template(
        "public/report.html",
        form=given,
        service=_service(given),
        question_stops=_stops,
        groups=by_group(city().services.values()),
        areas=offered_areas(),
        units=list(city().directory),
        config=city().config,
        tile_url=services().settings.tile_url,
        tile_attribution=services().settings.tile_attribution,
        most_photos=FORM_PHOTOS,
        has_sms=services().context.has_sms,
        **_found_before(given),
    )
    return make_response(shown, status)


def _found_before(given: ReportForm) -> dict[str, Any]:
    """What is known already of the place and the problem that were typed, for browsers without JavaScript."""
    submission, _ = submission_of(given, city().router.city.index.layers, current_locale())
    place, service = submission, _service(given)
    if service is None or place.lon is None or place.lat is None or abs(place.lat) > 90:
        return {}
    point = LonLat(*to_wgs84(place.lon, place.lat, place.datum or "wgs84"))
    with reading() as tx:
        works = known_works(tx, city().jurisdiction_id, service.code, point, clock.now())
        twins = nearby_reports(tx, city(), service.code, point, submission.description)
    told = [{"words": until_words(work), "message": work.message} for work in works]
    return {"works": told, "twins": twins}


def _service(given: ReportForm) -> ServiceView | None:
    return city().services.get(given["service_code"])


def _stops(service: ServiceView, notice: QuestionView) -> list[tuple[str, str]]:
    """The answers (question code, value key) that end with this notice."""
    return [
        (question.code, key)
        for question in service.questions
        for key, code in question.stop.items()
        if code == notice.code
    ]
