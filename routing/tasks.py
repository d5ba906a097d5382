"""Knows the tasks of a case: what each unit was asked for, who may move a task on, and which hold up the case."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from routing.errors import IllegalMove

TaskPart = Literal["lead", "doer", "desk"]
# assist: help for the lead; child: a part of a case that was split; joint: a share of a case on a border;
# interim: to act until it is ruled who leads.
TASK_KINDS = ("assist", "child", "joint", "interim")
TASK_STATES = ("open", "accepted", "done", "refused", "withdrawn")
LIVE = ("open", "accepted")
# What the case waits for: it is resolved when each of these is done or withdrawn.
HOLDING_KINDS = ("child", "joint")
HOLDING_STATES = (*LIVE, "refused")
MOST_TASKS = 30
RATINGS = (1, 2, 3, 4, 5)
_STAFF = ("handler", "unit_head", "dispatcher", "admin")


class TaskLike(Protocol):
    """What is needed of a task."""

    @property
    def kind(self) -> str:
        """One of TASK_KINDS."""

    @property
    def state(self) -> str:
        """One of TASK_STATES."""

    @property
    def unit_code(self) -> str:
        """Whose task it is."""


Task = TypeVar("Task", bound=TaskLike)


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One row of a task's life. `to_state` is "" where the state stays; `needs_words`: a reason or a result."""

    action: str
    from_states: tuple[str, ...]
    to_state: str
    parts: tuple[TaskPart, ...]
    kinds: tuple[str, ...] = TASK_KINDS
    needs_words: bool = False
    roles: tuple[str, ...] = _STAFF


_SWAPPED_KINDS = ("assist", "joint")
TASK_MOVES: dict[str, TaskRow] = {
    row.action: row
    for row in (
        TaskRow("task_accept", ("open",), "accepted", ("doer", "desk")),
        TaskRow("task_done", LIVE, "done", ("doer", "desk"), needs_words=True),
        TaskRow("task_refuse", LIVE, "refused", ("doer",), needs_words=True),
        TaskRow("task_withdraw", HOLDING_STATES, "withdrawn", ("lead", "desk"), needs_words=True),
        TaskRow("task_rate", ("done",), "", ("lead",), ("assist", "child", "joint"), needs_words=True),
        TaskRow("propose_swap", LIVE, "", ("lead",), _SWAPPED_KINDS),
        TaskRow("swap", LIVE, "withdrawn", ("doer",), _SWAPPED_KINDS),
        TaskRow("order_swap", LIVE, "withdrawn", ("desk",), _SWAPPED_KINDS, True, ("dispatcher", "admin")),
    )
}


def move_task(
    task: TaskLike, action: str, role: str, parts: Collection[str], words: str = "", *, is_asked: bool = False
) -> str:
    """Return the state that an action leads a task to, or raise IllegalMove.

    `parts`: all that the person is to the task. `is_asked`: the lead proposed the swap. IllegalMove.reason is
    one of move.unknown_action, task.wrong_state, move.not_your_role, task.not_your_part, move.reason_needed,
    task.wrong_kind, task.swap_not_asked.
    """
    row = TASK_MOVES.get(action)
    refusal = _refusal(row, task, role, parts, words, is_asked)
    if row is None or refusal:
        raise IllegalMove(task.state, action, refusal)
    return row.to_state or task.state


def task_actions(task: TaskLike, role: str, parts: Collection[str], *, is_asked: bool = False) -> list[str]:
    """Return what this person may do to a task now, in the table's order, for buttons."""
    return [
        row.action for row in TASK_MOVES.values() if not _refusal(row, task, role, parts, "some", is_asked)
    ]


def holding_up(tasks: Iterable[Task], lead: str) -> list[Task]:
    """Return the tasks for which the case must wait; the lead's own share of a joint case is its resolving."""
    return [
        task
        for task in tasks
        if task.kind in HOLDING_KINDS
        and task.state in HOLDING_STATES
        and not (task.kind == "joint" and task.unit_code == lead)
    ]


def superseded(tasks: Iterable[Task], old_lead: str, new_lead: str) -> list[Task]:
    """Return the tasks that have no sense once another unit leads: help from the new lead, the old one's share."""
    return [
        task
        for task in tasks
        if task.state in LIVE
        and (
            (task.unit_code == new_lead and task.kind != "child")
            or (task.unit_code == old_lead and task.kind == "joint")
        )
    ]


def _refusal(
    row: TaskRow | None, task: TaskLike, role: str, parts: Collection[str], words: str, is_asked: bool
) -> str:
    if row is None:
        return "move.unknown_action"
    faults = (
        (not set(parts).intersection(row.parts), "task.not_your_part"),
        (role not in row.roles, "move.not_your_role"),
        (task.kind not in row.kinds, "task.wrong_kind"),
        (task.state not in row.from_states, "task.wrong_state"),
        (row.action == "swap" and not is_asked, "task.swap_not_asked"),
        (row.needs_words and not words.strip(), "move.reason_needed"),
    )
    return next((reason for is_fault, reason in faults if is_fault), "")
