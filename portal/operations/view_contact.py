"""Knows how a reporter's contact is looked at: by who deals with the case, for a purpose, and never unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from portal.errors import Conflict, Forbidden, InvalidInput
from portal.i18n import N_, Message
from portal.masking import MASK, mask
from portal.models.report import contact
from portal.operations.context import Actor, Context
from portal.operations.move_checks import REFUSALS
from portal.operations.move_report import Move, lock_case, part_in
from portal.operations.record_events import Draft, record
from portal.operations.submission import clean_text, long_faults

PURPOSES = ("ask_back", "arrange_visit", "tell_outcome", "urgent_danger", "legal_duty")
VIEWED = "contact.viewed"
MAY_VIEW = frozenset({"lead", "desk"})


@dataclass(frozen=True, slots=True)
class Viewed:
    """What a reporter left; empty where they left none of it."""

    name: str
    email: str
    phone: str
    words: str = ""  # of the report as they were written, where something in them is blacked out


def view_contact(
    tx: Connection, context: Context, token: str, actor: Actor, purpose: str, words: str
) -> Viewed:
    """Open the contact of a case and write into its book who looked, and why: the reporter reads it there.

    Everybody may know only that a contact was opened: who it was and what for is for the reporter and the desk.
    `purpose` is one of PURPOSES; `words` say more, for the desk only. Raises NotFound, Forbidden,
    InvalidInput by field, Conflict where there is nothing to open.
    """
    words = clean_text(words)
    case = lock_case(tx, context, token, actor, Move(VIEWED))
    if part_in(case) not in MAY_VIEW:
        raise Forbidden(Message(REFUSALS["move.not_your_part"]))
    if faults := _faults(purpose, words):
        raise InvalidInput(faults)
    sealed = tx.scalar(select(contact.c.sealed).where(contact.c.report_id == case.row.id))
    hidden = case.row.description if has_hidden(case.row.description) else ""
    if sealed is None and not hidden:
        raise Conflict(Message(N_("The reporter left no address.")))
    try:
        known = context.keyring.open(sealed, bound_to=f"contact:{case.row.token}") if sealed else {}
    except ValueError:
        raise Conflict(Message(N_("The address was sealed with a key that is not here."))) from None
    private = actor.in_private() | {"actor": actor.in_public(), "purpose": purpose, "reason": words}
    record(tx, case.head, [Draft(VIEWED, {}, private)])
    name, email, phone = (str(known.get(each) or "") for each in ("name", "email", "phone"))
    return Viewed(name, email, phone, hidden)


def may_view(part: str, description: str, *, has_contact: bool) -> bool:
    """Whether somebody of this part in the case may ask to see who reported it, and there is something to see."""
    return part in MAY_VIEW and (has_contact or has_hidden(description))


def has_hidden(description: str) -> bool:
    """Whether a report's own words hold what the desk reads blacked out."""
    return MASK in mask(description)


def _faults(purpose: str, words: str) -> Mapping[str, Message]:
    faults = long_faults(words=words)
    if purpose not in PURPOSES:
        faults["purpose"] = Message(N_("Please choose what you need it for."))
    if not words:
        faults["words"] = Message(N_("Please say in a few words what you need it for."))
    return faults
