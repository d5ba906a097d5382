"""Knows how staff sign in and out: rate limits, rotation, and sessions that live on the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, update

from portal import clock
from portal.crypto import digest, new_secret
from portal.db import insert_together
from portal.i18n import N_, Message
from portal.models.people import account, staff_session
from portal.operations.context import Context
from portal.operations.limit_attempts import (
    Counted,
    Limit,
    address_block,
    forget_attempts,
    reserve_attempt,
)
from portal.operations.passwords import hash_password, is_outdated, is_password
from portal.operations.record_events import Draft, city_head, record
from portal.queries.accounts import SessionTimes, account_by_email, grants_of, normal_email, staff_of_session
from portal.queries.staff_rights import Staff

SESSION_IDLE = timedelta(hours=2)
SESSION_LASTS = timedelta(hours=12)
# Writing "seen" on every request would turn each page view into a write.
SEEN_EVERY = timedelta(minutes=1)

_WINDOW = timedelta(minutes=15)
PER_ACCOUNT_AND_ADDRESS = Limit("sign_in.account_address", 5, _WINDOW)
PER_ACCOUNT = Limit("sign_in.account", 20, _WINDOW)
PER_ADDRESS = Limit("sign_in.address", 100, _WINDOW)  # one password tried on many accounts

REFUSED = Message(N_("The e-mail address or the password is not right."))
NO_DEMO = Message(N_("Demo accounts are switched off on this server."))


@dataclass(frozen=True, slots=True)
class Credentials:
    """What was typed, where it came from, and the cookie that the browser already had."""

    email: str
    password: str
    address: str
    old_secret: str = ""


@dataclass(frozen=True, slots=True)
class SignIn:
    """The outcome: a new secret for the cookie, or why not. Refusals are returned, so that they can be kept."""

    secret: str = ""
    refusal: Message | None = None


def reserve_sign_in(tx: Connection, context: Context, credentials: Credentials) -> int:
    """Count an attempt before the password is looked at; seconds to wait, or 0 to go ahead once committed."""
    return reserve_attempt(tx, context, _limits(context, credentials))


def sign_in(tx: Connection, context: Context, credentials: Credentials, *, is_demo_allowed: bool) -> SignIn:
    """Check the password and start a session; the same work and words whether or not the account exists."""
    row = account_by_email(tx, context.jurisdiction_id, credentials.email)
    is_right = is_password(row.password_hash if row else None, credentials.password)
    if row is None or not is_right or not row.is_active:
        return SignIn(refusal=REFUSED)
    if row.is_demo and not is_demo_allowed:
        return SignIn(refusal=NO_DEMO)
    if is_outdated(row.password_hash):
        _set_hash(tx, row.id, credentials.password)
    _forget_failures(tx, context, credentials)
    sign_out(tx, credentials.old_secret)
    secret = _start_session(tx, context, row)
    _record(tx, context, row.id, "staff.signed_in")
    return SignIn(secret=secret)


def resume_session(tx: Connection, context: Context, secret: str, *, is_used: bool = True) -> Staff | None:
    """Who a cookie's secret belongs to, keeping the session alive where it `is_used`; None when it has ended."""
    at = clock.now()
    times = SessionTimes(at, at - SESSION_IDLE, at - (SEEN_EVERY if is_used else SESSION_IDLE))
    return staff_of_session(tx, context.jurisdiction_id, digest(secret), times)


def sign_out(tx: Connection, secret: str) -> None:
    """End one session; nothing happens where there is none."""
    if secret:
        tx.execute(delete(staff_session).where(staff_session.c.key_hash == digest(secret)))


def sign_out_everywhere(tx: Connection, context: Context, account_id: int, *, but: str = "") -> int:
    """End every session of an account, except that of one cookie; answers how many ended."""
    ended = delete(staff_session).where(staff_session.c.account_id == account_id)
    if but:
        ended = ended.where(staff_session.c.key_hash != digest(but))
    count = tx.execute(ended).rowcount
    _record(tx, context, account_id, "staff.signed_out_everywhere")
    return count


def _limits(context: Context, credentials: Credentials) -> list[Counted]:
    email, address = normal_email(credentials.email), address_block(credentials.address)
    return [
        PER_ACCOUNT_AND_ADDRESS.of(context, email, address),
        PER_ACCOUNT.of(context, email),
        PER_ADDRESS.of(context, address),
    ]


def _forget_failures(tx: Connection, context: Context, credentials: Credentials) -> None:
    """A success clears this browser's own failures; counts that others share lose this one attempt only."""
    own, *shared = _limits(context, credentials)
    forget_attempts(tx, context, own)
    for counted in shared:
        forget_attempts(tx, context, counted, newest_only=True)


def _start_session(tx: Connection, context: Context, row: Row[Any]) -> str:
    secret, at = new_secret(), clock.now()
    session: Mapping[str, Any] = {
        "key_hash": digest(secret),
        "jurisdiction_id": context.jurisdiction_id,
        "account_id": row.id,
        "created_at": at,
        "seen_at": at,
        "expires_at": at + SESSION_LASTS,
    }
    insert_together(tx, [(staff_session, [session])])
    return secret


def _set_hash(tx: Connection, account_id: int, password: str) -> None:
    tx.execute(
        update(account).where(account.c.id == account_id).values(password_hash=hash_password(password))
    )


def _record(tx: Connection, context: Context, account_id: int, kind: str) -> None:
    """Into the city's own book: the roles and units are public, the person is not."""
    granted = [{"role": grant.role, "unit": grant.unit_code} for grant in grants_of(tx, account_id)]
    head = city_head(tx, context.jurisdiction_id)
    record(tx, head, [Draft(kind, {"grants": granted}, {"account_id": account_id})])
