"""Knows how a report comes in: checked, routed, promised and stored with its events in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Uuid, bindparam, func, select
from sqlalchemy.exc import IntegrityError

from portal import clock
from portal.crypto import new_token
from portal.db import insert_together
from portal.errors import Conflict, NotReady
from portal.i18n import N_, Message
from portal.models.city import jurisdiction_table
from portal.models.report import report
from portal.operations.about_case import about_case_rows, settle_accused
from portal.operations.attach_photos import attach_photos
from portal.operations.call_crew import EMERGENCY, call_on_duty
from portal.operations.context import Context
from portal.operations.intake_rows import Intake, intake_rows
from portal.operations.route_submission import RECORDS, Answer, route_submission
from portal.operations.submission import Submission, check_submission
from portal.queries.city import CityView
from portal.queries.nearby_reports import NearbyReport, nearby_reports
from portal.queries.planned_works import KnownWork, known_works
from portal.queries.receipt_words import reason_message

__all__ = ["Submission", "Submitted", "is_known_request", "is_repeat_race", "submit_report"]


@dataclass(frozen=True, slots=True)
class Submitted:
    """What the resident is told at once. `is_repeat`: this is the report that the same request made before.

    `answer` is the exact decision, for callers inside the house only; a repeat has none.
    """

    token: str
    secret: str
    is_repeat: bool
    unit_code: str
    unit_names: Mapping[str, str]
    promise_due_at: datetime | None
    public_receipt: Mapping[str, Any]
    reason: Message
    is_ambiguous: bool
    question_code: str | None
    duplicates: tuple[NearbyReport, ...] = ()
    works: tuple[KnownWork, ...] = ()
    answer: Answer | None = None


def submit_report(tx: Connection, context: Context, submission: Submission) -> Submitted:
    """Store a report that is owned from this moment on.

    Five statements without photos. Raises InvalidInput by field; Conflict when `client_request_id` was used
    for another report; NotReady without a city.
    """
    start = _preflight(tx, context, submission)
    city = context.cities.city(tx, context.jurisdiction_id, start.routing_version)
    if start.token is not None:
        return _repeated(context, city, submission, start)
    clean = check_submission(settle_accused(tx, context, city, submission), city)
    now = clock.now()
    answer = route_submission(tx, city, clean, now)
    duplicates = _duplicates(tx, city, clean, answer)
    works = _works(tx, city, clean, answer, now)
    intake = Intake(start.case_id, new_token(), city, clean, answer, submission.digest(), works)
    insert_together(
        tx, [*intake_rows(intake, context, now), *about_case_rows(context, intake.case_id, clean)]
    )
    attach_photos(tx, context, intake.case_id, clean.media, clean.photos, "report")
    if answer.routed.decision.priority == EMERGENCY:
        call_on_duty(tx, context, city, intake.case_id)
    return _submitted(context, city, intake, duplicates)


def is_repeat_race(error: IntegrityError) -> bool:
    """Whether two copies of one request met: the second must simply be tried again to find the first."""
    return "client_request_id" in str(error.orig)


def is_known_request(tx: Connection, jurisdiction_id: str, request_id: uuid.UUID | None) -> bool:
    """Whether a request with this number has filed a report before."""
    mine = (report.c.jurisdiction_id == jurisdiction_id) & (report.c.client_request_id == request_id)
    return tx.scalar(select(report.c.id).where(mine)) is not None


def _preflight(tx: Connection, context: Context, submission: Submission) -> Any:
    """One statement for all that is needed beforehand: version, number, and an earlier copy of this request."""
    same_request = (report.c.jurisdiction_id == jurisdiction_table.c.id) & (
        # A bound value: without a request id it compares with NULL and finds nothing.
        report.c.client_request_id == bindparam("request_id", submission.client_request_id, Uuid())
    )
    query = (
        select(
            jurisdiction_table.c.routing_version,
            func.nextval(func.pg_get_serial_sequence("case_file", "id")).label("case_id"),
            report.c.token,
            report.c.client_digest,
            report.c.lead_unit,
            report.c.promise_due_at,
            report.c.public_receipt,
            report.c.is_ambiguous,
            report.c.question_code,
        )
        .outerjoin(report, same_request)
        .where(jurisdiction_table.c.id == context.jurisdiction_id)
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        raise NotReady(Message(N_("No city is loaded yet.")))
    return row


def _repeated(context: Context, city: CityView, submission: Submission, row: Any) -> Submitted:
    """The report that this request made before; whoever knows both id and content is the same client."""
    if row.client_digest != submission.digest():
        raise Conflict(Message(N_("This request was already used for another report.")))
    return Submitted(
        token=row.token,
        secret=context.keyring.reporter_secret(row.token),
        is_repeat=True,
        unit_code=row.lead_unit,
        unit_names=city.unit_names(row.lead_unit),
        promise_due_at=row.promise_due_at,
        public_receipt=row.public_receipt,
        reason=reason_message(row.public_receipt, city),
        is_ambiguous=row.is_ambiguous,
        question_code=row.question_code,
    )


def _duplicates(
    tx: Connection, city: CityView, submission: Submission, answer: Answer
) -> tuple[NearbyReport, ...]:
    if answer.point is None or submission.channel == "replay":
        return ()
    return tuple(nearby_reports(tx, city, submission.service_code, answer.point, submission.description))


def _works(
    tx: Connection, city: CityView, submission: Submission, answer: Answer, at: datetime
) -> list[KnownWork]:
    if answer.point is None or submission.channel in RECORDS:
        return []
    return known_works(tx, city.jurisdiction_id, submission.service_code, answer.point, at)


def _submitted(
    context: Context, city: CityView, intake: Intake, duplicates: tuple[NearbyReport, ...]
) -> Submitted:
    answer = intake.answer
    return Submitted(
        token=intake.token,
        secret=context.keyring.reporter_secret(intake.token),
        is_repeat=False,
        unit_code=answer.lead,
        unit_names=city.unit_names(answer.lead),
        promise_due_at=answer.promise_due_at,
        public_receipt=answer.public_receipt,
        reason=reason_message(answer.public_receipt, city),
        is_ambiguous=answer.is_ambiguous,
        question_code=answer.question_code,
        duplicates=duplicates,
        works=tuple(intake.works),
        answer=answer,
    )
