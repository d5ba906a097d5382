"""Knows which planned works and known outages explain a problem at a place: the answer before it is reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, text

from geo.crs import LonLat
from portal.models.city import planned_work
from portal.queries.nearby_reports import degrees_around

# A pin is set from the pavement: works across the street are meant too.
REACH_M = 30.0
MOST = 3
_KNOWN = text(
    """
    SELECT message, from_at, to_at
    FROM planned_work, (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS point) AS here
    WHERE geom && ST_Expand(point, :degrees_lon, :degrees_lat)
      AND jurisdiction_id = :jurisdiction_id
      AND (service_codes ? :service_code OR service_codes ? '*')
      AND from_at <= :at AND to_at > :at AND ST_DWithin(geom::geography, point::geography, :reach_m)
    ORDER BY to_at, id LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class KnownWork:
    """A work in force: what the city says of it by language, and the instant at which it should be over."""

    message: Mapping[str, str]
    since: datetime
    until: datetime


def known_works(
    tx: Connection, jurisdiction_id: str, service_code: str, point: LonLat, at: datetime
) -> list[KnownWork]:
    """The works in force at an instant and place that concern the service, the first to end first."""
    degrees_lon, degrees_lat = degrees_around(point.lat, REACH_M)
    rows = tx.execute(
        _KNOWN,
        {
            "lon": point.lon,
            "lat": point.lat,
            "degrees_lon": degrees_lon,
            "degrees_lat": degrees_lat,
            "jurisdiction_id": jurisdiction_id,
            "service_code": service_code,
            "at": at,
            "reach_m": REACH_M,
            "most": MOST,
        },
    )
    return [KnownWork(row.message, row.from_at, row.to_at) for row in rows]


@dataclass(frozen=True, slots=True)
class ListedWork:
    """A work that is not over, as the desk lists it."""

    code: str
    service_codes: tuple[str, ...]
    message: Mapping[str, str]
    since: datetime
    until: datetime


def works_to_come(tx: Connection, jurisdiction_id: str, at: datetime, most: int) -> list[ListedWork]:
    """What is in force at an instant or will be, the first to end first; one statement."""
    here = (planned_work.c.jurisdiction_id == jurisdiction_id) & (planned_work.c.to_at > at)
    query = select(planned_work).where(here).order_by(planned_work.c.to_at, planned_work.c.id).limit(most)
    return [
        ListedWork(row.code, tuple(row.service_codes), row.message, row.from_at, row.to_at)
        for row in tx.execute(query)
    ]
