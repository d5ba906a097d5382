"""Knows how proof photos are held against their case: a flag for everybody, distance and time for the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, func, select

from geo.crs import ground_distance_m
from portal.models.report import media, report
from portal.queries.city import CityView
from routing.proof import CaseFacts, Taken, judge_proof


def judge_photos(
    tx: Connection, city: CityView, case: Row[Any], tokens: Sequence[str], now: datetime
) -> tuple[list[Mapping[str, str]], list[Mapping[str, Any]]]:
    """What each photo's own data says against the case: for the public, and with figures for the desk."""
    if not tokens:
        return [], []
    facts = CaseFacts(case.accuracy_m or 0.0, case.opened_at, case.reopened_at or case.accepted_at)
    public: list[Mapping[str, str]] = []
    private: list[Mapping[str, Any]] = []
    for photo in _captures(tx, case.id, tokens):
        taken = _taken(photo, city.timezone)
        flag = judge_proof(taken, facts, city.closing, now)
        public.append({"media": photo.token, "place": flag.place, "time": flag.time})
        told: dict[str, Any] = {"media": photo.token}
        if taken.distance_m is not None:
            told["distance_m"] = round(taken.distance_m)
        if taken.at is not None:
            told["taken_at"] = taken.at.isoformat()
        private.append(told)
    return public, private


def _captures(tx: Connection, case_id: int, tokens: Sequence[str]) -> Sequence[Any]:
    """The photos with their private data and the exact place of the case, in one statement."""
    lon, lat = func.ST_X(report.c.geom).label("lon"), func.ST_Y(report.c.geom).label("lat")
    query = (
        select(media.c.token, media.c.capture, lon, lat)
        .join(report, report.c.id == case_id)
        .where(media.c.token.in_(tokens))
        .order_by(media.c.id)
    )
    return tx.execute(query).all()


def _taken(photo: Row[Any], timezone: str) -> Taken:
    capture = photo.capture or {}
    distance = None
    if photo.lon is not None and "lon" in capture:
        distance = ground_distance_m(photo.lon, photo.lat, capture["lon"], capture["lat"])
    return Taken(distance, float(capture.get("accuracy_m", 0.0)), _instant(capture, timezone))


def _instant(capture: Mapping[str, Any], timezone: str) -> datetime | None:
    """When the photo was taken: with the camera's own offset where it says one, else in the city's time."""
    if "taken_local" not in capture:
        return None
    written = datetime.fromisoformat(capture["taken_local"] + capture.get("offset", ""))
    return written if written.tzinfo else written.replace(tzinfo=ZoneInfo(timezone))
