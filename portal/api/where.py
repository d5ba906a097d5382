"""Answers `/api/v1/where`: who would answer for a point and by when; stores nothing."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, jsonify

from portal import clock
from portal.api.cors import allow_any_origin
from portal.api.request_bodies import body, moment, submission_of
from portal.api.shapes import decision, known
from portal.errors import InvalidInput
from portal.operations.route_submission import Answer, route_submission
from portal.operations.submission import Submission, check_submission
from portal.queries.nearby_reports import nearby_reports
from portal.queries.planned_works import known_works
from portal.queries.receipt_words import reason_message
from portal.web import access
from portal.web.limits import count_look
from portal.web.receipt_picture import picture
from portal.web.services import city, reading

pages = Blueprint("api_where", __name__, url_prefix="/api/v1")
pages.after_request(allow_any_origin)
# What a place can be judged without: the rest is asked when the report is filed.
_NOT_OF_THE_PLACE = ("answers.", "media", "description", "name", "email", "phone")


@pages.route("/where", methods=["GET", "POST"])
@access.public
def ask() -> Response:
    """Unit, public receipt, promise and likely duplicates for a point. Our own pages POST it."""
    count_look()
    given = body()
    submission = _checked(replace(submission_of(given), photos=(), media=(), contact=None))
    at = moment(given, "at") or clock.now()
    with reading() as tx:
        found = route_submission(tx, city(), submission, at)
        near, works = [], []
        if found.point is not None:
            near = nearby_reports(tx, city(), submission.service_code, found.point, submission.description)
            works = known_works(tx, city().jurisdiction_id, submission.service_code, found.point, at)
    reason = reason_message(found.public_receipt, city())
    shape = decision(
        submission.service_code, found.lead, found.promise_due_at, found.public_receipt, reason,
        found.is_ambiguous, found.question_code, near,
    )  # fmt: skip
    shape |= {"known": [known(each) for each in works], "map": _map(found, submission)}
    response = jsonify(shape)
    response.headers["Cache-Control"] = "no-store"
    return response


def _checked(submission: Submission) -> Submission:
    """The submission where its service and place hold; unanswered questions do not matter yet."""
    try:
        return check_submission(submission, city())
    except InvalidInput as refusal:
        faults = {
            name: fault for name, fault in refusal.fields.items() if not name.startswith(_NOT_OF_THE_PLACE)
        }
        if faults:
            raise InvalidInput(faults) from None
    return submission


def _map(found: Answer, submission: Submission) -> str | None:
    """The small map of the receipt around the public point, as SVG."""
    is_coarse = city().services[submission.service_code].is_sensitive
    return str(picture(found.public_receipt, city(), found.public_point, is_coarse=is_coarse)) or None
