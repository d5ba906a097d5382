"""Knows how a unit asks for more time and who grants it: in the open, beside the promise, never by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from portal.db import insert_together
from portal.errors import Conflict, Forbidden, InvalidInput
from portal.i18n import N_, Message
from portal.masking import mask
from portal.models.oversight import extension
from portal.models.report import clock, report
from portal.operations.context import Actor, Context
from portal.operations.locked_case import Case, lock_case, part_in
from portal.operations.move_checks import Move, cleaned, date_faults
from portal.operations.move_report import permitted
from portal.operations.outbox_rows import DELIVER, letter, outbox_row
from portal.operations.own_clocks import end_clock, own_clock
from portal.operations.record_events import Draft, record
from portal.operations.second_dates import start_second
from portal.operations.submission import long_faults
from portal.queries.staff_rights import may_extend

KIND, STAGE = "extension", "answer"
GRANT, REFUSE = "grant", "refuse"
NOT_YOUR_OWN = N_(
    "Nobody grants more time to themselves: the unit above answers, or somebody else at the desk."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to an application: `until` is the date that is granted, `words` are public (masked)."""

    decision: str
    until: datetime | None = None
    words: str = ""


def ask_extension(
    tx: Connection, context: Context, token: str, actor: Actor, wished: datetime | None, reason: str
) -> None:
    """The leading unit applies for a second date; the resident reads that it did, and why.

    Raises InvalidInput by field, Conflict while another application waits, and what a move raises.
    """
    move = cleaned(Move("ask_extension", reason=reason, until=wished))
    case = lock_case(tx, context, token, actor, move)
    permitted(tx, case, part_in(case))
    if faults := date_faults(move.until) | long_faults(reason=move.reason):
        raise InvalidInput(faults)
    if _asked(tx, case) is not None:
        raise Conflict(Message(N_("An application for more time waits for its answer already.")))
    assert move.until is not None
    _store(tx, case, move.until, move.reason)


def _store(tx: Connection, case: Case, wished: datetime, reason: str) -> None:
    """The application with its clock, its event and its letters."""
    lead, decider = case.row.lead_unit, decider_of(case)
    due_at = case.now + timedelta(hours=case.city.escalation.extension_hours)
    row = {
        "jurisdiction_id": case.row.jurisdiction_id, "report_id": case.row.id, "state": "asked", "unit_code": lead,
        "decider": decider, "asked_by": case.actor.account_id, "reason": reason, "public_reason": mask(reason),
        "asked_at": case.now, "wished_at": wished,
    }  # fmt: skip
    running = own_clock(case.city, case.row.id, KIND, STAGE, decider, case.now, due_at)
    insert_together(tx, [(extension, [row]), (clock, [running])])
    until = wished.isoformat()
    public = {
        "actor": case.actor.in_public(),
        "unit": lead,
        "wished": until,
        "text": public_words(case, reason),
    }
    told = [
        letter("extension_asked", case.row.id, decider, lead, due_at, text=reason, second_due_at=until),
        letter("extension_asked", case.row.id, "reporter", lead, case.row.promise_due_at, text=mask(reason),
               second_due_at=until),
    ]  # fmt: skip
    _record(tx, case, Draft("extension.asked", public, case.actor.in_private() | {"text": reason}), told)


def public_words(case: Case, words: str) -> str:
    """Words as everybody may read them in the ledger: masked, and none about a private report."""
    return "" if case.row.is_private else mask(words)


