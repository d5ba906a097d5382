"""Knows how somebody asks to be told of an area, a service or a unit: only after they proved their address."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from portal import clock
from portal.crypto import new_token
from portal.db import insert_together
from portal.errors import Forbidden, InvalidInput, NotFound, TooMany
from portal.i18n import N_, Message
from portal.models.city import jurisdiction_table
from portal.models.open_city import subscription
from portal.operations.context import Context
from portal.operations.limit_attempts import Limit, reserve_attempt
from portal.operations.message_readers import DAILY, HOURLY, digest_due, stop_code
from portal.operations.outbox_rows import DELIVER, outbox_row
from portal.operations.submission import is_email
from portal.operations.voices import one_mailbox
from portal.queries.city import CityView
from portal.queries.subscriptions import AREA, ASKED, CONFIRMED, SERVICE, UNIT, Subject

PACES = (DAILY, HOURLY)
SUBSCRIBER = "subscription"
ASK = "subscribe"
# Anybody may type anybody's address: a letter box is asked a few times a day, and one network asks for a few.
PER_MAILBOX = Limit("letter.subscribe", 5, timedelta(days=1))
PER_ADDRESS = Limit("subscribe", 20, timedelta(days=1))
NO_SUBJECT = N_("There is no such area, service or unit.")
WRONG_LINK = N_("This link does not belong to anybody who gets these letters.")
TOO_MANY = N_("This was asked for several times today already. Please try again tomorrow.")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody typed: `address` is where it came from, kept as a keyed hash only."""

    subject: Subject
    email: str
    pace: str
    locale: str
    address: str


def check_subject(city: CityView, subject: Subject) -> Subject:
    """The subject, or NotFound where the city has none like it."""
    layer, _, code = subject.code.partition(":")
    known = {
        AREA: (layer, code) in city.boundary_names,
        SERVICE: subject.code in city.services,
        UNIT: subject.code in city.directory,
    }
    if not known.get(subject.kind):
        raise NotFound(Message(NO_SUBJECT))
    return subject


def subscribe(tx: Connection, context: Context, wish: Wish) -> None:
    """Ask an address whether its owner wants the letters. Whoever gets them already is not asked again.

    Raises InvalidInput by field, NotFound, TooMany; says to nobody whether an address is known.
    """
    check_subject(context.cities.city(tx, context.jurisdiction_id), wish.subject)
    if not is_email(wish.email):
        raise InvalidInput({"email": Message(N_("This e-mail address does not look right."))})
    if wish.pace not in PACES:
        raise InvalidInput({"pace": Message(N_("Please choose one of the offered answers."))})
    mailbox = one_mailbox(wish.email)
    counted = (PER_MAILBOX.of(context, mailbox), PER_ADDRESS.of(context, wish.address))
    if wait := reserve_attempt(tx, context, counted):
        raise TooMany(Message(TOO_MANY), wait)
    number = _ask(tx, context, wish, context.keyring.pseudonym("subscription", mailbox))
    if number is not None:
        asked = {"template": ASK, "to": f"{SUBSCRIBER}:{number}"}
        insert_together(tx, [outbox_row(context.jurisdiction_id, clock.now(), DELIVER, [asked])])


def confirm_subscription(tx: Connection, context: Context, token: str, secret: str) -> None:
    """Prove an address: news from now on are told. Again changes nothing."""
    row = _own(tx, context, token, secret)
    if row.state != ASKED:
        return
    now = clock.now()
    mine = jurisdiction_table.c.id == context.jurisdiction_id
    zone = str(tx.scalar(select(jurisdiction_table.c.timezone).where(mine)))
    proved = {"state": CONFIRMED, "told_until": now, "next_at": digest_due(now, row.pace, zone)}
    tx.execute(update(subscription).where(subscription.c.id == row.id).values(proved))


def leave_subscription(tx: Connection, context: Context, token: str, secret: str) -> None:
    """End the letters and forget the address, by one's own link."""
    row = _own(tx, context, token, secret)
    tx.execute(delete(subscription).where(subscription.c.id == row.id))


def stop_subscription(tx: Connection, context: Context, token: str, code: str) -> None:
    """The same by the link that a mail program presses; again changes nothing. Forbidden: a wrong code."""
    if not hmac.compare_digest(subscription_stop_code(context, token).encode(), code.encode()):
        raise Forbidden(Message(WRONG_LINK))
    mine = subscription.c.jurisdiction_id == context.jurisdiction_id
    tx.execute(delete(subscription).where(mine, subscription.c.token == token))


def forget_mailbox(tx: Connection, context: Context, email: str) -> int:
    """End everything that a letter box gets; answers how much that was."""
    voice = context.keyring.pseudonym("subscription", one_mailbox(email))
    mine = subscription.c.jurisdiction_id == context.jurisdiction_id
    return tx.execute(delete(subscription).where(mine, subscription.c.voice == voice)).rowcount


def subscription_secret(context: Context, token: str) -> str:
    """The secret of a subscriber's own link: derived, so that letters can carry it and no table does."""
    return context.keyring.reporter_secret(f"subscription {token}")


def subscription_stop_code(context: Context, token: str) -> str:
    """The code of the address that ends the letters with one POST."""
    return stop_code(context, f"subscription {token}")


def _ask(tx: Connection, context: Context, wish: Wish, voice: bytes) -> int | None:
    """Keep the wish; its number, or None where it is proved already."""
    token, now = new_token(), clock.now()
    values: dict[str, Any] = {
        "jurisdiction_id": context.jurisdiction_id, "token": token, "kind": wish.subject.kind,
        "code": wish.subject.code, "voice": voice, "locale": wish.locale, "pace": wish.pace, "state": ASKED,
        "sealed": context.keyring.seal({"email": wish.email.strip()}, bound_to=f"subscription:{token}"),
        "created_at": now, "told_until": now,
    }  # fmt: skip
    renewed = {name: values[name] for name in ("token", "sealed", "locale", "pace", "created_at")}
    query = insert_or(subscription).values(values)
    query = query.on_conflict_do_update(
        index_elements=["jurisdiction_id", "voice", "kind", "code"],
        set_=renewed,
        where=subscription.c.state == ASKED,
    )
    number = tx.scalar(query.returning(subscription.c.id))
    return None if number is None else int(number)


def _own(tx: Connection, context: Context, token: str, secret: str) -> Row[Any]:
    if not context.keyring.is_reporter_secret(f"subscription {token}", secret.strip().removeprefix("#")):
        raise Forbidden(Message(WRONG_LINK))
    mine = (subscription.c.token == token) & (subscription.c.jurisdiction_id == context.jurisdiction_id)
    row = tx.execute(select(subscription).where(mine).with_for_update()).one_or_none()
    if row is None:
        raise NotFound(Message(WRONG_LINK))
    return row
