"""Knows the webhooks of a city: who is told of public events, with which secret, from which event on."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, cast, insert, select, update

from portal import clock
from portal.errors import InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.models.city import jurisdiction_table, unit
from portal.models.messaging import webhook
from portal.models.work import outbox
from portal.net_guard import Blocked, NetGuard
from portal.operations.context import SYSTEM, Actor, Context
from portal.operations.record_events import Draft, city_head, record
from portal.queries.webhooks import newest_seal

DELIVER_WEBHOOK = "jobs.webhooks.deliver_webhook"
SECRET_MARK = "whsec_"  # noqa: S105 - how Standard Webhooks marks a secret, not one
OLD_SECRET_KEPT = timedelta(days=2)
MOST_OF_NAME = 80
TEST = "webhook.tested"
NO_HOOK = N_("There is no such webhook.")
NO_NAME = N_("Please give it a short name.")
NO_UNIT = N_("There is no such unit.")
BAD_URL = N_("This address cannot be used: %(why)s.")


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook opened: where it goes, and the secrets that sign (the last one for a while after a change)."""

    webhook_id: int
    url: str
    secrets: tuple[str, ...]


def add_webhook(
    tx: Connection,
    context: Context,
    guard: NetGuard,
    actor: Actor,
    name: str,
    url: str,
    unit_code: str,
    kinds: tuple[str, ...],
) -> str:
    """Tell somebody of events from now on; answers the secret, which is shown once. InvalidInput by field."""
    name, url = name.strip(), url.strip()
    _check(tx, context, guard, name, url, unit_code)
    number = _insert(tx, context, name, unit_code, kinds)
    secret = _new_secret()
    _seal(tx, context, number, {"url": url, "secret": secret})
    _tell(tx, context, actor, "webhook.added", name)
    return secret


def keep_unit_webhooks(tx: Connection, context: Context) -> int:
    """Make the addresses that stand with units into webhooks of their cases; answers how many changed.

    A new one signs with a secret that nobody knows until a person asks for a new one on the page of webhooks.
    One that was stopped there stays stopped until its address changes. A demo tells nobody.
    """
    of_unit = (webhook.c.unit_code == unit.c.unit_code) & webhook.c.is_of_unit
    of_unit &= webhook.c.jurisdiction_id == unit.c.jurisdiction_id
    columns = (
        unit.c.jurisdiction_id,
        unit.c.unit_code,
        unit.c.webhook.label("url"),
        unit.c.is_active.label("works"),
    )
    query = (
        select(*columns, webhook.c.id, webhook.c.sealed, webhook.c.is_active)
        .join(jurisdiction_table, jurisdiction_table.c.id == unit.c.jurisdiction_id)
        .outerjoin(webhook, of_unit)
        .where(jurisdiction_table.c.is_demo.is_(False))
        .where(webhook.c.id.is_not(None) | (unit.c.webhook.is_not(None) & unit.c.is_active))
    )
    rows: list[Any] = list(tx.execute(query))
    return sum(_keep_of_unit(tx, replace(context, jurisdiction_id=row.jurisdiction_id), row) for row in rows)


def _keep_of_unit(tx: Connection, context: Context, row: Any) -> bool:
    if row.id is None:
        number = _insert(tx, context, row.unit_code, row.unit_code, (), is_of_unit=True)
        _seal(tx, context, number, {"url": row.url, "secret": _new_secret()})
        _tell(tx, context, SYSTEM, "webhook.added", row.unit_code)
        return True
    if not row.url or not row.works:
        if row.is_active:
            switch_webhook(tx, context, SYSTEM, row.id, is_active=False)
        return bool(row.is_active)
    try:
        known = _opened(context, row)
    except ValueError:  # sealed with a key that is gone: what is delivered says so
        return False
    if known["url"] == row.url:
        return False
    _seal(tx, context, row.id, known | {"url": row.url})
    switch_webhook(tx, context, SYSTEM, row.id, is_active=True)
    return True


def rotate_secret(tx: Connection, context: Context, actor: Actor, webhook_id: int) -> str:
    """A new secret, shown once; for two days the one before signs as well."""
    row = _row(tx, context, webhook_id)
    known = _opened(context, row)
    secret, until = _new_secret(), clock.now() + OLD_SECRET_KEPT
    old = {"old_secret": known["secret"], "old_until": until.isoformat()}
    _seal(tx, context, webhook_id, {"url": known["url"], "secret": secret} | old)
    _tell(tx, context, actor, "webhook.secret_changed", row.name)
    return secret


