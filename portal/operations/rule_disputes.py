"""Knows how a hand-over is contested, who acts meanwhile, and how the desk rules who leads and who assists."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, update

from portal.errors import Conflict, InvalidInput
from portal.i18n import N_, Message
from portal.masking import mask
from portal.models.custody import dispute
from portal.operations.context import Actor, Context
from portal.operations.follow_custody import name_who_acts
from portal.operations.keep_tasks import Followed, Wanted, add_tasks, live, write_followed
from portal.operations.locked_case import Case, as_error, lock_case, part_in, refuse_stale
from portal.operations.move_checks import REFUSALS, Move, cleaned
from portal.operations.move_report import MoveResult, carry_out, permitted
from portal.operations.record_events import Draft
from portal.operations.submission import long_faults
from portal.queries.custody_parts import hand_over_now, open_dispute, tasks_of
from portal.queries.staff_rights import ACCUSED, accused_units
from routing.disputes import dispute_state
from routing.errors import IllegalMove

_ALSO = ("task.", "dispute.")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the desk rules: who leads and who assists, in words for everybody, and on which basis."""

    lead: str
    assist: tuple[str, ...] = ()
    words: str = ""
    basis: str = ""
    seen_seq: int | None = None


def contest_transfer(tx: Connection, context: Context, token: str, actor: Actor, move: Move) -> MoveResult:
    """Bring a hand-over before the desk: by the unit that received it, with a reason code, within the city's time.

    Raises NotFound, Forbidden, Conflict where there is nothing to contest any more, InvalidInput by field.
    """
    case = lock_case(tx, context, token, actor, cleaned(replace(move, action="contest_transfer")))
    part = part_in(case)
    refuse_stale(tx, case, _ALSO)
    transition = permitted(tx, case, part)
    handed = hand_over_now(tx, case.row.id)
    if handed is None or not handed.is_contestable(case.row.lead_unit, case.now):
        raise Conflict(Message(N_("This hand-over cannot be contested, or not any more.")))
    if faults := long_faults(public_text=case.move.public_text, note=case.move.note):
        raise InvalidInput(faults)
    return carry_out(tx, context, case, transition)


def name_acting(tx: Connection, context: Context, token: str, actor: Actor, move: Move) -> int:
    """Let the desk name another unit (`to_unit`) that acts until it is ruled; answers the newest event's number."""
    case, disputed = _disputed(tx, context, token, actor, cleaned(move), "name_acting")
    unit = case.move.to_unit
    if faults := _unit_faults(case, {"to_unit": unit}):
        raise InvalidInput(faults)
    if unit == disputed.acting_unit:
        raise InvalidInput({"to_unit": Message(N_("This unit acts already."))})
    tx.execute(update(dispute).where(dispute.c.id == disputed.id).values(acting_unit=unit))
    public = {"actor": actor.in_public(), "unit": unit}
    found = Followed([Draft("dispute.acting_named", public, actor.in_private())])
    found += name_who_acts(tx, case, unit)
    return write_followed(tx, case, found)


def rule_dispute(tx: Connection, context: Context, token: str, actor: Actor, ruling: Ruling) -> int:
    """Rule a dispute: the lead begins with fresh unit clocks, the promise stays; answers the newest event's number.

    Raises NotFound, Forbidden, Conflict where nothing is in dispute, InvalidInput by field.
    """
    move = cleaned(
        Move(
            "rule",
            reason=ruling.basis,
            to_unit=ruling.lead,
            public_text=ruling.words,
            seen_seq=ruling.seen_seq,
        )
    )
    case, _ = _disputed(tx, context, token, actor, move, "rule")
    assist = tuple(dict.fromkeys(ruling.assist))
    faults = _unit_faults(case, {"to_unit": move.to_unit}) | _unit_faults(
        case, dict.fromkeys(assist, ""), assist
    )
    if not move.public_text.strip():
        faults["public_text"] = Message(N_("Please say in words what is ruled."))
    if not move.reason.strip():
        faults["reason"] = Message(N_("Please name what the ruling rests on."))
    if faults := faults | long_faults(public_text=move.public_text, reason=move.reason):
        raise InvalidInput(faults)
    transition = permitted(tx, case, "desk")
    carry_out(tx, context, case, transition, {"basis": mask(move.reason.strip()), "assist": list(assist)})
    case = lock_case(tx, context, token, actor, move)
    busy = {each.unit_code for each in live(tasks_of(tx, case.row.id))}
    asked = [Wanted(unit) for unit in assist if unit not in busy and unit != move.to_unit]
    return write_followed(tx, case, add_tasks(tx, case, asked))


def _disputed(
    tx: Connection, context: Context, token: str, actor: Actor, move: Move, action: str
) -> tuple[Case, Row[Any]]:
    """The locked case and its open dispute, for what only the desk may do."""
    case = lock_case(tx, context, token, actor, move)
    part = part_in(case)
    try:
        dispute_state("open", action, part)
    except IllegalMove as refusal:
        raise as_error(refusal) from None
    refuse_stale(tx, case, _ALSO)
    disputed = open_dispute(tx, case.row.id)
    if disputed is None:
        raise Conflict(Message(REFUSALS["dispute.wrong_state"]))
    return case, disputed


def _unit_faults(case: Case, wanted: dict[str, str], many: Collection[str] = ()) -> dict[str, Message]:
    """What is wrong with units: each of `wanted` by its field, or those of `many` under `assist`."""
    barred = accused_units(case.row.about_unit, case.city.directory)
    faults: dict[str, Message] = {}
    for field, unit in [("assist", unit) for unit in many] or list(wanted.items()):
        if unit not in case.city.directory:
            faults[field] = Message(N_("Please choose a unit."))
        elif unit in barred:
            faults[field] = Message(ACCUSED)
    return faults
