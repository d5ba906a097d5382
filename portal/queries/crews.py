"""Knows the crews as they stand: on duty, open jobs, distance to a case; one statement whatever their number."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from geoalchemy2 import Geography
from sqlalchemy import ColumnElement, Connection, Row, and_, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from portal.models.crews import (
    HELD,
    community_duty,
    complaint_case,
    contractor_link,
    contractor_question,
    crew,
    crew_job,
    crew_loan,
    crew_member,
    crew_shift,
)
from portal.models.people import account, role_grant
from portal.models.report import report
from portal.queries.case_parts import DESK_PARTS, Part
from portal.queries.city import CityView
from routing.calendar import WorkingCalendar
from routing.crews import Candidate, can_do
from routing.rosters import Shift, is_on_duty, read_shift

# A crew that began a job within this time is taken to be there, and not at its base.
STILL_THERE = timedelta(hours=8)
MOST_JOBS = 200

DESK_PARTS |= {
    "crew_jobs": Part(crew_job),
    "crew_loans": Part(crew_loan),
    "contractor_links": Part(contractor_link),
    "contractor_questions": Part(contractor_question),
    "community_duties": Part(community_duty),
    "complaint_cases": Part(complaint_case),
}


@dataclass(frozen=True, slots=True)
class CrewView:
    """A crew as it stands now. `lent_to` is the unit that has it on loan, `members` the accounts in it."""

    code: str
    unit: str
    names: Mapping[str, str]
    services: tuple[str, ...]
    capacity: int
    load: int
    lon: float | None
    lat: float | None
    email: str
    phone: str
    shifts: tuple[Shift, ...]
    written: Sequence[Sequence[str]]
    is_on_duty: bool
    distance_m: float | None
    is_at_job: bool
    lent_to: str | None

    def as_candidate(self, service_code: str, group: str) -> Candidate:
        """What decides whether it should be asked."""
        able = can_do(self.services, service_code, group)
        return Candidate(
            self.code, self.unit, self.load, self.capacity, self.is_on_duty, able, self.distance_m
        )


def crews_now(
    tx: Connection,
    city: CityView,
    at: datetime,
    *,
    units: Collection[str] | None = None,
    report_id: int | None = None,
    code: str = "",
) -> list[CrewView]:
    """The active crews (of some units, or one), with their distance to a case where one is named."""
    place = select(report.c.geom).where(report.c.id == report_id).scalar_subquery()
    last = _last_place(at)
    there = func.coalesce(last, crew.c.geom)
    distance = func.ST_Distance(cast(there, Geography), cast(place, Geography))
    query = (
        select(
            crew,
            func.ST_X(crew.c.geom).label("lon"),
            func.ST_Y(crew.c.geom).label("lat"),
            _load().label("load"),
            _shifts().label("shifts"),
            _held().label("lent_to"),
            (distance if report_id is not None else literal(None)).label("distance_m"),
            last.is_not(None).label("is_at_job"),
        )
        .where(crew.c.jurisdiction_id == city.jurisdiction_id, crew.c.is_active)
        .order_by(crew.c.unit_code, crew.c.position, crew.c.id)
    )
    if units is not None:
        query = query.where(crew.c.unit_code.in_(sorted(units)))
    if code:
        query = query.where(crew.c.crew_code == code)
    calendar = city.router.city.calendar
    return [_view(row, at, calendar) for row in tx.execute(query)]


def jobs_of(
    tx: Connection,
    jurisdiction_id: str,
    account_id: int,
    units: Collection[str] | None,
    point: tuple[float, float] | None = None,
    crew_code: str = "",
) -> list[Row[Any]]:
    """The open jobs of somebody: of the crews they belong to; of one crew of their units; and their own.

    Emergencies first; then the nearest to a point (lon, lat), or the oldest.
    """
    distance = _metres_from(point)
    order = distance.nulls_last() if point else crew_job.c.assigned_at
    query = (
        select(
            crew_job.c.id, crew_job.c.state, crew_job.c.crew_code, crew_job.c.is_called, crew_job.c.assigned_at,
            report.c.token, report.c.service_code, report.c.priority, report.c.kind,
            report.c.state.label("case_state"), report.c.lead_unit, report.c.promise_due_at,
            func.left(report.c.public_text, 300).label("words"), report.c.is_private,
            func.ST_X(report.c.geom).label("lon"), func.ST_Y(report.c.geom).label("lat"),
            crew.c.name.label("crew_names"), crew.c.unit_code.label("crew_unit"),
            distance.label("distance_m"),
        )
        .join(report, report.c.id == crew_job.c.report_id)
        .outerjoin(crew, and_(crew.c.jurisdiction_id == crew_job.c.jurisdiction_id,
                              crew.c.crew_code == crew_job.c.crew_code))
        .where(
            crew_job.c.jurisdiction_id == jurisdiction_id,
            crew_job.c.ended_at.is_(None),
            _mine(jurisdiction_id, account_id, units, crew_code),
        )
        .order_by(report.c.priority != "emergency", order, crew_job.c.id)
        .limit(MOST_JOBS)
    )  # fmt: skip
    return list(tx.execute(query))


def _metres_from(point: tuple[float, float] | None) -> Any:
    if point is None:
        return literal(None)
    here = func.ST_GeogFromText(f"SRID=4326;POINT({point[0]!r} {point[1]!r})")
    return func.ST_Distance(cast(report.c.geom, Geography), here)


def open_loans(tx: Connection, jurisdiction_id: str, units: Collection[str] | None) -> list[Row[Any]]:
    """Crews asked for, lent or borrowed by these units and not yet back, the newest first."""
    query = (
        select(crew_loan, report.c.token, crew.c.name.label("crew_names"), crew.c.phone)
        .join(report, report.c.id == crew_loan.c.report_id)
        .join(crew, and_(crew.c.jurisdiction_id == crew_loan.c.jurisdiction_id,
                         crew.c.crew_code == crew_loan.c.crew_code))
        .where(crew_loan.c.jurisdiction_id == jurisdiction_id, crew_loan.c.ended_at.is_(None))
        .order_by(crew_loan.c.id.desc())
        .limit(MOST_JOBS)
    )  # fmt: skip
    if units is not None:
        mine = sorted(units)
        query = query.where(or_(crew_loan.c.owner_unit.in_(mine), crew_loan.c.borrower_unit.in_(mine)))
    return list(tx.execute(query))


def people_of_unit(tx: Connection, jurisdiction_id: str, unit_code: str) -> list[Row[Any]]:
    """The accounts that work for a unit, with the crews that they belong to."""
    crews = (
        select(func.json_agg(crew_member.c.crew_code))
        .where(crew_member.c.account_id == account.c.id)
        .scalar_subquery()
    )
    works_here = role_grant.c.account_id.in_(
        select(role_grant.c.account_id).where(role_grant.c.unit_code == unit_code)
    )
    query = (
        select(account.c.id, account.c.name, account.c.email, crews.label("crews"))
        .where(account.c.jurisdiction_id == jurisdiction_id, account.c.is_active)
        .where(select(role_grant.c.id).where(role_grant.c.account_id == account.c.id, works_here).exists())
        .order_by(account.c.name, account.c.id)
    )
    return list(tx.execute(query))


def _mine(
    jurisdiction_id: str, account_id: int, units: Collection[str] | None, crew_code: str
) -> ColumnElement[bool]:
    """Whose jobs they are: `crew_code` is one that this person may look at, else those that they belong to."""
    if crew_code:
        held = select(crew.c.crew_code).where(
            crew.c.jurisdiction_id == jurisdiction_id, crew.c.crew_code == crew_code
        )
        if units is not None:
            held = held.where(crew.c.unit_code.in_(sorted(units)))
        return crew_job.c.crew_code.in_(held)
    member = select(crew_member.c.crew_code).where(crew_member.c.account_id == account_id)
    return or_(crew_job.c.crew_code.in_(member), crew_job.c.account_id == account_id)


def _of_crew(table: Any) -> ColumnElement[bool]:
    return and_(table.c.jurisdiction_id == crew.c.jurisdiction_id, table.c.crew_code == crew.c.crew_code)


def _load() -> Any:
    return (
        select(func.count())
        .select_from(crew_job)
        .where(_of_crew(crew_job), crew_job.c.ended_at.is_(None))
        .scalar_subquery()
    )


def _shifts() -> Any:
    line = func.json_build_array(crew_shift.c.day, crew_shift.c.from_time, crew_shift.c.to_time)
    rows = aggregate_order_by(line, crew_shift.c.id)
    return select(func.json_agg(rows)).where(_of_crew(crew_shift)).scalar_subquery()


def _held() -> Any:
    return select(crew_loan.c.borrower_unit).where(_of_crew(crew_loan), HELD).limit(1).scalar_subquery()


def _last_place(at: datetime) -> Any:
    job = crew_job.alias("last_job")
    place = report.alias("last_report")
    return (
        select(place.c.geom)
        .join(job, job.c.report_id == place.c.id)
        .where(
            job.c.jurisdiction_id == crew.c.jurisdiction_id,
            job.c.crew_code == crew.c.crew_code,
            job.c.started_at > at - STILL_THERE,
        )
        .order_by(job.c.started_at.desc())
        .limit(1)
        .scalar_subquery()
    )


def _view(row: Row[Any], at: datetime, calendar: WorkingCalendar) -> CrewView:
    written = row.shifts or []
    shifts = tuple(read_shift(*line) for line in written)
    return CrewView(
        row.crew_code, row.unit_code, row.name, tuple(row.services), row.capacity, row.load, row.lon, row.lat,
        row.email or "", row.phone or "", shifts, written, is_on_duty(shifts, at, calendar), row.distance_m,
        row.is_at_job, row.lent_to,
    )  # fmt: skip
