"""Knows how a contractor without an account reaches one case: a signed link that ends, and what it may do."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select, update

from portal import clock
from portal.db import insert_together
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.models.city import unit
from portal.models.crews import contractor_link, contractor_question
from portal.models.ledger import case_file, event
from portal.models.report import report
from portal.operations.case_step import open_step
from portal.operations.context import Actor, Context
from portal.operations.move_report import Case
from portal.operations.outbox_rows import DELIVER, letter, outbox_row
from portal.operations.record_events import Draft, record
from portal.operations.submission import clean_text, long_faults
from portal.queries.staff_rights import accused_units
from routing.lifecycle import CLOSED_STATES

CONTRACTOR = "contractor"
CONTRACTOR_LINK_LASTS = timedelta(days=14)
ENDED = N_("This link has ended. Ask the unit that sent it for a new one.")
MAC_LENGTH = 32  # hexadecimal digits: 128 bits
LINKED = "contractor.linked"
# What was only just said to be done may still be read, and comes back when it is contested.
_OVER = frozenset(CLOSED_STATES) - {"resolved"}


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that holds: the case it opens, and who acts by it."""

    link_id: int
    case_id: int
    token: str
    unit_code: str
    expires_at: datetime
    last_seq: int

    @property
    def actor(self) -> Actor:
        """The contractor, as whom everything is done."""
        return Actor(CONTRACTOR, self.unit_code, link_id=self.link_id)


def issue_link(tx: Connection, context: Context, case_id: int, unit_code: str) -> str:
    """The code of the one standing link for this hand-over; a new one where the last has ended or is an older one's.

    For whoever writes to the contractor. The case stays as it is.
    """
    now, seq = clock.now(), _hand_over(tx, case_id)
    token = tx.scalar(select(report.c.token).where(report.c.id == case_id))
    mine = (contractor_link.c.report_id == case_id) & (contractor_link.c.unit_code == unit_code)
    found = tx.execute(
        select(contractor_link).where(mine, contractor_link.c.revoked_at.is_(None)).with_for_update()
    ).one_or_none()
    if found is not None and found.hand_over == seq and found.expires_at > now:
        return code_of(context, found._mapping, str(token))
    if found is not None:
        tx.execute(update(contractor_link).where(contractor_link.c.id == found.id).values(revoked_at=now))
    expires_at = (now + CONTRACTOR_LINK_LASTS).replace(microsecond=0)
    row = {
        "jurisdiction_id": context.jurisdiction_id, "report_id": case_id, "unit_code": unit_code,
        "hand_over": seq, "created_at": now, "expires_at": expires_at,
    }  # fmt: skip
    made = tx.execute(contractor_link.insert().values(row).returning(contractor_link)).one()
    return code_of(context, made._mapping, str(token))


def code_of(context: Context, link: Mapping[Any, Any], token: str) -> str:
    """Number, end and proof: bound to the purpose, the case, the contractor, the hand-over and the end."""
    expiry = str(int(link["expires_at"].astimezone(UTC).timestamp()))
    bound = "\x1f".join((token, link["unit_code"], str(link["id"]), str(link["hand_over"]), expiry))
    return f"{link['id']}-{expiry}-{context.keyring.pseudonym('contractor-link', bound).hex()[:MAC_LENGTH]}"


def send_link(tx: Connection, context: Context, token: str, actor: Actor) -> None:
    """End the standing link and send the contractor who leads the case a new one."""
    case, _ = open_step(tx, context, token, actor, "send_link")
    _end(tx, case)
    told = [
        letter(
            "transferred_to_you", case.row.id, case.row.lead_unit, case.row.lead_unit, case.row.promise_due_at
        )
    ]
    public = {"actor": actor.in_public(), "unit": case.row.lead_unit}
    extra = [outbox_row(context.jurisdiction_id, case.now, DELIVER, told)]
    record(tx, case.head, [Draft(LINKED, public, actor.in_private())], extra)


def revoke_link(tx: Connection, context: Context, token: str, actor: Actor) -> None:
    """End the standing link at once; Conflict where there is none."""
    case, _ = open_step(tx, context, token, actor, "send_link")
    if not _end(tx, case):
        raise Conflict(Message(N_("There is no link that could be ended.")))
    public = {"actor": actor.in_public(), "unit": case.row.lead_unit}
    record(tx, case.head, [Draft("contractor.unlinked", public, actor.in_private())])


