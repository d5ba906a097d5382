"""Knows how work is left for the workers: rows written with the change itself, so neither comes without the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table

from portal import clock
from portal.db import Rows
from portal.models.work import outbox

DELIVER = "jobs.messages.deliver_message"
WATCH = "jobs.incidents.watch_incidents"


def letter(
    template: str, report_id: int, to: str, unit_code: str, due_at: datetime | None, **more: Any
) -> Mapping[str, Any]:
    """What is asked of the messengers: the letter tells of the unit and the date as they are now.

    It may leave hours later, when another unit leads.
    """
    due = {"due_at": due_at.isoformat()} if due_at else {}
    return {"template": template, "report_id": report_id, "to": to, "unit": unit_code, **due, **more}


def outbox_row(
    jurisdiction_id: str, at: datetime, job: str, payloads: Sequence[Mapping[str, Any]]
) -> tuple[Table, Rows]:
    """Rows that ask for a job, by its dotted name, once per payload.

    Under a simulated clock a message is suppressed: its row is born done, so that it can be counted.
    """
    is_suppressed = job == DELIVER and clock.is_simulated()
    instant = at.isoformat()
    shared = {
        "jurisdiction_id": jurisdiction_id,
        "job": job,
        "created_at": instant,
        "available_at": instant,
        "done_at": instant if is_suppressed else None,
    }
    mark = {"suppressed": True} if is_suppressed else {}
    return outbox, [shared | {"payload": dict(payload) | mark} for payload in payloads]
