"""Answers `/admin/rules`: the rulebook in force, a draft held against city and past, publishing, going back."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from portal import clock
from portal.errors import Conflict, NotFound, WenluError
from portal.i18n import N_, Message
from portal.operations.publish_rulebook import (
    RulesRefused,
    lint_text,
    publish_rulebook,
    roll_back_rulebook,
)
from portal.operations.simulate_rules import simulate_history
from portal.queries.rulebooks import active_rules, known_of_city, list_rulebooks, rulebook_version
from portal.web import access
from portal.web.admin import READERS, actor, changing, shared
from portal.web.services import city, reading, services
from routing.errors import RoutingError
from routing.lint import Problem
from routing.simulate import Simulated

MOST = 500_000
PAST = timedelta(days=90)
NO_TEXT = N_("Write or choose a rulebook first.")
TOO_LONG = N_("A rulebook has at most %(count)s characters, in UTF-8.")
CHANGED_MEANWHILE = N_("Somebody else published rules in the meantime. Look at the differences again.")

pages = Blueprint("admin_rules", __name__, url_prefix="/admin/rules")


@pages.get("")
@access.staff(*READERS)
def index() -> str:
    """The rules in force, every version, and a place for a draft."""
    with reading() as tx:
        text = active_rules(tx, services().jurisdiction_id)
        versions = list_rulebooks(tx, services().jurisdiction_id)
    return render_template("staff/admin/rules.html", text=text, versions=versions, **shared())


@pages.get("/<int:version>")
@access.staff(*READERS)
def show(version: int) -> str:
    """One version, and what is different in the rules in force."""
    with reading() as tx:
        old = rulebook_version(tx, services().jurisdiction_id, version)
        text = active_rules(tx, services().jurisdiction_id)
    lines = list(line_changes(old.source, text))
    return render_template("staff/admin/rulebook.html", old=old, lines=lines, **shared())


@pages.post("/check")
@access.staff("admin")
def check() -> Response:
    """Show what is wrong with a draft, what is different, and whose cases would have gone elsewhere."""
    sent = request.files.get("file")
    raw = sent.read(MOST + 1) if sent and sent.filename else request.form.get("text", "").encode()
    return draft_page(200, _text(raw))


@pages.post("/publish")
@access.staff("admin")
def publish() -> Response:
    """Put a draft in force, as long as the rules are still those that it was held against."""
    text = _text(request.form.get("text", "").encode())
    try:
        with changing() as tx:
            if request.form.get("seen") != str(city().rulebook_version):
                raise Conflict(Message(CHANGED_MEANWHILE))
            done = publish_rulebook(tx, services().context, text, actor())
    except RulesRefused:
        return draft_page(422, text)
    except Conflict as refused:
        return draft_page(409, text, conflict=refused.message)
    return redirect(f"/admin/rules?done={'published' if done.is_changed else 'same'}", 303)


@pages.post("/back")
@access.staff("admin")
def back() -> Response:
    """Put an earlier version in force again, as a new one."""
    version = request.form.get("version", type=int)
    if version is None:
        raise NotFound(Message(NO_TEXT))
    try:
        with changing() as tx:
            done = roll_back_rulebook(tx, services().context, version, actor())
    except RulesRefused:
        with reading() as tx:
            text = rulebook_version(tx, services().jurisdiction_id, version).source
        return draft_page(422, text)
    return redirect(f"/admin/rules?done={'published' if done.is_changed else 'same'}", 303)


def line_changes(old: str, new: str) -> list[tuple[str, str]]:
    """The lines that differ, with three around them: ("-", line), ("+", line), (" ", line), ("@", "")."""
    found = difflib.unified_diff(old.splitlines(), new.splitlines(), n=3, lineterm="")
    return [(line[:1], "" if line[:1] == "@" else line[1:]) for line in list(found)[2:]]


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise WenluError(Message(TOO_LONG, {"count": MOST})) from None
    if not text.strip():
        raise WenluError(Message(NO_TEXT))
    if len(text) > MOST or "\0" in text:
        raise WenluError(Message(TOO_LONG, {"count": MOST}))
    return text


def draft_page(status: int, text: str, **more: Any) -> Response:
    """A draft held against the city and its past."""
    with reading() as tx:
        known = known_of_city(tx, services().jurisdiction_id)
        problems = lint_text(text, known)
        lines = line_changes(active_rules(tx, services().jurisdiction_id), text)
        is_sound = not any(each.severity == "error" for each in problems)
        past = _past(text) if is_sound and lines else None
    given = {"text": text, "problems": _ordered(problems), "lines": lines, "is_sound": is_sound, "past": past}
    given |= {"seen": city().rulebook_version, "conflict": None} | more
    page = render_template("staff/admin/rules_draft.html", **given, **shared())
    return make_response(page, status if is_sound or status != 200 else 422)


def _past(text: str) -> Simulated | None:
    """The cases of the last months under the draft; None where they cannot be decided by it."""
    try:
        with reading() as tx:
            return simulate_history(tx, services().context, text, since=clock.now() - PAST)
    except RoutingError:
        return None


def _ordered(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda each: each.severity != "error")
