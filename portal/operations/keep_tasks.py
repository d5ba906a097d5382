"""Knows how tasks come onto a locked case and leave it: their rows, clocks, events, letters, and who assists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, func, select, update

from portal.db import Rows, insert_together, update_together
from portal.models.custody import task
from portal.models.report import clock, report
from portal.operations.context import SYSTEM, Actor
from portal.operations.locked_case import Case
from portal.operations.outbox_rows import DELIVER, letter, outbox_row
from portal.operations.own_clocks import own_clock
from portal.operations.record_events import Draft, record
from portal.queries.city import CityView
from routing.disputes import CustodyFigures
from routing.tasks import LIVE

KIND = "task"
# Which letter tells a unit of a new task.
TEMPLATES = {"interim": "act_meanwhile"}
_GONE = ("refused", "withdrawn")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a unit is asked for; `due_at` None: by the city's usual time."""

    unit_code: str
    kind: str = "assist"
    title: str = ""
    due_at: datetime | None = None
    state: str = "open"


class Numbered:
    """A task that is about to be added, with its number."""

    def __init__(self, number: int, wanted: Wanted) -> None:
        self.number, self.kind, self.unit_code = number, wanted.kind, wanted.unit_code


@dataclass(frozen=True, slots=True)
class Followed:
    """What is still to be recorded and sent."""

    drafts: list[Draft] = field(default_factory=list)
    letters: list[Mapping[str, Any]] = field(default_factory=list)

    def __iadd__(self, other: Followed) -> Followed:
        self.drafts.extend(other.drafts)
        self.letters.extend(other.letters)
        return self


def task_rows(
    city: CityView,
    case_id: int,
    priority: str,
    wanted: Sequence[tuple[int, Wanted]],
    actor: Actor,
    now: datetime,
) -> list[tuple[Table, Rows]]:
    """New tasks by their numbers, and their running clocks."""
    figures = CustodyFigures.from_plain(city.config.get("custody"))
    unit, add = figures.time_of(priority), city.router.city.calendar.add
    tasks, clocks = [], []
    for number, each in wanted:
        due_at = each.due_at or add(now, figures.task_hours, unit)
        accept_at = min(add(now, figures.task_accept_hours, unit), due_at)
        tasks.append({
            "jurisdiction_id": city.jurisdiction_id, "report_id": case_id, "number": number, "kind": each.kind,
            "unit_code": each.unit_code, "title": each.title, "state": each.state, "created_at": now,
            "asked_by_role": actor.role, "asked_by_unit": actor.unit_code, "due_at": due_at,
            "accepted_at": now if each.state == "accepted" else None,
        })  # fmt: skip
        stages = (
            [("resolve", due_at)]
            if each.state == "accepted"
            else [("accept", accept_at), ("resolve", due_at)]
        )
        for stage, at in stages:
            running = own_clock(city, case_id, KIND, stage, each.unit_code, now, at)
            clocks.append(running | {"task_number": number})
    return [(task, tasks), (clock, clocks)]


def task_event(case: Case, kind: str, each: Any, actor: Actor, words: str = "") -> Draft:
    """What happened to a task: in public which unit's, inside what was said.

    Who shares a case on a border tells where its place is; of a sensitive service that stays inside, too.
    """
    is_telling = each.kind == "joint" and case.city.services[case.row.service_code].is_sensitive
    shown = Actor(actor.role) if is_telling else actor
    public = {"actor": shown.in_public(), "task": each.number, "kind": each.kind}
    private = actor.in_private() | ({"text": words} if words else {})
    if is_telling:
        private["unit"] = each.unit_code
    else:
        public["unit"] = each.unit_code
    return Draft(kind, public, private)


def add_tasks(tx: Connection, case: Case, wanted: Sequence[Wanted], actor: Actor | None = None) -> Followed:
    """Ask units; each sees the case from now on as one that assists."""
    if not wanted:
        return Followed()
    actor = actor or case.actor
    last = tx.scalar(select(func.max(task.c.number)).where(task.c.report_id == case.row.id)) or 0
    numbered = [(number, each) for number, each in enumerate(wanted, start=last + 1)]
    insert_together(tx, task_rows(case.city, case.row.id, case.row.priority, numbered, actor, case.now))
    keep_assistants(tx, case.row.id)
    return Followed(
        [
            task_event(case, "task.added", Numbered(number, each), actor, each.title)
            for number, each in numbered
        ],
        [_asked(case.row.id, each, case.row.promise_due_at) for each in wanted if each.state == "open"],
    )


