"""Knows what a move does to the clocks of a case: what it meets, pauses, resumes and starts again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, or_, select, update

from portal.db import insert_together, update_together
from portal.models.oversight import extension, supervision
from portal.models.report import clock, report
from portal.operations.context import Context
from portal.operations.intake_rows import clock_row
from portal.operations.next_due import COUNTED, SECOND, keep_next_due
from portal.operations.own_clocks import end_clock
from portal.operations.second_dates import rest_again
from portal.operations.supervision_rows import KIND as ORDER
from portal.operations.supervision_rows import STAGE as ANSWER
from portal.queries.city import CityView
from routing.escalation import Marked, case_colour, next_look
from routing.lifecycle import STATES, Transition
from routing.targets import due_after_pause, plan_clocks

RUNNING, PAUSED, MET, CANCELLED = "running", "paused", "met", "cancelled"
PAUSE = "pause"
_OF_UNIT = clock.c.kind == "unit"


@dataclass(frozen=True, slots=True)
class Scene:
    """A case's clocks under its lock, with the move that touches them."""

    tx: Connection
    context: Context
    city: CityView
    row: Row[Any]
    transition: Transition
    lead: str
    now: datetime


def apply_effects(
    tx: Connection,
    context: Context,
    city: CityView,
    row: Row[Any],
    transition: Transition,
    lead: str,
    now: datetime,
) -> None:
    """Do to the clocks of a locked case what the lifecycle says the move does."""
    scene = Scene(tx, context, city, row, transition, lead, now)
    if row.state == "waiting" and transition.to_state != "waiting":
        _end_pause(scene)
    met = [stage for effect in transition.clock for stage in _MEETS.get(effect, ())]
    if met:
        _meet(scene, met)
    for effect in transition.clock:
        if effect in _EFFECTS:
            _EFFECTS[effect](scene)
    if met or "restart" in transition.clock:
        _recolour(scene)
    if transition.clock:
        keep_next_due(tx, row.id)


# Whoever signs for a case has taken it: it is dispatched and accepted at once.
_MEETS = {
    "meets_accept": ("dispatch", "accept"),
    "meets_first_answer": ("first_answer",),
    "meets_resolve": ("resolve",),
}


def _meet(scene: Scene, stages: list[str]) -> None:
    """The unit's clocks of these stages are met; the promise and a second date only by an end."""
    wanted = and_(_OF_UNIT, clock.c.stage.in_(stages))
    if "resolve" in stages:
        wanted = or_(wanted, clock.c.kind.in_(("promise", SECOND)))
    scene.tx.execute(
        update(clock)
        .where(clock.c.report_id == scene.row.id, clock.c.state.in_([RUNNING, PAUSED]), wanted)
        .values(state=MET, met_at=scene.now, next_at=None)
    )
    if "resolve" in stages:
        _lapse(scene)
        _answer_order(scene)


def _answer_order(scene: Scene) -> None:
    """Who ends a supervised case has done its part, the finding is the centre's; a joined one goes on elsewhere."""
    is_joined = scene.transition.to_state == "duplicate"
    end_clock(scene.tx, scene.row.id, ORDER, ANSWER, scene.now, is_met=not is_joined)


def _lapse(scene: Scene) -> None:
    """An application for more time falls when the case ends or goes to another unit; so does its clock."""
    asked = (extension.c.report_id == scene.row.id) & (extension.c.state == "asked")
    scene.tx.execute(update(extension).where(asked).values(state="lapsed", answered_at=scene.now))
    end_clock(scene.tx, scene.row.id, "extension", "answer", scene.now, is_met=False)


def _recolour(scene: Scene) -> None:
    """The case has the colour of the clocks that still run or stand still."""
    is_live = clock.c.state.in_([RUNNING, PAUSED])
    live = scene.tx.execute(select(clock).where(clock.c.report_id == scene.row.id, is_live)).all()
    colour = case_colour(live, scene.now, scene.row.colour_floor)
    if colour != scene.row.colour:
        scene.tx.execute(update(report).where(report.c.id == scene.row.id).values(colour=colour))


def _pause(scene: Scene) -> None:
    """Only the unit's clocks stand still: the promise to the resident goes on."""
    scene.tx.execute(
        update(clock)
        .where(clock.c.report_id == scene.row.id, _OF_UNIT, clock.c.state == RUNNING)
        .values(state=PAUSED, paused_at=scene.now, next_at=None)
    )


