"""Knows how clocks are watched: whatever is due is warned of or breached, once, however many sweep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from portal import clock as time
from portal.db import Rows, insert_together, update_together
from portal.models.ledger import case_file
from portal.models.report import clock, contact, report
from portal.operations.context import SYSTEM
from portal.operations.outbox_rows import DELIVER, letter, outbox_row
from portal.operations.record_events import Draft, Head, chained

QUIET, AT_RISK, BREACHED = 0, 1, 2
KINDS = {AT_RISK: "clock.at_risk", BREACHED: "clock.breached"}
TEMPLATES = {AT_RISK: "at_risk", BREACHED: "breached"}


def sweep_clocks(tx: Connection, limit: int = 1000) -> int:
    """Handle the clocks that are due, oldest first, at most `limit`; answers how many were handled.

    Cases that somebody else is working on are passed over and come up again at the next sweep. The case is
    locked before its clocks, in the order in which every other writer does it.
    """
    now = time.now()
    due_first = (
        select(clock.c.report_id)
        .where(clock.c.next_at <= now)
        .order_by(clock.c.next_at, clock.c.id)
        .limit(limit)
        .subquery()
    )
    heads = tx.execute(
        select(case_file)
        .where(case_file.c.id.in_(select(due_first.c.report_id)))
        .order_by(case_file.c.id)
        .with_for_update(skip_locked=True)
    ).all()
    due = tx.execute(
        select(clock, report.c.lead_unit, contact.c.has_email)
        .join(report, report.c.id == clock.c.report_id)
        .outerjoin(contact, contact.c.report_id == clock.c.report_id)
        .where(clock.c.report_id.in_([head.id for head in heads]), clock.c.next_at <= now)
        .order_by(clock.c.report_id, clock.c.id)
    ).all()
    if due:
        _write(tx, {head.id: head for head in heads}, due, now)
    return len(due)


def _write(tx: Connection, heads: Mapping[int, Row[Any]], due: Sequence[Any], now: datetime) -> None:
    """All warnings of a batch in three statements, whatever its size."""
    by_case: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in due:
        by_case[row.report_id].append(row)
    inserts: defaultdict[Table, list[Mapping[str, Any]]] = defaultdict(list)
    ends: list[Mapping[str, Any]] = []
    for case_id, rows in by_case.items():
        found = heads[case_id]
        head = Head(found.id, found.jurisdiction_id, found.token, found.last_seq, found.last_hash)
        warned = [row for row in rows if _level(row, now) > row.warning]
        new_head, batches = chained(head, [_draft(row, now) for row in warned], now)
        for table, table_rows in [*batches, _messages(head, warned, now)]:
            inserts[table] += table_rows
        ends.append({"id": case_id, "last_seq": new_head.last_seq, "last_hash": new_head.last_hash})
    insert_together(tx, list(inserts.items()))
    update_together(tx, case_file, "id", ends)
    update_together(tx, clock, "id", [_looked_at(row, now) for row in due])


def _level(row: Row[Any], now: datetime) -> int:
    if row.due_at <= now:
        return BREACHED
    return AT_RISK if row.at_risk_at <= now else QUIET


def _draft(row: Row[Any], now: datetime) -> Draft:
    public = {
        "actor": SYSTEM.in_public(),
        "clock": row.kind,
        "stage": row.stage,
        "unit": row.unit_code,
        "due_at": row.due_at.isoformat(),
    }
    return Draft(KINDS[_level(row, now)], public)


def _looked_at(row: Row[Any], now: datetime) -> dict[str, Any]:
    level = max(_level(row, now), row.warning)
    next_at = {QUIET: row.at_risk_at, AT_RISK: row.due_at, BREACHED: None}[level]
    return {"id": row.id, "warning": level, "next_at": next_at}


def _messages(head: Head, warned: list[Row[Any]], now: datetime) -> tuple[Table, Rows]:
    """The unit hears of its own clocks; of a promise that was broken, the resident to whom it was made."""
    payloads = [
        letter(
            TEMPLATES[_level(row, now)],
            row.report_id,
            row.unit_code if row.kind == "unit" else "reporter",
            row.unit_code or row.lead_unit,
            row.due_at,
            stage=row.stage,
        )
        for row in warned
        if row.kind == "unit" or (row.has_email and _level(row, now) == BREACHED)
    ]
    return outbox_row(head.jurisdiction_id, now, DELIVER, payloads)
