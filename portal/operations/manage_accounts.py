"""Knows how accounts come about: adding people, granting roles, changing passwords, closing accounts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from portal import clock
from portal.errors import Conflict, InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.models.city import unit
from portal.models.people import account, role_grant, staff_session
from portal.operations.context import SYSTEM, Actor, Context
from portal.operations.passwords import hash_password, is_password, password_fault
from portal.operations.record_events import Draft, city_head, record
from portal.operations.sign_in import sign_out_everywhere
from portal.queries.accounts import account_by_email, account_by_id, normal_email
from portal.queries.staff_rights import CITY_ROLES, STAFF_ROLES, WHOLE_CITY, Grant

_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}")
LONGEST_NAME = 100
NOT_ONESELF = N_("Nobody takes this from themselves. Ask another administrator.")


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A person to be let in; `name` is for colleagues and never public."""

    email: str
    name: str
    password: str
    is_demo: bool = False


def add_account(
    tx: Connection, context: Context, person: NewAccount, grant: Grant, actor: Actor = SYSTEM
) -> int:
    """Make an account with its first grant; InvalidInput names what does not hold, Conflict an address in use."""
    _check_person(person)
    _check_grant(tx, context, grant)
    values = {
        "jurisdiction_id": context.jurisdiction_id,
        "email": normal_email(person.email),
        "name": person.name.strip() or normal_email(person.email).partition("@")[0],
        "password_hash": hash_password(person.password),
        "is_demo": person.is_demo,
        "created_at": clock.now(),
    }
    account_id: int | None = tx.scalar(
        insert(account).values(values).on_conflict_do_nothing().returning(account.c.id)
    )
    if account_id is None:
        raise Conflict(Message(N_("There is already an account with this e-mail address.")))
    _grant(tx, context, account_id, grant, actor)
    return account_id


def grant_role(tx: Connection, context: Context, email: str, grant: Grant, actor: Actor = SYSTEM) -> bool:
    """Give an account a role in a unit; False where it had it already. NotFound, InvalidInput."""
    row = _known(tx, context, email)
    _check_grant(tx, context, grant)
    return _grant(tx, context, row.id, grant, actor)


def revoke_role(tx: Connection, context: Context, email: str, grant: Grant, actor: Actor = SYSTEM) -> bool:
    """Take a role away; False where it was not held. NotFound for an unknown account, Conflict for one's own."""
    row = _known(tx, context, email)
    if grant.role == "admin":
        _check_other(row, actor)
    held = (
        role_grant.c.account_id == row.id,
        role_grant.c.role == grant.role,
        role_grant.c.unit_code == grant.unit_code,
    )
    if tx.execute(delete(role_grant).where(*held)).rowcount == 0:
        return False
    _record(tx, context, row.id, "staff.revoked", grant, actor)
    return True


def set_password(tx: Connection, context: Context, email: str, password: str) -> None:
    """Give an account another password, for an administrator, and end all of its sessions."""
    row = _known(tx, context, email)
    _store_password(tx, context, row, password)


def change_password(tx: Connection, context: Context, account_id: int, old: str, new: str) -> None:
    """Change one's own password and end all sessions; InvalidInput names the field that does not hold."""
    row = account_by_id(tx, account_id)
    if not is_password(row.password_hash, old):
        raise InvalidInput({"old_password": Message(N_("This is not your present password."))})
    _store_password(tx, context, row, new)


def set_active(tx: Connection, context: Context, email: str, is_active: bool, actor: Actor = SYSTEM) -> None:
    """Close an account, ending its sessions at once, or open it again. Its past stays in the events."""
    row = _known(tx, context, email)
    if row.is_active == is_active:
        return
    _check_other(row, actor)
    tx.execute(update(account).where(account.c.id == row.id).values(is_active=is_active))
    if not is_active:
        tx.execute(delete(staff_session).where(staff_session.c.account_id == row.id))
    kind = "staff.account_opened" if is_active else "staff.account_closed"
    head = city_head(tx, context.jurisdiction_id)
    record(tx, head, [Draft(kind, {"actor": actor.in_public()}, _private(row.id, actor))])


def _check_other(row: Row[Any], actor: Actor) -> None:
    """The last administrator must not be locked out by their own hand."""
    if row.id == actor.account_id:
        raise Conflict(Message(NOT_ONESELF))


def _store_password(tx: Connection, context: Context, row: Row[Any], password: str) -> None:
    if fault := password_fault(password, row.email):
        raise InvalidInput({"password": fault})
    changed = update(account).where(account.c.id == row.id)
    tx.execute(changed.values(password_hash=hash_password(password)))
    sign_out_everywhere(tx, context, row.id)


def _known(tx: Connection, context: Context, email: str) -> Row[Any]:
    row = account_by_email(tx, context.jurisdiction_id, email)
    if row is None:
        raise NotFound(Message(N_("There is no account with this e-mail address.")))
    return row


def _check_person(person: NewAccount) -> None:
    faults: dict[str, Message] = {}
    if not _EMAIL.fullmatch(normal_email(person.email)):
        faults["email"] = Message(N_("This is not an e-mail address."))
    if len(person.name) > LONGEST_NAME:
        faults["name"] = Message(N_("Use at most %(count)s characters."), {"count": LONGEST_NAME})
    if fault := password_fault(person.password, person.email):
        faults["password"] = fault
    if faults:
        raise InvalidInput(faults)


def _check_grant(tx: Connection, context: Context, grant: Grant) -> None:
    if grant.role not in STAFF_ROLES:
        roles = ", ".join(STAFF_ROLES)
        raise InvalidInput({"role": Message(N_("The role is one of: %(roles)s."), {"roles": roles})})
    if grant.unit_code == WHOLE_CITY:
        if grant.role not in CITY_ROLES:
            raise InvalidInput({"unit": Message(N_("This role needs a unit."))})
        return
    known = exists().where(
        unit.c.jurisdiction_id == context.jurisdiction_id, unit.c.unit_code == grant.unit_code
    )
    if not tx.scalar(select(known)):
        raise InvalidInput({"unit": Message(N_("There is no unit %(unit)s."), {"unit": grant.unit_code})})


def _grant(tx: Connection, context: Context, account_id: int, grant: Grant, actor: Actor) -> bool:
    values = {
        "jurisdiction_id": context.jurisdiction_id,
        "account_id": account_id,
        "role": grant.role,
        "unit_code": grant.unit_code,
    }
    new = insert(role_grant).values(values).on_conflict_do_nothing().returning(role_grant.c.id)
    if tx.scalar(new) is None:
        return False
    _record(tx, context, account_id, "staff.granted", grant, actor)
    return True


def _record(tx: Connection, context: Context, account_id: int, kind: str, grant: Grant, actor: Actor) -> None:
    """Into the city's own book: role and unit are public, the person is not."""
    public = {"actor": actor.in_public(), "role": grant.role, "unit": grant.unit_code}
    head = city_head(tx, context.jurisdiction_id)
    record(tx, head, [Draft(kind, public, _private(account_id, actor))])


def _private(account_id: int, actor: Actor) -> dict[str, Any]:
    return {"account_id": account_id, "by": actor.in_private()}
