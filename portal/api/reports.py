"""Answers `/api/v1/reports` and `/api/v1/media`: filing, reading, answering the question."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from portal.api.cors import allow_any_origin
from portal.api.request_bodies import answers, body, submission_of, text
from portal.api.shapes import decision, instant, report_row, report_url, unit
from portal.errors import Forbidden, InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.operations.answer_question import answer_question
from portal.queries.public_reports import MOST_ROWS, Box, ReportFilter, public_reports
from portal.queries.report_page import ReportView, public_history, report_view
from portal.web import access
from portal.web.intake import file_report, keep_photo
from portal.web.services import reading, services, writing

pages = Blueprint("api_reports", __name__, url_prefix="/api/v1")
pages.after_request(allow_any_origin)
NO_REPORT = N_("There is no report with this number.")
NOT_REPORTER = N_("Only the reporter may answer: send the secret of the reporter's link.")
NO_PHOTO = N_("Please send a photo as the file part `media`.")


@pages.post("/reports")
@access.public
def file() -> tuple[Response, int]:
    """File a report: 201, or 200 for the same request again."""
    submission = submission_of(body())
    filed = file_report(submission)
    shape = decision(
        submission.service_code, filed.unit_code, filed.promise_due_at, filed.public_receipt, filed.reason,
        filed.is_ambiguous, filed.question_code, filed.duplicates,
    )  # fmt: skip
    url = report_url(filed.token)
    head = {"token": filed.token, "url": url, "reporter_url": f"{url}#{filed.secret}"}
    response = jsonify(head | shape)
    response.headers |= {"Location": url, "Cache-Control": "no-store"}
    return response, 200 if filed.is_repeat else 201


@pages.post("/media")
@access.public
def upload() -> tuple[Response, int]:
    """Store photos before their report: their ids go into its `media`."""
    files = [each for name in ("media", "photo") for each in request.files.getlist(name) if each.filename]
    if not files or len(files) > 5:
        raise InvalidInput({"media": Message(NO_PHOTO)})
    kept = [keep_photo(each.read()) for each in files]
    return jsonify({"id": kept[0], "ids": kept}), 201


@pages.get("/reports")
@access.public
def index() -> Response:
    """Public reports, newest first: `state`, `service_code`, `unit`, `bbox`, `limit`, `after`; two statements."""
    wanted = ReportFilter.of(
        request.args.get("state", "") or request.args.get("status", ""),
        request.args.get("service_code", ""),
        request.args.get("unit", ""),
        read_box(request.args.get("bbox", "")),
    )
    with reading() as tx:
        page = public_reports(
            tx, services().jurisdiction_id, wanted,
            limit=_limit(request.args.get("limit", "")), after=request.args.get("after", ""),
        )  # fmt: skip
    return jsonify({"reports": [report_row(each) for each in page.rows], "next": page.after})


@pages.get("/reports/<token>")
@access.public
def one(token: str) -> Response:
    """One report as anybody may see it, with its history."""
    with reading() as tx:
        found = report_view(tx, services().jurisdiction_id, token)
        if found is None:
            raise NotFound(Message(NO_REPORT))
        events = public_history(tx, found.case_id)
    return jsonify(_with_details(found, events))


def _with_details(found: ReportView, events: Any) -> dict[str, Any]:
    if found.is_private:
        return {"token": found.token, "status": found.status, "state": found.state, "is_private": True,
                "unit": unit(found.lead_unit), "promise": {"due_at": instant(found.promise_due_at)}}  # fmt: skip
    return report_row(found) | {
        "updated_at": instant(found.updated_at),
        "second_due_at": instant(found.second_due_at),
        "assist": [unit(code) for code in found.assist_units],
        "closing_code": found.closing_code,
        "receipt": dict(found.public_receipt),
        "photos": [f"{report_url(found.token)}/photo/{each['token']}/shown" for each in found.photos],
        "history": [{**each.public, "at": instant(each.at), "kind": each.kind} for each in events],
    }


@pages.post("/reports/<token>/answers")
@access.public
def answer(token: str) -> Response:
    """Answer the question that settles who is responsible, once.

    The reporter's secret comes as `Authorization: Bearer …` or as the field `secret`, never in the address:
    a report's number is public, and whoever answers decides who is responsible.
    """
    given = body()
    _, _, bearer = request.headers.get("Authorization", "").partition(" ")
    _require_reporter(token, (bearer or text(given, "secret")).strip())
    with writing() as tx:
        answer_question(tx, services().context, token, answers(given.get("answers")))
    return one(token)


def _require_reporter(token: str, secret: str) -> None:
    if secret.isascii() and services().keyring.is_reporter_secret(token, secret):
        return  # a secret says nothing of whether the report exists: the operation looks for it
    with reading() as tx:
        found = report_view(tx, services().jurisdiction_id, token)
    raise NotFound(Message(NO_REPORT)) if found is None else Forbidden(Message(NOT_REPORTER))


def read_box(text: str) -> Box | None:
    """`west,south,east,north` in degrees; InvalidInput for anything else."""
    if not text:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = float("nan")
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90 and west <= east):
        raise InvalidInput({"bbox": Message(N_("This must be west,south,east,north in degrees."))})
    return west, south, east, north


def _limit(text: str) -> int:
    if not text:
        return 20
    if not (text.isascii() and text.isdigit() and len(text) < 9) or not 1 <= int(text) <= MOST_ROWS:
        raise InvalidInput({"limit": Message(N_("This must be a number from 1 to 100."))})
    return int(text)
