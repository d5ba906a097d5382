"""Knows the webhooks of a city and what came of their deliveries, without addresses or secrets."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select

from portal.models.ledger import event_seal
from portal.models.messaging import webhook, webhook_delivery

_SHOWN = ("id", "name", "unit_code", "kinds", "is_active", "last_status", "last_at", "created_at")


def newest_seal(tx: Connection) -> int:
    """The number of the event that was sealed last; 0 where none was."""
    return int(tx.scalar(select(func.max(event_seal.c.global_seq))) or 0)


def list_webhooks(tx: Connection, jurisdiction_id: str) -> list[Row[Any]]:
    """Every webhook with its newest status."""
    query = select(*(webhook.c[name] for name in _SHOWN)).where(webhook.c.jurisdiction_id == jurisdiction_id)
    return list(tx.execute(query.order_by(webhook.c.id)))


def webhook_deliveries(
    tx: Connection, jurisdiction_id: str, webhook_id: int, limit: int = 100
) -> list[Row[Any]]:
    """The newest deliveries of a webhook and how each ended."""
    query = (
        select(webhook_delivery)
        .where(
            webhook_delivery.c.webhook_id == webhook_id,
            webhook_delivery.c.jurisdiction_id == jurisdiction_id,
        )
        .order_by(webhook_delivery.c.outbox_id.desc())
        .limit(limit)
    )
    return list(tx.execute(query))
