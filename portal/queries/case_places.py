"""Knows where the cases of a desk's list lie: for its map, which may show the exact place."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from portal.models.report import report
from portal.queries.case_filter import Wanted
from portal.queries.staff_inbox import inbox_keys

MOST_PLACES = 1000
_SHOWN = ("token", "service_code", "state", "priority", "lead_unit", "colour", "next_due_at", "place_flag")


def case_places(tx: Connection, jurisdiction_id: str, wanted: Wanted) -> tuple[list[Any], bool]:
    """Those of the first MOST_PLACES cases of the list that have a place, and whether the list is longer."""
    keys = inbox_keys(jurisdiction_id, wanted, None, MOST_PLACES + 1).subquery("listed")
    query = select(
        *(report.c[name] for name in _SHOWN),
        report.c.closed_at.is_(None).label("is_open"),
        func.ST_X(report.c.geom).label("lon"),
        func.ST_Y(report.c.geom).label("lat"),
        func.left(report.c.description, 140).label("text"),
    ).join_from(keys, report, report.c.id == keys.c.id)
    found: list[Any] = list(tx.execute(query))
    return [row for row in found[:MOST_PLACES] if row.lon is not None], len(found) > MOST_PLACES
