"""Knows a desk's list as a table to download: every case of it, without anything about who reported it.

The words are those that the public may read and the place is the public one, because a table leaves the desk.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, func, select

from portal.models.report import report
from portal.queries.case_filter import Wanted
from portal.queries.case_lines import Cursor, order_of
from portal.queries.staff_inbox import inbox_keys

MOST_ROWS = 100_000
PIECE = 1000
_SHOWN = (
    "token", "service_code", "state", "priority", "colour", "lead_unit", "assist_units", "opened_at",
    "accepted_at", "closed_at", "closing_code", "promise_due_at", "next_due_at", "transfer_count", "places",
    "public_text",
)  # fmt: skip


def case_table(
    tx: Connection, jurisdiction_id: str, wanted: Wanted, piece: int = PIECE, most: int = MOST_ROWS
) -> Iterator[Any]:
    """The cases in the list's order, read piece by piece so that no list is held at once."""
    after: Cursor | None = None
    left = most
    while left > 0:
        keys = inbox_keys(jurisdiction_id, wanted, after, min(piece, left)).subquery("listed")
        order = order_of(keys, newest_first=wanted.is_newest_first)
        query = select(
            *(report.c[name] for name in _SHOWN),
            func.ST_X(report.c.public_geom).label("lon"),
            func.ST_Y(report.c.public_geom).label("lat"),
            keys.c.lane, keys.c.key_at, keys.c.id,
        ).join_from(keys, report, report.c.id == keys.c.id)  # fmt: skip
        rows: list[Any] = list(tx.execute(query.order_by(*order)))
        yield from rows
        if len(rows) < min(piece, left):
            return
        after = Cursor(rows[-1].lane, rows[-1].key_at, rows[-1].id)
        left -= len(rows)
