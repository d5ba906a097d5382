"""Knows how a submission is decided: who answers, by when, and what of that the public may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from geo.crs import LonLat
from portal.masking import coarsen
from portal.models.report import report
from portal.operations.submission import Submission
from portal.pack.points import default_point_at
from portal.queries.city import CityView
from routing.receipt import public_receipt
from routing.router import PointQuery, Routed
from routing.targets import ClockPlan

# Channels whose reports come out of files: their points were made from addresses.
RECORDS = frozenset({"replay", "import"})


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision ready to be stored or shown. Points in EPSG:4326; `public_point` is coarse where sensitive."""

    routed: Routed
    point: LonLat | None
    public_point: LonLat | None
    receipt: Mapping[str, Any]
    public_receipt: Mapping[str, Any]
    place_flag: str | None

    @property
    def lead(self) -> str:
        """The unit that owns the report."""
        return self.routed.decision.lead

    @property
    def clocks(self) -> tuple[ClockPlan, ...]:
        """The promise and the unit's clocks."""
        return self.routed.clocks

    @property
    def promise_due_at(self) -> datetime | None:
        """When the resident was promised an end; none where the city sets no target."""
        return next((plan.due_at for plan in self.clocks if plan.kind == "promise"), None)

    @property
    def is_ambiguous(self) -> bool:
        """Whether the place lies too near a border to be sure."""
        return self.routed.decision.ambiguous

    @property
    def question_code(self) -> str | None:
        """The one question that would settle it."""
        return self.routed.decision.question


def route_submission(tx: Connection, city: CityView, submission: Submission, at: datetime) -> Answer:
    """Decide a checked submission at an instant; stores nothing."""
    query = PointQuery(
        lon=submission.lon,
        lat=submission.lat,
        accuracy_m=submission.accuracy_m,
        service_code=submission.service_code,
        answers=submission.answers,
        at=at,
        channel=submission.channel,
        datum=submission.datum,
        about_unit=submission.about_unit,
        is_geocoded=submission.channel in RECORDS,
    )
    return decide_query(tx, city, query, submission.place_flag)


def decide_query(tx: Connection, city: CityView, query: PointQuery, place_flag: str | None) -> Answer:
    """Decide a query; what is public of it comes from the public point where the service is sensitive."""
    routed = city.router.route(query, _loads(tx, city, query.service_code))
    point = routed.facts.point
    is_coarse = point is not None and city.services[query.service_code].is_sensitive
    shown = LonLat(*coarsen(*point)) if is_coarse and point is not None else point
    if shown is None:  # no place, so nothing that could be given away
        seen = public_receipt(routed.receipt, coarse=False)
    else:
        seen = city.router.public_receipt(query, routed, shown)
    flag = place_flag or _flag(city, query, routed)
    return Answer(routed, point, shown, routed.receipt, seen, flag)


def _flag(city: CityView, query: PointQuery, routed: Routed) -> str | None:
    """Why a place is not to be trusted; what a device measured on a default point is, and decides like any other.

    Of a sensitive service nothing says that its place is one that everybody knows.
    """
    point = routed.facts.point
    if point is None:
        return "no_place"
    if routed.decision.outside:
        return "outside"
    if query.accuracy_m is not None or city.services[query.service_code].is_sensitive:
        return None
    known = city.config.get("default_points", {})
    return "default_point" if default_point_at(known, *point) else None


def _loads(tx: Connection, city: CityView, service_code: str) -> dict[str, int]:
    """Open cases per unit, asked only where a rule for the service wants the least loaded."""
    routing = city.router.city
    units = routing.rulebook.for_service(routing.services[service_code]).loaded_units
    if not units:
        return {}
    query = (
        select(report.c.lead_unit, func.count().label("cases"))
        .where(
            report.c.jurisdiction_id == city.jurisdiction_id,
            report.c.closed_at.is_(None),
            report.c.lead_unit.in_(sorted(units)),
        )
        .group_by(report.c.lead_unit)
    )
    return {row.lead_unit: row.cases for row in tx.execute(query)}
