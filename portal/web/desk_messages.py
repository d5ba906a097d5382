"""Answers `/desk/messages`: what was sent, what was given up, and what a member of staff wants to hear of."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from portal.channels import KINDS, NAMES, has_apprise
from portal.crypto import read_token
from portal.errors import Forbidden, InvalidInput
from portal.i18n import N_, Message
from portal.operations.letter_wishes import StaffWishes, quiet_hours, set_staff_wishes, wishes_of_staff
from portal.operations.manage_messages import add_channel, minute_words, remove_channel, settle_dead
from portal.operations.message_readers import DAILY, HOURLY
from portal.operations.occasions import CHOICES, GROUPS
from portal.queries.deliveries import (
    PAGE,
    STATES,
    Sought,
    count_waiting,
    dead_letters,
    deliveries,
    unit_channels,
)
from portal.queries.messages import AT_ONCE
from portal.web import access
from portal.web.admin import actor
from portal.web.desk_dispatch import is_dispatcher
from portal.web.services import city, reading, services, writing

pages = Blueprint("desk_messages", __name__, url_prefix="/desk/messages")
PACES = {
    AT_ONCE: N_("At once"),
    HOURLY: N_("In one letter, every hour"),
    DAILY: N_("In one letter, every morning at eight"),
}
STATE_WORDS = {
    "sent": N_("Sent"),
    "suppressed": N_("Not sent: not wanted, too many, or a rehearsal"),
    "gathered": N_("Waits for a digest"),
    "digested": N_("Told in a digest"),
}
MOST_NUMBERS = 500


@pages.get("")
@access.staff("admin", "dispatcher", "auditor")
def index() -> Response:
    """What was sent, newest first, narrowed by state, reader or case: of every unit, so for the desk alone."""
    if not is_dispatcher():
        raise Forbidden(Message(access.NOT_YOURS))
    given = request.args
    before = given.get("before", "")
    sought = Sought(
        given.get("state", ""),
        given.get("recipient", "")[:80],
        read_token(given.get("number", ""))[:40],
        int(before) if before.isdecimal() and len(before) < 19 else 0,
    )
    here = services().jurisdiction_id
    with reading() as tx:
        rows = deliveries(tx, here, sought)
        counts = count_waiting(tx, here)
    return _render("deliveries.html", rows=rows[:PAGE], more=len(rows) > PAGE, sought=sought, counts=counts)


@pages.get("/dead")
@access.staff("admin")
def dead() -> Response:
    """What was given up, with the reason and without personal data."""
    with reading() as tx:
        rows = dead_letters(tx, services().jurisdiction_id)
    return _render("dead_letters.html", rows=rows)


@pages.post("/dead")
@access.staff("admin")
def settle() -> Response:
    """Try the chosen ones again, or give them up for good; all of them by a button of its own."""
    given, what = request.form, request.form.get("what", "")
    numbers = [int(each) for each in given.getlist("number")[:MOST_NUMBERS] if each.isdecimal()]
    is_all = what.endswith("_all")
    done = 0
    if is_all or numbers:
        with writing() as tx:
            done = settle_dead(
                tx, services().context, actor(), [] if is_all else numbers, what.removesuffix("_all")
            )
    return redirect(f"/desk/messages/dead?done={done}", 303)


@pages.get("/preferences")
@access.staff()
def preferences() -> Response:
    """Which messages one wants, how, how often, and when not."""
    return _preferences_page(200)


@pages.post("/preferences")
@access.staff()
def keep_preferences() -> Response:
    """Keep them; what was typed survives a refusal."""
    given = request.form
    try:
        start, end = quiet_hours(given.get("quiet_from", "")[:5], given.get("quiet_until", "")[:5])
        wishes = StaffWishes(
            tuple(each for each in CHOICES if each in given.getlist("occasions")),
            given.get("pace", ""),
            start,
            end,
            given.get("kind", ""),
            given.get("address", "").strip()[:200],
        )
        with writing() as tx:
            set_staff_wishes(tx, services().context, g.staff.account_id, wishes)
    except InvalidInput as refused:
        return _preferences_page(422, refused.fields)
    return redirect("/desk/messages/preferences?done=1", 303)


@pages.get("/channels")
@access.staff("admin")
def channels() -> Response:
    """The further channels of units."""
    return _channels_page(200)


@pages.post("/channels")
@access.staff("admin")
def change_channels() -> Response:
    """Add one, or take one away."""
    given, context = request.form, services().context
    number = given.get("remove", "")
    try:
        with writing() as tx:
            if number.isdecimal():
                remove_channel(tx, context, actor(), int(number))
            else:
                address = given.get("address", "")[:200]
                add_channel(tx, context, actor(), given.get("unit", ""), given.get("kind", ""), address)
    except InvalidInput as refused:
        return _channels_page(422, refused.fields)
    return redirect("/desk/messages/channels", 303)


def _preferences_page(status: int, faults: Mapping[str, Message] | None = None) -> Response:
    with reading() as tx:
        wishes = wishes_of_staff(tx, services().context, g.staff.account_id)
    return _render(
        "preferences.html",
        status,
        faults or {},
        wishes=wishes,
        groups=GROUPS,
        paces=PACES,
        quiet=(minute_words(wishes.quiet_from), minute_words(wishes.quiet_until)),
    )


def _channels_page(status: int, faults: Mapping[str, Message] | None = None) -> Response:
    with reading() as tx:
        rows = unit_channels(tx, services().jurisdiction_id)
    return _render("channels.html", status, faults or {}, rows=rows)


def _render(
    name: str, status: int = 200, faults: Mapping[str, Message] | None = None, **more: object
) -> Response:
    shared = {
        "city": city(), "staff": g.staff, "faults": faults or {}, "kinds": KINDS, "kind_names": NAMES,
        "has_apprise": has_apprise(), "states": STATES, "state_words": STATE_WORDS,
        "done": request.args.get("done", ""),
    }  # fmt: skip
    return make_response(render_template(f"staff/messages/{name}", **shared, **more), status)
