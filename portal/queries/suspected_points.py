"""Knows which places an outlandish share of the reports lies on, as the last look at the history found them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Numeric, and_, cast, func, select

from portal.models.city import jurisdiction_table
from portal.models.ledger import event, event_private
from portal.models.report import report
from portal.pack.points import DefaultPoints, default_point_at
from routing.default_points import DefaultPoint, find_default_points

SUSPECTED = "places.suspected"
LOOK_BACK = timedelta(days=365)
MOST_PLACES = 300_000


class Suspected(NamedTuple):
    """What was found, and when; `points` are lon, lat, count and share."""

    at: datetime
    points: list[Mapping[str, Any]]


def suspected_points(tx: Connection, jurisdiction_id: str) -> Suspected | None:
    """The newest findings, what became a default point since then left out; None where there never were any."""
    apart = and_(event_private.c.case_id == event.c.case_id, event_private.c.case_seq == event.c.case_seq)
    query = (
        select(event.c.at, event_private.c.private, jurisdiction_table.c.config)
        .join(event_private, apart)
        .join(jurisdiction_table, jurisdiction_table.c.id == event.c.jurisdiction_id)
        .where(event.c.jurisdiction_id == jurisdiction_id, event.c.kind == SUSPECTED)
        .order_by(event.c.at.desc())
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    known, found = row.config.get("default_points", {}), (row.private or {}).get("points", ())
    return Suspected(
        row.at, [one for one in found if default_point_at(known, one["lon"], one["lat"]) is None]
    )


def outlandish_points(
    tx: Connection, jurisdiction_id: str, known: DefaultPoints, now: datetime
) -> list[DefaultPoint]:
    """The places that look like defaults in the last year's reports, those that are known already left out.

    Every report of the year is read: for a job of the night.
    """
    lon, lat = (
        func.round(cast(of(report.c.geom), Numeric), 5).label(name)
        for of, name in ((func.ST_X, "lon"), (func.ST_Y, "lat"))
    )
    count = func.count().label("reports")
    query = (
        select(lon, lat, count, func.sum(func.count()).over().label("rows"))
        .where(
            report.c.jurisdiction_id == jurisdiction_id,
            report.c.opened_at >= now - LOOK_BACK,
            report.c.geom.is_not(None),
            report.c.place_flag.is_(None),
        )
        .group_by(lon, lat)
        .order_by(count.desc())
        .limit(MOST_PLACES)
    )
    counts: dict[tuple[float, float], int] = {}
    rows = 0
    for row in tx.execute(query):
        counts[float(row.lon), float(row.lat)], rows = int(row.reports), int(row.rows)
    found = find_default_points(counts, rows)
    return [point for point in found if default_point_at(known, point.lon, point.lat) is None]