def decide_tasks_anew(tx: Connection, case: Case, wanted: Sequence[Wanted]) -> Followed:
    """After a new decision: what the rules asked before and do not ask now is withdrawn, what is new is added."""
    by_rule = [
        each
        for each in tx.execute(select(task).where(task.c.report_id == case.row.id))
        if each.asked_by_role == SYSTEM.role and each.kind in ("assist", "joint") and each.state in LIVE
    ]
    asked = {(each.unit_code, each.kind) for each in wanted}
    kept = {(each.unit_code, each.kind) for each in by_rule} & asked
    found = end_tasks(
        tx, case, [each for each in by_rule if (each.unit_code, each.kind) not in kept], "withdrawn"
    )
    fresh = [each for each in wanted if (each.unit_code, each.kind) not in kept]
    found += add_tasks(tx, case, fresh, SYSTEM)
    return found


def end_tasks(
    tx: Connection, case: Case, tasks: Iterable[Row[Any]], state: str, *, is_closed: bool = False
) -> Followed:
    """Let tasks end together with what made them needless; their units are told.

    Of a case that is closed they keep sight, to see how it ended.
    """
    tasks = list(tasks)
    if not tasks:
        return Followed()
    update_together(tx, task, "id", [{"id": each.id, "state": state, "ended_at": case.now} for each in tasks])
    stop_clocks(tx, case, [each.number for each in tasks], "met" if state == "done" else "cancelled")
    if not is_closed:
        keep_assistants(tx, case.row.id)
    drafts = [task_event(case, f"task.{state}", each, SYSTEM) for each in tasks]
    letters = [
        letter("task_withdrawn", case.row.id, each.unit_code, each.unit_code, each.due_at)
        for each in tasks
        if state == "withdrawn" and each.unit_code != case.actor.unit_code
    ]
    return Followed(drafts, letters)


def stop_clocks(tx: Connection, case: Case, numbers: Sequence[int], state: str, stage: str = "") -> None:
    """Stop the clocks of tasks: met, or cancelled."""
    mine = (clock.c.report_id == case.row.id) & (clock.c.kind == KIND) & clock.c.task_number.in_(numbers)
    running = mine & clock.c.state.in_(("running", "paused"))
    if stage:
        running &= clock.c.stage == stage
    met_at = case.now if state == "met" else None
    tx.execute(update(clock).where(running).values(state=state, met_at=met_at, next_at=None))


def keep_assistants(tx: Connection, case_id: int) -> None:
    """Who was asked assists; who refused, or is not needed any more, does not see the case any longer."""
    row = tx.execute(select(report.c.lead_unit, report.c.assist_units).where(report.c.id == case_id)).one()
    tasks = tx.execute(select(task.c.unit_code, task.c.state).where(task.c.report_id == case_id)).all()
    asked = [each.unit_code for each in tasks if each.state not in _GONE]
    gone = {each.unit_code for each in tasks} - set(asked)
    units = dict.fromkeys([*row.assist_units, *asked])
    left = [unit for unit in units if unit not in gone and unit != row.lead_unit]
    if left != list(row.assist_units):
        tx.execute(update(report).where(report.c.id == case_id).values(assist_units=left))


def write_followed(tx: Connection, case: Case, found: Followed) -> int:
    """Record and send what is left to be; answers the number of the newest event."""
    if not found.drafts:
        return case.head.last_seq
    letters = outbox_row(case.row.jurisdiction_id, case.now, DELIVER, found.letters)
    return record(tx, case.head, found.drafts, [letters]).last_seq


def live(tasks: Iterable[Row[Any]]) -> list[Row[Any]]:
    """Those that are still to be done."""
    return [each for each in tasks if each.state in LIVE]


def _asked(case_id: int, wanted: Wanted, promise: datetime | None) -> Mapping[str, Any]:
    template, unit = TEMPLATES.get(wanted.kind, "task_added"), wanted.unit_code
    more = {"text": wanted.title} if wanted.title else {}
    return letter(template, case_id, unit, unit, wanted.due_at or promise, **more)
