"""Knows the desk's forms for tasks and disputes of a case, and the list of what waits for a ruling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from flask import Blueprint, g, make_response, render_template, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from portal import clock
from portal.errors import Conflict, InvalidInput, NotFound
from portal.i18n import Message
from portal.operations.context import Actor
from portal.operations.keep_tasks import Wanted
from portal.operations.move_report import Move
from portal.operations.move_tasks import SWAPS, TaskMove, ask_units, move_task, parts_of, swap_lead
from portal.operations.propose_from_ruling import propose_from_ruling
from portal.operations.rule_disputes import Ruling, contest_transfer, name_acting, rule_dispute
from portal.queries.custody_parts import (
    LISTED_AT_MOST,
    HandOver,
    last_hand_over,
    newest_proposals,
    open_disputes,
    tasks_of,
)
from portal.queries.staff_case import StaffCase
from portal.queries.staff_rights import Standing, accused_units, is_over_everything, part_of
from portal.web import access, custody_words, staff_words
from portal.web.desk_case import NOT_HERE, case_page, conflict_page, open_case, shown_after
from portal.web.forms.staff_move import TypedMove, end_of_day, read_seq
from portal.web.services import city, reading, services, writing
from routing.lifecycle import TRANSFER_REASONS, available
from routing.tasks import RATINGS, TASK_MOVES, task_actions

pages = Blueprint("desk_custody", __name__, url_prefix="/desk")
SPLIT_ROWS = 4
WRITERS = ("handler", "unit_head", "dispatcher", "admin")
_DESK = ("dispatcher", "admin")
Do = Callable[[Connection, Actor], Any]


@dataclass(frozen=True, slots=True)
class TaskShown:
    """A task on the case page, and what this person may do about it."""

    row: Mapping[str, Any]
    actions: Sequence[str]


@dataclass(frozen=True, slots=True)
class CustodyForms:
    """What the panel of tasks and disputes shows and offers; the operations check again."""

    tasks: Sequence[TaskShown]
    disputes: Sequence[Mapping[str, Any]]
    proposals: Mapping[int, Mapping[str, Any]]
    offered: frozenset[str]
    handed: HandOver | None
    accused: frozenset[str]
    reasons: tuple[str, ...] = TRANSFER_REASONS
    ratings: tuple[int, ...] = RATINGS
    split_rows: int = SPLIT_ROWS


@pages.get("/disputes")
@access.staff("dispatcher", "admin", "auditor")
def disputes() -> Response:
    """What waits for a ruling, by the clock of the ruling, and the rules that rulings proposed."""
    view = city()
    if not any(is_over_everything(one, view.directory) for one in g.staff.grants):
        raise NotFound(Message(NOT_HERE))
    with reading() as tx:
        rows = open_disputes(tx, view.jurisdiction_id)
        proposals = newest_proposals(tx, view.jurisdiction_id)
    return make_response(
        render_template(
            "staff/disputes.html", rows=rows, proposals=proposals, most=LISTED_AT_MOST, city=view,
            now=clock.now(), words=staff_words, staff=g.staff,
        )
    )  # fmt: skip


@pages.post("/case/<token>/tasks")
@access.staff(*WRITERS)
def ask(token: str) -> Response:
    """Ask a unit for help, or split the case into parts."""
    action = "split" if request.form.get("wish") == "split" else "ask"
    rows = _typed_rows()
    typed = _typed(action, {name: text for row in rows for name, text in row.items()})
    wanted = [
        Wanted(
            row[f"to_unit_{number}"],
            title=row[f"title_{number}"],
            due_at=end_of_day(row[f"until_{number}"], city().timezone),
        )
        for number, row in enumerate(rows, start=1)
    ]
    return _do(
        token,
        typed,
        lambda tx, actor: ask_units(tx, services().context, token, actor, action, wanted, typed.seen_seq),
    )


@pages.post("/case/<token>/tasks/<int:number>/<action>")
@access.staff(*WRITERS)
def move(token: str, number: int, action: str) -> Response:
    """Do something about a task."""
    if action not in TASK_MOVES or number > 32767:
        raise NotFound(Message(NOT_HERE))
    typed = _typed(action, {"task": str(number), **_given("reason", "rating")})
    wish = TaskMove(action, typed.value("reason"), read_seq(typed.value("rating")), typed.seen_seq)
    run = swap_lead if action in SWAPS else move_task
    return _do(
        token, typed, lambda tx, actor: run(tx, services().context, token, number, actor, wish), number
    )


@pages.post("/case/<token>/dispute/<action>")
@access.staff(*WRITERS)
def dispute(token: str, action: str) -> Response:
    """Contest a hand-over, name who acts meanwhile, rule, or propose a rule from the ruling."""
    if action not in _DISPUTE:
        raise NotFound(Message(NOT_HERE))
    given = _given("reason", "to_unit", "public_text", "note")
    typed = _typed(action, given | {"assist": " ".join(request.form.getlist("assist"))})
    return _do(token, typed, lambda tx, actor: _DISPUTE[action](tx, token, actor, typed))


def _contest(tx: Connection, token: str, actor: Actor, typed: TypedMove) -> None:
    contest_transfer(tx, services().context, token, actor, typed.as_move(city().timezone))


def _name(tx: Connection, token: str, actor: Actor, typed: TypedMove) -> None:
    wish = Move("", to_unit=typed.value("to_unit"), seen_seq=typed.seen_seq)
    name_acting(tx, services().context, token, actor, wish)


def _rule(tx: Connection, token: str, actor: Actor, typed: TypedMove) -> None:
    ruling = Ruling(
        lead=typed.value("to_unit"),
        assist=tuple(typed.value("assist").split()),
        words=typed.value("public_text"),
        basis=typed.value("reason"),
        seen_seq=typed.seen_seq,
    )
    rule_dispute(tx, services().context, token, actor, ruling)


def _propose(tx: Connection, token: str, actor: Actor, typed: TypedMove) -> None:
    propose_from_ruling(tx, services().context, token, actor)


_DISPUTE: Mapping[str, Callable[[Connection, str, Actor, TypedMove], None]] = {
    "contest_transfer": _contest,
    "name_acting": _name,
    "rule": _rule,
    "propose_rule": _propose,
}


def _do(token: str, typed: TypedMove, do: Do, number: int = 0) -> Response:
    """Do it and show the case; what was typed survives a refusal, and a conflict says what changed."""
    case, standing = open_case(token)
    acts = _standing_for(case, number, typed.action) or standing
    try:
        with writing() as tx:
            do(tx, Actor(acts.role, acts.unit_code, g.staff.account_id))
    except InvalidInput as refused:
        return case_page(case, standing, 422, typed, refused.fields)
    except Conflict as refused:
        return conflict_page(token, typed, refused)
    return shown_after(token, typed.action)


def _given(*names: str) -> dict[str, str]:
    return {name: request.form.get(name, "").replace("\r\n", "\n").strip() for name in names}


def _typed(action: str, values: Mapping[str, str]) -> TypedMove:
    return TypedMove(action, read_seq(request.form.get("seen_seq", "")), values)


def _typed_rows() -> list[dict[str, str]]:
    """The rows of a form in which something was typed, numbered anew."""
    rows: list[dict[str, str]] = []
    for number in range(1, SPLIT_ROWS + 1):
        row = [request.form.get(f"{name}_{number}", "").strip() for name in ("to_unit", "title", "until")]
        if any(row):
            here = len(rows) + 1
            rows.append(dict(zip((f"to_unit_{here}", f"title_{here}", f"until_{here}"), row, strict=True)))
    return rows


def _standing_for(case: StaffCase, number: int, action: str) -> Standing | None:
    """As whom somebody with several grants acts on a task; None where it is no task, or none of the grants serves."""
    if not number:
        return None
    with reading() as tx:
        rows = tasks_of(tx, case.row.id)
    row = next((one for one in rows if one.number == number), None)
    if row is None:
        return None
    found = [one for one in _standings(case) if action in _actions(one, dict(row._mapping))]
    return found[0] if found else None


def _standings(case: StaffCase) -> list[Standing]:
    """What each grant makes of this person in the case."""
    directory = city().directory
    if part_of(g.staff.grants, case, directory) is None:
        return []
    found = (part_of([grant], case, directory) for grant in g.staff.grants)
    return [one for one in found if one is not None and one.part != "read"]


def _actions(standing: Standing, row: Mapping[str, Any]) -> list[str]:
    parts = parts_of(
        Actor(standing.role, standing.unit_code), standing.part, row["unit_code"], city().directory
    )
    is_asked = row["swap_asked_at"] is not None
    actions = task_actions(SimpleNamespace(**row), standing.role, parts, is_asked=is_asked)
    return [one for one in actions if not (one == "propose_swap" and is_asked)]


def custody_forms(case: StaffCase, standing: Standing) -> CustodyForms:
    """The tasks and disputes of a case, with everything that this person may do about them now."""
    standings = _standings(case)
    is_open = case.row.closed_at is None
    shown = []
    for row in case.parts["tasks"]:
        actions = dict.fromkeys(action for one in standings for action in _actions(one, row))
        is_rated = row["rating"] is not None
        offered = [
            one
            for one in actions
            if (is_open or one == "task_rate") and not (one == "task_rate" and is_rated)
        ]
        shown.append(TaskShown(row, offered))
    handed = last_hand_over(case.events)
    proposals = {one["dispute_id"]: one for one in case.parts["rule_proposals"]}
    offered_forms = _offered(case, standing, handed, proposals)
    accused = accused_units(case.about_unit, city().directory)
    return CustodyForms(shown, case.parts["disputes"], proposals, offered_forms, handed, accused)


def _offered(
    case: StaffCase, standing: Standing, handed: HandOver | None, proposals: Mapping[int, Any]
) -> frozenset[str]:
    offered = set(available(case.row.state, standing.role, standing.part, own_forms=True))
    offered &= {"ask", "split", "contest_transfer", "rule"}
    if handed is None or not handed.is_contestable(case.lead_unit, clock.now()):
        offered.discard("contest_transfer")
    newest = case.parts["disputes"][-1] if case.parts["disputes"] else None
    is_desk = standing.part == "desk" and standing.role in _DESK
    if newest is None or newest["state"] != "open":
        offered.discard("rule")
    elif is_desk:
        offered.add("name_acting")
    ruled = [one for one in case.parts["disputes"] if one["state"] == "ruled"]
    if is_desk and ruled and ruled[-1]["id"] not in proposals:
        offered.add("propose_rule")
    return frozenset(offered)


pages.add_app_template_global(custody_forms, "custody_forms")
pages.add_app_template_global(custody_words, "custody_words")  # type: ignore[arg-type]
