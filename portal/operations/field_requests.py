"""Knows which requests from the field were done already: a phone without a net sends again until it is told."""

from __future__ import annotations

import uuid

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from portal import clock
from portal.models.crews import field_request
from portal.operations.context import Context


def is_first_time(
    tx: Connection, context: Context, request_id: uuid.UUID | None, account_id: int, job_id: int
) -> bool:
    """Note a request in the transaction that does it; False where it was done before, or is being done.

    One that fails is not noted, for its transaction is taken back. Without an id every request is a new one.
    """
    if request_id is None:
        return True
    row = {
        "jurisdiction_id": context.jurisdiction_id, "request_id": request_id, "account_id": account_id,
        "job_id": job_id, "at": clock.now(),
    }  # fmt: skip
    noted = insert(field_request).values(row).on_conflict_do_nothing().returning(field_request.c.id)
    return tx.scalar(noted) is not None
