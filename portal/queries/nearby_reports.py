"""Knows which open reports nearby may be about the same thing: what a resident is shown before filing again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians

from sqlalchemy import Connection, text

from portal import clock

LOOK_BACK = timedelta(days=30)
MOST = 5

# The index of open reports gives the nearest first, so a corner with ten thousand of them costs no more.
_NEARBY = text(
    """
    WITH here AS (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS point)
    SELECT token, service_code, state, opened_at, public_text, lead_unit,
           ST_DistanceSphere(public_geom, point) AS distance_m
    FROM report, here
    WHERE public_geom && ST_Expand(point, :degrees_lon, :degrees_lat)
      AND closed_at IS NULL AND NOT is_private
      AND jurisdiction_id = :jurisdiction_id AND service_code = :service_code AND opened_at >= :since
      AND ST_DistanceSphere(public_geom, point) <= :radius_m
    ORDER BY public_geom <-> point LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class NearbyReport:
    """An open report near a point. `distance_m` is rounded to 10 m: exact distances would give places away."""

    token: str
    service_code: str
    state: str
    opened_at: datetime
    public_text: str
    unit_code: str
    distance_m: int


def nearby_reports(
    tx: Connection, jurisdiction_id: str, service_code: str, lon: float, lat: float, radius_m: float
) -> list[NearbyReport]:
    """Open reports of the service within `radius_m` metres, filed in the last 30 days, nearest first."""
    degrees_lat = radius_m / 110_500  # the shortest degree of latitude, so the box is never too small
    rows = tx.execute(
        _NEARBY,
        {
            "lon": lon,
            "lat": lat,
            "degrees_lat": degrees_lat,
            "degrees_lon": degrees_lat / max(cos(radians(lat)), 0.01),
            "radius_m": radius_m,
            "jurisdiction_id": jurisdiction_id,
            "service_code": service_code,
            "since": clock.now() - LOOK_BACK,
            "most": MOST,
        },
    )
    return [
        NearbyReport(
            row.token, row.service_code, row.state, row.opened_at, row.public_text, row.lead_unit,
            int(round(row.distance_m, -1)),
        )
        for row in rows
    ]  # fmt: skip
