"""Knows the clocks that slices of their own start beside those of the unit; the one sweeper watches all of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, update

from portal.models.report import clock
from portal.operations.context import Context
from portal.operations.next_due import keep_next_due

AT_RISK_SHARE = 0.75


def own_clock(
    context: Context, case_id: int, kind: str, stage: str, unit_code: str, start: datetime, due: datetime
) -> dict[str, Any]:
    """A running clock of its own kind, counted in hours around the clock."""
    at_risk_at = start + (due - start) * AT_RISK_SHARE
    return {
        "jurisdiction_id": context.jurisdiction_id,
        "report_id": case_id,
        "kind": kind,
        "stage": stage,
        "unit_code": unit_code,
        "state": "running",
        "started_at": start,
        "at_risk_at": at_risk_at,
        "due_at": due,
        "next_at": at_risk_at,
        "span_unit": "hours",
    }


def end_clock(
    tx: Connection,
    case_id: int,
    kind: str,
    stage: str,
    at: datetime,
    *,
    unit_code: str = "",
    is_met: bool = True,
) -> None:
    """Stop the running clocks of a kind and stage: met, or of no account any more."""
    wanted = [clock.c.report_id == case_id, clock.c.kind == kind, clock.c.stage == stage]
    if unit_code:
        wanted.append(clock.c.unit_code == unit_code)
    ended = {"state": "met", "met_at": at} if is_met else {"state": "cancelled"}
    running = clock.c.state.in_(["running", "paused"])
    tx.execute(update(clock).where(*wanted, running).values(**ended, next_at=None))
    if kind == "unit":
        keep_next_due(tx, case_id)


def in_hours(start: datetime, hours: float) -> datetime:
    """So many hours later, around the clock."""
    return start + timedelta(hours=hours)
