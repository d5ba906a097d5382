"""Knows how somebody gets a first or another password: by a signed link that an administrator hands over.

No table holds the link. It is signed over the password of now, so it opens once: when a password is chosen by it,
or any other way, it no longer fits.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from portal import clock
from portal.crypto import Keyring
from portal.errors import Forbidden, InvalidInput
from portal.i18n import N_, Message
from portal.models.people import account
from portal.operations.context import SYSTEM, Actor, Context
from portal.operations.manage_accounts import NewAccount, add_account
from portal.operations.passwords import hash_password, new_password, password_fault
from portal.operations.record_events import Draft, city_head, record
from portal.operations.sign_in import sign_out_everywhere
from portal.queries.accounts import account_by_email
from portal.queries.staff_rights import Grant

VALID = timedelta(days=7)
PURPOSE = "staff-invitation"
OUTDATED = N_("This invitation was used already, or is too old. Ask an administrator for another one.")


def invite_person(
    tx: Connection, context: Context, email: str, name: str, grant: Grant, actor: Actor = SYSTEM
) -> str:
    """Make an account that nobody has a password for yet; answers the code of its invitation."""
    add_account(tx, context, NewAccount(email, name, new_password()), grant, actor)
    return invite_again(tx, context, email, actor)


def invite_again(tx: Connection, context: Context, email: str, actor: Actor = SYSTEM) -> str:
    """A new invitation for an account; its password holds until another one is chosen. NotFound as Forbidden."""
    row = account_by_email(tx, context.jurisdiction_id, email)
    if row is None or row.is_demo:
        raise Forbidden(Message(OUTDATED))
    private = {"account_id": row.id, "by": actor.in_private()}
    draft = Draft("staff.invited", {"actor": actor.in_public()}, private)
    record(tx, city_head(tx, context.jurisdiction_id), [draft])
    return _code(context.keyring, row, clock.now() + VALID)


def invited(tx: Connection, context: Context, code: str) -> Row[Any]:
    """Whose invitation this is; Forbidden where it does not fit any more."""
    number, _, rest = code[:200].partition(".")
    seconds = rest.partition(".")[0]
    if not (number.isdecimal() and seconds.isdecimal() and len(number) < 18 and len(seconds) < 12):
        raise Forbidden(Message(OUTDATED))
    here = (account.c.id == int(number)) & (account.c.jurisdiction_id == context.jurisdiction_id)
    row = tx.execute(select(account).where(here).with_for_update()).one_or_none()
    until = datetime.fromtimestamp(int(seconds), UTC)
    is_good = row is not None and row.is_active and until > clock.now()
    if row is None or not is_good or not hmac.compare_digest(_code(context.keyring, row, until), code):
        raise Forbidden(Message(OUTDATED))
    return row


def accept_invitation(tx: Connection, context: Context, code: str, password: str) -> None:
    """Choose the password; the link is used up. InvalidInput names what does not hold."""
    row = invited(tx, context, code)
    if fault := password_fault(password, row.email):
        raise InvalidInput({"password": fault})
    tx.execute(update(account).where(account.c.id == row.id).values(password_hash=hash_password(password)))
    sign_out_everywhere(tx, context, row.id)


def _code(keyring: Keyring, row: Row[Any], until: datetime) -> str:
    plain = f"{row.id}.{int(until.timestamp())}"
    return f"{plain}.{keyring.pseudonym(PURPOSE, f'{plain}.{row.password_hash}').hex()[:40]}"
