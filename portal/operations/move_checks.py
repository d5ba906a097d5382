"""Knows what a move must bring along: a target unit, words, proof, a date; and how each refusal reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from portal import clock
from portal.crypto import read_token
from portal.errors import Forbidden, InvalidInput
from portal.i18n import N_, Message
from portal.operations.submission import clean_text, long_faults
from portal.queries.city import CityView
from portal.queries.staff_rights import ACCUSED, accused_units, may_extend
from routing.closing import CLOSING_CODES, ClosingCode
from routing.lifecycle import Transition

REFUSALS = {
    "move.unknown_state": N_("This case is in a state that nobody knows."),
    "move.unknown_action": N_("This is not something that can be done to a case."),
    "move.wrong_state": N_("The case is in another state now; this cannot be done any more."),
    "move.not_this_level": N_("A unit of this level does not do this."),
    "move.not_your_role": N_("Your role may not do this."),
    "move.not_your_part": N_("Only the unit that leads this case may do this."),
    "move.reason_needed": N_("Please give a reason."),
    "move.reason_unknown": N_("Please choose one of the reasons offered."),
    "move.closing_code_needed": N_("Please choose how the case ended."),
    "move.closing_code_unknown": N_("Please choose one of the endings offered."),
    "move.closing_code_kind": N_("This ending does not fit this kind of report."),
    "move.closing_code_unexpected": N_("This ending does not fit what you want to do."),
    "move.ruled": N_("The coordination desk has ruled on just this: the case stays with your unit."),
    "task.wrong_state": N_("This task is in another state now; this cannot be done any more."),
    "task.wrong_kind": N_("This cannot be done with a task of this kind."),
    "task.not_your_part": N_("This task is not yours to do or to withdraw."),
    "task.swap_not_asked": N_("The lead has not asked your unit to take over."),
    "dispute.wrong_state": N_("There is no open dispute about this case."),
    "move.desk_has_it": N_(
        "The coordination desk has this case already: name the outside body, or hand it over to a unit."
    ),
}


FARTHEST = timedelta(days=731)  # a date beyond this is a slip, or a way of never having to


@dataclass(frozen=True, slots=True)
class Move:
    """What somebody wants done to a case. `seen_seq`: the newest event they had seen.

    `public_text` is shown to everybody (masked), `note` to the desk only. `until` is the second date of an
    extension or a plan, or the end of a pause. `outside_body` names who got a case that is not ours,
    `duplicate_of` the number of the report that this one is joined with.
    """

    action: str
    reason: str = ""
    to_unit: str = ""
    closing_code: str = ""
    public_text: str = ""
    note: str = ""
    media: tuple[str, ...] = ()
    photos: tuple[bytes, ...] = ()
    seen_seq: int | None = None
    outside_body: str = ""
    until: datetime | None = None
    duplicate_of: str = ""


_TEXTS = ("action", "reason", "to_unit", "closing_code", "public_text", "note", "outside_body")


def cleaned(move: Move) -> Move:
    """The move without the control characters that neither the database nor a page could take."""
    texts: dict[str, Any] = {name: clean_text(getattr(move, name)) for name in _TEXTS}
    return replace(move, **texts, duplicate_of=read_token(clean_text(move.duplicate_of)))


def is_joining(move: Move) -> bool:
    """Whether a move joins the case with another report."""
    return move.action == "mark_duplicate" or (move.action, move.closing_code) == ("resolve", "merged")


def check_move(
    city: CityView, row: Row[Any], move: Move, transition: Transition, known: Mapping[str, Message]
) -> None:
    """Raise InvalidInput for everything that the move lacks, and for the faults that are `known` already."""
    faults = dict(known)
    if transition.action in {"transfer", "assign"} and not transition.to_desk:
        faults |= _unit_faults(city, row, move)
    if transition.action == "update" and not move.public_text.strip():
        faults["public_text"] = Message(N_("Please write what the public should read."))
    if transition.action == "reject" and not move.public_text.strip():
        faults["public_text"] = Message(N_("Please name the rule, in words for the public."))
    if transition.action == "note" and not move.note.strip():
        faults["note"] = Message(N_("Please write the note."))
    if transition.action == "resolve":
        faults |= _proof_faults(move)
    if "extend" in transition.clock or (transition.action == "wait" and move.until is not None):
        faults |= date_faults(move.until)
    written = ("public_text", "note", "reason", "outside_body")
    if faults := faults | long_faults(**{field: getattr(move, field) for field in written}):
        raise InvalidInput(faults)


def refuse_own_extension(city: CityView, row: Row[Any], unit: str, move: Move, part: str) -> None:
    """Raise Forbidden where a unit would give more time to itself."""
    if move.action == "extend" and not may_extend(part, unit, row.lead_unit, city.directory):
        raise Forbidden(Message(N_("More time is granted by the unit above: please apply for it.")))


def date_faults(until: datetime | None) -> dict[str, Message]:
    """What is wrong with a second date, by field."""
    if until is None or until <= clock.now():
        return {"until": Message(N_("Please give a date in the future."))}
    if until > clock.now() + FARTHEST:
        return {"until": Message(N_("Please give a date within the next two years."))}
    return {}


def _unit_faults(city: CityView, row: Row[Any], move: Move) -> dict[str, Message]:
    if move.to_unit not in city.directory:
        return {"to_unit": Message(N_("Please choose the unit that should take over."))}
    if move.to_unit == row.lead_unit:
        return {"to_unit": Message(N_("This unit has the case already."))}
    if move.to_unit in accused_units(row.about_unit, city.directory):
        return {"to_unit": Message(ACCUSED)}
    return {}


def _proof_faults(move: Move) -> dict[str, Message]:
    """A free text alone cannot close: each closing code says what it needs."""
    code = CLOSING_CODES[move.closing_code]
    faults: dict[str, Message] = {}
    has_photo = bool(move.media or move.photos)
    if code.proof == "photo" and not has_photo:
        faults["media"] = Message(N_("Please add a photo taken on the spot: this ending needs one."))
    if code.proof == "photo or reason" and not (has_photo or move.reason.strip()):
        faults["media"] = Message(N_("Please add a photo taken on the spot, or say why there is none."))
    if code.needs_rest:
        faults |= date_faults(move.until)
    return faults | _word_faults(code, move)


def _word_faults(code: ClosingCode, move: Move) -> dict[str, Message]:
    """What an ending lacks in words."""
    is_public = bool(move.public_text.strip())
    if code.proof == "rule" and not is_public:
        return {"public_text": Message(N_("Please name the rule, in words for the public."))}
    if code.proof == "text" and not is_public:
        return {"public_text": Message(N_("Please write the answer."))}
    if code.proof == "reason" and not (is_public or move.reason.strip()):
        return {"public_text": Message(N_("Please write the answer or the reason."))}
    if code.needs_rest and not is_public:
        return {"public_text": Message(N_("Please write what remains to be done, and by when."))}
    return {}