def answer_extension(tx: Connection, context: Context, token: str, actor: Actor, answer: Answer) -> None:
    """Grant what was asked for, grant less, or refuse; an earlier date than the wished one is a shortening.

    Raises Forbidden for the unit itself and for whoever asked, Conflict where nothing waits (any more).
    """
    move = cleaned(Move("answer_extension", reason=answer.words, until=answer.until))
    case = lock_case(tx, context, token, actor, move)
    part = part_in(case)
    permitted(tx, case, part)
    asked = _asked(tx, case)
    if asked is None:
        raise Conflict(Message(N_("No application for more time waits for an answer.")))
    if not may_answer(case, part, asked):
        raise Forbidden(Message(NOT_YOUR_OWN))
    state, until = _decided(answer.decision, move, asked)
    words = move.reason
    tx.execute(
        update(extension).where(extension.c.id == asked.id).values(
            state=state, answer=words, public_answer=mask(words), granted_at=until, answered_at=case.now,
            answered_by_unit=actor.unit_code or case.city.coordination_unit,
        )
    )  # fmt: skip
    end_clock(tx, case.row.id, KIND, STAGE, case.now)
    changes = {"updated_at": case.now} | ({"second_due_at": until} if until else {})
    tx.execute(update(report).where(report.c.id == case.row.id).values(changes))
    if until:
        start_second(tx, case.city, case.row, asked.unit_code, until, case.now, is_open=True)
    public = {"actor": actor.in_public(), "unit": asked.unit_code, "wished": asked.wished_at.isoformat()}
    public |= {"until": until.isoformat()} if until else {}
    public |= {"text": public_words(case, words)} if words else {}
    draft = Draft(f"extension.{state}", public, actor.in_private() | ({"text": words} if words else {}))
    _record(tx, case, draft, _letters(case, asked, until, words))


def decider_of(case: Case) -> str:
    """Who answers an application of the lead: whoever stands above it, or else the coordination desk."""
    directory = case.city.directory
    lead = case.row.lead_unit
    above = directory.supervisor_of(lead) if lead in directory else None
    return above or case.city.coordination_unit


def may_answer(case: Case, part: str, asked: Row[Any]) -> bool:
    """Whether this person may answer: of the desk or of a unit above, and never the one who asked."""
    is_same_person = asked.asked_by is not None and asked.asked_by == case.actor.account_id
    is_above = may_extend(part, case.actor.unit_code, asked.unit_code, case.city.directory)
    return is_above and not is_same_person


def _asked(tx: Connection, case: Case) -> Row[Any] | None:
    waiting = (extension.c.report_id == case.row.id) & (extension.c.state == "asked")
    return tx.execute(select(extension).where(waiting)).one_or_none()


def _decided(decision: str, move: Move, asked: Row[Any]) -> tuple[str, datetime | None]:
    """The state that follows, and the date that is granted; InvalidInput by field."""
    needs_words = {"words": Message(N_("Please say why, in words for the public."))}
    if faults := long_faults(words=move.reason):
        raise InvalidInput(faults)
    if decision == REFUSE:
        if not move.reason.strip():
            raise InvalidInput(needs_words)
        return "refused", None
    if decision != GRANT:
        raise InvalidInput({"decision": Message(N_("Please grant or refuse."))})
    until = move.until or asked.wished_at
    if faults := date_faults(until):
        raise InvalidInput(faults)
    if until > asked.wished_at:
        raise InvalidInput({"until": Message(N_("This is later than was asked for."))})
    if until == asked.wished_at:
        return "granted", until
    if not move.reason.strip():
        raise InvalidInput(needs_words)
    return "shortened", until


def _letters(case: Case, asked: Row[Any], until: datetime | None, words: str) -> Sequence[Mapping[str, Any]]:
    second = {"second_due_at": until.isoformat()} if until else {}
    to_reporter, to_unit = (
        ("extended", "extension_granted") if until else ("extension_refused", "extension_refused")
    )
    lead, due_at = asked.unit_code, case.row.promise_due_at
    return [
        letter(to_reporter, case.row.id, "reporter", lead, due_at, text=mask(words), **second),
        letter(to_unit, case.row.id, lead, lead, due_at, text=words, **second),
    ]


def _record(tx: Connection, case: Case, draft: Draft, told: Sequence[Mapping[str, Any]]) -> None:
    record(tx, case.head, [draft], [outbox_row(case.row.jurisdiction_id, case.now, DELIVER, told)])
