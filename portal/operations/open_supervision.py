"""Knows how a case comes under supervision, or is marked as serious, whoever or whatever asks for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from portal import clock
from portal.models.oversight import supervision
from portal.models.report import report
from portal.operations.context import SYSTEM, Actor
from portal.operations.outbox_rows import DELIVER, outbox_row
from portal.operations.record_events import Draft, lock_head, record
from portal.operations.supervision_rows import CaseKey, supervision_rows
from portal.queries.city import CityView
from routing.escalation import RED
from routing.lifecycle import SERIOUS_REASONS


def open_supervision(
    tx: Connection,
    city: CityView,
    case: Row[Any],
    cause: str,
    words: str = "",
    due_at: datetime | None = None,
    actor: Actor = SYSTEM,
) -> bool:
    """Open supervision of a case (a row of `report`) because of `cause`; False where it is open already.

    For other operations: it locks the case, as they have. Without `due_at` the city's own figure counts.
    """
    head, now = lock_head(tx, case.id), clock.now()
    if open_supervision_id(tx, case.id) is not None:
        return False
    hours = city.escalation.supervision_hours
    if due_at is not None:
        hours = (due_at - now).total_seconds() / 3600
    key = CaseKey(case.id, case.jurisdiction_id, case.lead_unit, case.is_private)
    centre = city.coordination_unit if actor is SYSTEM else ""
    shares = city.escalation.shares
    opened = supervision_rows(key, cause, shares, hours, now, words, actor, centre=centre)
    letters = outbox_row(case.jurisdiction_id, now, DELIVER, opened.letters)
    record(tx, head, [opened.draft], [*opened.rows, letters])
    return True


def open_supervision_id(tx: Connection, case_id: int) -> int | None:
    """The supervision that is open for a case."""
    is_open = (supervision.c.report_id == case_id) & (supervision.c.state == "open")
    return tx.scalar(select(supervision.c.id).where(is_open))


def raise_colour(tx: Connection, case: Row[Any], why: str, actor: Actor = SYSTEM) -> bool:
    """Make a case (a row of `report`) red for one of the `SERIOUS_REASONS`; False where it is marked already."""
    assert why in SERIOUS_REASONS
    head = lock_head(tx, case.id)
    marked = (
        update(report)
        .where(report.c.id == case.id, report.c.colour_floor < RED)
        .values(colour=RED, colour_floor=RED, updated_at=clock.now())
    )
    if tx.execute(marked).rowcount == 0:
        return False
    draft = Draft("supervision.marked", {"actor": actor.in_public(), "why": why}, actor.in_private())
    record(tx, head, [draft])
    return True
