"""Knows the job that looks whether a new report is one of many at once."""

from __future__ import annotations

from jobs.runtime import runtime
from portal.operations import watch_incidents as operation


def watch_incidents(outbox_id: int) -> None:
    """Look around the report of an outbox row."""
    runtime().work_off(outbox_id, lambda tx, _: operation.watch_incidents(tx, outbox_id))
