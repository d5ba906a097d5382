"""Knows how a case keeps the instant that counts next, so that a desk's lists are read from an index in order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, DateTime, func, literal, select, update

from portal.models.report import clock, report
from portal.queries.case_filter import NEVER
from routing.targets import ClockPlan

SECOND = "second"
# The clocks that say what a unit must do next.
COUNTED = ("unit", SECOND)


def next_due() -> ColumnElement[datetime]:
    """The earliest of the unit's running clocks, a second date and the promise, for a row of `report`; else NEVER."""
    running = (
        select(func.min(clock.c.due_at))
        .where(clock.c.report_id == report.c.id, clock.c.kind.in_(COUNTED), clock.c.state == "running")
        .correlate(report)
        .scalar_subquery()
    )
    never = literal(NEVER, DateTime(timezone=True))
    return func.coalesce(func.least(running, report.c.promise_due_at), never)


def keep_next_due(tx: Connection, case_id: int) -> None:
    """Say anew what is due next in a locked case; to be called by whatever starts, stops or moves a unit's clock."""
    tx.execute(update(report).where(report.c.id == case_id).values(next_due_at=next_due()))


def first_due(plans: Iterable[ClockPlan], promise_due_at: datetime | None) -> datetime:
    """The same for a case that begins with these clocks."""
    own = [plan.due_at for plan in plans if plan.kind == "unit"]
    return min([*own, promise_due_at or NEVER])
