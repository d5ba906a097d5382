"""Knows who reads a message and how it reaches them: reporter, unit, a unit's channel, or a person of the staff."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from portal import clock
from portal.channels import EMAIL, SMS
from portal.operations.context import Context
from portal.operations.field_readers import crew_address, is_accused, link_of_contractor
from portal.operations.follow_report import follower_secret, follower_stop_code
from portal.operations.run_once import GiveUp, Later
from portal.operations.write_letter import FOLLOWER, REPORTER
from portal.queries.followers import ASKED, CONFIRMED, follower_by_id
from portal.queries.messages import (
    AT_ONCE,
    CaseOfMessage,
    Person,
    channel_of_message,
    person_of_message,
    unit_of_message,
)

HOURLY, DAILY = "hourly", "daily"
PACES = (AT_ONCE, HOURLY, DAILY)
ALL, ENDINGS, NONE = "all", "endings", "none"
# What a resident who wants to hear little still hears: that it came in, how it ended, and what they are asked.
WEIGHTY = frozenset(
    {
        "received",
        "resolved",
        "partly_fixed",
        "not_found",
        "answered",
        "rejected",
        "closed",
        "outside",
        "merged",
        "asked",
    }
)
ANOTHER_KEY = "the contact was sealed with another key"
DIGEST_AT = 8  # o'clock, the city's time


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a message: `name` as it is kept (never an address), where it goes, and where its link leads."""

    name: str
    kind: str
    address: str
    locale: str
    link: str
    stop_url: str = ""
    pace: str = AT_ONCE
    is_stopped: bool = False


def reader_of(
    tx: Connection, context: Context, case: CaseOfMessage, payload: Mapping[str, Any]
) -> Reader | None:
    """The reader of a message about a case; None where there is no address. Raises GiveUp, and Later while
    they want to be left in peace."""
    to = str(payload["to"])
    if to == REPORTER:
        return _reporter(context, case, str(payload["template"]))
    kind, _, number = to.partition(":")
    if kind == FOLLOWER:
        return _follower(tx, context, case, int(number), str(payload["template"]))
    unit_code = str(payload.get("of") or to)
    if is_accused(tx, case, unit_code):
        return None
    if kind == "crew":
        address = crew_address(tx, case, number)
        return address and Reader(
            f"crew:{number}", *address, case.city_locale, f"{context.public_url}/desk/crew"
        )
    if kind == "account":
        return _person(tx, context, case, int(number))
    if kind == "channel":
        return _channel(tx, context, case, int(number))
    return _unit(tx, context, case, to)


def message_mark(context: Context, outbox_id: int) -> str:
    """The Message-ID of an outbox row's message: the same at every attempt, and nobody else can make it."""
    host = urlsplit(context.public_url).hostname or "localhost"
    mark = context.keyring.pseudonym("message", str(outbox_id)).hex()[:16]
    return f"<outbox-{outbox_id}-{mark}@{host}>"


def stop_url(context: Context, token: str) -> str:
    """Where one POST ends the letters about a report: it proves nothing else, unlike the private link."""
    return f"{context.public_url}/unsubscribe/{token}/{stop_code(context, token)}"


def stop_code(context: Context, token: str) -> str:
    """The code of that address."""
    return context.keyring.pseudonym("stop-letters", token).hex()[:24]


def open_contact(context: Context, token: str, sealed: bytes) -> dict[str, Any]:
    """What a reporter left, opened; GiveUp where the key is another."""
    try:
        return context.keyring.open(sealed, bound_to=f"contact:{token}")
    except ValueError:
        raise GiveUp(ANOTHER_KEY) from None


def quiet_end(at: datetime, start: int | None, end: int | None, timezone: str) -> datetime | None:
    """When the quiet hours end that an instant falls into; None outside. Minutes after the city's midnight."""
    if start is None or end is None or start == end:
        return None
    local = at.astimezone(ZoneInfo(timezone))
    minute = local.hour * 60 + local.minute
    is_quiet = start <= minute < end if start < end else minute >= start or minute < end
    if not is_quiet:
        return None
    day = local.date() + timedelta(days=1 if minute >= end else 0)
    return datetime(day.year, day.month, day.day, end // 60, end % 60, tzinfo=local.tzinfo).astimezone(
        at.tzinfo
    )


def digest_due(first: datetime, pace: str, timezone: str) -> datetime:
    """When a digest goes out whose oldest entry came in then: at the next full hour, or the next morning."""
    local = first.astimezone(ZoneInfo(timezone))
    if pace == HOURLY:
        due = local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    else:
        day = local.date() + timedelta(days=1 if local.hour >= DIGEST_AT else 0)
        due = datetime(day.year, day.month, day.day, DIGEST_AT, tzinfo=local.tzinfo)
    return due.astimezone(first.tzinfo)


