"""Knows digests: what a person did not want to hear at once, gathered, and sent as one letter when it is due."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Connection, Row, Text, cast, func, insert, literal, select, update

from portal import clock
from portal.db import try_lock
from portal.i18n import N_, Message, datetime_words, localised
from portal.mail import Letter
from portal.models.city import jurisdiction_table
from portal.models.messaging import message_preference
from portal.models.work import message, outbox
from portal.operations.context import Context
from portal.operations.message_readers import Reader, digest_due, message_mark, reader_of_person
from portal.operations.occasions import OCCASION_NAMES
from portal.operations.outbox_rows import DELIVER
from portal.operations.run_once import Work
from portal.operations.write_letter import letter_locale, letter_page
from portal.queries.messages import gathered_of_digest, person_of_message

DIGEST = "digest"
SUBJECT = N_("%(count)s messages about your cases")
OPEN_DESK = N_("All of them stand in your inbox:")


def send_digests(tx: Connection, limit: int = 200) -> int:
    """Ask for the digests that are due, one letter for each person; answers how many."""
    now, asked = clock.now(), 0
    if not try_lock(tx, "digests"):
        return 0
    for row in tx.execute(_waiting(limit)):
        if digest_due(row.first_at, row.pace, row.timezone) <= now:
            _ask_for(tx, row, now)
            asked += 1
    return asked


def digest_letter(tx: Connection, context: Context, work: Work) -> tuple[Reader, Letter] | None:
    """The letter of a digest's outbox row; None where nobody wants it any more."""
    number = int(str(work.payload["to"]).partition(":")[2])
    person = person_of_message(tx, work.jurisdiction_id, number)
    if person is None or not person.is_active:
        return None
    city = tx.execute(
        select(jurisdiction_table.c.locales, jurisdiction_table.c.timezone).where(
            jurisdiction_table.c.id == work.jurisdiction_id
        )
    ).one()
    reader = reader_of_person(context, person, f"{context.public_url}/desk/", city.locales[0])
    locale = letter_locale(reader.locale, city.locales[0])
    rows = gathered_of_digest(tx, work.outbox_id)
    lines = [_line(row, locale, city.timezone) for row in rows]
    subject = Message(SUBJECT, {"count": len(rows)}).in_locale(locale)
    ends = f"{Message(OPEN_DESK).in_locale(locale)}\n{reader.link}\n"
    text = "\n".join(lines) + "\n\n" + ends
    page = letter_page(subject, text, reader.link, locale)
    return reader, Letter(reader.address, subject, text, message_mark(context, work.outbox_id), locale, page)


def _line(row: Row[Any], locale: str, timezone: str) -> str:
    at = datetime_words(row.sent_at.astimezone(ZoneInfo(timezone)), locale, with_year=False)
    what = Message(OCCASION_NAMES.get(row.template, row.template)).in_locale(locale)
    return f"{at} · {what} · {localised(row.name or {}, locale)} · {row.token}"


def _waiting(limit: int) -> Any:
    """People for whom something was gathered, with the time of its oldest; answered from the partial index."""
    first = func.min(message.c.sent_at).label("first_at")
    gathered = (
        select(message.c.recipient, first)
        .where(message.c.state == "gathered")
        .group_by(message.c.recipient)
        .subquery()
    )
    return (
        select(
            gathered.c.first_at,
            gathered.c.recipient,
            message_preference.c.jurisdiction_id,
            message_preference.c.pace,
            jurisdiction_table.c.timezone,
        )
        .join(
            message_preference,
            literal("account:") + cast(message_preference.c.account_id, Text) == gathered.c.recipient,
        )
        .join(jurisdiction_table, jurisdiction_table.c.id == message_preference.c.jurisdiction_id)
        .order_by(gathered.c.first_at)
        .limit(limit)
    )


def _ask_for(tx: Connection, row: Row[Any], now: datetime) -> None:
    """An outbox row for the digest, and the gathered messages marked as its own, together."""
    asked = {
        "jurisdiction_id": row.jurisdiction_id,
        "job": DELIVER,
        "payload": {"template": DIGEST, "to": row.recipient},
        "created_at": now,
        "available_at": now,
    }
    digest_id = tx.scalar(insert(outbox).values(asked).returning(cast(outbox.c.id, BigInteger)))
    gathered = (message.c.recipient == row.recipient) & (message.c.state == "gathered")
    tx.execute(update(message).where(gathered).values(state="digested", digest_id=digest_id))
