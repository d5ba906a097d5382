"""Knows how a case moves on: who may, what it does to state and clocks, and what everybody is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from portal import clock
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.models.ledger import event
from portal.models.report import report
from portal.operations.attach_photos import attach_photos
from portal.operations.context import OWN_PARTS, Actor, Context
from portal.operations.join_reports import JOINED, PARTED, joining_faults, lock_other, tell_other
from portal.operations.judge_photos import judge_photos
from portal.operations.move_checks import REFUSALS, Move, check_move, cleaned, is_joining
from portal.operations.move_clocks import apply_effects
from portal.operations.move_words import event_of, messages_of
from portal.operations.outbox_rows import DELIVER, outbox_row
from portal.operations.record_events import Head, lock_head, record
from portal.operations.submission import clean_text
from portal.queries.city import CityView
from portal.queries.staff_rights import Grant, part_of
from routing.errors import IllegalMove
from routing.lifecycle import STATES, Transition
from routing.lifecycle import move as allowed_move

__all__ = ["Move", "MoveResult", "move_report"]

# Events that a second writer must not overlook; a clock's warning or a sent message changes nothing for them.
_WEIGHTY = ("request.", "question.")
_FIELD_OF = {"closing": "closing_code", "desk": "outside_body"}
_LIGHT = frozenset({"request.noted", JOINED, PARTED})


@dataclass(frozen=True, slots=True)
class MoveResult:
    """Where the case stands after the move. `seq` is the number of its newest event."""

    token: str
    state: str
    lead_unit: str
    seq: int


@dataclass(frozen=True, slots=True)
class Case:
    """A case under its lock, with what somebody wants of it."""

    row: Row[Any]
    head: Head
    city: CityView
    actor: Actor
    move: Move
    now: datetime


def move_report(tx: Connection, context: Context, token: str, actor: Actor, move: Move) -> MoveResult:
    """Make one move of the lifecycle.

    Raises NotFound for an unknown or foreign case, Forbidden for somebody who may not, Conflict where
    another writer was first, InvalidInput by field.
    """
    move = cleaned(move)
    other = lock_other(tx, context, clean_text(token), move)
    case = lock_case(tx, context, token, actor, move)
    refuse_stale(tx, case)
    part = part_in(case)
    try:
        transition = allowed_move(
            case.row.state, move.action, actor.role, part,
            reason=move.reason, closing_code=move.closing_code, kind=case.row.kind,
            outside_body=move.outside_body, transfers=case.row.transfer_count,
            is_with_desk=case.row.lead_unit == case.city.coordination_unit, level=level_of(case),
        )  # fmt: skip
    except IllegalMove as refusal:
        raise as_error(refusal) from None
    known = joining_faults(case.row.token, move, other) if is_joining(move) else {}
    check_move(case.city, case.row, move, transition, known)
    result = _carry_out(tx, context, case, transition)
    if other is not None:
        tell_other(tx, other, case.row.token, actor, move)
    return result


def lock_case(tx: Connection, context: Context, token: str, actor: Actor, move: Move) -> Case:
    """Lock a case against other writers; what is read after the lock cannot change any more."""
    here = (report.c.token == clean_text(token)) & (report.c.jurisdiction_id == context.jurisdiction_id)
    case_id = tx.scalar(select(report.c.id).where(here))
    if case_id is None:
        raise NotFound(Message(N_("There is no report with this number.")))
    head = lock_head(tx, case_id)
    row = tx.execute(select(report).where(report.c.id == case_id)).one()
    city = context.cities.city(tx, context.jurisdiction_id)
    return Case(row, head, city, actor, move, clock.now())


def part_in(case: Case) -> str:
    """The actor's part in a locked case; NotFound where it is none of theirs, Forbidden where they only read."""
    if case.actor.role in OWN_PARTS:
        return case.actor.role
    standing = part_of([Grant(case.actor.role, case.actor.unit_code)], case.row, case.city.directory)
    if standing is None:
        raise NotFound(Message(N_("There is no report with this number.")))
    if standing.part == "read":
        raise Forbidden(Message(N_("You may read this case, but not change it.")))
    return standing.part


def level_of(case: Case) -> str:
    """The level of the unit that leads a case."""
    known = case.row.lead_unit in case.city.directory
    return case.city.directory.unit(case.row.lead_unit).level if known else ""


def refuse_stale(tx: Connection, case: Case) -> None:
    """The second writer is told what the first one did, instead of undoing it unseen."""
    seen = case.move.seen_seq
    if seen is None or seen >= case.head.last_seq:
        return
    newer = select(event.c.kind).where(event.c.case_id == case.head.case_id, event.c.case_seq > seen)
    kinds = [kind for kind in tx.scalars(newer) if kind.startswith(_WEIGHTY) and kind not in _LIGHT]
    if kinds:
        raise Conflict(Message(N_("Somebody else has changed this case in the meantime. Please look again.")))


def as_error(refusal: IllegalMove) -> Exception:
    """What a refused move is to whoever asked for it."""
    if refusal.reason in {"move.not_your_role", "move.not_your_part"}:
        return Forbidden(Message(REFUSALS[refusal.reason]))
    if refusal.reason in {"move.wrong_state", "move.not_this_level"}:
        return Conflict(Message(REFUSALS[refusal.reason]))
    field = _FIELD_OF.get(refusal.reason.removeprefix("move.").partition("_")[0], "reason")
    return InvalidInput({field: Message(REFUSALS.get(refusal.reason, REFUSALS["move.unknown_action"]))})


def _carry_out(tx: Connection, context: Context, case: Case, transition: Transition) -> MoveResult:
    """State, clocks, photos, event and messages: together or not at all."""
    lead = _next_lead(case, transition)
    photos = attach_photos(tx, context, case.row.id, case.move.media, case.move.photos, "proof")
    apply_effects(tx, context, case.city, case.row, transition, lead, case.now)
    tx.execute(update(report).where(report.c.id == case.row.id).values(_changes(case, transition, lead)))
    proof = judge_photos(tx, case.city, case.row, photos, case.now)
    draft = event_of(case.row, case.actor, case.move, transition, lead, proof)
    told = messages_of(case.row, case.move, transition, lead)
    head = record(tx, case.head, [draft], [outbox_row(context.jurisdiction_id, case.now, DELIVER, told)])
    return MoveResult(case.row.token, transition.to_state, lead, head.last_seq)


def _next_lead(case: Case, transition: Transition) -> str:
    if transition.to_desk:
        return case.city.coordination_unit
    return case.move.to_unit if transition.action in {"transfer", "assign"} else str(case.row.lead_unit)


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
    if transition.action == "accept":
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
