"""Knows how one story of the year is lived from its first report to the present, in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, select

from portal import clock
from portal.demo.life.clusters import Cluster
from portal.demo.life.course import file_report
from portal.demo.life.events import Event
from portal.demo.life.stage import DESK, Case, Crowd, Stage
from portal.models.incident import incident, incident_member, incident_step
from portal.operations.context import Context
from portal.operations.run_incident import end_incident, tick_step
from portal.queries.city import CityView

CROWD_OF = 5


def live(
    tx: Connection, context: Context, city: CityView, crowd: Crowd, cluster: Cluster, until: datetime
) -> int:
    """Live a cluster until an instant; answers how many reports were filed."""
    stage = Stage(tx, context, city, crowd, cluster.root.number, until)
    cases: dict[int, Case] = {}
    for event in cluster.events:
        stage.put(event.at, None, partial(_file, stage, cases, cluster, event))
    with clock.simulated(cluster.root.at) as pretended:
        stage.run(pretended)
    return len(cases)


def _file(stage: Stage, cases: dict[int, Case], cluster: Cluster, event: Event) -> None:
    first = cases.get(event.again) if event.again is not None else None
    about = cases.get(cluster.about.get(event.number, -1))
    case = file_report(stage, event, first, about)
    if case is not None:
        cases[event.number] = case
        if len(cluster.events) >= CROWD_OF:
            _attend(stage, case)


def _attend(stage: Stage, case: Case) -> None:
    """The centre works through the plan of a group incident that has just been declared, and ends it."""
    joined = incident.join(incident_member, incident_member.c.incident_id == incident.c.id)
    declared = (incident_member.c.report_id == case.id) & (incident.c.declared_at == clock.now())
    found = stage.tx.execute(select(incident).select_from(joined).where(declared)).first()
    if found is None:
        return
    of_plan = select(incident_step.c.position).where(incident_step.c.incident_id == found.id)
    hours = 0.0
    for position in stage.tx.scalars(of_plan.order_by(incident_step.c.position)):
        hours += stage.between(0.2, 2.5)
        at = stage.now + timedelta(hours=hours)
        stage.later(case, _tick, at, found.token, position)
    over = stage.now + timedelta(hours=hours + stage.between(2, 14))
    stage.later(case, _end, over, found.token)


def _tick(stage: Stage, _: Case, token: str, position: int) -> None:
    stage.do(tick_step, token, DESK, position)


def _end(stage: Stage, _: Case, token: str) -> None:
    stage.do(end_incident, token, DESK)
