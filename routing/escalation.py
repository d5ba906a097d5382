"""Knows when a clock must be looked at again, which colour a case has, and how a breach climbs the ladder."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from routing.facts import KINDS
from routing.units import Directory

NONE, YELLOW, ORANGE, RED = range(4)
COLOURS = ("none", "yellow", "orange", "red")
# The marks on a clock's way, in order; behind the last one follow the steps of the ladder.
REMINDED, AT_RISK, NEARLY_DUE, BREACHED = 1, 2, 3, 4
# Whom a step may name beside a level of units.
UNIT_HEAD, PARENT, CENTRE = "unit_head", "parent", "centre"
WHOM = (UNIT_HEAD, PARENT, CENTRE)


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of a clock's time has passed when its unit is reminded, and when it counts as at risk or nearly due."""

    remind: float = 0.5
    at_risk: float = 0.75
    nearly_due: float = 0.9


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the ladder: so many hours after a breach somebody higher is told, or supervision opened as well.

    `to` is the head of the unit, its parent, the centre, or the level of the unit above it.
    """

    after_hours: float
    to: str
    supervise: bool = False


USUAL_STEPS = (Step(1, UNIT_HEAD), Step(4, PARENT), Step(24, CENTRE, supervise=True))
# Thanks and ideas may wait for their answer without the centre stepping in.
USUAL_KINDS = tuple(kind for kind in KINDS if kind not in ("suggestion", "praise"))


@dataclass(frozen=True, slots=True)
class Escalation:
    """A city's figures for what happens before and after a due instant. Hours run around the clock.

    `supervised_kinds`: of which kinds of feedback a step opens supervision; the others only climb.
    `pause_days`: after which a pause ends for which nobody named a day.
    """

    shares: Shares = Shares()
    steps: tuple[Step, ...] = USUAL_STEPS
    extension_hours: float = 24
    supervision_hours: float = 72
    supervised_kinds: tuple[str, ...] = USUAL_KINDS
    pause_days: float = 14

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any] | None) -> Escalation:
        """What `dataclasses.asdict` made; the usual figures for a city that has none."""
        if not plain:
            return cls()
        steps = tuple(Step(**step) for step in plain["steps"])
        figures = ("extension_hours", "supervision_hours", "pause_days")
        rest = {name: plain[name] for name in figures if name in plain}
        kinds = tuple(plain.get("supervised_kinds", USUAL_KINDS))
        return cls(Shares(**plain["shares"]), steps, **rest, supervised_kinds=kinds)


@dataclass(frozen=True, slots=True)
class ClockRule:
    """What a kind of clock means for its case when it has run out."""

    colour: int = ORANGE
    supervises: bool = False


# Kinds that are not named here climb the ladder, but open no supervision.
RULES: Mapping[str, ClockRule] = {
    "promise": ClockRule(RED, supervises=True),
    "unit": ClockRule(ORANGE, supervises=True),
    "second": ClockRule(RED, supervises=True),
    "extension": ClockRule(YELLOW),
    "supervision": ClockRule(ORANGE),
}
OTHER = ClockRule()


class Watched(Protocol):
    """What must be known of a clock; all instants aware, `mark` the last one that was dealt with."""

    @property
    def kind(self) -> str:
        """promise, unit, …"""

    @property
    def mark(self) -> int:
        """The last mark that was dealt with; 0 at the start."""

    @property
    def remind_at(self) -> datetime | None:
        """When its unit is reminded, if ever."""

    @property
    def at_risk_at(self) -> datetime:
        """When it is at risk."""

    @property
    def nearly_at(self) -> datetime | None:
        """When it is nearly due, if that is told apart."""

    @property
    def due_at(self) -> datetime:
        """When it is due."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A clock as far as its marks go."""

    kind: str
    mark: int
    remind_at: datetime | None
    at_risk_at: datetime
    nearly_at: datetime | None
    due_at: datetime


