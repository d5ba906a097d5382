"""Knows the clocks that slices of their own start beside those of the unit; the one sweeper watches all of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from portal.models.report import clock
from portal.operations.next_due import keep_next_due
from portal.queries.city import CityView
from routing.escalation import Shares


def own_clock(
    city: CityView,
    case_id: int,
    kind: str,
    stage: str,
    unit_code: str,
    start: datetime,
    due: datetime,
) -> dict[str, Any]:
    """A running clock of its own kind around the clock, with the city's usual warnings on its way."""
    return started_clock(
        city.jurisdiction_id, case_id, kind, stage, unit_code, start, due, city.escalation.shares
    )


def started_clock(
    jurisdiction_id: str,
    case_id: int,
    kind: str,
    stage: str,
    unit_code: str,
    start: datetime,
    due: datetime,
    shares: Shares,
) -> dict[str, Any]:
    """The same where only the city's figures are at hand."""
    remind_at = start + (due - start) * shares.remind
    return {
        "jurisdiction_id": jurisdiction_id, "report_id": case_id, "kind": kind, "stage": stage,
        "unit_code": unit_code, "state": "running", "started_at": start, "remind_at": remind_at,
        "at_risk_at": start + (due - start) * shares.at_risk, "due_at": due, "next_at": remind_at,
        "span_unit": "hours",
    }  # fmt: skip


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
