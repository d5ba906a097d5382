"""Knows what becomes of supervision when its case is joined with another: the first report of the incident answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from portal import clock as time
from portal.models.oversight import supervision
from portal.models.report import clock, report
from portal.operations.context import SYSTEM
from portal.operations.open_supervision import open_supervision
from portal.operations.record_events import Draft, lock_head, record
from portal.operations.supervision_rows import KIND
from portal.queries.city import CityView
from routing.lifecycle import TRANSITIONS

# What ends the supervision of a case that was joined with another; nobody chooses it.
JOINED = "joined"


def carry_supervision(tx: Connection, city: CityView, row: Row[Any], first_id: int) -> None:
    """End the supervision of a case that was joined with the report `first_id`, and go on with it there.

    Both cases are locked; `row` is the joined one. Where the first is supervised too, the earlier date counts;
    where it has ended for good, its own ending is the answer.
    """
    now = time.now()
    ended = (
        update(supervision)
        .where(supervision.c.report_id == row.id, supervision.c.state == "open")
        .values(state="closed", finding=JOINED, closed_at=now)
        .returning(supervision)
    )
    order = tx.execute(ended).one_or_none()
    if order is None:
        return
    public = {"actor": SYSTEM.in_public(), "unit": row.lead_unit, "finding": JOINED}
    record(tx, lock_head(tx, row.id), [Draft("supervision.closed", public)])
    first = tx.execute(select(report).where(report.c.id == first_id)).one()
    if first.state not in TRANSITIONS["supervise"].from_states:
        return
    # What was written to a private report is not repeated on a public one.
    words = "" if row.is_private and not first.is_private else order.words
    if not open_supervision(tx, city, first, order.cause, words, order.due_at):
        _hasten(tx, first_id, order.due_at, now)


def _hasten(tx: Connection, first_id: int, due_at: datetime, now: datetime) -> None:
    """Two orders became one: it is due when the first of them was."""
    theirs = (supervision.c.report_id == first_id) & (supervision.c.state == "open")
    is_sooner = supervision.c.due_at > due_at
    if not tx.execute(update(supervision).where(theirs, is_sooner).values(due_at=due_at)).rowcount:
        return
    running = (clock.c.report_id == first_id) & (clock.c.kind == KIND) & (clock.c.state == "running")
    marks = {
        name: func.least(clock.c[name], due_at) for name in ("remind_at", "at_risk_at", "nearly_at", "due_at")
    }
    tx.execute(update(clock).where(running).values(**marks, next_at=now))
