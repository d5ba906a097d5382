"""Knows how a message leaves: claimed, written, sent while nothing is locked, then kept and told in the ledger."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError, OperationalError

from portal import clock
from portal.channels import EMAIL, CannotSend, Channels, Note
from portal.db import Database, Rows, insert_together
from portal.mail import Letter, Mailer
from portal.models.work import message
from portal.operations.context import SYSTEM, Context
from portal.operations.digest_letter import DIGEST, digest_letter
from portal.operations.limit_attempts import Limit, reserve_attempt
from portal.operations.message_readers import Reader, message_mark, reader_of
from portal.operations.news_letter import NEWS, subscriber_letter
from portal.operations.outbox_rows import DELIVER, outbox_row
from portal.operations.record_events import Draft, lock_head, record
from portal.operations.run_once import GiveUp, Later, Work, claim, finish, keep_handed
from portal.operations.subscribe import ASK
from portal.operations.voice_links import link_of_letter
from portal.operations.write_letter import (
    FOLLOWER,
    REPORTER,
    Order,
    audience_of,
    letter_locale,
    letter_page,
    occasions,
    write_letter,
)
from portal.queries.messages import (
    AT_ONCE,
    CaseOfMessage,
    case_of_message,
    others_of_unit,
    reason_of_message,
    unit_of_message,
    wording_of,
    words_of_message,
)

CONFIRMATIONS = Limit("letter.received", 5, timedelta(days=1))
PERMANENT = 500  # an SMTP code from here on means: never
# The books are told of a letter that has left, even while the database restarts.
TELLING_PAUSES_S = (0.0, 0.5, 2.0, 5.0, 10.0)
BUSY = timedelta(seconds=5)
# Messages that are about no single case: a gathering of many, or the news of an area.
_NOT_OF_A_CASE = {DIGEST: digest_letter, ASK: subscriber_letter, NEWS: subscriber_letter}


@dataclass(frozen=True, slots=True)
class Outlet:
    """The ways out of the installation."""

    mailer: Mailer
    channels: Channels


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message ready to leave, and what the books keep of it."""

    letter: Letter
    kind: str
    link: str
    kept: Mapping[str, Any]
    others: tuple[str, ...] = ()


def deliver_message(
    database: Database, context: Context, outlet: Outlet, outbox_id: int, lease: timedelta
) -> bool:
    """Send the message of an outbox row unless it was sent; False where that is done or being done.

    Our own rows are written exactly once. The message is sent at least once: twice only when we are killed
    between the other side's yes and our commit, and then with the same Message-ID. No case is locked meanwhile.
    """
    try:
        with database.transaction() as tx:
            work, parcel, failure = _begin(tx, context, outbox_id, lease)
    except DBAPIError:
        with database.transaction() as tx:  # the start is counted all the same
            claim(tx, outbox_id, lease)
        raise
    if work is None:
        return False
    if failure is not None:
        raise failure
    if work.handed is None:
        if parcel is None:
            return True
        _send(outlet, parcel)
        work = replace(work, handed={"kept": parcel.kept, "others": parcel.others})
    _tell_books(database, work)
    return True


def _begin(
    tx: Connection, context: Context, outbox_id: int, lease: timedelta
) -> tuple[Work | None, Parcel | None, Exception | None]:
    """Claim the row and write its message in one transaction, which counts the start whatever goes wrong."""
    work = claim(tx, outbox_id, lease)
    if work is None or work.handed is not None:
        return work, None, None
    try:
        parcel = _pack(tx, context, work)
    except DBAPIError:
        raise
    except Exception as failure:
        return work, None, failure
    if parcel is None:
        finish(tx, outbox_id)
    return work, parcel, None


def _pack(tx: Connection, context: Context, work: Work) -> Parcel | None:
    """Find the reader and write the words; None where nothing is to leave, and the books know why."""
    if (write := _NOT_OF_A_CASE.get(work.payload["template"])) is not None:
        found = write(tx, context, work)
        return found and _parcel(work, found[0], found[1])
    occasion, to = work.payload["template"], work.payload["to"]
    if occasion not in occasions(audience_of(to)):
        raise GiveUp(f"no message is called {occasion}")
    case = case_of_message(tx, work.payload["report_id"])
    if case is None:
        raise GiveUp("the case does not exist")
    case = _as_of_event(tx, case, work)
    is_simulated = case.channel == "replay" or clock.is_simulated()  # its people are not written to
    reader = reader_of(tx, context, case, work.payload)
    others = _others(tx, case, work) if not is_simulated else ()
    if reader is None:  # nobody left an address: nothing to send, nothing to keep
        insert_together(tx, [_fan_out(work, others)])
        return None
    parcel = replace(_parcel(work, reader, _letter(tx, context, work, case, reader)), others=others)
    if is_simulated or reader.is_stopped or _is_flooded(tx, context, work, reader):
        state = "suppressed"
    elif reader.pace != AT_ONCE:
        state = "gathered"
    else:
        return parcel
    insert_together(tx, [(message, [{**parcel.kept, "state": state, "sent_at": clock.now()}])])
    return None


def _is_flooded(tx: Connection, context: Context, work: Work, reader: Reader) -> bool:
    """Whether this address had its confirmations for today: anybody may type anybody's address into a form."""
    if reader.name != REPORTER or work.payload["template"] != "received" or work.attempts > 1:
        return False
    name, _, host = reader.address.strip().lower().rpartition("@")
    counted = CONFIRMATIONS.of(context, name.partition("+")[0], host)  # name+tag is the same letter box
    return reserve_attempt(tx, context, [counted]) > 0


