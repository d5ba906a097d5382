"""Knows what is done to a group incident: a step of its plan is ticked, and it is declared over."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from portal import clock
from portal.errors import Conflict, Forbidden, NotFound
from portal.i18n import N_, Message
from portal.models.incident import incident, incident_step
from portal.operations.context import Actor, Context
from portal.operations.record_events import Draft, lock_head, record
from portal.queries.group_incidents import GroupIncident, group_incident
from portal.queries.staff_rights import Grant, part_of

STEP_DONE, ENDED = "incident.step_done", "incident.ended"
NO_INCIDENT = N_("There is no such incident on your desk.")
READ_ONLY = N_("You may read this incident, but not change it.")
WAS_DONE = N_("Somebody else was quicker: this was done already.")


def tick_step(tx: Connection, context: Context, token: str, actor: Actor, position: int) -> None:
    """Mark one step of the plan as done. Raises NotFound, Forbidden, and Conflict where it was done."""
    found = _open(tx, context, token, actor)
    head = lock_head(tx, found.row.report_id)
    mine = (incident_step.c.incident_id == found.row.id) & (incident_step.c.position == position)
    done = {"done_at": clock.now(), "done_by": f"{actor.role} {actor.unit_code}".strip()}
    changed = tx.execute(update(incident_step).where(mine, incident_step.c.done_at.is_(None)).values(done))
    if not changed.rowcount:
        raise Conflict(Message(WAS_DONE))
    public = {"actor": actor.in_public(), "incident": token, "step": position}
    record(tx, head, [Draft(STEP_DONE, public, actor.in_private())])


def end_incident(tx: Connection, context: Context, token: str, actor: Actor) -> None:
    """Declare it over: new reports are judged afresh; its cases go on as they are."""
    found = _open(tx, context, token, actor)
    head = lock_head(tx, found.row.report_id)
    running = select(incident.c.id).where(incident.c.id == found.row.id, incident.c.ended_at.is_(None))
    if tx.execute(running.with_for_update()).one_or_none() is None:
        raise Conflict(Message(WAS_DONE))
    tx.execute(update(incident).where(incident.c.id == found.row.id).values(ended_at=clock.now()))
    public = {"actor": actor.in_public(), "incident": token}
    record(tx, head, [Draft(ENDED, public, actor.in_private())])


def _open(tx: Connection, context: Context, token: str, actor: Actor) -> GroupIncident:
    """The incident where one of its cases stands on the actor's desk."""
    found = group_incident(tx, context.jurisdiction_id, token)
    directory = context.cities.city(tx, context.jurisdiction_id).directory
    grants = [Grant(actor.role, actor.unit_code)]
    parts = (
        {standing.part for row in found.members if (standing := part_of(grants, row, directory))}
        if found
        else set()
    )
    if found is None or not parts:
        raise NotFound(Message(NO_INCIDENT))
    if parts == {"read"}:
        raise Forbidden(Message(READ_ONLY))
    return found
