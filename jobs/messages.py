"""Knows the job that sends a message."""

from __future__ import annotations

from jobs.runtime import runtime
from portal.operations import deliver_message as operation


def deliver_message(outbox_id: int) -> None:
    """Send the message of an outbox row."""
    runtime().work_off(
        outbox_id,
        lambda tx, parts: operation.deliver_message(tx, parts.context, parts.mailer, outbox_id),
    )
