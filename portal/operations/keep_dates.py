"""Knows what comes by itself on a date that somebody named: a pause ends, what remains of a case comes up again."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, select

from portal import clock as time
from portal.models.ledger import case_file
from portal.models.report import clock
from portal.operations.context import SYSTEM, Context
from portal.operations.move_clocks import PAUSE
from portal.operations.move_report import Move, move_report
from portal.operations.second_dates import REST

# Kind of clock -> the move that its date brings.
MOVES: Mapping[str, str] = {REST: "rest_due", PAUSE: "resume"}


def keep_dates(tx: Connection, context: Context, only: Collection[int] = ()) -> int:
    """Make the move of the oldest date that has come; answers how many dates were looked at: 1 or 0.

    `only`: of these cases. A case that somebody else is working on is passed over and comes up again.
    """
    due = (
        select(clock.c.id, clock.c.kind, case_file.c.token)
        .join(case_file, case_file.c.id == clock.c.report_id)
        .where(clock.c.kind.in_(MOVES), clock.c.state == "running", clock.c.due_at <= time.now())
        .where(clock.c.jurisdiction_id == context.jurisdiction_id)
        .order_by(clock.c.due_at, clock.c.id)
        .limit(1)
        .with_for_update(of=case_file, skip_locked=True)
    )
    row = tx.execute(due.where(clock.c.report_id.in_(only)) if only else due).one_or_none()
    if row is None:
        return 0
    # Read again under the lock: somebody may have been quicker.
    kind = tx.scalar(select(clock.c.kind).where(clock.c.id == row.id, clock.c.state == "running"))
    if kind == row.kind:
        move_report(tx, context, row.token, SYSTEM, Move(MOVES[kind]))
    return 1
