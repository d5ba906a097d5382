"""Knows how places that programs write when they know none are found in the history and put into the city's book."""

from __future__ import annotations

from sqlalchemy import Connection, select

from portal import clock
from portal.models.city import jurisdiction_table
from portal.operations.context import SYSTEM
from portal.operations.record_events import Draft, city_head, record
from portal.queries.suspected_points import SUSPECTED, outlandish_points, suspected_points


def suspect_points(tx: Connection, jurisdiction_id: str) -> int:
    """Look at the last year's reports; answers how many places are suspected.

    The book says so only when they are others than before. Where they lie is kept apart: it may be a home.
    """
    config = tx.scalar(select(jurisdiction_table.c.config).where(jurisdiction_table.c.id == jurisdiction_id))
    known = (config or {}).get("default_points", {})
    found = outlandish_points(tx, jurisdiction_id, known, clock.now())
    points = [
        {"lon": each.lon, "lat": each.lat, "count": each.count, "share": round(each.share, 4)}
        for each in found
    ]
    before = suspected_points(tx, jurisdiction_id)
    places = {(each["lon"], each["lat"]) for each in points}
    if places != {(each["lon"], each["lat"]) for each in (before.points if before else ())}:
        public = {"actor": SYSTEM.in_public(), "places": len(points)}
        record(tx, city_head(tx, jurisdiction_id), [Draft(SUSPECTED, public, {"points": points})])
    return len(points)
