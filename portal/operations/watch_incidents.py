"""Knows how many reports of one matter become a group incident: red, with a plan, and with everybody told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Table, func, insert, select, text, update

from portal import clock
from portal.crypto import new_token
from portal.db import Rows
from portal.models.incident import incident, incident_member, incident_step
from portal.models.report import report
from portal.operations.context import SYSTEM
from portal.operations.outbox_rows import DELIVER, letter, outbox_row
from portal.operations.record_events import Draft, lock_head, record
from portal.operations.run_once import Work, run_once
from portal.queries.case_plan import plan_steps
from portal.queries.group_watch import Seen, fitting_plan, reports_around, seen_report, usual_reports
from routing.escalation import RED
from routing.incidents import Burst, judge_burst

DECLARED, GATHERED = "incident.declared", "incident.gathered"


def watch_incidents(tx: Connection, outbox_id: int) -> bool:
    """Look around the report of an outbox row, once; False where that was done."""

    def look(work: Work) -> None:
        look_around(tx, int(work.payload["near"]))

    return run_once(tx, outbox_id, look)


def look_around(tx: Connection, report_id: int) -> str:
    """Declare a group incident around a report, or add it to one that runs; answers its number, else nothing."""
    seen = seen_report(tx, report_id)
    if seen is None:
        return ""
    _one_at_a_time(tx, seen)
    around = reports_around(tx, seen)
    running = next((row.incident_id for row in around if row.incident_id is not None), None)
    if running is not None:
        return _gather(tx, seen, running, [row for row in around if row.incident_id is None])
    members = _densest(around, timedelta(hours=seen.rules.within_hours))
    if _voices(members) < seen.rules.reporters:
        return ""
    burst = judge_burst(_voices(members), usual_reports(tx, seen, members[0].opened_at), seen.rules)
    return _declare(tx, seen, members, burst) if burst.is_group else ""


def _one_at_a_time(tx: Connection, seen: Seen) -> None:
    """Two reports that arrive together must not declare two incidents."""
    name = f"incident {seen.row.jurisdiction_id} {seen.family}"
    tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def _voices(rows: Sequence[Row[Any]]) -> int:
    """How many distinct people; one of whom nothing is known counts for itself."""
    return len({row.voice or row.id for row in rows})


def _densest(rows: Sequence[Row[Any]], span: timedelta) -> list[Row[Any]]:
    """The stretch of time in which most distinct people spoke, rows being in the order of time."""
    stretches = (
        [one for one in rows if last.opened_at - span <= one.opened_at <= last.opened_at] for last in rows
    )
    return max(stretches, key=_voices, default=[])


def _declare(tx: Connection, seen: Seen, members: Sequence[Row[Any]], burst: Burst) -> str:
    plan, at, token = fitting_plan(tx, seen), clock.now(), new_token()
    evidence = {"reporters": burst.reporters, "reports": len(members), "expected": burst.expected}
    incident_id = tx.scalar(
        insert(incident).returning(incident.c.id),
        {
            "jurisdiction_id": seen.row.jurisdiction_id, "token": token, "report_id": members[0].id,
            "service_group": seen.family, "plan_code": plan.code if plan else None, "evidence": evidence,
            "declared_at": at,
        },
    )  # fmt: skip
    if plan is not None:
        tx.execute(insert(incident_step), _steps(seen, incident_id, plan.steps))
    public = {"incident": token, "family": seen.family, "plan": plan.code if plan else None, **evidence}
    told = outbox_row(seen.row.jurisdiction_id, at, DELIVER, _letters(seen, members))
    _add(tx, seen, incident_id, members, at)
    _tell(tx, members, {members[0].id: (DECLARED, public, [told])}, token)
    return token


def _gather(tx: Connection, seen: Seen, incident_id: int, members: Sequence[Row[Any]]) -> str:
    """What is near a running incident belongs to it; no second alarm is raised."""
    token = str(tx.scalar(select(incident.c.token).where(incident.c.id == incident_id)))
    if members:
        _add(tx, seen, incident_id, members, clock.now())
        _tell(tx, members, {}, token)
    return token


def _add(tx: Connection, seen: Seen, incident_id: int, members: Sequence[Row[Any]], at: datetime) -> None:
    shared = {"jurisdiction_id": seen.row.jurisdiction_id, "incident_id": incident_id, "joined_at": at}
    tx.execute(insert(incident_member), [shared | {"report_id": row.id} for row in members])


def _tell(
    tx: Connection,
    members: Sequence[Row[Any]],
    special: Mapping[int, tuple[str, Mapping[str, Any], Sequence[tuple[Table, Rows]]]],
    token: str,
) -> None:
    """Every case turns red and says so in its book; cases are locked in the order in which every writer locks."""
    for row in sorted(members, key=lambda one: int(one.id)):
        kind, public, extra = special.get(row.id, (GATHERED, {"incident": token}, ()))
        head = lock_head(tx, row.id)
        red = {"colour_floor": RED, "colour": func.greatest(report.c.colour, RED)}
        tx.execute(update(report).where(report.c.id == row.id, report.c.closed_at.is_(None)).values(red))
        record(tx, head, [Draft(kind, {"actor": SYSTEM.in_public(), **public})], extra)


def _steps(seen: Seen, incident_id: int, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """The steps of a plan as they stand now."""
    shared = {"jurisdiction_id": seen.row.jurisdiction_id, "incident_id": incident_id}
    return [shared | {"position": number, "text": words} for number, words in enumerate(plan_steps(texts), 1)]


def _letters(seen: Seen, members: Sequence[Row[Any]]) -> list[Mapping[str, Any]]:
    """The units that lead and the coordination centre are told at once, about the first report."""
    readers = dict.fromkeys([*(row.lead_unit for row in members), seen.row.coordination_unit])
    return [letter("group_incident", members[0].id, code, members[0].lead_unit, None) for code in readers]