def _reporter(context: Context, case: CaseOfMessage, occasion: str) -> Reader | None:
    if case.sealed is None:
        return None
    known, wishes = open_contact(context, case.token, case.sealed), case.wishes or {}
    kind, address = _way_of(context, known, wishes.get("channel") or known.get("channel") or EMAIL)
    if not address:
        return None
    _wait_for_quiet_end(case, wishes.get("quiet_from"), wishes.get("quiet_until"))
    which = wishes.get("which", ALL)
    # The secret stands in the fragment, which no server log ever sees.
    link = f"{context.public_url}/r/{case.token}#{context.keyring.reporter_secret(case.token)}"
    locale = case.contact_locale or case.locale or case.city_locale
    is_stopped = which == NONE or (which == ENDINGS and occasion not in WEIGHTY)
    return Reader(REPORTER, kind, address, locale, link, stop_url(context, case.token), is_stopped=is_stopped)


def _way_of(context: Context, known: Mapping[str, Any], wanted: str) -> tuple[str, str]:
    """By which channel a reporter is told, and where: where there is SMS, by it who wants that or left no e-mail."""
    phone, email = known.get("phone"), known.get("email") or ""
    if context.has_sms and phone and (wanted == SMS or not email):
        return SMS, re.sub(r"[^0-9+]", "", phone)
    return EMAIL, email


def _follower(
    tx: Connection, context: Context, case: CaseOfMessage, number: int, occasion: str
) -> Reader | None:
    """Who follows a report and proved their address; who has not is asked that, and nothing else."""
    row = follower_by_id(tx, number)
    wanted = ASKED if occasion == "follow" else CONFIRMED
    if row is None or row.sealed is None or row.state != wanted:
        return None
    try:
        address = str(context.keyring.open(row.sealed, bound_to=f"follower:{row.token}")["email"])
    except ValueError:
        raise GiveUp(ANOTHER_KEY) from None
    link = f"{context.public_url}/follow/{row.token}#{follower_secret(context, row.token)}"
    stop = f"{context.public_url}/unsubscribe/follow/{row.token}/{follower_stop_code(context, row.token)}"
    return Reader(
        f"{FOLLOWER}:{number}",
        EMAIL,
        address,
        row.locale or case.city_locale,
        link,
        "" if wanted == ASKED else stop,
    )


def _unit(tx: Connection, context: Context, case: CaseOfMessage, code: str) -> Reader | None:
    unit = unit_of_message(tx, case.jurisdiction_id, code)
    if unit is None:
        raise GiveUp(f"no unit is called {code}")
    if not unit.email:
        return None
    link = link_of_contractor(tx, context, case, code) or _desk(context, case)
    return Reader(f"unit:{code}", EMAIL, unit.email, case.city_locale, link)


def _channel(tx: Connection, context: Context, case: CaseOfMessage, number: int) -> Reader | None:
    row = channel_of_message(tx, case.jurisdiction_id, number)
    if row is None:
        return None  # taken away meanwhile
    address = opened_address(context, row.sealed, f"unit:{row.unit_code}")
    return Reader(f"channel:{number}", row.kind, address, case.city_locale, _desk(context, case))


def _person(tx: Connection, context: Context, case: CaseOfMessage, number: int) -> Reader | None:
    person = person_of_message(tx, case.jurisdiction_id, number)
    if person is None or not person.is_active:
        return None
    is_emergency = case.priority == "emergency"
    if not is_emergency:
        _wait_for_quiet_end(case, person.quiet_from, person.quiet_until)
    reader = reader_of_person(context, person, _desk(context, case), case.city_locale)
    return (
        reader
        if not is_emergency
        else Reader(reader.name, reader.kind, reader.address, reader.locale, reader.link)
    )


def reader_of_person(context: Context, person: Person, link: str, city_locale: str) -> Reader:
    """A member of staff as a reader, by the channel that they chose."""
    kind, address = EMAIL, person.email
    if person.channel is not None and person.sealed is not None:
        kind, address = person.channel, opened_address(context, person.sealed, f"account:{person.account_id}")
    name = f"account:{person.account_id}"
    return Reader(name, kind, address, person.locale or city_locale, link, pace=person.pace)


def opened_address(context: Context, sealed: bytes, owner: str) -> str:
    """The address of a channel; GiveUp where the key is another."""
    try:
        return str(context.keyring.open(sealed, bound_to=f"channel:{owner}")["address"])
    except ValueError:
        raise GiveUp(ANOTHER_KEY) from None


def _wait_for_quiet_end(case: CaseOfMessage, start: int | None, end: int | None) -> None:
    """Raises Later in quiet hours; an emergency waits for nobody."""
    until = quiet_end(clock.now(), start, end, case.timezone)
    if until is not None and case.priority != "emergency":
        raise Later(until)


def _desk(context: Context, case: CaseOfMessage) -> str:
    return f"{context.public_url}/desk/case/{case.token}"
