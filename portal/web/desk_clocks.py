"""Knows the desk's pages about time: cases by colour, applications for more time, supervision, and their forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, g, make_response, render_template, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from portal import clock
from portal.operations.context import Actor, Context
from portal.operations.extend_promise import GRANT, Answer, answer_extension, ask_extension
from portal.operations.supervise import close_supervision, mark_serious, supervise_case
from portal.queries.oversight import (
    COUNTED_AT_MOST,
    MOST,
    Whose,
    cases_of_colour,
    count_colours,
    count_extensions,
    count_supervised,
    supervised_cases,
    waiting_extensions,
)
from portal.queries.staff_case import StaffCase
from portal.queries.staff_rights import Standing, kept_from, may_extend, units_of
from portal.web import access, clock_words, staff_words
from portal.web.desk_case import act_on_case
from portal.web.forms.staff_move import TypedMove, end_of_day
from portal.web.services import city, reading, services
from routing.escalation import COLOURS, NONE, RED
from routing.lifecycle import available

pages = Blueprint("desk_clocks", __name__, url_prefix="/desk")
Do = Callable[[Connection, Context, Actor], None]


@pages.get("/due")
@access.staff()
def due() -> Response:
    """The open cases of one's units by colour, those first whose promise is the oldest."""
    asked = request.args.get("colour", "")
    colour = COLOURS.index(asked) if asked in COLOURS[1:] else RED
    whose = _whose()
    with reading() as tx:
        rows = cases_of_colour(tx, whose, colour, _read_after(request.args.get("after", "")))
        counts = count_colours(tx, whose)
    return _list("staff/due.html", rows, colour=colour, slugs=COLOURS, counts=counts)


@pages.get("/extensions")
@access.staff("unit_head", "dispatcher", "admin", "auditor")
def extensions() -> Response:
    """The applications for more time that wait for one's units."""
    whose, after = _whose(), _read_after(request.args.get("after", ""))
    with reading() as tx:
        rows = waiting_extensions(tx, whose, after)
        count = count_extensions(tx, whose)
    return _list("staff/extensions.html", rows, count=count)


@pages.get("/supervision")
@access.staff()
def supervised() -> Response:
    """The cases of one's units that the coordination desk supervises."""
    closed, whose = request.args.get("state") == "closed", _whose()
    after = _read_after(request.args.get("after", ""))
    with reading() as tx:
        rows = supervised_cases(tx, whose, closed=closed, after=after)
        counts = count_supervised(tx, whose)
    return _list("staff/supervision.html", rows, is_closed=closed, counts=counts)


@pages.post("/case/<token>/extension")
@access.staff("handler", "unit_head", "dispatcher", "admin")
def ask(token: str) -> Response:
    """The leading unit applies for more time."""
    typed = _typed("ask_extension", "until", "reason")
    wished = end_of_day(typed.value("until"), city().timezone)
    reason = typed.value("reason")
    return _do(token, typed, lambda tx, here, actor: ask_extension(tx, here, token, actor, wished, reason))


@pages.post("/case/<token>/extension/answer")
@access.staff("unit_head", "dispatcher", "admin")
def answer(token: str) -> Response:
    """Whoever stands above grants, grants less, or refuses."""
    typed = _typed("answer_extension", "decision", "until", "words")
    until = end_of_day(typed.value("until"), city().timezone)
    given = Answer(
        typed.value("decision"), until if typed.value("decision") == GRANT else None, typed.value("words")
    )
    return _do(token, typed, lambda tx, here, actor: answer_extension(tx, here, token, actor, given))


@pages.post("/case/<token>/supervision")
@access.staff("dispatcher", "admin")
def supervise(token: str) -> Response:
    """The coordination desk takes a case under supervision."""
    typed = _typed("supervise", "until", "reason")
    until, words = end_of_day(typed.value("until"), city().timezone), typed.value("reason")
    return _do(token, typed, lambda tx, here, actor: supervise_case(tx, here, token, actor, words, until))


@pages.post("/case/<token>/supervision/close")
@access.staff("dispatcher", "admin")
def end_supervision(token: str) -> Response:
    """The coordination desk ends supervision with a finding."""
    typed = _typed("end_supervision", "finding", "reason")
    finding, words = typed.value("finding"), typed.value("reason")
    return _do(
        token, typed, lambda tx, here, actor: close_supervision(tx, here, token, actor, finding, words)
    )


@pages.post("/case/<token>/serious")
@access.staff("dispatcher", "admin")
def serious(token: str) -> Response:
    """The coordination desk marks a case that is red whatever its clocks say."""
    typed = _typed("mark_serious", "reason")
    return _do(
        token, typed, lambda tx, here, actor: mark_serious(tx, here, token, actor, typed.value("reason"))
    )


def _do(token: str, typed: TypedMove, do: Do) -> Response:
    """Do it and show the case; what was typed survives a refusal and a conflict."""
    return act_on_case(token, typed, lambda tx, actor: do(tx, services().context, actor))


def _typed(action: str, *names: str) -> TypedMove:
    return TypedMove(action, values={name: request.form.get(name, "").strip() for name in names})


def _whose() -> Whose:
    view = city()
    units = units_of(g.staff.grants, view.directory)
    return Whose(view.jurisdiction_id, units, kept_from(g.staff.grants, view.directory))


def _read_after(text: str) -> tuple[datetime, int] | None:
    """Where the next page begins; None for anything that no page wrote."""
    at, _, number = text.partition("~")
    try:
        moment = datetime.fromisoformat(at)
        return (moment, int(number)) if moment.tzinfo and len(number) < 19 else None
    except ValueError:
        return None


def _list(template: str, rows: Sequence[Any], **more: Any) -> Response:
    """A page of a list that was read with one row more than it shows."""
    shared = {"counted_at_most": COUNTED_AT_MOST, "most": MOST}
    return _page(template, rows=rows[:MOST], has_more=len(rows) > MOST, **shared, **more)


def _page(template: str, **more: Any) -> Response:
    shared = {
        "city": city(),
        "now": clock.now(),
        "words": staff_words,
        "staff": g.staff,
    }
    return make_response(render_template(template, **shared, **more))


def clock_forms(case: StaffCase, standing: Standing) -> frozenset[str]:
    """Which of the forms about time this person may use now; the operations check again."""
    offered = set(available(case.row.state, standing.role, standing.part, own_forms=True))
    asked = next((one for one in case.parts["extensions"] if one["state"] == "asked"), None)
    offered.discard("answer_extension" if asked is None else "ask_extension")
    if asked is not None:
        is_above = may_extend(standing.part, standing.unit_code, asked["unit_code"], city().directory)
        if not is_above or asked["asked_by"] == g.staff.account_id:
            offered.discard("answer_extension")
    is_supervised = any(one["state"] == "open" for one in case.parts["supervisions"])
    offered.discard("supervise" if is_supervised else "end_supervision")
    if case.row.colour_floor > NONE:
        offered.discard("mark_serious")
    return frozenset(offered)


def is_granting() -> bool:
    """Whether the menu shows the applications for more time."""
    return bool(g.staff.roles & {"unit_head", "dispatcher", "admin", "auditor"})


pages.add_app_template_global(clock_forms, "clock_forms")
pages.add_app_template_global(is_granting, "is_granting")
pages.add_app_template_global(clock_words.pause_of, "pause_of")
pages.record_once(lambda state: state.app.jinja_env.globals.update(clock_words=clock_words))
