"""Knows the jobs that tell webhooks of public events."""

from __future__ import annotations

from jobs.runtime import runtime
from portal.operations import deliver_webhook as operation


def feed_webhooks() -> int:
    """Leave a delivery for each event that a webhook has not been told of."""
    return runtime().repeat(lambda tx, _: operation.feed_webhooks(tx), operation.FEED)


def deliver_webhook(outbox_id: int) -> None:
    """Post the event of an outbox row."""
    runtime().send_off(
        outbox_id,
        lambda parts: operation.deliver_webhook(
            parts.database, parts.context, parts.guard, outbox_id, parts.lease
        ),
    )