def _as_of_event(tx: Connection, case: CaseOfMessage, work: Work) -> CaseOfMessage:
    """The case with the unit that the letter tells of: another one may lead by now."""
    code = work.payload.get("unit")
    if not code or code == case.lead_unit:
        return case
    unit = unit_of_message(tx, case.jurisdiction_id, code)
    return replace(case, lead_unit=code, unit_names=unit.names if unit else {"en": code})


def _others(tx: Connection, case: CaseOfMessage, work: Work) -> tuple[str, ...]:
    """Who else hears of a unit's message: each gets a row of their own, so that each is written to once."""
    to = str(work.payload["to"])
    if to == REPORTER or ":" in to:
        return ()
    return tuple(others_of_unit(tx, case.jurisdiction_id, to, work.payload["template"]))


def _letter(tx: Connection, context: Context, work: Work, case: CaseOfMessage, reader: Reader) -> Letter:
    payload = work.payload
    occasion, audience = payload["template"], audience_of(reader.name)
    # The reason stands in the receipt, which may by now be that of a later decision.
    is_first = audience == REPORTER and occasion == "received" and case.receipt["lead"] == case.lead_unit
    locale = letter_locale(reader.locale, case.city_locale)
    seq = payload.get("seq")
    order = Order(
        audience=audience,
        occasion=occasion,
        locale=locale,
        link=reader.link,
        words=payload.get("text") or (words_of_message(tx, case.report_id, seq) if seq else ""),
        reason=reason_of_message(tx, case) if is_first else None,
        due_at=_instant(work, "due_at"),
        second_due_at=_instant(work, "second_due_at"),
        outside_body=payload.get("outside_body") or "",
        duplicate_of=payload.get("duplicate_of") or "",
        incident=payload.get("incident") or "",
        say_link=link_of_letter(context, case.token, payload, clock.now()),
    )
    wording = wording_of(tx, case.jurisdiction_id, audience, occasion, locale)
    subject, text = write_letter(order, case, wording)
    page = letter_page(subject, text, reader.link, locale, reader.stop_url)
    mark = message_mark(context, work.outbox_id)
    return Letter(reader.address, subject, text, mark, locale, page, reader.stop_url)


def _instant(work: Work, name: str) -> datetime | None:
    return datetime.fromisoformat(work.payload[name]) if work.payload.get(name) else None


def _send(outlet: Outlet, parcel: Parcel) -> None:
    letter = parcel.letter
    try:
        if parcel.kind == EMAIL:
            outlet.mailer.send(letter)
        else:
            note = Note(letter.to, letter.subject, letter.text, parcel.link, letter.message_id)
            outlet.channels.send(parcel.kind, note)
    except CannotSend as error:
        raise GiveUp(str(error)) from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        if codes and min(codes) >= PERMANENT:
            raise GiveUp(f"the mail server refuses this recipient ({codes[0]})") from None
        raise


def _tell_books(database: Database, work: Work) -> None:
    """Keep the message and tell its case; where somebody holds the case, note that it has left and come again."""
    for pause in TELLING_PAUSES_S:
        time.sleep(pause)
        try:
            with database.transaction() as tx:
                _tell(tx, work)
            return
        except OperationalError as error:
            if not error.connection_invalidated:  # the case is held for longer than anybody waits
                break
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
    with database.transaction() as tx:
        keep_handed(tx, work.outbox_id, work.handed or {})
    raise Later(clock.now() + BUSY)


def _tell(tx: Connection, work: Work) -> None:
    assert work.handed is not None
    kept = {**work.handed["kept"], "state": "sent", "sent_at": clock.now()}
    rows: list[tuple[Table, Rows]] = [(message, [kept]), _fan_out(work, work.handed["others"])]
    if kept["report_id"] is None:
        insert_together(tx, rows)
    else:
        told = {"actor": SYSTEM.in_public(), "template": kept["template"], "to": _in_public(work)}
        record(tx, lock_head(tx, kept["report_id"]), [Draft("message.sent", told)], rows)
    finish(tx, work.outbox_id)


def _in_public(work: Work) -> str:
    """Reporter, follower or unit: which person or room was written to is not for everybody."""
    to = str(work.payload.get("of") or work.payload["to"])
    return FOLLOWER if to.startswith(f"{FOLLOWER}:") else to


def _fan_out(work: Work, others: tuple[str, ...] | list[str]) -> tuple[Table, Rows]:
    """One row for each further reader of a unit's message."""
    payloads = [{**work.payload, "to": other, "of": work.payload["to"]} for other in others]
    return outbox_row(work.jurisdiction_id, clock.now(), DELIVER, payloads)


def _parcel(work: Work, reader: Reader, letter: Letter) -> Parcel:
    """With what is kept of a message: to whom in role, never the address or the words."""
    kept = {
        "jurisdiction_id": work.jurisdiction_id, "outbox_id": work.outbox_id,
        "report_id": work.payload.get("report_id"), "template": work.payload["template"],
        "recipient": reader.name, "channel": reader.kind, "message_id": letter.message_id,
    }  # fmt: skip
    return Parcel(letter, reader.kind, reader.link, kept)
