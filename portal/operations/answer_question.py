"""Knows what happens when a resident answers the question that a report near a border was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, update

from portal import clock
from portal.errors import Conflict, InvalidInput
from portal.i18n import N_, Message
from portal.models.report import report
from portal.operations.call_crew import after_move
from portal.operations.case_plan import opened_events
from portal.operations.context import REPORTER, Context
from portal.operations.intake_rows import decided_tasks, decision_columns, routed_event
from portal.operations.keep_tasks import decide_tasks_anew
from portal.operations.move_clocks import apply_effects
from portal.operations.move_report import Case, Move, lock_case
from portal.operations.outbox_rows import DELIVER, letter, outbox_row
from portal.operations.record_events import Draft, record
from portal.operations.route_submission import Answer, decide_query
from portal.operations.submission import answer_faults, as_plain, clean_text, shown_answers
from routing.lifecycle import move as allowed_move
from routing.router import PointQuery

UNACCEPTED = ("submitted", "routed")


@dataclass(frozen=True, slots=True)
class Answered:
    """Who leads after the answer. `is_moved`: another unit than before."""

    token: str
    unit_code: str
    is_moved: bool


def answer_question(
    tx: Connection, context: Context, token: str, answers: Mapping[str, tuple[str, ...]]
) -> Answered:
    """Take the answer and decide anew with it.

    While no unit has accepted, the new decision takes effect; afterwards the answer is recorded and the unit
    that works on the case decides about handing it over. Raises NotFound, Conflict, InvalidInput.
    """
    case = lock_case(tx, context, token, REPORTER, Move("answer"))
    if case.row.question_code is None or case.row.closed_at is not None:
        raise Conflict(Message(N_("There is no open question about this report.")))
    given = {code: tuple(clean_text(value) for value in values) for code, values in answers.items()}
    earlier = {code: tuple(values) for code, values in case.row.answers.items()}
    merged = shown_answers(earlier | given, case.city.services[case.row.service_code])
    _check(case, merged)
    again = decide_query(tx, case.city, _query(tx, case, merged), case.row.place_flag)
    is_moved = again.lead != case.row.lead_unit and case.row.state in UNACCEPTED
    _store(tx, context, case, again, merged, is_moved)
    return Answered(token, again.lead if is_moved else case.row.lead_unit, is_moved)


def _check(case: Case, merged: Mapping[str, tuple[str, ...]]) -> None:
    question = case.row.question_code
    if not merged.get(question):
        raise InvalidInput({f"answers.{question}": Message(N_("Please answer this question."))})
    faults = answer_faults(merged, case.city.services[case.row.service_code])
    if faults:
        raise InvalidInput(faults)


def _query(tx: Connection, case: Case, answers: Mapping[str, tuple[str, ...]]) -> PointQuery:
    """The same report as it was filed, with the answer: time of filing, exact place."""
    lon, lat = tx.execute(
        select(func.ST_X(report.c.geom), func.ST_Y(report.c.geom)).where(report.c.id == case.row.id)
    ).one()
    return PointQuery(
        service_code=case.row.service_code,
        at=case.row.opened_at,
        lon=lon,
        lat=lat,
        accuracy_m=None if case.row.receipt.get("geocoded") else case.row.accuracy_m,
        is_geocoded=bool(case.row.receipt.get("geocoded")),
        answers=answers,
        channel=case.row.channel,
        datum="wgs84",
        about_unit=case.row.about_unit or "",
    )


def _store(
    tx: Connection,
    context: Context,
    case: Case,
    again: Answer,
    answers: Mapping[str, tuple[str, ...]],
    is_moved: bool,
) -> None:
    is_same = again.lead == case.row.lead_unit
    changes: dict[str, Any] = {
        "answers": as_plain(answers),
        "question_code": None,
        "is_ambiguous": not (is_moved or is_same),  # the doubt is settled where both agree
        "updated_at": case.now,
    }
    public = {"actor": REPORTER.in_public(), "question": case.row.question_code}
    drafts = [Draft("question.answered", public, {"answers": as_plain(answers)})]
    told: list[Mapping[str, Any]] = []
    if is_moved or is_same:
        # The promise never resets.
        changes = decision_columns(case.city, again) | {"promise_due_at": case.row.promise_due_at} | changes
        drafts.append(routed_event(case.city, again, case.row.promise_due_at))
        drafts += opened_events(again.routed.decision.plan, case.row.receipt.get("plan"))
    if is_moved:
        told.append(letter("received", case.row.id, again.lead, again.lead, case.row.promise_due_at))
        restart = allowed_move("routed", "assign", "dispatcher", "desk", reason="answered")
        apply_effects(tx, context, case.city, case.row, restart, again.lead, case.now)
    tx.execute(update(report).where(report.c.id == case.row.id).values(changes))
    if is_moved or is_same:
        followed = decide_tasks_anew(tx, case, [each for _, each in decided_tasks(again)])
        drafts, told = [*drafts, *followed.drafts], [*told, *followed.letters]
    record(tx, case.head, drafts, [outbox_row(context.jurisdiction_id, clock.now(), DELIVER, told)])
    if is_moved:
        after_move(tx, context, case.city, case.row, again.lead, case.row.state)
