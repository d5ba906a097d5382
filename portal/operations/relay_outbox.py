"""Knows which rows of the outbox are due, and how one relay takes them so that no other does."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, select, update

from portal import clock
from portal.models.work import outbox
from portal.operations.run_once import WAITING


@dataclass(frozen=True, slots=True)
class Due:
    """A row to hand over; `attempts` counts how often its work was begun."""

    outbox_id: int
    job: str
    attempts: int


def claim_due(tx: Connection, jobs: Collection[str], limit: int, lease: timedelta) -> list[Due]:
    """Take due rows of these jobs, oldest first; unless they are done by the end of the lease, they are due again."""
    at = clock.now()
    due = (
        select(outbox.c.id)
        .where(WAITING, outbox.c.available_at <= at, outbox.c.job.in_(jobs))
        .order_by(outbox.c.available_at, outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taken = (
        update(outbox)
        .where(outbox.c.id == due.c.id)
        .values(available_at=at + lease)
        .returning(outbox.c.id, outbox.c.job, outbox.c.attempts)
    )
    return sorted(
        (Due(row.id, row.job, row.attempts) for row in tx.execute(taken)), key=lambda row: row.outbox_id
    )


def release(tx: Connection, outbox_ids: Collection[int]) -> None:
    """Make claimed rows due again at once, because they could not be handed over."""
    tx.execute(update(outbox).where(outbox.c.id.in_(outbox_ids), WAITING).values(available_at=clock.now()))
