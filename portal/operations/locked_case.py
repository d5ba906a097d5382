"""Knows a case under its lock: its row, the end of its chain, who asks, and what that person is to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from portal import clock
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.models.ledger import event
from portal.models.report import report
from portal.operations.context import OWN_PARTS, Actor, Context
from portal.operations.join_reports import JOINED, PARTED
from portal.operations.move_checks import REFUSALS, Move
from portal.operations.record_events import Head, lock_head
from portal.operations.submission import clean_text
from portal.queries.city import CityView
from portal.queries.staff_rights import Grant, part_of
from routing.errors import IllegalMove

# Events that a second writer must not overlook; a clock's warning or a sent message changes nothing for them.
_WEIGHTY = ("request.", "question.")
_LIGHT = frozenset({"request.noted", JOINED, PARTED})
_FIELD_OF = {"closing": "closing_code", "desk": "outside_body"}


@dataclass(frozen=True, slots=True)
class Case:
    """A case under its lock, with what somebody wants of it."""

    row: Row[Any]
    head: Head
    city: CityView
    actor: Actor
    move: Move
    now: datetime


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


def refuse_stale(tx: Connection, case: Case, also: tuple[str, ...] = ()) -> None:
    """The second writer is told what the first one did, instead of undoing it unseen.

    `also`: beginnings of further kinds of events that matter to what is being done.
    """
    seen = case.move.seen_seq
    if seen is None or seen >= case.head.last_seq:
        return
    newer = select(event.c.kind).where(event.c.case_id == case.head.case_id, event.c.case_seq > seen)
    kinds = [kind for kind in tx.scalars(newer) if kind.startswith((*_WEIGHTY, *also)) and kind not in _LIGHT]
    if kinds:
        raise Conflict(Message(N_("Somebody else has changed this case in the meantime. Please look again.")))


def as_error(refusal: IllegalMove) -> Exception:
    """What a refused move is to whoever asked for it."""
    words = Message(REFUSALS.get(refusal.reason, REFUSALS["move.unknown_action"]))
    kind = refusal.reason.partition(".")[2]
    if kind in {"not_your_role", "not_your_part"}:
        return Forbidden(words)
    if kind in {"wrong_state", "not_this_level", "swap_not_asked"}:
        return Conflict(words)
    return InvalidInput({_FIELD_OF.get(kind.partition("_")[0], "reason"): words})
