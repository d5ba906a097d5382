"""Knows how somebody says that a report went to the wrong unit: their words and the receipt, kept as an event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from portal.errors import Forbidden, InvalidInput, TooMany
from portal.i18n import N_, Message
from portal.masking import mask
from portal.operations.context import REPORTER, Actor, Context
from portal.operations.limit_attempts import Limit, address_block, reserve_attempt
from portal.operations.move_report import Case, Move, lock_case
from portal.operations.record_events import Draft, record
from portal.operations.submission import clean_text, long_faults
from portal.queries.objections import OBJECTED

VISITOR = Actor("visitor")
MOST_WORDS = 1000
# One address, and one case however many addresses: enough for a street of neighbours, too few to flood a desk.
BY_ADDRESS = Limit("objection", 6, timedelta(hours=1))
ON_CASE = Limit("objection-case", 20, timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Objection:
    """What was said. `address` is counted as a keyed hash and not kept; `should_be` is a unit, or empty."""

    words: str
    address: str
    is_reporter: bool = False
    should_be: str = ""


@dataclass(frozen=True, slots=True)
class Objected:
    """What was kept: the place of the event on the case, and the words as the public reads them."""

    token: str
    seq: int
    at: datetime
    public_text: str


def reserve_objection(tx: Connection, context: Context, token: str, objection: Objection) -> None:
    """Count the attempt; raises TooMany. In a transaction of its own, so that a refusal afterwards counts too."""
    counted = [BY_ADDRESS.of(context, address_block(objection.address)), ON_CASE.of(context, token)]
    if wait := reserve_attempt(tx, context, counted):
        raise TooMany(Message(N_("This was said very often just now. Please try again later.")), wait)


def object_to_route(tx: Connection, context: Context, token: str, objection: Objection) -> Objected:
    """Record that the unit is thought to be wrong, with the receipt as it stands; the case itself stays as it is.

    Raises NotFound; Forbidden on a private report for anybody but its reporter; InvalidInput without words.
    """
    actor = REPORTER if objection.is_reporter else VISITOR
    case = lock_case(tx, context, token, actor, Move("object"))
    if case.row.is_private and not objection.is_reporter:
        raise Forbidden(Message(N_("Only the person who filed this report may do that.")))
    words, should_be = _checked(case, objection)
    shown = "" if case.row.is_private else mask(words)
    public = {
        "actor": actor.in_public(),
        "text": shown,
        "unit": case.row.lead_unit,
        "receipt": case.row.public_receipt,
    }
    if should_be:
        public["should_be"] = should_be
    head = record(tx, case.head, [Draft(OBJECTED, public, {"text": words, "receipt": case.row.receipt})])
    return Objected(case.row.token, head.last_seq, case.now, shown)


def _checked(case: Case, objection: Objection) -> tuple[str, str]:
    words, should_be = clean_text(objection.words), clean_text(objection.should_be)
    faults = long_faults(MOST_WORDS, text=words)
    if not words:
        faults["text"] = Message(N_("Please say in a few words what is wrong."))
    if should_be and should_be not in case.city.directory:
        faults["should_be"] = Message(N_("There is no such unit."))
    if faults:
        raise InvalidInput(faults)
    return words, should_be