def rule_of(kind: str) -> ClockRule:
    """The rule of a kind of clock."""
    return RULES.get(kind, OTHER)


def marks_of(clock: Watched, steps: Sequence[Step]) -> list[tuple[int, datetime]]:
    """Every mark of a clock with its instant, in order."""
    known = ((REMINDED, clock.remind_at), (AT_RISK, clock.at_risk_at), (NEARLY_DUE, clock.nearly_at))
    marks = [(mark, at) for mark, at in known if at is not None]
    marks.append((BREACHED, clock.due_at))
    for number, step in enumerate(steps, start=1):
        marks.append((BREACHED + number, clock.due_at + timedelta(hours=step.after_hours)))
    return marks


class Look(NamedTuple):
    """What looking at a clock brings: the marks to act on, the last mark dealt with, and when to look again.

    Of the marks before the due instant only the last one is acted on, of the others each.
    """

    passed: tuple[int, ...]
    mark: int
    next_at: datetime | None


def look_at(clock: Watched, now: datetime, steps: Sequence[Step]) -> Look:
    """Look at a clock: which marks it has passed since the last look."""
    marks = marks_of(clock, steps)
    passed = [mark for mark, at in marks if mark > clock.mark and at <= now]
    late = [mark for mark in passed if mark >= BREACHED]
    reached = passed[-1] if passed else clock.mark
    return Look(tuple(late or passed[-1:]), reached, _next_of(marks, reached))


def next_look(clock: Watched, mark: int, steps: Sequence[Step]) -> datetime | None:
    """When a clock that has passed `mark` must be looked at again; None: never."""
    return _next_of(marks_of(clock, steps), mark)


def _next_of(marks: Sequence[tuple[int, datetime]], mark: int) -> datetime | None:
    return next((at for one, at in marks if one > mark), None)


def step_of(mark: int, steps: Sequence[Step]) -> Step | None:
    """The step of the ladder that a mark stands for; None for the marks up to the breach."""
    return steps[mark - BREACHED - 1] if BREACHED < mark <= BREACHED + len(steps) else None


def clock_colour(clock: Watched, now: datetime) -> int:
    """What one running clock contributes to the colour of its case."""
    if clock.due_at <= now:
        return rule_of(clock.kind).colour
    if clock.nearly_at is not None and clock.nearly_at <= now:
        return ORANGE
    return YELLOW if clock.at_risk_at <= now else NONE


def case_colour(clocks: Iterable[Watched], now: datetime, floor: int = NONE) -> int:
    """The colour of a case by its running clocks; `floor` is red for a group complaint or a serious incident."""
    return max(floor, max((clock_colour(clock, now) for clock in clocks), default=NONE))


@dataclass(frozen=True, slots=True)
class Ladder:
    """A city's ladder with the units that stand on it."""

    escalation: Escalation
    directory: Directory

    def recipient(self, step: Step, unit: str, barred: Collection[str] = ()) -> str:
        """Who is told of a breach by `unit`; the centre instead of a unit that must not know (`barred`)."""
        found = self._asked(step, unit)
        return self.directory.coordination_unit if found in barred else found

    def _asked(self, step: Step, unit: str) -> str:
        centre = self.directory.coordination_unit
        if step.to == CENTRE or unit not in self.directory:
            return centre
        if step.to == UNIT_HEAD:
            return unit
        if step.to != PARENT:
            above = (
                code for code in self.directory.ancestors(unit) if self.directory.unit(code).level == step.to
            )
            if found := next(above, None):
                return found
        return self.directory.supervisor_of(unit) or centre


def stands_above(unit: str, other: str, directory: Directory) -> bool:
    """Tell whether `unit` may grant `other` what that may not grant itself: it stands over it, or supervises it."""
    if other not in directory or unit == other:
        return False
    return directory.is_below(other, unit) or directory.supervisor_of(other) == unit
