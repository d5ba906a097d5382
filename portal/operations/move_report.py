"""Knows how a case moves on: who may, what it does to state and clocks, and what everybody is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, update

from portal.models.report import report
from portal.operations.attach_photos import attach_photos
from portal.operations.call_crew import after_move
from portal.operations.carry_supervision import carry_supervision
from portal.operations.context import Actor, Context
from portal.operations.echo_letters import echoes
from portal.operations.follow_custody import check_finished, contest_until, follow_custody
from portal.operations.join_reports import joining_faults, lock_other, tell_other
from portal.operations.judge_photos import judge_photos
from portal.operations.locked_case import Case, as_error, level_of, lock_case, part_in, refuse_stale
from portal.operations.move_checks import Move, check_move, cleaned, is_joining, refuse_own_extension
from portal.operations.move_clocks import apply_effects
from portal.operations.move_words import event_of, messages_of
from portal.operations.outbox_rows import DELIVER, outbox_row
from portal.operations.pauses import resumed_letters, start_pause, with_end
from portal.operations.record_events import record
from portal.operations.second_dates import start_second
from portal.operations.submission import clean_text
from portal.queries.custody_parts import ruled_reasons
from routing.errors import IllegalMove
from routing.lifecycle import STATES, TRANSITIONS, Transition
from routing.lifecycle import move as allowed_move

__all__ = [
    "Case", "Move", "MoveResult", "as_error", "carry_out", "level_of", "lock_case", "move_report", "part_in",
    "permitted", "refuse_stale",
]  # fmt: skip

_HANDS_OVER = frozenset({"transfer", "assign", "rule", "swap", "order_swap"})


@dataclass(frozen=True, slots=True)
class MoveResult:
    """Where the case stands after the move. `seq` is the number of its newest event."""

    token: str
    state: str
    lead_unit: str
    seq: int


def move_report(tx: Connection, context: Context, token: str, actor: Actor, move: Move) -> MoveResult:
    """Make one move of the lifecycle.

    Raises NotFound for an unknown or foreign case, Forbidden for somebody who may not, Conflict where
    another writer was first, InvalidInput by field.
    """
    move = cleaned(move)
    other = lock_other(tx, context, clean_text(token), move)
    if other is not None and is_joining(move) and not other.leads_back:
        move = replace(move, duplicate_of=other.token)  # its incident's first report, whichever was named
    case = lock_case(tx, context, token, actor, move)
    refuse_stale(tx, case)
    if move.action in TRANSITIONS and TRANSITIONS[move.action].has_own_form:
        raise as_error(IllegalMove(case.row.state, move.action, "move.unknown_action"))
    part = part_in(case)
    refuse_own_extension(case.city, case.row, actor.unit_code, move, part)
    transition = permitted(tx, case, part)
    known = joining_faults(case.row.token, move, other) if is_joining(move) else {}
    check_move(case.city, case.row, move, transition, known)
    check_finished(tx, case, transition)
    result = carry_out(tx, context, case, transition)
    if other is not None:
        tell_other(tx, other, case.row, actor, move)
        if is_joining(move):
            carry_supervision(tx, case.city, case.row, other.head.case_id)
    return result


def permitted(tx: Connection, case: Case, part: str) -> Transition:
    """What the move in a locked case leads to, by the lifecycle's table; Forbidden, Conflict or InvalidInput."""
    move = case.move
    is_handing_on = move.action == "transfer" or move.closing_code == "not_ours"
    try:
        return allowed_move(
            case.row.state, move.action, case.actor.role, part,
            reason=move.reason, closing_code=move.closing_code, kind=case.row.kind,
            outside_body=move.outside_body, transfers=case.row.transfer_count,
            is_with_desk=case.row.lead_unit == case.city.coordination_unit, level=level_of(case),
            ruled=ruled_reasons(tx, case.row.id, case.row.lead_unit) if is_handing_on else (),
        )  # fmt: skip
    except IllegalMove as refusal:
        raise as_error(refusal) from None


def carry_out(
    tx: Connection,
    context: Context,
    case: Case,
    transition: Transition,
    more: Mapping[str, Any] | None = None,
) -> MoveResult:
    """State, clocks, tasks, photos, event and messages: together or not at all. `more`: of the public event."""
    case = with_end(case, transition)
    lead = _next_lead(case, transition)
    photos = attach_photos(tx, context, case.row.id, case.move.media, case.move.photos, "proof")
    apply_effects(tx, context, case.city, case.row, transition, lead, case.now)
    tx.execute(update(report).where(report.c.id == case.row.id).values(_changes(case, transition, lead)))
    if case.move.until is not None and transition.has_date:
        is_open = STATES[transition.to_state] == "open"
        start_second(tx, case.city, case.row, lead, case.move.until, case.now, is_open=is_open)
    if transition.action == "wait":
        start_pause(tx, case)
    proof = judge_photos(tx, case.city, case.row, photos, case.now)
    draft = event_of(case.row, case.actor, case.move, transition, lead, proof)
    draft = replace(draft, public={**draft.public, **contest_until(case, transition), **(more or {})})
    followed = follow_custody(tx, case, transition, lead)
    told = [*messages_of(case.row, case.move, transition, lead), *followed.letters]
    told += resumed_letters(case, transition)
    told += echoes(tx, case.row, told)
    letters = outbox_row(context.jurisdiction_id, case.now, DELIVER, told)
    head = record(tx, case.head, [draft, *followed.drafts], [letters])
    after_move(tx, context, case.city, case.row, lead, transition.to_state)
    return MoveResult(case.row.token, transition.to_state, lead, head.last_seq)


def _next_lead(case: Case, transition: Transition) -> str:
    if transition.to_desk:
        return case.city.coordination_unit
    return case.move.to_unit if transition.action in _HANDS_OVER else str(case.row.lead_unit)


def _changes(case: Case, transition: Transition, lead: str) -> Mapping[str, Any]:
    changes: dict[str, Any] = {"state": transition.to_state, "lead_unit": lead, "updated_at": case.now}
    is_open, was_open = STATES[transition.to_state] == "open", case.row.closed_at is None
    if is_open != was_open:
        changes["closed_at"] = None if is_open else case.now
        changes |= _reopened(case, transition) if is_open else _closed(case)
    if transition.action == "confirm":
        changes["confirmed_at"] = case.now
    if transition.closing_code:
        changes["closing_code"] = transition.closing_code
    elif is_open and not was_open:
        changes["closing_code"] = None
    if transition.action in {"accept", "swap"}:
        changes["accepted_at"] = case.now
    if lead != case.row.lead_unit:
        changes["transfer_count"] = case.row.transfer_count + (transition.action == "transfer")
        changes["assist_units"] = [unit for unit in case.row.assist_units if unit != lead]
        changes["is_ambiguous"] = False
    if case.move.until is not None and transition.has_date:
        changes["second_due_at"] = case.move.until
    return changes


def _closed(case: Case) -> Mapping[str, Any]:
    """Whoever closes a case answers for it: later contests and ratings count against that unit."""
    return {"closing_count": case.row.closing_count + 1, "closing_unit": case.row.lead_unit}


def _reopened(case: Case, transition: Transition) -> Mapping[str, Any]:
    return {
        "reopen_count": case.row.reopen_count + transition.is_contested,
        "reopened_at": case.now,
        "confirmed_at": None,
    }
