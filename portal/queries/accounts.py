"""Knows the accounts of a city: who holds which grants, whose session a cookie is, who may sign in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, update

from portal.models.people import account, role_grant, staff_session
from portal.queries.staff_rights import Grant, Staff


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as administrators see it; never with its password hash."""

    account_id: int
    email: str
    name: str
    is_active: bool
    is_demo: bool
    created_at: datetime
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """Now, since when a session counts as idle, and how long ago its last use must be to be written again."""

    at: datetime
    idle_since: datetime
    seen_before: datetime


def normal_email(email: str) -> str:
    """The form in which an e-mail address is kept and compared."""
    return email.strip().lower()


def list_accounts(tx: Connection, jurisdiction_id: str) -> list[AccountRow]:
    """Every account of the city with its grants, by address; one statement."""
    query = _with_grants(account.c.jurisdiction_id == jurisdiction_id)
    return [
        AccountRow(
            row.id, row.email, row.name, row.is_active, row.is_demo, row.created_at, _grants(row.grants)
        )
        for row in tx.execute(query.order_by(account.c.email))
    ]


def account_by_email(tx: Connection, jurisdiction_id: str, email: str) -> Row[Any] | None:
    """The account of an address with its password hash, for signing in; None when there is none."""
    return tx.execute(
        select(account).where(
            account.c.jurisdiction_id == jurisdiction_id,
            func.lower(account.c.email) == normal_email(email),
        )
    ).one_or_none()


def account_by_id(tx: Connection, account_id: int) -> Row[Any]:
    """One account with its password hash."""
    return tx.execute(select(account).where(account.c.id == account_id)).one()


def grants_of(tx: Connection, account_id: int) -> tuple[Grant, ...]:
    """What was granted to an account."""
    rows = tx.execute(
        select(role_grant.c.role, role_grant.c.unit_code).where(role_grant.c.account_id == account_id)
    )
    return tuple(sorted(Grant(row.role, row.unit_code) for row in rows))


def staff_of_session(
    tx: Connection, jurisdiction_id: str, key_hash: bytes, times: SessionTimes
) -> Staff | None:
    """Who a session belongs to; None when it ended, idled out or was closed.

    One statement, which also writes down that the session was used, at most once in `times.seen_before`.
    """
    mine = (
        staff_session.c.key_hash == key_hash,
        staff_session.c.expires_at > times.at,
        staff_session.c.seen_at > times.idle_since,
    )
    touched = (
        update(staff_session)
        .where(*mine, staff_session.c.seen_at <= times.seen_before)
        .values(seen_at=times.at)
        .returning(staff_session.c.key_hash)
        .cte("touched")
    )
    query = (
        _with_grants(account.c.jurisdiction_id == jurisdiction_id, account.c.is_active, *mine)
        .join(staff_session, staff_session.c.account_id == account.c.id)
        .add_cte(touched)
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    return Staff(row.id, row.name, row.email, _grants(row.grants), row.locale, row.is_demo)


def count_sessions(tx: Connection, account_id: int, at: datetime, idle_since: datetime) -> int:
    """In how many browsers an account is signed in."""
    live = (
        staff_session.c.account_id == account_id,
        staff_session.c.expires_at > at,
        staff_session.c.seen_at > idle_since,
    )
    return tx.scalar(select(func.count()).select_from(staff_session).where(*live)) or 0


def _with_grants(*where: ColumnElement[bool]) -> Select[Any]:
    """Accounts with their grants as one JSON list, so that a session is known by a single statement."""
    granted = (
        select(func.json_agg(func.json_build_array(role_grant.c.role, role_grant.c.unit_code)))
        .where(role_grant.c.account_id == account.c.id)
        .correlate(account)
        .scalar_subquery()
        .label("grants")
    )
    public = [column for column in account.c if column.name != "password_hash"]
    return select(*public, granted).select_from(account).where(*where)


def _grants(pairs: Iterable[Iterable[str]] | None) -> tuple[Grant, ...]:
    return tuple(sorted(Grant(*pair) for pair in pairs or ()))
