"""Knows which open reports nearby may be about the same thing: what a resident is shown before filing again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians
from typing import Any

from sqlalchemy import Connection, Row, text

from geo.crs import LonLat
from portal import clock
from portal.masking import mask
from portal.queries.city import CityView
from portal.queries.incident_rules import duplicate_rules, family_of
from routing.duplicates import Match, Matter, rank_duplicates
from routing.words import words_of

MOST_SHOWN, MOST_COMPARED = 5, 25

# The index of open reports gives the nearest first, so a corner with ten thousand of them costs no more.
_NEARBY = text(
    """
    WITH here AS (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS point), near AS (
        SELECT id, token, service_code, state, opened_at, public_text, lead_unit, words,
               ST_X(public_geom) AS lon, ST_Y(public_geom) AS lat
        FROM report, here
        WHERE public_geom && ST_Expand(point, :degrees_lon, :degrees_lat)
          AND closed_at IS NULL AND NOT is_private
          AND jurisdiction_id = :jurisdiction_id AND service_code = ANY(:family) AND opened_at >= :since
        ORDER BY public_geom <-> point LIMIT :most
    )
    SELECT id, token, service_code, state, opened_at, public_text, lead_unit, lon, lat,
           tsvector_to_array(words) AS words,
           1 + (SELECT count(*) FROM report AS member WHERE member.primary_id = near.id)
             + (SELECT count(*) FROM follower
                WHERE follower.report_id = near.id AND follower.state IN ('counted', 'confirmed')) AS voices
    FROM near
    """
)


@dataclass(frozen=True, slots=True)
class NearbyReport:
    """An open report near a point. `distance_m` is rounded to 10 m: exact distances would give places away.

    `voices`: how many people say so already.
    """

    token: str
    service_code: str
    state: str
    opened_at: datetime
    public_text: str
    unit_code: str
    distance_m: int
    voices: int = 1


def nearby_reports(
    tx: Connection, city: CityView, service_code: str, point: LonLat, words: str = ""
) -> list[NearbyReport]:
    """Open public reports that are likely about the same thing, most alike first; one statement.

    Compared is what everybody may read anyway, so that nothing can be guessed from the order. None where the
    service is sensitive: that there is such a report at a place is nobody's business.
    """
    service = city.services[service_code]
    if service.is_sensitive:
        return []
    now, rules = clock.now(), duplicate_rules(city)
    degrees_lon, degrees_lat = degrees_around(point.lat, service.duplicate_radius_m)
    rows = tx.execute(
        _NEARBY,
        {
            "lon": point.lon,
            "lat": point.lat,
            "degrees_lon": degrees_lon,
            "degrees_lat": degrees_lat,
            "jurisdiction_id": city.jurisdiction_id,
            "family": family_of(city, service_code, is_public=True),
            "since": now - timedelta(days=rules.look_back_days),
            "most": MOST_COMPARED,
        },
    )
    found = {str(row.id): row for row in rows}
    new = Matter(point, service.code, service.group, now, frozenset(words_of(mask(words))))
    likened = [(case_id, matter_of(row, city)) for case_id, row in found.items()]
    ranked = rank_duplicates(service.for_routing, new, likened, rules)
    return [_shown(found[match.case_id], match) for match in ranked if match.is_likely][:MOST_SHOWN]


def degrees_around(lat: float, metres: float) -> tuple[float, float]:
    """Half the width and height of a box in degrees that is never too small for a radius in metres."""
    degrees_lat = metres / 110_500  # the shortest degree of latitude
    return degrees_lat / max(cos(radians(lat)), 0.01), degrees_lat


def matter_of(row: Row[Any], city: CityView) -> Matter:
    """A row with lon, lat, service_code, opened_at and words, as it is compared."""
    service = city.services.get(row.service_code)
    point = None if row.lon is None else LonLat(row.lon, row.lat)
    words = frozenset(row.words or ())
    return Matter(point, row.service_code, service.group if service else "", row.opened_at, words)


def _shown(row: Row[Any], match: Match) -> NearbyReport:
    return NearbyReport(
        row.token, row.service_code, row.state, row.opened_at, row.public_text, row.lead_unit,
        int(round(match.distance_m or 0.0, -1)), row.voices,
    )  # fmt: skip
