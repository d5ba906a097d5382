"""Knows the fast lane: an emergency goes straight to the crew on duty, and what became of crews when a case moves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from portal import clock
from portal.db import insert_together
from portal.models.crews import crew_job
from portal.models.report import report
from portal.operations.context import SYSTEM, Context
from portal.operations.outbox_rows import DELIVER, letter, outbox_row
from portal.operations.record_events import Draft, lock_head, record
from portal.operations.wind_up import wind_up
from portal.queries.city import CityView
from portal.queries.crews import CrewView, crews_now
from portal.queries.staff_rights import accused_units
from routing.crews import suggested
from routing.lifecycle import STATES

EMERGENCY = "emergency"


def job_row(
    context: Context, case_id: int, unit_code: str, at: datetime, *, crew_code: str | None,
    account_id: int | None = None, is_called: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """A job that somebody was just given."""
    return {
        "jurisdiction_id": context.jurisdiction_id, "report_id": case_id, "unit_code": unit_code,
        "crew_code": crew_code, "account_id": account_id, "state": "assigned", "is_called": is_called,
        "assigned_at": at,
    }  # fmt: skip


def call_on_duty(tx: Connection, context: Context, city: CityView, case_id: int) -> str | None:
    """Give an emergency to the nearest free crew on duty of the unit that leads; answers its code.

    Where nobody is on duty, the unit and the one that supervises it are told at once. The crew sees the job on
    its page and gets a letter; the unit's dispatch clock runs until somebody has signed for it.
    """
    row = tx.execute(select(report).where(report.c.id == case_id)).one()
    now = clock.now()
    barred = accused_units(row.about_unit, city.directory)
    crews = (
        [] if row.lead_unit in barred else crews_now(tx, city, now, units={row.lead_unit}, report_id=case_id)
    )
    chosen = _chosen(city, row, [one for one in crews if one.lent_to in (None, row.lead_unit)])
    head = lock_head(tx, case_id)
    public = {"actor": SYSTEM.in_public(), "unit": row.lead_unit}
    if chosen is None:
        told = [_nobody(row, to) for to in _told(city, row.lead_unit) if to not in barred]
        draft = Draft("crew.missing", public)
    else:
        told = [
            letter(
                "crew_sent",
                case_id,
                f"crew:{chosen.code}",
                row.lead_unit,
                row.promise_due_at,
                of=row.lead_unit,
            )
        ]
        draft = Draft("crew.called", public, {"crew": chosen.code})
        job = job_row(context, case_id, row.lead_unit, now, crew_code=chosen.code, is_called=True)
        insert_together(tx, [(crew_job, [job])])
    record(tx, head, [draft], [outbox_row(context.jurisdiction_id, now, DELIVER, told)])
    return chosen.code if chosen else None


def release_crews(tx: Connection, case_id: int, at: datetime, *, is_done: bool) -> None:
    """End the open jobs of a case that was closed, or that another unit leads now."""
    state = "finished" if is_done else "withdrawn"
    is_open = (crew_job.c.report_id == case_id) & crew_job.c.ended_at.is_(None)
    tx.execute(update(crew_job).where(is_open).values(state=state, ended_at=at))


def after_move(
    tx: Connection, context: Context, city: CityView, row: Row[Any], lead: str, state: str
) -> None:
    """What a move of a case to `lead` and `state` means for who worked on it: `row` is the case before it."""
    is_open = STATES[state] == "open"
    is_over = not is_open and row.closed_at is None
    if lead == row.lead_unit and not is_over:
        return
    release_crews(tx, row.id, clock.now(), is_done=not is_open)
    wind_up(tx, row, state, clock.now())
    if is_open and row.priority == EMERGENCY:
        call_on_duty(tx, context, city, row.id)


def _chosen(city: CityView, row: Row[Any], crews: list[CrewView]) -> CrewView | None:
    """The nearest free crew; where all are full, the one on duty with the most room: nobody waits in a fast lane."""
    service = city.services[row.service_code]
    candidates = [one.as_candidate(service.code, service.group) for one in crews]
    best = suggested(candidates).get("nearest_free") or min(
        (one for one in candidates if one.is_on_duty and one.can_do), key=lambda one: one.share, default=None
    )
    return next((one for one in crews if best is not None and one.code == best.code), None)


def _told(city: CityView, unit_code: str) -> list[str]:
    above = city.directory.supervisor_of(unit_code) if unit_code in city.directory else None
    return [unit_code, *([above] if above else [])]


def _nobody(row: Row[Any], to: str) -> Mapping[str, Any]:
    return letter("nobody_on_duty", row.id, to, row.lead_unit, row.promise_due_at)
