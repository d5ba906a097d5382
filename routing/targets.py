"""Knows what a city aims at: which target applies to a report, and the clocks that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, get_args

from routing.calendar import TIME_UNITS, TimeUnit, WorkingCalendar
from routing.errors import RoutingError
from routing.escalation import Shares
from routing.priority import PRIORITIES

if TYPE_CHECKING:
    from routing.facts import Service

ClockKind = Literal["promise", "unit"]
Stage = Literal["dispatch", "accept", "first_answer", "resolve"]
CLOCK_KINDS: tuple[ClockKind, ...] = get_args(ClockKind)
STAGES: tuple[Stage, ...] = get_args(Stage)
# The promise has one target, the unit's own clock three; in a city with lanes a case is dispatched before.
CLOCKS: tuple[tuple[ClockKind, Stage], ...] = (
    ("promise", "resolve"),
    ("unit", "dispatch"),
    ("unit", "accept"),
    ("unit", "first_answer"),
    ("unit", "resolve"),
)
ANYTHING = "*"


@dataclass(frozen=True, slots=True)
class Target:
    """One aim. `applies_to` is a service code, a group or `*`; `priority` blank means every priority.

    It may be a class, too: any name that a rule gives its cases.
    `@unit_code` is a unit's contract: it stands before all others on that unit's own clock.
    """

    applies_to: str
    priority: str
    clock: ClockKind
    stage: Stage
    amount: float
    unit: TimeUnit


@dataclass(frozen=True, slots=True)
class ClockPlan:
    """One clock of a case, instants in UTC. `target` is the row it came from.

    A unit is reminded of its own clocks; of the promise it is told apart when it is nearly due.
    """

    kind: ClockKind
    stage: Stage
    start_at: datetime
    due_at: datetime
    at_risk_at: datetime
    target: Target
    remind_at: datetime | None = None
    nearly_at: datetime | None = None


class TargetTable:
    """A city's targets. Raises RoutingError for two rows that say the same thing, or a row that cannot be.

    `shares` say how much of a target's time may pass before somebody is warned.
    """

    __slots__ = ("_rows", "shares")

    def __init__(self, targets: Iterable[Target], shares: Shares | None = None) -> None:
        self.shares = shares or Shares()
        self._rows: dict[tuple[str, str, str, str], Target] = {}
        for target in targets:
            if problem := _problem(target):
                raise RoutingError(f"target for {target.applies_to!r}: {problem}")
            key = (target.applies_to, target.priority, target.clock, target.stage)
            if key in self._rows:
                raise RoutingError(f"two targets for {' '.join(filter(None, key))}")
            self._rows[key] = target

    def __iter__(self) -> Iterator[Target]:
        return iter(self._rows.values())

    def find(
        self,
        service: Service,
        priority: str,
        clock: ClockKind,
        stage: Stage,
        unit: str = "",
        targets: str | None = None,
    ) -> Target | None:
        """Return the most specific row: the unit's contract, the class that a rule set, service, group, `*`.

        Of two rows of one scope the one for the priority stands before blank.
        """
        contract = f"@{unit}" if unit and clock == "unit" else ""
        for scope in filter(None, (contract, targets, service.code, service.group, ANYTHING)):
            for wanted in (priority, ""):
                if found := self._rows.get((scope, wanted, clock, stage)):
                    return found
        return None


def plan_clocks(
    service: Service,
    priority: str,
    start: datetime,
    calendar: WorkingCalendar,
    table: TargetTable,
    *,
    unit: str = "",
    targets: str | None = None,
) -> tuple[ClockPlan, ...]:
    """Return the clocks of a report filed at `start`: the promise first, then those of the leading `unit` by stage.

    `targets` is the class that the rule set.
    """
    plans = []
    for kind, stage in CLOCKS:
        target = table.find(service, priority, kind, stage, unit, targets)
        if target is not None:
            plans.append(plan_clock(target, start, calendar, table.shares))
    return tuple(plans)


def plan_clock(target: Target, start: datetime, calendar: WorkingCalendar, shares: Shares) -> ClockPlan:
    """Return the clock of one target: also used when a transfer or a reopening starts it again."""
    start_at = start.astimezone(UTC)
    due_at = calendar.add(start, target.amount, target.unit)
    is_promise = target.clock == "promise"
    wanted = (shares.at_risk, shares.nearly_due if is_promise else shares.remind)
    at_risk_at, other_at = shared_instants(start_at, due_at, target.unit, calendar, wanted)
    more = {"nearly_at": other_at} if is_promise else {"remind_at": other_at}
    return ClockPlan(target.clock, target.stage, start_at, due_at, at_risk_at, target, **more)


def due_after_pause(
    due_at: datetime, paused_at: datetime, resumed_at: datetime, unit: TimeUnit, calendar: WorkingCalendar
) -> datetime:
    """Return when a paused clock is due once it runs again (UTC).

    Hours and days move by the length of the pause. working_hours: what was left of opening hours is counted
    from `resumed_at`. working_days: what was left of working days, keeping the due time of day, so that a
    pause within one day moves nothing. A clock already due when it was paused keeps its due instant.
    """
    if due_at <= paused_at or resumed_at <= paused_at:
        return due_at.astimezone(UTC)
    if unit in ("hours", "days"):
        return (due_at + (resumed_at - paused_at)).astimezone(UTC)
    if unit == "working_hours":
        left = timedelta(minutes=calendar.working_minutes(paused_at, due_at))
        return calendar.advance(resumed_at, left)
    return _move_working_days(due_at, paused_at, resumed_at, calendar)


def _move_working_days(
    due_at: datetime, paused_at: datetime, resumed_at: datetime, calendar: WorkingCalendar
) -> datetime:
    paused, resumed, due = (at.astimezone(calendar.zone).date() for at in (paused_at, resumed_at, due_at))
    worked = calendar.working_days_between(paused, resumed)
    clock = due_at.astimezone(calendar.zone).time()
    moved = calendar.working_day_after(due, worked)
    return datetime.combine(moved, clock, tzinfo=calendar.zone).astimezone(UTC)


def shared_instants(
    start: datetime, due: datetime, unit: TimeUnit, calendar: WorkingCalendar, shares: Iterable[float]
) -> list[datetime]:
    """Return when each share of the span has passed, in working time where that is the measure."""
    if unit in ("working_hours", "working_days"):
        minutes = calendar.working_minutes(start, due)
        if minutes > 0:
            return [calendar.advance(start, timedelta(minutes=minutes * share)) for share in shares]
    return [start + (due - start) * share for share in shares]


def _problem(target: Target) -> str:
    if target.priority and target.priority not in PRIORITIES:
        return f"unknown priority {target.priority!r}"
    if (target.clock, target.stage) not in CLOCKS:
        return f"there is no clock {target.clock} {target.stage}"
    if target.unit not in TIME_UNITS:
        return f"unknown unit {target.unit!r}"
    if not target.amount > 0:
        return "the amount must be over 0"
    if target.unit.endswith("days") and target.amount != int(target.amount):
        return "days are counted whole"
    return ""
