"""Knows how units are asked for their part of a case, how each task moves on, and how lead and assistant swap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, update

from portal import clock
from portal.errors import Conflict, InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.models.custody import task
from portal.operations.context import Actor, Context
from portal.operations.keep_tasks import (
    Followed,
    Wanted,
    add_tasks,
    keep_assistants,
    stop_clocks,
    task_event,
    write_followed,
)
from portal.operations.locked_case import Case, as_error, lock_case, part_in, refuse_stale
from portal.operations.move_checks import FARTHEST, Move
from portal.operations.move_report import carry_out, permitted
from portal.operations.outbox_rows import letter
from portal.operations.submission import clean_text, long_faults
from portal.queries.custody_parts import tasks_of
from portal.queries.staff_rights import ACCUSED, Grant, accused_units, units_of
from routing.errors import IllegalMove
from routing.tasks import LIVE, MOST_TASKS, RATINGS, TASK_MOVES
from routing.tasks import move_task as allowed_task_move
from routing.units import Directory

EVENTS = {
    "task_accept": "task.accepted",
    "task_done": "task.done",
    "task_refuse": "task.refused",
    "task_withdraw": "task.withdrawn",
    "task_rate": "task.rated",
    "propose_swap": "task.swap_proposed",
}
SWAPS = ("swap", "order_swap")
_STOPS = {"task_done": "met", "task_refuse": "cancelled", "task_withdraw": "cancelled"}
# Who is told of it: the unit that leads, or the unit whose task it is.
_TELLS = {
    "task_done": ("task_done", "lead"),
    "task_refuse": ("task_refused", "lead"),
    "task_withdraw": ("task_withdrawn", "doer"),
    "propose_swap": ("swap_proposed", "doer"),
}
_ASKED_KIND = {"ask": "assist", "split": "child"}
LEAST_PARTS = 2


@dataclass(frozen=True, slots=True)
class TaskMove:
    """What somebody wants of a task. `seen_seq`: the newest event they had seen; `rating` 1 to 5."""

    action: str
    words: str = ""
    rating: int = 0
    seen_seq: int | None = None


def ask_units(
    tx: Connection,
    context: Context,
    token: str,
    actor: Actor,
    action: str,
    wanted: Sequence[Wanted],
    seen_seq: int | None = None,
) -> int:
    """Ask units for help (`ask`), or split the case into parts (`split`); answers the number of the newest event.

    Raises NotFound, Forbidden, Conflict, and InvalidInput by field: to_unit_1, title_1, until_1 and so on.
    """
    case = lock_case(tx, context, token, actor, Move(action, seen_seq=seen_seq))
    part = part_in(case)
    refuse_stale(tx, case, ("task.", "dispute."))
    permitted(tx, case, part)
    wanted = [replace(each, kind=_ASKED_KIND[action], title=clean_text(each.title)) for each in wanted]
    if faults := _faults(case, action, wanted, tasks_of(tx, case.row.id)):
        raise InvalidInput(faults)
    return write_followed(tx, case, add_tasks(tx, case, wanted))


def move_task(tx: Connection, context: Context, token: str, number: int, actor: Actor, move: TaskMove) -> int:
    """Move a task on, or rate or propose something about it; answers the number of the newest event.

    Raises NotFound for a task or case that is none of theirs, Forbidden, Conflict, InvalidInput by field.
    """
    case, each, state = _allowed(tx, context, token, number, actor, move)
    words = clean_text(move.words)
    tx.execute(update(task).where(task.c.id == each.id).values(_changes(case, each, move, state, words)))
    if move.action in _STOPS:
        stop_clocks(tx, case, [number], _STOPS[move.action])
        keep_assistants(tx, case.row.id)
    elif move.action == "task_accept":
        stop_clocks(tx, case, [number], "met", "accept")
    draft = task_event(case, EVENTS[move.action], each, actor, words)
    if move.action == "task_rate":
        draft = replace(draft, private={**draft.private, "rating": move.rating})
    return write_followed(tx, case, Followed([draft], _letters(case, each, move.action, words)))


def swap_lead(tx: Connection, context: Context, token: str, number: int, actor: Actor, move: TaskMove) -> int:
    """Let an assisting unit take the lead: as the lead proposed and it accepts, or as the desk orders.

    The promise stays; the unit's clocks begin for the new lead, and the old one assists.
    """
    case, each, _ = _allowed(tx, context, token, number, actor, move)
    words, old_lead = clean_text(move.words), case.row.lead_unit
    case = replace(case, move=Move(move.action, reason=words, to_unit=each.unit_code, seen_seq=move.seen_seq))
    transition = permitted(tx, case, "desk" if move.action == "order_swap" else "assist")
    carry_out(tx, context, case, transition)
    case = lock_case(tx, context, token, actor, case.move)
    if old_lead == case.city.coordination_unit:
        return case.head.last_seq
    return write_followed(tx, case, add_tasks(tx, case, [Wanted(old_lead, state="accepted")]))


def parts_of(actor: Actor, part: str, unit_code: str, directory: Directory) -> set[str]:
    """All that somebody is to a task: its doer, the lead or the desk; empty for another unit that assists."""
    mine = units_of([Grant(actor.role, actor.unit_code)], directory)
    found = {part} & {"lead", "desk"}
    return found | {"doer"} if mine is not None and unit_code in mine else found


def _allowed(
    tx: Connection, context: Context, token: str, number: int, actor: Actor, move: TaskMove
) -> tuple[Case, Row[Any], str]:
    """The locked case, the task, and the state that the move leads it to."""
    case = lock_case(tx, context, token, actor, Move(move.action, seen_seq=move.seen_seq))
    part = part_in(case)
    each = next((one for one in tasks_of(tx, case.row.id) if one.number == number), None)
    if each is None or move.action not in TASK_MOVES:
        raise NotFound(Message(N_("There is no such task.")))
    parts = parts_of(actor, part, each.unit_code, case.city.directory)
    is_asked = each.swap_asked_at is not None
    try:
        state = allowed_task_move(each, move.action, actor.role, parts, move.words, is_asked=is_asked)
    except IllegalMove as refusal:
        raise as_error(refusal) from None
    refuse_stale(tx, case, ("dispute.",))
    if faults := _word_faults(move):
        raise InvalidInput(faults)
    if move.action == "propose_swap" and is_asked:
        raise Conflict(Message(N_("This unit has been asked already.")))
    return case, each, state


def _changes(case: Case, each: Row[Any], move: TaskMove, state: str, words: str) -> Mapping[str, Any]:
    changes: dict[str, Any] = {"state": state}
    if move.action == "propose_swap":
        changes["swap_asked_at"] = case.now
    elif move.action == "task_rate":
        changes |= {"rating": move.rating, "rating_words": words}
    elif state not in LIVE:
        changes |= {"ended_at": case.now, "words": words}
    if state in ("accepted", "done") and each.accepted_at is None:
        changes["accepted_at"] = case.now
    return changes


def _letters(case: Case, each: Row[Any], action: str, words: str) -> list[Mapping[str, Any]]:
    if action not in _TELLS:
        return []
    template, who = _TELLS[action]
    to = case.row.lead_unit if who == "lead" else each.unit_code
    if to == case.actor.unit_code:
        return []  # whoever did it need not be told
    more = {"text": words} if words else {}
    return [letter(template, case.row.id, to, each.unit_code, each.due_at, **more)]


def _word_faults(move: TaskMove) -> dict[str, Message]:
    faults = long_faults(reason=move.words)
    if move.action == "task_rate" and move.rating not in RATINGS:
        faults["rating"] = Message(N_("Please choose from 1 to 5."))
    return faults


def _faults(
    case: Case, action: str, wanted: Sequence[Wanted], tasks: Sequence[Row[Any]]
) -> dict[str, Message]:
    faults = long_faults(**{f"title_{number}": each.title for number, each in enumerate(wanted, start=1)})
    barred = accused_units(case.row.about_unit, case.city.directory)
    busy = {each.unit_code for each in tasks if each.state in LIVE and each.kind != "child"}
    for number, each in enumerate(wanted, start=1):
        if fault := _unit_fault(case, action, each.unit_code, barred, busy):
            faults[f"to_unit_{number}"] = fault
        if not each.title:
            faults[f"title_{number}"] = Message(N_("Please write what this unit should do."))
        if each.due_at is not None and not clock.now() < each.due_at < clock.now() + FARTHEST:
            faults[f"until_{number}"] = Message(N_("Please give a date in the future."))
    has_parts = any(each.kind == "child" and each.state != "withdrawn" for each in tasks)
    if not wanted or (action == "split" and not has_parts and len(wanted) < LEAST_PARTS):
        said = N_("Please name at least two parts.") if action == "split" else N_("Please choose a unit.")
        faults.setdefault("to_unit_1", Message(said))
    if len(tasks) + len(wanted) > MOST_TASKS:
        faults["to_unit_1"] = Message(N_("A case has at most %(most)s tasks."), {"most": MOST_TASKS})
    return faults


def _unit_fault(case: Case, action: str, unit: str, barred: frozenset[str], busy: set[str]) -> Message | None:
    if unit not in case.city.directory:
        return Message(N_("Please choose a unit."))
    if unit in barred:
        return Message(ACCUSED)
    if action == "ask" and unit == case.row.lead_unit:
        return Message(N_("This unit leads the case."))
    if action == "ask" and unit in busy:
        return Message(N_("This unit has been asked already."))
    return None
