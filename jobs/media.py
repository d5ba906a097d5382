"""Knows the job that makes a photo safe to show."""

from __future__ import annotations

from jobs.runtime import runtime
from portal.operations import prepare_photo as operation


def prepare_photo(outbox_id: int) -> None:
    """Prepare the photo of an outbox row."""
    runtime().work_off(outbox_id, lambda tx, parts: operation.prepare_photo(tx, parts.context, outbox_id))
