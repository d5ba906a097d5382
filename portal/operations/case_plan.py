"""Knows the response plan of one case: opened by the rule that decided, and ticked step by step by who acts."""

from __future__ import annotations

from sqlalchemy import Connection

from portal.errors import Conflict, NotFound
from portal.i18n import N_, Message
from portal.operations.context import SYSTEM, Actor, Context
from portal.operations.locked_case import lock_case, part_in
from portal.operations.move_checks import Move
from portal.operations.record_events import Draft, record
from portal.operations.run_incident import WAS_DONE
from portal.queries.case_parts import case_parts
from portal.queries.case_plan import STEP_DONE, PlanPart

OPENED = "plan.opened"


def opened_events(code: str | None, before: str | None = None) -> list[Draft]:
    """What the case's book says where a rule names a plan that was not open already."""
    if not code or code == before:
        return []
    return [Draft(OPENED, {"actor": SYSTEM.in_public(), "plan": code})]


def tick_plan_step(tx: Connection, context: Context, token: str, actor: Actor, position: int) -> None:
    """Mark one step of the case's plan as done. Raises NotFound, Forbidden, and Conflict where it was done."""
    case = lock_case(tx, context, token, actor, Move("note"))
    part_in(case)
    plans = case_parts(tx, case.row.id, {"plan": PlanPart()})["plan"]
    steps = [step for plan in plans for step in plan["steps"] if step["position"] == position]
    if not steps or case.row.closed_at is not None:
        raise NotFound(Message(N_("This case has no such step to do.")))
    if steps[0]["done"]:
        raise Conflict(Message(WAS_DONE))
    public = {"actor": actor.in_public(), "plan": plans[0]["code"], "step": position}
    record(tx, case.head, [Draft(STEP_DONE, public, actor.in_private())])
