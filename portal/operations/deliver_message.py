"""Knows how a message about a case leaves: found its reader, written, sent, kept, and told in the ledger."""

from __future__ import annotations

import smtplib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection, Table

from portal import clock
from portal.db import Rows, insert_together
from portal.mail import Letter, Mailer
from portal.models.work import message
from portal.operations.context import SYSTEM, Context
from portal.operations.limit_attempts import Limit, reserve_attempt
from portal.operations.record_events import Draft, lock_head, record
from portal.operations.run_once import GiveUp, Work, run_once
from portal.operations.write_letter import REPORTER, UNIT, Order, letter_locale, occasions, write_letter
from portal.queries.messages import CaseOfMessage, case_of_message, reason_of_message, unit_of_message

CONFIRMATIONS = Limit("letter.received", 5, timedelta(days=1))
PERMANENT = 500  # an SMTP code from here on means: never


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a message: `name` as it is kept (never an address), and where the link leads."""

    name: str
    email: str
    locale: str
    link: str


def deliver_message(tx: Connection, context: Context, mailer: Mailer, outbox_id: int) -> bool:
    """Send the message of an outbox row unless it was sent; False where that is done or being done.

    Our own rows are written exactly once. The letter is sent at least once: twice only when we are killed
    between the mail server's yes and our commit, and then with the same Message-ID.
    """
    return run_once(tx, outbox_id, lambda work: _deliver(tx, context, mailer, work))


def _deliver(tx: Connection, context: Context, mailer: Mailer, work: Work) -> None:
    occasion, to = work.payload["template"], work.payload["to"]
    if occasion not in occasions(REPORTER if to == REPORTER else UNIT):
        raise GiveUp(f"no message is called {occasion}")
    case = case_of_message(tx, work.payload["report_id"])
    if case is None:
        raise GiveUp("the case does not exist")
    case = _as_of_event(tx, case, work)
    reader = _reporter(context, case) if to == REPORTER else _unit(tx, context, case, to)
    if reader is None:
        return  # nobody left an address: nothing to send, nothing to keep
    letter = _letter(tx, context, work, case, reader)
    is_simulated = case.channel == "replay" or clock.is_simulated()  # its people are not written to
    if is_simulated or _is_flooded(tx, context, work, reader):
        insert_together(tx, [_row(work, reader, letter, "suppressed")])
        return
    # Whatever can fail for want of a lock fails before the letter has left, never after.
    head = lock_head(tx, case.report_id)
    _send(mailer, letter)
    told = {"actor": SYSTEM.in_public(), "template": occasion, "to": to}
    kept = _row(work, reader, letter, "sent")
    record(tx, head, [Draft("message.sent", told)], [kept])


def _is_flooded(tx: Connection, context: Context, work: Work, reader: Reader) -> bool:
    """Whether this address had its confirmations for today: anybody may type anybody's address into a form."""
    if reader.name != REPORTER or work.payload["template"] != "received":
        return False
    name, _, host = reader.email.strip().lower().rpartition("@")
    counted = CONFIRMATIONS.of(context, name.partition("+")[0], host)  # name+tag is the same letter box
    return reserve_attempt(tx, context, [counted]) > 0


def _as_of_event(tx: Connection, case: CaseOfMessage, work: Work) -> CaseOfMessage:
    """The case with the unit that the letter tells of: another one may lead by now."""
    code = work.payload.get("unit")
    if not code or code == case.lead_unit:
        return case
    unit = unit_of_message(tx, case.jurisdiction_id, code)
    return replace(case, lead_unit=code, unit_names=unit.names if unit else {"en": code})


def _reporter(context: Context, case: CaseOfMessage) -> Reader | None:
    if case.sealed is None:
        return None
    try:
        known = context.keyring.open(case.sealed, bound_to=f"contact:{case.token}")
    except ValueError:
        raise GiveUp("the contact was sealed with another key") from None
    if not known.get("email"):
        return None
    # The secret stands in the fragment, which no server log ever sees.
    link = f"{context.public_url}/r/{case.token}#{context.keyring.reporter_secret(case.token)}"
    return Reader(REPORTER, known["email"], case.contact_locale or case.locale or case.city_locale, link)


def _unit(tx: Connection, context: Context, case: CaseOfMessage, code: str) -> Reader | None:
    unit = unit_of_message(tx, case.jurisdiction_id, code)
    if unit is None:
        raise GiveUp(f"no unit is called {code}")
    link = f"{context.public_url}/desk/case/{case.token}"
    return Reader(f"unit:{code}", unit.email, case.city_locale, link) if unit.email else None


def _letter(tx: Connection, context: Context, work: Work, case: CaseOfMessage, reader: Reader) -> Letter:
    occasion = work.payload["template"]
    # The reason stands in the receipt, which may by now be that of a later decision.
    is_first = reader.name == REPORTER and occasion == "received" and case.receipt["lead"] == case.lead_unit
    locale = letter_locale(reader.locale, case.city_locale)
    order = Order(
        audience=REPORTER if reader.name == REPORTER else UNIT,
        occasion=occasion,
        locale=locale,
        link=reader.link,
        words=work.payload.get("text") or "",
        reason=reason_of_message(tx, case) if is_first else None,
        due_at=_instant(work, "due_at"),
        second_due_at=_instant(work, "second_due_at"),
        outside_body=work.payload.get("outside_body") or "",
        duplicate_of=work.payload.get("duplicate_of") or "",
    )
    subject, text = write_letter(order, case)
    host = urlsplit(context.public_url).hostname or "localhost"
    mark = context.keyring.pseudonym("message", str(work.outbox_id)).hex()[:16]
    return Letter(reader.email, subject, text, f"<outbox-{work.outbox_id}-{mark}@{host}>", locale)


def _instant(work: Work, name: str) -> datetime | None:
    return datetime.fromisoformat(work.payload[name]) if work.payload.get(name) else None


def _send(mailer: Mailer, letter: Letter) -> None:
    try:
        mailer.send(letter)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        if codes and min(codes) >= PERMANENT:
            raise GiveUp(f"the mail server refuses this recipient ({codes[0]})") from None
        raise


def _row(work: Work, reader: Reader, letter: Letter, state: str) -> tuple[Table, Rows]:
    """What is kept of a message: to whom in role, never the address or the words."""
    row = {
        "jurisdiction_id": work.jurisdiction_id, "outbox_id": work.outbox_id,
        "report_id": work.payload["report_id"], "template": work.payload["template"],
        "recipient": reader.name, "channel": "email", "state": state,
        "message_id": letter.message_id, "sent_at": clock.now(),
    }  # fmt: skip
    return message, [row]
