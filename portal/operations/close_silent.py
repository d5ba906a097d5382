"""Knows how silence ends a case: closed after the days that the city set, as unverified and never as success."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from portal import clock
from portal.db import Rows, update_together
from portal.models.city import jurisdiction_table
from portal.models.ledger import case_file
from portal.models.report import contact, report
from portal.operations.context import SYSTEM
from portal.operations.outbox_rows import DELIVER, letter, outbox_row
from portal.operations.record_events import Draft, head_of, record_all
from portal.queries.messages import can_be_told
from routing.closing import ClosingFigures
from routing.lifecycle import move

UNVERIFIED = "unverified"


def close_silent(tx: Connection, limit: int = 500, only: Collection[int] = ()) -> int:
    """Close the cases that waited long enough for a word, oldest first, at most `limit`; answers how many.

    Cases that somebody else is working on are passed over and come up again. `only`: no others than these.
    """
    now, left = clock.now(), limit
    for city in tx.execute(select(jurisdiction_table.c.id, jurisdiction_table.c.config)):
        days = ClosingFigures(**city.config.get("closing", {})).silent_days
        left -= _close_of_city(tx, city.id, now - timedelta(days=days), left, only)
        if left <= 0:
            break
    return limit - left


def _close_of_city(
    tx: Connection, jurisdiction_id: str, before: datetime, limit: int, only: Collection[int]
) -> int:
    silent = (
        (report.c.jurisdiction_id == jurisdiction_id)
        & (report.c.state == "resolved")
        & (report.c.closed_at <= before)
    )
    if only:
        silent &= report.c.id.in_(only)
    oldest = select(report.c.id).where(silent).order_by(report.c.closed_at, report.c.id).limit(limit)
    heads = tx.execute(
        select(case_file)
        .where(case_file.c.id.in_(oldest.scalar_subquery()))
        .order_by(case_file.c.id)
        .with_for_update(skip_locked=True)
    ).all()
    if not heads:
        return 0
    # Read again under the lock: a word may have come in between.
    rows = tx.execute(
        select(report, can_be_told().label("can_be_told"))
        .outerjoin(contact, contact.c.report_id == report.c.id)
        .where(report.c.id.in_([head.id for head in heads]), silent)
        .order_by(report.c.id)
    ).all()
    if rows:
        _write(tx, {head.id: head for head in heads}, rows, clock.now())
    return len(rows)


def _write(tx: Connection, heads: Mapping[int, Row[Any]], rows: Sequence[Row[Any]], now: datetime) -> None:
    """All of a batch in three statements, whatever its size."""
    state = move("resolved", "close", SYSTEM.role, SYSTEM.role).to_state
    closed = Draft("request.closed", {"actor": SYSTEM.in_public(), "state": state, "verified": UNVERIFIED})
    record_all(tx, [(head_of(heads[row.id]), [closed], [_letters(row, now)]) for row in rows], now)
    update_together(tx, report, "id", [{"id": row.id, "state": state, "updated_at": now} for row in rows])


def _letters(row: Row[Any], now: datetime) -> tuple[Table, Rows]:
    """The reporter may still answer, and is told so."""
    unit = row.closing_unit or row.lead_unit
    told = letter("closed", row.id, "reporter", unit, row.promise_due_at, closing_no=str(row.closing_count))
    return outbox_row(row.jurisdiction_id, now, DELIVER, [told] if row.can_be_told else [])