def _end_pause(scene: Scene) -> None:
    """Whatever leads out of a pause gives the time back: what goes on, what is met, and what another unit gets."""
    _resume(scene)
    end_clock(scene.tx, scene.row.id, PAUSE, PAUSE, scene.now)


def _resume(scene: Scene) -> None:
    """Each paused clock gets the time back that it still had, counted in its own kind of time."""
    paused = scene.tx.execute(
        select(clock).where(clock.c.report_id == scene.row.id, clock.c.state == PAUSED)
    ).all()
    update_together(scene.tx, clock, "id", [_resumed(scene, row) for row in paused])


def _resumed(scene: Scene, row: Row[Any]) -> dict[str, Any]:
    calendar = scene.city.router.city.calendar
    names = ("remind_at", "at_risk_at", "nearly_at", "due_at")
    moved = {
        name: instant and due_after_pause(instant, row.paused_at, scene.now, row.span_unit, calendar)
        for name, instant in ((name, row._mapping[name]) for name in names)
    }
    steps = scene.city.escalation.steps
    later = Marked(row.kind, row.mark, **moved)
    return {
        "id": row.id,
        "state": RUNNING,
        "paused_at": None,
        **moved,
        "next_at": next_look(later, row.mark, steps),
    }


def _restart(scene: Scene) -> None:
    """The unit's clocks begin anew for whoever leads now; the promise never resets, but runs again if it was met.

    Of an open case they begin anew only for another unit: nobody gives himself time.
    """
    if scene.row.closed_at is None and scene.lead == scene.row.lead_unit:
        return
    scene.tx.execute(
        update(clock)
        .where(clock.c.report_id == scene.row.id, _OF_UNIT, clock.c.state.in_([RUNNING, PAUSED]))
        .values(state=CANCELLED, next_at=None)
    )
    scene.tx.execute(
        update(clock)
        .where(clock.c.report_id == scene.row.id, clock.c.kind == "promise", clock.c.state == MET)
        .values(state=RUNNING, met_at=None, next_at=scene.now)
    )
    if scene.row.closed_at is not None:
        _order_again(scene)
        rest_again(scene.tx, scene.row.id, scene.now)
    if scene.lead != scene.row.lead_unit:
        _follow(scene)
    is_accepted = scene.transition.to_state != "routed"
    service = scene.city.services[scene.row.service_code].for_routing
    city = scene.city.router.city
    plans = plan_clocks(
        service, scene.row.priority, scene.now, city.calendar, city.targets,
        unit=scene.lead, targets=scene.row.receipt.get("targets"),
    )  # fmt: skip
    fresh = [
        clock_row(scene.row.id, scene.context, plan, scene.lead)
        for plan in plans
        if plan.kind == "unit" and not (is_accepted and plan.stage in _MEETS["meets_accept"])
    ]
    if STATES[scene.transition.to_state] == "open":
        insert_together(scene.tx, [(clock, fresh)])


def _order_again(scene: Scene) -> None:
    """Supervision that still waits for its finding binds the unit again when the case is opened again."""
    is_open = (supervision.c.report_id == clock.c.report_id) & (supervision.c.state == "open")
    is_of_order = exists().where(is_open, supervision.c.opened_at == clock.c.started_at).correlate(clock)
    orders = (
        (clock.c.report_id == scene.row.id) & (clock.c.kind == ORDER) & (clock.c.state.in_([RUNNING, MET]))
    )
    scene.tx.execute(
        update(clock).where(orders, is_of_order).values(state=RUNNING, met_at=None, next_at=scene.now)
    )


def _follow(scene: Scene) -> None:
    """What one unit asked for does not bind the next; what the city ordered or told the resident follows the case."""
    _lapse(scene)
    _pass_on(scene, clock.c.kind.in_((ORDER, SECOND)))


def _carry(scene: Scene) -> None:
    """The unit's clocks go on as they are for whoever leads now: a street and its community share one time."""
    _pass_on(scene, clock.c.kind.in_((*COUNTED, ORDER)))


def _pass_on(scene: Scene, which: ColumnElement[bool]) -> None:
    live = clock.c.state.in_([RUNNING, PAUSED])
    of_case = clock.c.report_id == scene.row.id
    scene.tx.execute(update(clock).where(of_case, live, which).values(unit_code=scene.lead))


_EFFECTS: dict[str, Callable[[Scene], None]] = {
    "pause": _pause,
    "restart": _restart,
    "carry": _carry,
}
