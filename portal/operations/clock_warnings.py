"""Knows what is said when a clock passes a mark: its event, who gets which letter, and when to look again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from portal.operations.context import SYSTEM
from portal.operations.outbox_rows import letter
from portal.operations.record_events import Draft
from portal.queries.staff_rights import accused_units
from routing.escalation import (
    AT_RISK,
    BREACHED,
    NEARLY_DUE,
    REMINDED,
    Ladder,
    Step,
    newly_passed,
    next_look,
    step_of,
)

KINDS = {AT_RISK: "clock.at_risk", NEARLY_DUE: "clock.nearly_due", BREACHED: "clock.breached"}
TEMPLATES = {REMINDED: "reminded", AT_RISK: "at_risk", BREACHED: "breached"}
ESCALATED = "clock.escalated"
QUIET_STEPS: tuple[Step, ...] = ()
# How far a clock has come for those who only show it: 1 at risk, 2 breached.
_AT_RISK, _BREACHED = 1, 2


@dataclass(frozen=True, slots=True)
class Told:
    """A clock that has passed a mark. Without a ladder only marks before the due instant can be passed."""

    row: Row[Any]
    mark: int
    ladder: Ladder | None

    @property
    def unit(self) -> str:
        """Whom it concerns: the clock's unit, or whoever leads."""
        return str(self.row.unit_code or self.row.lead_unit)

    @property
    def step(self) -> Step | None:
        """The step of the ladder that was reached, if it was one."""
        return step_of(self.mark, self.ladder.escalation.steps) if self.ladder else None

    @property
    def recipient(self) -> str:
        """Who is told on this step; the centre where a complaint would reach those it is about."""
        assert self.ladder is not None
        assert self.step is not None
        barred = accused_units(self.row.about_unit, self.ladder.directory)
        return self.ladder.recipient(self.step, self.unit, barred)


def draft_of(told: Told) -> Draft:
    """The event of a mark. A step names its clock, so that it can be there once only."""
    row = told.row
    public = {
        "actor": SYSTEM.in_public(),
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
        return [_letter(told, TEMPLATES[told.mark], row.unit_code)]
    return [_letter(told, "breached", "reporter")] if row.has_email and told.mark == BREACHED else []


def looked_at(row: Row[Any], steps: Sequence[Step], now: datetime) -> dict[str, Any]:
    """The clock after the sweep: the mark that it has reached, and when to look again."""
    mark = max((row.mark, *newly_passed(row, now, steps)))
    warning = _BREACHED if mark >= BREACHED else _AT_RISK if mark >= AT_RISK else 0
    return {"id": row.id, "mark": mark, "warning": warning, "next_at": next_look(row, mark, steps)}


def _letter(told: Told, template: str, to: str) -> Mapping[str, Any]:
    return letter(template, told.row.report_id, to, told.unit, told.row.due_at, stage=told.row.stage)
