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
    """The cases that have a place, at most MOST_PLACES of them in the list's order, and whether there are more."""
    has_place = report.c.geom.is_not(None)
    keys = inbox_keys(jurisdiction_id, wanted, None, MOST_PLACES + 1, has_place).subquery("listed")
    query = select(
        *(report.c[name] for name in _SHOWN),
        report.c.closed_at.is_(None).label("is_open"),
        func.ST_X(report.c.geom).label("lon"),
        func.ST_Y(report.c.geom).label("lat"),
        func.left(report.c.description, 140).label("text"),
    ).join_from(keys, report, report.c.id == keys.c.id)
    found: list[Any] = list(tx.execute(query))
    return found[:MOST_PLACES], len(found) > MOST_PLACES
