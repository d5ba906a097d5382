"""Knows until when a case is on hold: every pause has an end, and the reporter's answer ends the wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, select

from portal.db import insert_together
from portal.models.ledger import event
from portal.models.report import clock
from portal.operations.context import SYSTEM_ROLE
from portal.operations.locked_case import Case
from portal.operations.move_clocks import PAUSE
from portal.operations.outbox_rows import letter
from portal.operations.own_clocks import own_clock
from routing.lifecycle import Transition

WAITING, AWAITING_REPORTER = "waiting", "awaiting_reporter"


def with_end(case: Case, transition: Transition) -> Case:
    """The case with the day on which its pause ends: the one that was named, or after the city's usual days."""
    if transition.to_state != WAITING or case.row.state == WAITING or case.move.until is not None:
        return case
    until = case.now + timedelta(days=case.city.escalation.pause_days)
    return replace(case, move=replace(case.move, until=until))


def start_pause(tx: Connection, case: Case) -> None:
    """Let the pause end on its day (operations.keep_dates); no sweep looks at it before."""
    assert case.move.until is not None
    lead = str(case.row.lead_unit)
    running = own_clock(case.city, case.row.id, PAUSE, PAUSE, lead, case.now, case.move.until)
    insert_together(tx, [(clock, [running | {"next_at": None}])])


def resumed_letters(case: Case, transition: Transition) -> list[Mapping[str, Any]]:
    """The unit is told when its clock runs again without its doing."""
    if transition.action != "resume" or case.actor.role != SYSTEM_ROLE:
        return []
    lead = str(case.row.lead_unit)
    return [letter("reminded", case.row.id, lead, lead, case.row.promise_due_at)]


def awaits_reporter(tx: Connection, case: Case) -> bool:
    """Whether a locked case is on hold for an answer of its reporter."""
    if case.row.state != WAITING:
        return False
    paused = (event.c.case_id == case.row.id) & (event.c.kind == "request.paused")
    reason = select(event.c.public["reason"].astext).where(paused).order_by(event.c.case_seq.desc()).limit(1)
    return bool(tx.scalar(reason) == AWAITING_REPORTER)
