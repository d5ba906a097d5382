"""Knows how public events reach webhooks: each event once into the outbox, then signed, guarded and posted."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from portal import clock
from portal.db import Database
from portal.models.ledger import event, event_seal
from portal.models.messaging import webhook, webhook_delivery
from portal.models.report import report
from portal.models.work import outbox
from portal.net_guard import Blocked, NetGuard
from portal.operations.context import Context
from portal.operations.manage_webhooks import SECRET_MARK, TEST, Hook, delivery_row, open_hook
from portal.operations.run_once import GiveUp, Work, claim, finish
from portal.queries.report_page import INNER_KINDS
from portal.queries.webhooks import newest_seal

FEED = 500
GONE = 410  # the other side does not want it any more


def feed_webhooks(tx: Connection, limit: int = FEED) -> int:
    """Leave a delivery for each sealed public event that a webhook has not been told of; answers how many seals
    were gone through. Seals are without gaps and in order, so nothing is passed over and nothing comes twice."""
    newest = newest_seal(tx)
    hooks = tx.execute(
        select(webhook)
        .where(webhook.c.is_active, webhook.c.next_seq <= newest)
        .order_by(webhook.c.id)
        .with_for_update(skip_locked=True)
    ).all()
    return max([_feed(tx, hook, min(newest, hook.next_seq + limit - 1)) for hook in hooks], default=0)


def deliver_webhook(
    database: Database, context: Context, guard: NetGuard, outbox_id: int, lease: timedelta
) -> bool:
    """Post the event of an outbox row; False where that is done or being done. It may arrive twice where we are
    killed while it is sent, and then with the same id."""
    with database.transaction() as tx:
        work = claim(tx, outbox_id, lease)
    if work is None:
        return False
    with database.transaction() as tx:
        found = _packed(tx, context, work)
        if found is None:
            finish(tx, outbox_id)
            return True
    hook, body = found
    try:
        status = _post(guard, hook, work, body)
    except (Blocked, OSError) as error:
        _keep(database, hook, work, body, str(error) if isinstance(error, Blocked) else type(error).__name__)
        if isinstance(error, Blocked):
            raise GiveUp(f"the address of the webhook cannot be used: {error}") from None
        raise
    is_taken = 200 <= status < 300
    _keep(database, hook, work, body, str(status), is_done=is_taken, is_gone=status == GONE)
    if status == GONE:
        raise GiveUp("the other side wants no more of it (410): the webhook is stopped")
    if not is_taken:
        raise ConnectionError(f"webhook {status}")
    return True


def signed_headers(hook: Hook, mark: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks: HMAC-SHA256 over id.timestamp.body, one signature for each secret."""
    stamp = str(int(at.timestamp()))
    signed = f"{mark}.{stamp}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode()
        for secret in hook.secrets
    ]
    return {
        "Content-Type": "application/json", "User-Agent": "Wenlu", "Idempotency-Key": mark,
        "webhook-id": mark, "webhook-timestamp": stamp, "webhook-signature": " ".join(signatures),
    }  # fmt: skip


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(SECRET_MARK))


def _feed(tx: Connection, hook: Row[Any], last: int) -> int:
    """Deliveries for one stretch of seals: public events of reports that are not private, of the wanted kinds."""
    query = (
        select(event.c.id)
        .join(event_seal, event_seal.c.event_id == event.c.id)
        .join(report, report.c.id == event.c.case_id)
        .where(
            event_seal.c.global_seq.between(hook.next_seq, last),
            event.c.jurisdiction_id == hook.jurisdiction_id,
            event.c.kind.not_in(INNER_KINDS),
            report.c.is_private.is_(False),
            report.c.channel != "replay",
        )
        .order_by(event_seal.c.global_seq)
    )
    if hook.kinds:
        query = query.where(event.c.kind.in_(hook.kinds))
    if hook.unit_code:
        query = query.where(
            (report.c.lead_unit == hook.unit_code) | report.c.assist_units.contains([hook.unit_code])
        )
    at = clock.now()
    rows = [delivery_row(hook.jurisdiction_id, hook.id, number, at) for number in tx.scalars(query)]
    if rows:
        tx.execute(insert(outbox), rows)
    tx.execute(update(webhook).where(webhook.c.id == hook.id).values(next_seq=last + 1))
    return int(last - hook.next_seq + 1)


def _packed(tx: Connection, context: Context, work: Work) -> tuple[Hook, bytes] | None:
    """The webhook and the body; None where it was stopped or the case has become private meanwhile."""
    row = tx.execute(select(webhook).where(webhook.c.id == work.payload["webhook"])).first()
    if row is None or not row.is_active:
        return None
    told = _told(tx, context, work)
    if told is None:
        return None
    try:
        return open_hook(context, row), json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    except ValueError:
        raise GiveUp("the webhook was sealed with another key") from None


def _told(tx: Connection, context: Context, work: Work) -> Mapping[str, Any] | None:
    """What the other side is told: the public part of the event, and of which report."""
    if not work.payload["event"]:
        return {"type": TEST, "timestamp": clock.now().isoformat(), "data": {}}
    query = (
        select(event, report.c.token, report.c.service_code, report.c.lead_unit, report.c.state)
        .join(report, report.c.id == event.c.case_id)
        .where(event.c.id == work.payload["event"], report.c.is_private.is_(False))
    )
    row = tx.execute(query).first()
    if row is None:
        return None
    data = {
        "token": row.token, "url": f"{context.public_url}/r/{row.token}", "service_code": row.service_code,
        "unit": row.lead_unit, "state": row.state, "seq": row.case_seq, "public": row.public,
        "hash": row.hash.hex(),
    }  # fmt: skip
    return {"type": row.kind, "timestamp": row.at.isoformat(), "data": data}


def _post(guard: NetGuard, hook: Hook, work: Work, body: bytes) -> int:
    headers = signed_headers(hook, f"evt_{work.outbox_id}", clock.now(), body)
    return guard.post(hook.url, body, headers).status


def _keep(
    database: Database,
    hook: Hook,
    work: Work,
    body: bytes,
    status: str,
    *,
    is_done: bool = False,
    is_gone: bool = False,
) -> None:
    """What came of the attempt, for the page of deliveries; and that the row is done, in the same transaction."""
    told, at = json.loads(body), clock.now()
    row = {
        "outbox_id": work.outbox_id, "jurisdiction_id": work.jurisdiction_id, "webhook_id": hook.webhook_id,
        "kind": told["type"], "token": told["data"].get("token", ""), "status": status, "at": at,
    }  # fmt: skip
    with database.transaction() as tx:
        kept = upsert(webhook_delivery).values(row)
        tx.execute(
            kept.on_conflict_do_update(index_elements=["outbox_id"], set_={"status": status, "at": at})
        )
        changed: dict[str, Any] = {"last_status": status, "last_at": at} | (
            {"is_active": False} if is_gone else {}
        )
        tx.execute(update(webhook).where(webhook.c.id == hook.webhook_id).values(changed))
        if is_done:
            finish(tx, work.outbox_id)
