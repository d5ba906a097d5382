"""Knows how reports are lived under a pretended clock: one step after another, clocks swept when they fall due."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, or_, select

from portal import clock as time
from portal.clock import SimulatedClock
from portal.demo.life.events import Event
from portal.demo.life.said import say
from portal.demo.life.tempers import AROUND_THE_CLOCK, Temper, temper_of
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.models.report import clock, media, report
from portal.models.work import outbox
from portal.operations.context import Actor, Context
from portal.operations.keep_dates import keep_dates
from portal.operations.move_report import Move, move_report
from portal.operations.outbox_rows import WATCH
from portal.operations.prepare_photo import prepare_photo
from portal.operations.store_photo import PREPARE
from portal.operations.sweep_clocks import sweep_clocks
from portal.operations.watch_incidents import watch_incidents
from portal.queries.city import CityView

REFUSALS = (Conflict, Forbidden, InvalidInput, NotFound)
DESK = Actor("dispatcher")
MOST_LATE_S = 180
# What the steps look at of a report.
KNOWN = ("id", "kind", "state", "priority", "lead_unit", "assist_units", "opened_at", "closed_at", "promise_due_at",
         "closing_count", "closing_unit", "closing_code", "reopen_count", "is_private", "is_ambiguous", "question_code",
         "public_receipt")  # fmt: skip


@dataclass(slots=True)
class Case:
    """A report while it is lived, as it stands after its newest step. `plan` is the share of its time that it needs."""

    event: Event
    id: int
    token: str
    row: Any
    plan: float = 0.0
    proofs: int = 0

    @property
    def lead(self) -> str:
        """Who leads it now."""
        return str(self.row.lead_unit)

    @property
    def is_open(self) -> bool:
        """Whether it still has to be dealt with."""
        return self.row.closed_at is None

    @property
    def never_rests(self) -> bool:
        """Whether it is worked at around the clock."""
        return self.row.priority == "emergency" or self.lead in AROUND_THE_CLOCK

    @property
    def due_at(self) -> datetime:
        """The promise; a fortnight where the city promised nothing."""
        due: datetime = self.row.promise_due_at or self.row.opened_at + timedelta(14)
        return due

    @property
    def target_at(self) -> datetime:
        """What its unit works towards: its own clock, which ends before the promise does."""
        target: datetime = self.row.unit_due_at or self.due_at
        return target


@dataclass(frozen=True, slots=True)
class Crowd:
    """What the whole loading shares: crews by unit, streets, an account of the desk, refusals that were met.

    `people`: who has an account, by the unit for whose cases they may have a job.

    `turns`: how much more often than usual cases take a turn; for tests, in which little may happen.
    """

    crews: Mapping[str, Sequence[str]] = field(default_factory=dict)
    streets: frozenset[str] = frozenset()
    desk_account: int | None = None
    people: Mapping[str, Sequence[Actor]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    turns: float = 1.0


Step = Callable[..., Any]  # of the stage, the case, and what was given when it was put down


class Stage:
    """One story in one transaction: what is to be done when, until the present."""

    def __init__(
        self, tx: Connection, context: Context, city: CityView, crowd: Crowd, seed: int, until: datetime
    ) -> None:
        self.tx, self.context, self.city, self.crowd, self.until = tx, context, city, crowd, until
        self.chance = np.random.default_rng([seed, 1])
        self.cases: dict[int, Case] = {}
        self._steps: list[tuple[datetime, int, Case | None, Callable[[], Any]]] = []
        self._numbers = itertools.count()
        self._clock: SimulatedClock | None = None
        self._made = 0

    @property
    def now(self) -> datetime:
        """The pretended instant."""
        return time.now()

    def maybe(self, share: float) -> bool:
        """Whether something that happens to this share of all happens here."""
        return bool(self.chance.random() < share)

    def may_turn(self, share: float) -> bool:
        """The same for a turn that a case takes."""
        return self.maybe(share * self.crowd.turns)

    def between(self, low: float, high: float) -> float:
        """A number between two."""
        return float(self.chance.uniform(low, high))

    def one_of(self, options: Sequence[Any]) -> Any:
        """One of several."""
        return options[int(self.chance.integers(len(options)))]

    def temper(self, case: Case) -> Temper:
        """How the unit that leads behaves."""
        return temper_of(case.lead)

    def say(self, occasion: str, case: Case) -> str:
        """A sentence about a case, in the language that its reporter wrote in."""
        service = self.city.services[case.event.service_code]
        return say(occasion, self.chance, case.event.language, service.code, service.group)

    def later(self, case: Case, step: Step, at: datetime, *more: Any) -> None:
        """Do a step at an instant, if the present has not come before."""
        self.put(at, case, partial(step, self, case, *more))

    def put(self, at: datetime, case: Case | None, do: Callable[[], Any]) -> None:
        """The same for anything; `case` is the one that it changes."""
        if at < self.until:
            heapq.heappush(self._steps, (at, next(self._numbers), case, do))

    def after(self, case: Case, hours: float) -> datetime:
        """When so many hours have passed that the leading unit works."""
        calendar, seconds = self.city.router.city.calendar, int(self.chance.integers(60))
        done_at = calendar.add(self.now, hours, "hours" if case.never_rests else "working_hours")
        return done_at + timedelta(seconds=seconds)

    def at_work(self, case: Case, at: datetime) -> datetime:
        """That instant or, outside office hours, some time of the next morning."""
        calendar = self.city.router.city.calendar
        if case.never_rests or calendar.is_working_time(at):
            return at
        return calendar.add(at, float(min(self.chance.exponential(1.1), 3.2)), "working_hours")

    def run(self, clock_: SimulatedClock) -> None:
        """Live everything that was put down, in order, and then until the present."""
        self._clock = clock_
        while self._steps:
            at, _, case, do = heapq.heappop(self._steps)
            self._sweep_until(at)
            clock_.move_to(max(at, clock_.at))
            before = self._made
            do()
            if case is not None and self._made != before:
                self.look(case)
        self._sweep_until(self.until)

    def _sweep_until(self, end: datetime) -> None:
        """Sweep the clocks when they are due, within minutes, as the workers do."""
        assert self._clock is not None
        while True:
            soon = min(
                (each for each in self.cases.values() if each.row.next_at),
                key=lambda each: each.row.next_at,
                default=None,
            )
            if soon is None or soon.row.next_at > end:
                return
            seen_at = soon.row.next_at + timedelta(seconds=self.between(0, MOST_LATE_S))
            self._clock.move_to(max(min(seen_at, end), self._clock.at))
            due = [each for each in self.cases.values() if each.row.next_at and each.row.next_at <= self.now]
            sweep_clocks(self.tx, only=[each.id for each in due])
            while keep_dates(self.tx, self.context, only=[each.id for each in due]):
                pass
            for each in due:
                self.look(each)

    def look(self, case: Case) -> None:
        """Read again how a case stands."""
        case.row = self.tx.execute(_standing(report.c.id == case.id)).one()

    def enter(self, event: Event, token: str) -> Case:
        """A report that has just been filed becomes a case of this story, and its work in the outbox is done."""
        row = self.tx.execute(_standing(report.c.token == token)).one()
        case = self.cases[row.id] = Case(event, row.id, token, row)
        self.work_off(case)
        return case

    def move(self, case: Case, actor: Actor, action: str, **more: Any) -> bool:
        """One move of the lifecycle; False where it was refused."""
        return bool(self.do(move_report, case.token, actor, Move(action, **more)))

    def do(self, operation: Callable[..., Any], *given: Any, **more: Any) -> Any:
        """Call an operation: its answer, or True; what it refuses is counted and does not happen: None."""
        try:
            answer = operation(self.tx, self.context, *given, **more)
        except REFUSALS as refusal:
            self.crowd.refused[f"{operation.__name__}: {refusal}"] += 1
            return None
        self._made += 1
        return True if answer is None else answer

    def work_off(self, case: Case) -> None:
        """What the workers would do at once: look for a group incident, prepare photos."""
        of_case = select(media.c.token).where(media.c.report_id == case.id, media.c.state == "stored")
        mine = or_(
            (outbox.c.job == WATCH) & (outbox.c.payload["near"].as_integer() == case.id),
            (outbox.c.job == PREPARE) & (outbox.c.payload["media"].as_string().in_(of_case)),
        )
        waiting = outbox.c.done_at.is_(None) & outbox.c.failed_at.is_(None) & mine
        for row in self.tx.execute(select(outbox.c.id, outbox.c.job).where(waiting).order_by(outbox.c.id)):
            if row.job == WATCH:
                watch_incidents(self.tx, row.id)
            else:
                prepare_photo(self.tx, self.context, row.id)


def _standing(where: Any) -> Any:
    of_case = clock.c.report_id == report.c.id
    next_at = select(func.min(clock.c.next_at)).where(of_case).scalar_subquery()
    is_units = (clock.c.kind == "unit") & (clock.c.stage == "resolve") & (clock.c.state == "running")
    unit_due_at = select(func.max(clock.c.due_at)).where(of_case, is_units).scalar_subquery()
    columns = (report.c[name] for name in KNOWN)
    return select(*columns, next_at.label("next_at"), unit_due_at.label("unit_due_at")).where(where)