def open_link(tx: Connection, context: Context, code: str) -> Opened:
    """What a link opens; Forbidden where it is wrong, ended, revoked, or the contractor has the case no more.

    It ends with the contract, and with the case: until a closing is confirmed or final, its page can be read.
    """
    number, expiry, mac = _parts(code)
    here = (contractor_link.c.id == number) & (contractor_link.c.jurisdiction_id == context.jurisdiction_id)
    query = select(
        contractor_link, report.c.token, report.c.lead_unit, report.c.about_unit, report.c.state,
        case_file.c.last_seq, unit.c.contract_to,
    ).join(case_file, case_file.c.id == contractor_link.c.report_id)  # fmt: skip
    query = query.join(report, report.c.id == contractor_link.c.report_id)
    is_of_unit = (unit.c.jurisdiction_id == contractor_link.c.jurisdiction_id) & (
        unit.c.unit_code == contractor_link.c.unit_code
    )
    row = tx.execute(query.outerjoin(unit, is_of_unit).where(here)).one_or_none()
    if row is None or int(row.expires_at.timestamp()) != expiry:
        raise Forbidden(Message(ENDED))
    city = context.cities.city(tx, context.jurisdiction_id)
    is_sound = hmac.compare_digest(mac, code_of(context, row._mapping, row.token).rpartition("-")[2])
    is_theirs = row.lead_unit == row.unit_code and row.unit_code not in accused_units(
        row.about_unit, city.directory
    )
    is_over = row.revoked_at is not None or row.expires_at <= clock.now() or row.state in _OVER
    today = clock.now().astimezone(ZoneInfo(city.timezone)).date()
    has_contract = row.contract_to is None or row.contract_to >= today
    if not is_sound or not is_theirs or is_over or not has_contract:
        raise Forbidden(Message(ENDED))
    return Opened(row.id, row.report_id, row.token, row.unit_code, row.expires_at, row.last_seq)


def note_use(tx: Connection, opened: Opened) -> None:
    """Keep when a link was last acted by."""
    tx.execute(
        update(contractor_link).where(contractor_link.c.id == opened.link_id).values(used_at=clock.now())
    )


def ask_unit(tx: Connection, context: Context, opened: Opened, question: str) -> None:
    """The contractor asks the unit that supervises it; the answer comes by letter and on the link's page."""
    case, _ = open_step(tx, context, opened.token, opened.actor, "question_unit")
    question = _words(question, "question")
    above = case.city.directory.supervisor_of(opened.unit_code) or case.city.coordination_unit
    row = {
        "jurisdiction_id": context.jurisdiction_id, "report_id": case.row.id, "unit_code": opened.unit_code,
        "question": question, "asked_at": case.now,
    }  # fmt: skip
    insert_together(tx, [(contractor_question, [row])])
    barred = accused_units(case.row.about_unit, case.city.directory)
    told = (
        [letter("contractor_asked", case.row.id, above, opened.unit_code, None)]
        if above not in barred
        else []
    )
    private = opened.actor.in_private() | {"note": question}
    draft = Draft("contractor.asked", {"actor": opened.actor.in_public()}, private)
    record(tx, case.head, [draft], [outbox_row(context.jurisdiction_id, case.now, DELIVER, told)])


def answer_contractor(
    tx: Connection, context: Context, token: str, actor: Actor, question_id: int, answer: str
) -> None:
    """The unit answers a contractor's question. Raises NotFound, Forbidden, Conflict, InvalidInput."""
    case, _ = open_step(tx, context, token, actor, "answer_contractor")
    answer = _words(answer, "answer")
    mine = (contractor_question.c.id == question_id) & (contractor_question.c.report_id == case.row.id)
    row = tx.execute(select(contractor_question).where(mine)).one_or_none()
    if row is None:
        raise NotFound(Message(N_("There is no such question.")))
    if row.answer is not None:
        raise Conflict(Message(N_("This question has been answered.")))
    tx.execute(update(contractor_question).where(mine).values(answer=answer, answered_at=case.now))
    told = [letter("contractor_answered", case.row.id, row.unit_code, row.unit_code, None)]
    private = actor.in_private() | {"note": answer}
    draft = Draft("contractor.answered", {"actor": actor.in_public()}, private)
    record(tx, case.head, [draft], [outbox_row(context.jurisdiction_id, case.now, DELIVER, told)])


def _parts(code: str) -> tuple[int, int, str]:
    parts = code.split("-")
    is_shaped = len(parts) == 3 and len(code) < 80 and code.isascii()
    if not is_shaped or not (parts[0].isdecimal() and parts[1].isdecimal() and len(parts[2]) == MAC_LENGTH):
        raise Forbidden(Message(ENDED))
    if int(parts[0]) >= 2**62 or int(parts[1]) >= 2**40:
        raise Forbidden(Message(ENDED))
    return int(parts[0]), int(parts[1]), parts[2]


def _hand_over(tx: Connection, case_id: int) -> int:
    """The number of the event that last gave the case to a unit."""
    gives = event.c.kind.in_(["request.routed", "request.rerouted"]) | (
        event.c.kind.startswith("request.") & event.c.public.has_key("to")
    )
    return tx.scalar(select(func.max(event.c.case_seq)).where(event.c.case_id == case_id, gives)) or 0


def _end(tx: Connection, case: Case) -> int:
    standing = (contractor_link.c.report_id == case.row.id) & contractor_link.c.revoked_at.is_(None)
    return int(tx.execute(update(contractor_link).where(standing).values(revoked_at=case.now)).rowcount)


def _words(text: str, field: str) -> str:
    text = clean_text(text)
    if not text:
        raise InvalidInput({field: Message(N_("Please write something."))})
    if faults := long_faults(**{field: text}):
        raise InvalidInput(faults)
    return text
