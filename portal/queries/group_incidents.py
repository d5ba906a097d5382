"""Knows the group incidents of a city: which run, who is part of them, and how far their plans are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, func, select

from portal.models.city import response_plan
from portal.models.incident import incident, incident_member, incident_step
from portal.models.report import report

MOST = 50


@dataclass(frozen=True, slots=True)
class GroupIncident:
    """A group incident with its first report, its members by time, its plan and the steps of it."""

    row: Row[Any]
    members: Sequence[Row[Any]] = field(default_factory=tuple)
    steps: Sequence[Row[Any]] = field(default_factory=tuple)


def _heads() -> Any:
    members = select(func.count()).where(incident_member.c.incident_id == incident.c.id).scalar_subquery()
    steps = select(func.count()).where(incident_step.c.incident_id == incident.c.id)
    return (
        select(
            incident, report.c.token.label("first"), report.c.service_code, report.c.lead_unit,
            report.c.assist_units, report.c.about_unit, response_plan.c.title.label("plan_title"),
            members.label("members"), steps.scalar_subquery().label("steps"),
            steps.where(incident_step.c.done_at.is_not(None)).scalar_subquery().label("steps_done"),
        )
        .join(report, report.c.id == incident.c.report_id)
        .outerjoin(
            response_plan,
            (response_plan.c.jurisdiction_id == incident.c.jurisdiction_id)
            & (response_plan.c.code == incident.c.plan_code),
        )
    )  # fmt: skip


def group_incidents(tx: Connection, jurisdiction_id: str) -> list[Row[Any]]:
    """The newest group incidents; one statement."""
    here = incident.c.jurisdiction_id == jurisdiction_id
    return list(tx.execute(_heads().where(here).order_by(incident.c.declared_at.desc()).limit(MOST)))


def group_incident(tx: Connection, jurisdiction_id: str, token: str) -> GroupIncident | None:
    """One of them with members and steps; three statements."""
    mine = (incident.c.token == token) & (incident.c.jurisdiction_id == jurisdiction_id)
    row = tx.execute(_heads().where(mine)).one_or_none()
    if row is None:
        return None
    of_incident = (
        select(
            report.c.id, report.c.token, report.c.service_code, report.c.state, report.c.closing_code,
            report.c.lead_unit, report.c.assist_units, report.c.about_unit, report.c.opened_at,
            report.c.public_text, incident_member.c.joined_at, func.ST_X(report.c.geom).label("lon"),
            func.ST_Y(report.c.geom).label("lat"),
        )
        .join(incident_member, incident_member.c.report_id == report.c.id)
        .where(incident_member.c.incident_id == row.id)
        .order_by(report.c.opened_at, report.c.id)
    )  # fmt: skip
    steps = select(incident_step).where(incident_step.c.incident_id == row.id)
    members: Sequence[Any] = tx.execute(of_incident).all()
    return GroupIncident(row, members, tx.execute(steps.order_by(incident_step.c.position)).all())
