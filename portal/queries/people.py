"""Knows the people to whom a unit's cases can be given, how many each has, and who has one case."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ScalarSelect, Select, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from portal.models.crews import crew_job
from portal.models.people import account, role_grant
from portal.models.report import report
from portal.queries.case_parts import DESK_PARTS, Row
from portal.queries.staff_rights import GIVEN_ROLES, WHOLE_CITY

MOST_PEOPLE = 200


def people_of(jurisdiction_id: str, units: Collection[str] | None) -> Select[Any]:
    """Who works for these units (None: for any), one row for each unit, by name; at most MOST_PEOPLE."""
    here = [account.c.jurisdiction_id == jurisdiction_id, account.c.is_active, _is_given()]
    here.append(
        role_grant.c.unit_code != WHOLE_CITY if units is None else role_grant.c.unit_code.in_(sorted(units))
    )
    found = select(account.c.id, account.c.name, role_grant.c.unit_code).distinct()
    joined = found.join(role_grant, role_grant.c.account_id == account.c.id).where(*here)
    return joined.order_by(account.c.name, account.c.id, role_grant.c.unit_code).limit(MOST_PEOPLE)


def holders(case_id: Any) -> ScalarSelect[Any]:
    """Id and name of everybody who has an open job of a case, as one JSON value."""
    pair = func.json_build_array(account.c.id, account.c.name)
    jobs = crew_job.join(account, account.c.id == crew_job.c.account_id)
    is_open = (crew_job.c.report_id == case_id) & crew_job.c.ended_at.is_(None)
    return select(func.json_agg(pair)).select_from(jobs).where(is_open).scalar_subquery()


class _PeoplePart:
    """Who works for the unit that leads a case, with the number of their open jobs, by name."""

    def of(self, case_id: int) -> ScalarSelect[Any]:
        """Them as one JSON value."""
        load = select(func.count()).where(
            crew_job.c.account_id == account.c.id, crew_job.c.ended_at.is_(None)
        )
        lead = select(report.c.lead_unit).where(report.c.id == case_id).scalar_subquery()
        city = select(report.c.jurisdiction_id).where(report.c.id == case_id).scalar_subquery()
        here = select(role_grant.c.account_id).where(
            role_grant.c.jurisdiction_id == city, role_grant.c.unit_code == lead, _is_given()
        )
        jobs = select(crew_job.c.account_id).where(
            crew_job.c.report_id == case_id, crew_job.c.ended_at.is_(None)
        )
        works, has = account.c.id.in_(here), account.c.id.in_(jobs)
        shown = func.json_build_array(
            account.c.id, account.c.name, load.scalar_subquery(), works & account.c.is_active
        )
        rows = func.json_agg(aggregate_order_by(shown, account.c.name, account.c.id))
        return select(rows).select_from(account).where(or_(works, has)).scalar_subquery()

    def read(self, rows: list[Any] | None) -> list[Row]:
        """Their columns by name."""
        return [dict(zip(("id", "name", "jobs", "works_here"), row, strict=True)) for row in rows or []]


DESK_PARTS["people"] = _PeoplePart()


def _is_given() -> Any:
    return role_grant.c.role.in_(sorted(GIVEN_ROLES))
