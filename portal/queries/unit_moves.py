"""Knows the cases behind a unit's hand-overs, disputes and contested closings, whoever leads them by now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, DateTime, Row, literal, select, tuple_

from portal.models.report import report
from portal.queries.case_lines import PAGE_SIZE, Cursor
from portal.queries.matters import DISPUTED, MOVED
from portal.queries.unit_work import disputed_cases, moved_cases

MOVED_WHATS = (*MOVED, DISPUTED)
_SHOWN = ("token", "service_code", "state", "priority", "lead_unit", "assist_units", "about_unit", "is_private",
          "closed_at")  # fmt: skip


@dataclass(frozen=True, slots=True)
class MovedPage:
    """Some of the cases, the newest first, and where the next ones begin."""

    rows: Sequence[Row[Any]]
    next: Cursor | None


def moved_page_of(
    tx: Connection,
    what: str,
    jurisdiction_id: str,
    units: Collection[str] | None,
    now: datetime,
    kept_from: Collection[str],
    after: Cursor | None = None,
    size: int = PAGE_SIZE,
) -> MovedPage:
    """A page of the cases that are counted there, once for each unit; one statement."""
    found = (
        disputed_cases(jurisdiction_id, units, kept_from)
        if what == DISPUTED
        else moved_cases(what, jurisdiction_id, units, now, kept_from)
    ).subquery("moved")
    query = select(found.c.unit, found.c.at, report.c.id, *(report.c[name] for name in _SHOWN)).join(
        found, found.c.report_id == report.c.id
    )
    if after is not None:
        behind = tuple_(literal(after.due_at, DateTime(timezone=True)), literal(after.report_id, BigInteger))
        query = query.where(tuple_(found.c.at, report.c.id) < behind)
    rows = tx.execute(
        query.order_by(found.c.at.desc(), report.c.id.desc(), found.c.unit).limit(size + 1)
    ).all()
    last = rows[size - 1] if len(rows) > size else None
    return MovedPage(rows[:size], Cursor(1, last.at, last.id) if last is not None else None)
