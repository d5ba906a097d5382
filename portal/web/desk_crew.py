"""Answers `/desk/crew`: a crew's jobs on its phone, by distance, and each step, also when it is sent later."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from flask import Blueprint, Response, g, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from portal import clock
from portal.errors import Conflict, InvalidInput, NotFound, WenluError
from portal.i18n import N_, Message
from portal.operations.context import Actor
from portal.operations.field_requests import is_first_time
from portal.operations.move_checks import Move
from portal.operations.send_crew import NO_JOB, crew_step
from portal.queries.crews import crews_now, jobs_of
from portal.queries.staff_rights import units_of
from portal.web import access, staff_words
from portal.web.assets import STATIC
from portal.web.desk_crews import WORKERS, actor_for, point_of_form, sure
from portal.web.errors import status_of
from portal.web.forms.staff_move import end_of_day, read_photos
from portal.web.locale import say
from portal.web.place_picture import directions_url
from portal.web.services import city, reading, services, writing
from routing.closing import closing_codes_for

pages = Blueprint("desk_crew", __name__, url_prefix="/desk")
# One file for the browser: a worker that fetched a second script would need a wider policy.
WORKER = ("js/later.js", "js/field_worker.js")
WORKER_POLICY = "default-src 'none'; connect-src 'self'"
# What a crew cannot decide on the spot.
NOT_ON_THE_SPOT = frozenset({"merged", "not_ours", "declined", "planned"})
SOMEBODY_ELSES = N_("Somebody else did this on this phone: it can be sent when they are signed in.")


@pages.get("/crew")
@access.staff(*WORKERS)
def my_jobs() -> Response:
    """The open jobs of my crew, the nearest to a given point first; two statements."""
    return _jobs_page(200)


@pages.post("/crew")
@access.staff(*WORKERS)
def from_here() -> Response:
    """The same list from a point: posted, so that nobody's whereabouts land in an address."""
    return _jobs_page(200)


@pages.post("/crew/<int:number>")
@access.staff(*WORKERS)
def step(number: int) -> AnyResponse:
    """Accept, begin or finish a job; the same request sent twice is done once."""
    what, is_script = request.form.get("step", ""), request.accept_mimetypes.best == "application/json"
    try:
        _refuse_another()
        move = _finish() if what == "finish" else None
        with writing() as tx:
            if is_first_time(tx, services().context, _request_id(), g.staff.account_id, number):
                crew_step(tx, services().context, _job_actor(number), number, what, move)
    except WenluError as refused:
        if is_script:
            return make_response(jsonify(message=_told(refused)), status_of(refused))
        if not isinstance(refused, InvalidInput | Conflict):
            raise
        faults = refused.fields if isinstance(refused, InvalidInput) else {"form": refused.message}
        return _jobs_page(status_of(refused), number, faults)
    where = f"/desk/crew?field={what}"
    return make_response(jsonify(where=where)) if is_script else redirect(where, 303)


@pages.get("/crew/worker.js")
@access.staff(*WORKERS)
def worker() -> Response:
    """The service worker of the crew's list: keeps the page for where there is no net, and sends what waits."""
    source = "\n".join((STATIC / name).read_text("utf-8") for name in WORKER)
    answer = Response(source, content_type="text/javascript; charset=utf-8")
    answer.headers["Service-Worker-Allowed"] = "/desk/crew"
    answer.headers["Content-Security-Policy"] = WORKER_POLICY
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def _refuse_another() -> None:
    """What one person kept on a phone is never sent as done by the next who signs in there."""
    acts_as = request.form.get("acts_as", "")
    if acts_as and acts_as != str(g.staff.account_id):
        raise Conflict(Message(SOMEBODY_ELSES))


def _told(refused: WenluError) -> str:
    if isinstance(refused, InvalidInput):
        return " ".join(say(fault) for fault in refused.fields.values())
    return say(refused.message)


def _request_id() -> uuid.UUID | None:
    try:
        return uuid.UUID(request.form.get("request_id", ""))
    except ValueError:
        return None


def _finish() -> Move:
    given = request.form
    photos = tuple(read_photos(request.files.getlist("photos"), 0))
    return Move(
        "resolve", reason=given.get("reason", ""), closing_code=given.get("closing_code", ""),
        public_text=given.get("public_text", ""), photos=photos,
        until=end_of_day(given.get("until", ""), city().timezone),
    )  # fmt: skip


def _jobs_page(status: int, failed: int = 0, faults: Mapping[str, Message] | None = None) -> Response:
    view, now = city(), clock.now()
    units = units_of(g.staff.grants, view.directory)
    code = (request.values.get("crew") or "")[:80]
    point = point_of_form()
    with reading() as tx:
        rows = jobs_of(tx, view.jurisdiction_id, g.staff.account_id, units, point, code)
        mine = crews_now(tx, view, now, units=units)
    pattern = services().settings.directions_url
    page = render_template(
        "staff/crew.html", city=view, rows=rows, crews=mine, chosen=code, point=point, words=staff_words,
        staff=g.staff, now=now, failed=failed, faults=faults or {},
        endings=lambda kind: [one for one in closing_codes_for(kind) if one.code not in NOT_ON_THE_SPOT],
        way_to=lambda job: directions_url(pattern, job.lon, job.lat),
    )  # fmt: skip
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _job_actor(number: int) -> Actor:
    """As whom somebody acts on a job: for the crew's unit where they work there, else as they stand."""
    view = city()
    with reading() as tx:
        rows = jobs_of(tx, view.jurisdiction_id, g.staff.account_id, units_of(g.staff.grants, view.directory),
                       crew_code=(request.form.get("crew") or "")[:80])  # fmt: skip
    row = next((each for each in rows if each.id == number), None)
    if row is None:
        raise NotFound(Message(NO_JOB))
    return sure(actor_for(row.crew_unit or row.lead_unit, frozenset(WORKERS)))
