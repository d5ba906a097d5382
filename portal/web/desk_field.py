"""Knows what a case's panels of crews, contractors and communities do when a button is pressed."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, g, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from portal.errors import NotFound
from portal.i18n import Message
from portal.operations.context import Actor
from portal.operations.contractor_links import answer_contractor, revoke_link, send_link
from portal.operations.hand_within import Handing, hand_down, hand_up
from portal.operations.lend_crew import Asked, ask_for_crew
from portal.operations.send_crew import Sent, send_crew
from portal.web import access, field_words
from portal.web.desk_case import NOT_HERE, act_on_case
from portal.web.field_panel import field_panel
from portal.web.forms.staff_move import TypedMove, end_of_day, read_account, read_seq
from portal.web.services import city, services

pages = Blueprint("desk_field", __name__, url_prefix="/desk/case")
WORKERS = ("handler", "unit_head", "dispatcher", "admin")
Do = Callable[[Connection, Actor], object]
# What a form of the panels may bring, kept as typed.
TYPED = ("crew", "person", "words", "question", "answer", "to_unit", "reason", "until", "public_text", "note")
MOST_TYPED = 20_000


@pages.post("/<token>/crew")
@access.staff(*WORKERS)
def send(token: str) -> Response:
    """Send a crew."""
    sent = Sent(request.form.get("crew", "")[:80], None, _seen())
    return _do(
        token, "send_crew", "sent", lambda tx, actor: send_crew(tx, services().context, token, actor, sent)
    )


@pages.post("/<token>/person")
@access.staff(*WORKERS)
def give(token: str) -> Response:
    """Give the case to a person of the unit, or take it oneself."""
    number = read_account(request.form.get("person", ""))
    done = "taken" if number == g.staff.account_id else "given"
    sent = Sent("", number, _seen())
    return _do(
        token, "give_to", done, lambda tx, actor: send_crew(tx, services().context, token, actor, sent)
    )


@pages.post("/<token>/borrow")
@access.staff(*WORKERS)
def borrow(token: str) -> Response:
    """Ask a neighbour for a crew."""
    asked = Asked(request.form.get("crew", "")[:80], request.form.get("words", ""), _seen())
    return _do(
        token,
        "borrow_crew",
        "asked",
        lambda tx, actor: ask_for_crew(tx, services().context, token, actor, asked),
    )


@pages.post("/<token>/link")
@access.staff(*WORKERS)
def link(token: str) -> Response:
    """Send the contractor a new link, or end the standing one."""
    is_end = request.form.get("do") == "revoke"
    what = revoke_link if is_end else send_link
    return _do(
        token,
        "send_link",
        "unlinked" if is_end else "linked",
        lambda tx, actor: what(tx, services().context, token, actor),
    )


@pages.post("/<token>/contractor-answer")
@access.staff(*WORKERS)
def answer(token: str) -> Response:
    """Answer a contractor's question."""
    number, words = read_seq(request.form.get("question", "")), request.form.get("answer", "")
    return _do(
        token,
        "answer_contractor",
        "answered",
        lambda tx, actor: answer_contractor(tx, services().context, token, actor, number, words),
    )


@pages.post("/<token>/hand/<way>")
@access.staff(*WORKERS)
def hand(token: str, way: str) -> Response:
    """Hand the case down to a community, or up to the street."""
    if way not in ("up", "down"):
        raise NotFound(Message(NOT_HERE))
    given = request.form
    handing = Handing(
        given.get("reason", ""), given.get("to_unit", ""), end_of_day(given.get("until", ""), city().timezone),
        given.get("public_text", ""), given.get("note", ""), _seen(),
    )  # fmt: skip
    what = hand_up if way == "up" else hand_down
    return _do(
        token, f"hand_{way}", "handed", lambda tx, actor: what(tx, services().context, token, actor, handing)
    )


def _do(token: str, action: str, done: str, act: Do) -> Response:
    """Act as what this person is to the case, and go back to it; what was typed survives a refusal."""
    values = {name: request.form.get(name, "").replace("\r\n", "\n").strip()[:MOST_TYPED] for name in TYPED}
    typed = TypedMove(action, _seen(), {name: value for name, value in values.items() if value})
    return act_on_case(token, typed, act, done, "field")


def _seen() -> int:
    return read_seq(request.form.get("seen_seq", ""))


pages.add_app_template_global(field_panel, "field_panel")


@pages.app_context_processor
def words_of_the_field() -> dict[str, object]:
    """The words, for every template of the desk."""
    return {"field_words": field_words}
