"""Knows how the centre takes a case under supervision, ends it with a finding, and marks what is serious."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, update

from portal.errors import Conflict, InvalidInput
from portal.i18n import N_, Message
from portal.masking import mask
from portal.models.oversight import supervision
from portal.operations.context import Actor, Context
from portal.operations.extend_promise import public_words
from portal.operations.locked_case import lock_case, part_in
from portal.operations.move_checks import Move, cleaned, date_faults
from portal.operations.move_report import permitted
from portal.operations.open_supervision import open_supervision, open_supervision_id, raise_colour
from portal.operations.outbox_rows import DELIVER, letter, outbox_row
from portal.operations.own_clocks import end_clock
from portal.operations.record_events import Draft, record
from portal.operations.submission import long_faults
from portal.operations.supervision_rows import KIND, STAGE

BY_HAND = "by_hand"
FINDINGS = ("put_right", "delay_justified", "unit_at_fault", "other_unit_needed", "unfounded")


def supervise_case(
    tx: Connection, context: Context, token: str, actor: Actor, words: str, due_at: datetime | None
) -> None:
    """The desk takes a case under supervision, with words and a date; Conflict where it is already."""
    move = cleaned(Move("supervise", reason=words, until=due_at))
    case = lock_case(tx, context, token, actor, move)
    permitted(tx, case, part_in(case))
    _check_words(move, date_faults(due_at))
    if not open_supervision(tx, case.city, case.row, BY_HAND, move.reason, due_at, actor):
        raise Conflict(Message(N_("This case is under supervision already.")))


def close_supervision(
    tx: Connection, context: Context, token: str, actor: Actor, finding: str, words: str
) -> None:
    """The desk ends supervision with a finding that everybody may read."""
    move = cleaned(Move("end_supervision", reason=words))
    case = lock_case(tx, context, token, actor, move)
    permitted(tx, case, part_in(case))
    faults = (
        {} if finding in FINDINGS else {"finding": Message(N_("Please choose one of the findings offered."))}
    )
    _check_words(move, faults)
    found = open_supervision_id(tx, case.row.id)
    if found is None:
        raise Conflict(Message(N_("This case is not under supervision.")))
    tx.execute(
        update(supervision).where(supervision.c.id == found).values(
            state="closed", finding=finding, finding_words=move.reason, public_finding_words=mask(move.reason),
            closed_at=case.now,
        )
    )  # fmt: skip
    end_clock(tx, case.row.id, KIND, STAGE, case.now)
    lead = case.row.lead_unit
    public = {
        "actor": actor.in_public(),
        "unit": lead,
        "finding": finding,
        "text": public_words(case, move.reason),
    }
    told = [letter("supervision_closed", case.row.id, lead, lead, None, text=move.reason)]
    draft = Draft("supervision.closed", public, actor.in_private() | {"text": move.reason})
    record(tx, case.head, [draft], [outbox_row(context.jurisdiction_id, case.now, DELIVER, told)])


def mark_serious(tx: Connection, context: Context, token: str, actor: Actor, why: str) -> None:
    """The desk marks a group complaint or a serious incident: the case is red until it ends."""
    case = lock_case(tx, context, token, actor, Move("mark_serious", reason=why))
    permitted(tx, case, part_in(case))
    raise_colour(tx, case.row, why, actor)


def _check_words(move: Move, faults: dict[str, Message]) -> None:
    if faults := faults | long_faults(reason=move.reason):
        raise InvalidInput(faults)
