"""Knows what residents and staff wish of the messages to them: which, by which channel, how often, and when not."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from portal import clock
from portal.channels import EMAIL, SMS, is_address
from portal.errors import Forbidden, InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.models.messaging import message_channel, message_preference
from portal.models.report import contact, report
from portal.operations.context import Context
from portal.operations.message_readers import ALL, ENDINGS, NONE, PACES, stop_code
from portal.operations.occasions import CHOICES

WHICH = (ALL, ENDINGS, NONE)
RESIDENT_CHANNELS = (EMAIL, SMS)
DAY_MINUTES = 24 * 60
NO_CONTACT = N_("There is no address with this report.")
BAD_ADDRESS = N_("This cannot be an address of this kind.")
BAD_CHOICE = N_("Please choose one of the offered answers.")
BAD_TIME = N_("Please give both times, like 22:00 and 07:00, or neither.")
WRONG_CODE = N_("This link does not belong to this report.")


@dataclass(frozen=True, slots=True)
class StaffWishes:
    """What a member of staff chose; `address` is empty for the e-mail of the account."""

    occasions: tuple[str, ...] = ()
    pace: str = PACES[0]
    quiet_from: int | None = None
    quiet_until: int | None = None
    kind: str = EMAIL
    address: str = ""


def set_resident_wishes(
    tx: Connection, context: Context, token: str, which: str, channel: str, quiet: tuple[str, str]
) -> None:
    """Keep what the reporter of a report wishes. InvalidInput by field, NotFound where there is no address."""
    if which not in WHICH or channel not in RESIDENT_CHANNELS:
        raise InvalidInput({"which": Message(BAD_CHOICE)})
    start, end = quiet_hours(*quiet)
    _keep(
        tx,
        context,
        token,
        {"which": which, "channel": channel, "quiet_from": start, "quiet_until": end},
    )


def stop_letters(tx: Connection, context: Context, token: str, code: str) -> None:
    """End the letters about a report by the link in one of them; again changes nothing. Forbidden: a wrong code."""
    if not hmac.compare_digest(stop_code(context, token).encode(), code.encode()):
        raise Forbidden(Message(WRONG_CODE))
    _keep(tx, context, token, {"which": NONE})


def _keep(tx: Connection, context: Context, token: str, wishes: Mapping[str, Any]) -> None:
    here = (report.c.token == token) & (report.c.jurisdiction_id == context.jurisdiction_id)
    mine = contact.c.report_id == select(report.c.id).where(here).scalar_subquery()
    row = tx.execute(select(contact.c.wishes).where(mine).with_for_update()).first()
    if row is None:
        raise NotFound(Message(NO_CONTACT))
    tx.execute(update(contact).where(mine).values(wishes={**(row.wishes or {}), **wishes}))


def set_staff_wishes(tx: Connection, context: Context, account_id: int, wishes: StaffWishes) -> None:
    """Keep what a member of staff wishes; without an occasion nothing is sent to them. InvalidInput by field."""
    if faults := _faults(wishes):
        raise InvalidInput(faults)
    row = {
        "account_id": account_id,
        "jurisdiction_id": context.jurisdiction_id,
        "occasions": list(wishes.occasions),
        "pace": wishes.pace,
        "quiet_from": wishes.quiet_from,
        "quiet_until": wishes.quiet_until,
    }
    kept = insert(message_preference).values(row)
    tx.execute(kept.on_conflict_do_update(index_elements=["account_id"], set_=row))
    tx.execute(delete(message_channel).where(message_channel.c.account_id == account_id))
    if wishes.kind != EMAIL or wishes.address:
        sealed = context.keyring.seal({"address": wishes.address}, bound_to=f"channel:account:{account_id}")
        tx.execute(
            message_channel.insert().values(
                jurisdiction_id=context.jurisdiction_id,
                account_id=account_id,
                kind=wishes.kind,
                sealed=sealed,
                created_at=clock.now(),
            )
        )


def wishes_of_staff(tx: Connection, context: Context, account_id: int) -> StaffWishes:
    """What a member of staff chose; nothing at first. Their own address is shown to them alone."""
    query = (
        select(message_preference, message_channel.c.kind, message_channel.c.sealed)
        .outerjoin(message_channel, message_channel.c.account_id == message_preference.c.account_id)
        .where(message_preference.c.account_id == account_id)
    )
    row = tx.execute(query).first()
    if row is None:
        return StaffWishes()
    kind, address = EMAIL, ""
    if row.sealed is not None:
        kind = row.kind
        address = context.keyring.open(row.sealed, bound_to=f"channel:account:{account_id}")["address"]
    return StaffWishes(tuple(row.occasions), row.pace, row.quiet_from, row.quiet_until, kind, address)


def quiet_hours(start: str, end: str) -> tuple[int | None, int | None]:
    """Two times of day as minutes after midnight; none of them typed: no quiet hours. InvalidInput."""
    if not start.strip() and not end.strip():
        return None, None
    found = [_minutes(each) for each in (start, end)]
    if None in found:
        raise InvalidInput({"quiet": Message(BAD_TIME)})
    return found[0], found[1]


def _minutes(text: str) -> int | None:
    hour, _, minute = text.strip().partition(":")
    if not (hour.isdecimal() and minute.isdecimal() and len(hour) < 3 and len(minute) == 2):
        return None
    total = int(hour) * 60 + int(minute)
    return total if total < DAY_MINUTES and int(minute) < 60 else None


def _faults(wishes: StaffWishes) -> dict[str, Message]:
    faults = {}
    if not _is_known(wishes.occasions, CHOICES):
        faults["occasions"] = Message(BAD_CHOICE)
    if wishes.pace not in PACES:
        faults["pace"] = Message(BAD_CHOICE)
    is_own_email = wishes.kind == EMAIL and not wishes.address
    if not is_own_email and not is_address(wishes.kind, wishes.address):
        faults["address"] = Message(BAD_ADDRESS)
    return faults


def _is_known(chosen: Collection[str], known: Collection[str]) -> bool:
    return set(chosen) <= set(known)