def switch_webhook(
    tx: Connection, context: Context, actor: Actor, webhook_id: int, *, is_active: bool
) -> None:
    """Stop telling, or go on from now: what happened in between is not told."""
    row = _row(tx, context, webhook_id)
    values = {"is_active": is_active} | ({"next_seq": newest_seal(tx) + 1} if is_active else {})
    tx.execute(update(webhook).where(webhook.c.id == webhook_id).values(values))
    _tell(tx, context, actor, "webhook.resumed" if is_active else "webhook.stopped", row.name)


def ask_for_test(tx: Connection, context: Context, webhook_id: int) -> None:
    """Send an event that says nothing, so that the other side can be tried."""
    _row(tx, context, webhook_id)
    tx.execute(insert(outbox).values(delivery_row(context.jurisdiction_id, webhook_id, 0, clock.now())))


def delivery_row(jurisdiction_id: str, webhook_id: int, event_id: int, at: datetime) -> Mapping[str, Any]:
    """The row of the outbox for one delivery; event 0 is a test."""
    payload = {"webhook": webhook_id, "event": event_id}
    return {
        "jurisdiction_id": jurisdiction_id, "job": DELIVER_WEBHOOK, "payload": payload,
        "created_at": at, "available_at": at,
    }  # fmt: skip


def open_hook(context: Context, row: Row[Any]) -> Hook:
    """A webhook's address and the secrets that hold now; ValueError where the key is another."""
    known = _opened(context, row)
    old_until = known.get("old_until")
    is_old_good = old_until and datetime.fromisoformat(old_until) > clock.now()
    signing = (known["secret"], known["old_secret"]) if is_old_good else (known["secret"],)
    return Hook(row.id, known["url"], signing)


def _check(tx: Connection, context: Context, guard: NetGuard, name: str, url: str, unit_code: str) -> None:
    faults = {}
    if not name or len(name) > MOST_OF_NAME:
        faults["name"] = Message(NO_NAME)
    try:
        guard.check(url)
    except Blocked as error:
        faults["url"] = Message(BAD_URL, {"why": str(error)})
    here = (unit.c.jurisdiction_id == context.jurisdiction_id) & (unit.c.unit_code == unit_code)
    if unit_code and tx.scalar(select(unit.c.id).where(here)) is None:
        faults["unit"] = Message(NO_UNIT)
    if faults:
        raise InvalidInput(faults)


def _insert(
    tx: Connection,
    context: Context,
    name: str,
    unit_code: str,
    kinds: tuple[str, ...],
    *,
    is_of_unit: bool = False,
) -> int:
    row = {
        "jurisdiction_id": context.jurisdiction_id,
        "name": name,
        "unit_code": unit_code or None,
        "kinds": list(kinds),
        "sealed": b"",
        "next_seq": newest_seal(tx) + 1,
        "created_at": clock.now(),
        "is_of_unit": is_of_unit,
    }
    number = tx.scalar(insert(webhook).values(row).returning(cast(webhook.c.id, BigInteger)))
    assert number is not None
    return int(number)


def _row(tx: Connection, context: Context, webhook_id: int) -> Row[Any]:
    mine = (webhook.c.id == webhook_id) & (webhook.c.jurisdiction_id == context.jurisdiction_id)
    row = tx.execute(select(webhook).where(mine).with_for_update()).first()
    if row is None:
        raise NotFound(Message(NO_HOOK))
    return row


def _opened(context: Context, row: Row[Any]) -> dict[str, Any]:
    return context.keyring.open(row.sealed, bound_to=f"webhook:{row.id}")


def _seal(tx: Connection, context: Context, webhook_id: int, known: Mapping[str, Any]) -> None:
    sealed = context.keyring.seal(known, bound_to=f"webhook:{webhook_id}")
    tx.execute(update(webhook).where(webhook.c.id == webhook_id).values(sealed=sealed))


def _tell(tx: Connection, context: Context, actor: Actor, kind: str, name: str) -> None:
    head = city_head(tx, context.jurisdiction_id)
    record(tx, head, [Draft(kind, {"actor": actor.in_public()}, actor.in_private() | {"name": name})])


def _new_secret() -> str:
    return SECRET_MARK + base64.b64encode(secrets.token_bytes(32)).decode()
