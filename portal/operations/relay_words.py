"""Knows how a unit and a resident write to each other through the case, without an address on either side."""

from __future__ import annotations

from sqlalchemy import Connection, select

from portal.crypto import ALPHABET, Keyring
from portal.errors import Conflict, InvalidInput
from portal.i18n import N_, Message
from portal.masking import mask
from portal.models.report import contact
from portal.operations.context import REPORTER, SYSTEM, Actor, Context
from portal.operations.move_report import Case, Move, lock_case, move_report, part_in
from portal.operations.outbox_rows import DELIVER, letter, outbox_row
from portal.operations.pauses import awaits_reporter
from portal.operations.record_events import Draft, record
from portal.operations.submission import clean_text, long_faults

ASKED, REPLIED = "relay.asked", "relay.replied"
RELAYED = (ASKED, REPLIED)
MOST_OF_WORDS = 2000
EMPTY = N_("Please write something.")
ERASED = N_("The reporter of this case has been forgotten: nobody can be reached any more.")


def alias(keyring: Keyring, token: str) -> str:
    """Four signs that stand for a resident in one case: the same for everybody who asks, nothing behind them."""
    return "".join(ALPHABET[byte % 32] for byte in keyring.pseudonym("alias", token)[:4])


def write_to_resident(tx: Connection, context: Context, token: str, actor: Actor, words: str) -> None:
    """A unit asks the resident something. Raises NotFound, Forbidden, InvalidInput, Conflict."""
    words = _checked(words)
    case = lock_case(tx, context, token, actor, Move(ASKED))
    part_in(case)
    if case.row.contact_erased_at is not None:
        raise Conflict(Message(ERASED))
    is_reachable = tx.scalar(select(contact.c.report_id).where(contact.c.report_id == case.row.id))
    _relay(tx, context, case, ASKED, words, [("asked", "reporter")] if is_reachable else [])


def reply_to_unit(tx: Connection, context: Context, token: str, words: str) -> None:
    """The resident answers, or writes of their own accord: the unit that leads by now is told.

    Addresses are blacked out, so that none slips through by habit. A case that waited for the answer goes on.
    """
    words = mask(_checked(words))
    case = lock_case(tx, context, token, REPORTER, Move(REPLIED))
    if case.row.contact_erased_at is not None:
        raise Conflict(Message(ERASED))
    _relay(tx, context, case, REPLIED, words, [("relayed", case.row.lead_unit)])
    if awaits_reporter(tx, case):
        move_report(tx, context, token, SYSTEM, Move("resume"))


def _relay(
    tx: Connection, context: Context, case: Case, kind: str, words: str, told: list[tuple[str, str]]
) -> None:
    """The words stand in the private part of an event, which can be erased; letters take them from there."""
    actor = case.actor
    private = {**actor.in_private(), "text": words}
    rows = [
        letter(template, case.row.id, to, case.row.lead_unit, None, seq=case.head.last_seq + 1)
        for template, to in told
    ]
    draft = Draft(kind, {"actor": actor.in_public()}, private)
    record(tx, case.head, [draft], [outbox_row(context.jurisdiction_id, case.now, DELIVER, rows)])


def _checked(words: str) -> str:
    words = clean_text(words)
    if not words:
        raise InvalidInput({"words": Message(EMPTY)})
    if faults := long_faults(MOST_OF_WORDS, words=words):
        raise InvalidInput(faults)
    return words
