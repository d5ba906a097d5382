"""Knows what is said when a clock passes a mark: its event, who gets which letter, and when to look again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Row

from portal.operations.context import SYSTEM
from portal.operations.outbox_rows import letter
from portal.operations.record_events import Draft
from portal.operations.supervision_rows import KIND as ORDER
from portal.queries.staff_rights import accused_units
from routing.escalation import (
    AT_RISK,
    BREACHED,
    NEARLY_DUE,
    REMINDED,
    Ladder,
    Look,
    Step,
    step_of,
)

KINDS = {AT_RISK: "clock.at_risk", NEARLY_DUE: "clock.nearly_due", BREACHED: "clock.breached"}
TEMPLATES = {REMINDED: "reminded", AT_RISK: "at_risk", BREACHED: "breached"}
ESCALATED = "clock.escalated"
_ACTOR = SYSTEM.in_public()
QUIET_STEPS: tuple[Step, ...] = ()
# How far a clock has come for those who only show it: 1 at risk, 2 breached.
_AT_RISK, _BREACHED = 1, 2


class Told(NamedTuple):
    """A clock that has passed a mark: whom it concerns, the step of the ladder, if it was one, and who is told then.

    It concerns the clock's unit, or whoever leads. The centre hears at once that its order was not kept.
    """

    row: Row[Any]
    mark: int
    unit: str
    step: Step | None = None
    recipient: str = ""


def told_of(row: Row[Any], mark: int, ladder: Ladder | None) -> Told:
    """Who is told of a mark; the centre where a complaint would reach those it is about.

    Without a ladder only marks before the due instant can be passed.
    """
    unit = str(row.unit_code or row.lead_unit)
    step = step_of(mark, ladder.escalation.steps) if ladder else None
    if ladder is None:
        return Told(row, mark, unit)
    if step is None:
        is_order = row.kind == ORDER and mark == BREACHED
        return Told(row, mark, unit, recipient=ladder.directory.coordination_unit if is_order else "")
    return Told(
        row, mark, unit, step, ladder.recipient(step, unit, accused_units(row.about_unit, ladder.directory))
    )


def draft_of(told: Told) -> Draft:
    """The event of a mark. A step names its clock, so that it can be there once only."""
    row = told.row
    public = {
        "actor": _ACTOR,
        "clock": row.kind,
        "stage": row.stage,
        "unit": row.unit_code,
        "due_at": row.due_at.isoformat(),
    }
    if told.step is None:
        return Draft(KINDS[told.mark], public)
    more = {"unit": told.unit, "clock_id": row.id, "step": told.mark - BREACHED, "told": told.recipient}
    return Draft(ESCALATED, public | more | {"whom": told.step.to})


def letters_of(told: Told) -> list[Mapping[str, Any]]:
    """A unit hears of its own clocks and of what climbed to it; the resident of the promise that was broken."""
    row, is_units = told.row, told.row.unit_code is not None
    if told.step is not None:
        return [_letter(told, "escalated", told.recipient)]
    if told.mark not in TEMPLATES:
        return []
    if is_units:
        to = dict.fromkeys([row.unit_code, *([told.recipient] if told.recipient else [])])
        return [_letter(told, TEMPLATES[told.mark], each) for each in to]
    return [_letter(told, "breached", "reporter")] if row.can_be_told and told.mark == BREACHED else []


def looked_at(row: Row[Any], look: Look) -> dict[str, Any]:
    """The clock after the sweep: the mark that it has reached, and when to look again."""
    warning = _BREACHED if look.mark >= BREACHED else _AT_RISK if look.mark >= AT_RISK else 0
    return {"id": row.id, "mark": look.mark, "warning": warning, "next_at": look.next_at}


def _letter(told: Told, template: str, to: str) -> Mapping[str, Any]:
    return letter(template, told.row.report_id, to, told.unit, told.row.due_at, stage=told.row.stage)
