"""Knows the cases that may be the same as one on the desk, and solved ones like it: one statement for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from geo.crs import LonLat, ground_distance_m
from portal.masking import COARSE_M
from portal.queries.city import CityView
from portal.queries.incident_rules import duplicate_rules, family_of
from portal.queries.nearby_reports import degrees_around, matter_of
from portal.queries.staff_case import StaffCase
from routing.duplicates import Match, Matter, rank_duplicates, text_likeness
from routing.words import any_of

MOST_SHOWN, MOST_COMPARED, MOST_WORDED = 5, 40, 200
MOST_WORDS = 24
SOLVED_WITHIN_M = 2_000.0
SOLVED_CODES = ["fixed", "partly_fixed", "answered"]

_COLUMNS = """id, token, service_code, state, opened_at, closed_at, closing_code, public_text, lead_unit,
              assist_units, about_unit, ST_X(geom) AS lon, ST_Y(geom) AS lat, tsvector_to_array(words) AS words"""
_OURS = "jurisdiction_id = :jurisdiction_id AND service_code = ANY(:family) AND id <> :id"
# Written out in each part: only as a constant does the index give the nearest first.
_POINT = "ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)"
ALIKE = text(
    f"""
    (SELECT 'open' AS part, {_COLUMNS} FROM report
     WHERE :has_place AND public_geom && ST_Expand({_POINT}, :near_lon, :near_lat) AND closed_at IS NULL
       AND {_OURS} AND opened_at >= :since
     ORDER BY public_geom <-> {_POINT} LIMIT :most)
    UNION ALL
    (SELECT 'open', {_COLUMNS} FROM report
     WHERE :has_place AND geom IS NULL AND closed_at IS NULL AND {_OURS} AND opened_at >= :since
       AND words @@ CAST(:some_words AS tsquery)
     ORDER BY opened_at DESC LIMIT :most_worded)
    UNION ALL
    (SELECT 'open', {_COLUMNS} FROM report
     WHERE NOT :has_place AND closed_at IS NULL AND {_OURS} AND opened_at >= :since
       AND words @@ CAST(:some_words AS tsquery)
     ORDER BY opened_at DESC LIMIT :most_worded)
    UNION ALL
    (SELECT 'solved', {_COLUMNS} FROM report
     WHERE :has_place AND public_geom && ST_Expand({_POINT}, :far_lon, :far_lat) AND closed_at IS NOT NULL
       AND closing_code = ANY(:codes) AND state <> 'duplicate' AND {_OURS}
     ORDER BY public_geom <-> {_POINT} LIMIT :most)
    """  # noqa: S608 - all parts are ours
)


@dataclass(frozen=True, slots=True)
class Alike:
    """An open case that may be the same, and why: each respect from 0 to 1."""

    row: Row[Any]
    match: Match


@dataclass(frozen=True, slots=True)
class Solved:
    """A case like it that was solved: how far away, how, and how long it took."""

    row: Row[Any]
    distance_m: float
    took: timedelta


def alike_cases(tx: Connection, case: StaffCase, city: CityView) -> tuple[list[Alike], list[Solved]]:
    """The likely same first, then the solved ones with the most words in common; one statement."""
    rows = tx.execute(ALIKE, alike_params(case, city)).all()
    new = _matter(case, city)
    return _likely(rows, new, city), _solved(rows, new)


def alike_params(case: StaffCase, city: CityView) -> dict[str, Any]:
    """What the statement is asked with. A sensitive case stands somewhere in its cell, so its cell is searched."""
    row, rules = case.row, duplicate_rules(city)
    service = city.services.get(row.service_code)
    lat, has_place = case.lat or 0.0, case.lon is not None
    cell_m = COARSE_M if service is None or service.is_sensitive else 0.0
    near = degrees_around(lat, (service.duplicate_radius_m if service else 250.0) + cell_m)
    far = degrees_around(lat, SOLVED_WITHIN_M)
    return {
        "id": row.id, "jurisdiction_id": row.jurisdiction_id, "family": family_of(city, row.service_code),
        "lon": case.lon or 0.0, "lat": lat, "has_place": has_place, "codes": SOLVED_CODES,
        "near_lon": near[0], "near_lat": near[1], "far_lon": far[0], "far_lat": far[1],
        "since": row.opened_at - timedelta(days=rules.look_back_days), "most": MOST_COMPARED,
        "most_worded": MOST_WORDED, "some_words": any_of(sorted(_words(row)), MOST_WORDS),
    }  # fmt: skip


def _likely(rows: Sequence[Row[Any]], new: Matter, city: CityView) -> list[Alike]:
    found = {str(row.id): row for row in rows if row.part == "open"}
    service = city.services.get(new.service_code)
    if service is None:
        return []
    likened = [(case_id, matter_of(row, city)) for case_id, row in found.items()]
    ranked = rank_duplicates(service.for_routing, new, likened, duplicate_rules(city))
    return [Alike(found[match.case_id], match) for match in ranked if match.is_likely][:MOST_SHOWN]


def _solved(rows: Sequence[Row[Any]], new: Matter) -> list[Solved]:
    """Same service and common words first, then near ones."""
    if new.point is None:
        return []
    lon, lat = new.point
    found = [
        (
            -(row.service_code == new.service_code) - text_likeness(new.words, frozenset(row.words or ())),
            Solved(row, ground_distance_m(lon, lat, row.lon, row.lat), row.closed_at - row.opened_at),
        )
        for row in rows
        if row.part == "solved" and row.lon is not None
    ]
    found.sort(key=lambda one: (one[0], one[1].distance_m, one[1].row.id))
    return [one for _, one in found[:MOST_SHOWN]]


def _matter(case: StaffCase, city: CityView) -> Matter:
    service = city.services.get(case.row.service_code)
    point = None if case.lon is None or case.lat is None else LonLat(case.lon, case.lat)
    opened: datetime = case.row.opened_at
    return Matter(point, case.row.service_code, service.group if service else "", opened, _words(case.row))


def _words(row: Row[Any]) -> frozenset[str]:
    """The words of a report as its own column has them: 'lexeme' 'lexeme'."""
    return frozenset(word.strip("'") for word in (row.words or "").split())
