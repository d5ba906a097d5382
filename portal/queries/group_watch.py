"""Knows what is to be counted around a new report: the others at that place and time, and what is usual there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, text

from portal.models.city import response_plan
from portal.queries.nearby_reports import degrees_around
from routing.incidents import GroupRules
from routing.words import words_of

# Beyond this many in one place every further one only says the same.
MOST_COUNTED = 2_000

_SEEN = text(
    """
    SELECT report.id, report.token, report.jurisdiction_id, report.opened_at, report.service_code, report.channel,
           report.receipt ->> 'plan' AS plan,
           ST_X(public_geom) AS lon, ST_Y(public_geom) AS lat, jurisdiction.config, jurisdiction.coordination_unit,
           coalesce(nullif(service."group", ''), report.service_code) AS family_name,
           service.name AS service_name, service.keywords,
           ARRAY(SELECT other.service_code FROM service AS other
                 WHERE other.jurisdiction_id = report.jurisdiction_id
                   AND (other.service_code = report.service_code
                        OR (other."group" = service."group" AND service."group" <> ''))) AS family
    FROM report JOIN jurisdiction ON jurisdiction.id = report.jurisdiction_id
    LEFT JOIN service ON service.jurisdiction_id = report.jurisdiction_id
                     AND service.service_code = report.service_code
    WHERE report.id = :report_id AND public_geom IS NOT NULL
    """
)
_PLACE = """
    FROM report, (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS point) AS here
    WHERE public_geom && ST_Expand(point, :degrees_lon, :degrees_lat)
      AND report.jurisdiction_id = :jurisdiction_id AND service_code = ANY(:family)
      AND ST_DistanceSphere(public_geom, point) <= :within_m
"""
_AROUND = text(
    f"""
    SELECT report.id, token, voice, opened_at, lead_unit,
           (SELECT incident.id FROM incident_member JOIN incident ON incident.id = incident_member.incident_id
            WHERE incident_member.report_id = report.id AND incident.ended_at IS NULL) AS incident_id
    {_PLACE} AND opened_at BETWEEN :since AND :until ORDER BY opened_at, report.id LIMIT :most
    """  # noqa: S608 - both parts are ours
)
_USUAL = text(
    f"""
    SELECT count(*) FROM (
        SELECT 1 {_PLACE} AND opened_at >= :since AND opened_at < :until LIMIT :most
    ) AS usual
    """  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A new report with its family of services, and the rules of its city."""

    row: Row[Any]
    rules: GroupRules

    @property
    def family(self) -> str:
        """The group of its service, else the service itself."""
        return str(self.row.family_name)


def seen_report(tx: Connection, report_id: int) -> Seen | None:
    """The report that somebody should look around, without building the whole city; None without a place."""
    row = tx.execute(_SEEN, {"report_id": report_id}).one_or_none()
    return None if row is None else Seen(row, GroupRules(**row.config.get("incidents", {})))


def reports_around(tx: Connection, seen: Seen) -> Sequence[Row[Any]]:
    """The reports of the family within reach in place and time, before and after, in the order of time."""
    reach = timedelta(hours=seen.rules.within_hours)
    span = {"since": seen.row.opened_at - reach, "until": seen.row.opened_at + reach}
    return tx.execute(_AROUND, _place(seen) | span).all()


def usual_reports(tx: Connection, seen: Seen, before: datetime) -> int:
    """How many the weeks before brought to this place."""
    since = before - timedelta(days=seen.rules.baseline_days)
    return int(tx.execute(_USUAL, _place(seen) | {"since": since, "until": before}).scalar_one())


def _place(seen: Seen) -> dict[str, Any]:
    row = seen.row
    degrees_lon, degrees_lat = degrees_around(row.lat, seen.rules.within_m)
    return {
        "lon": row.lon, "lat": row.lat, "degrees_lon": degrees_lon, "degrees_lat": degrees_lat,
        "jurisdiction_id": row.jurisdiction_id, "family": list(row.family), "within_m": seen.rules.within_m,
        "most": MOST_COUNTED,
    }  # fmt: skip


def fitting_plan(tx: Connection, seen: Seen) -> Row[Any] | None:
    """The response plan that fits a group.

    The one that the rule opened for the report, else one whose trigger names the service or its family, else
    the one that shares most words with its names.
    """
    here = response_plan.c.jurisdiction_id == seen.row.jurisdiction_id
    plans = tx.execute(select(response_plan).where(here).order_by(response_plan.c.code)).all()
    names = _texts(seen.row.service_name) + _texts(seen.row.keywords)
    own = set(words_of(" ".join([seen.row.service_code, seen.family, *names])))
    codes = {seen.row.service_code, seen.family}
    if opened := next((plan for plan in plans if plan.code == seen.row.plan), None):
        return opened
    best, found = 1, None
    for plan in plans:
        trigger = plan.trigger or ""
        if codes & {part.strip() for part in trigger.split(";")}:
            return plan
        shared = len(own & set(words_of(trigger)))
        if shared > best:
            best, found = shared, plan
    return found


def _texts(value: Mapping[str, Any] | None) -> list[str]:
    """Every text of {locale: text or list of texts}."""
    return [text for each in (value or {}).values() for text in ([each] if isinstance(each, str) else each)]
