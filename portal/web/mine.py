"""Answers `/r/<token>/mine`: what a reporter alone may see and decide, and the end of letters by one click."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from portal.errors import InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.operations.context import REPORTER
from portal.operations.erase_personal import erase_case
from portal.operations.letter_wishes import set_resident_wishes, stop_letters
from portal.operations.message_readers import ALL, ENDINGS, NONE
from portal.operations.relay_words import reply_to_unit
from portal.queries.own_report import own_report
from portal.web import access
from portal.web.reporter import NO_REPORT, require_reporter
from portal.web.services import city, reading, services, writing
from portal.web.staff_words import PURPOSES, ROLES

pages = Blueprint("mine", __name__)
SURE = N_("Please tick the box: this cannot be undone.")
WHICH = {
    ALL: N_("All letters about this report"),
    ENDINGS: N_("Only questions to me, and how it ends"),
    NONE: N_("No letters at all"),
}
DONE = {
    "sent": N_("Your message is with the unit."),
    "wishes": N_("Your wishes are kept."),
    "forgotten": N_("Your address, your words and the exact place are forgotten. The public history stays."),
}


@pages.get("/r/<token>/mine")
@access.public
def show(token: str) -> Response:
    """The page, for the reporter only."""
    return _page(token, 200)


@pages.post("/r/<token>/mine/reply")
@access.public
def reply(token: str) -> Response:
    """Write to the unit; it learns no address."""
    require_reporter(token)
    words = request.form.get("words", "")
    try:
        with writing() as tx:
            reply_to_unit(tx, services().context, token, words)
    except InvalidInput as refused:
        return _page(token, 422, refused.fields)
    return redirect(f"/r/{token}/mine?done=sent", 303)


@pages.post("/r/<token>/mine/wishes")
@access.public
def wishes(token: str) -> Response:
    """Which letters, by which channel, and when not."""
    require_reporter(token)
    given = request.form
    quiet = (given.get("quiet_from", "")[:5], given.get("quiet_until", "")[:5])
    try:
        with writing() as tx:
            set_resident_wishes(
                tx, services().context, token, given.get("which", ""), given.get("channel", "email"), quiet
            )
    except InvalidInput as refused:
        return _page(token, 422, refused.fields)
    return redirect(f"/r/{token}/mine?done=wishes", 303)


@pages.post("/r/<token>/mine/forget")
@access.public
def forget(token: str) -> Response:
    """Forget the reporter: at once, for good, and only where the box was ticked."""
    require_reporter(token)
    if request.form.get("sure") != "yes":
        return _page(token, 422, {"sure": Message(SURE)})
    with writing() as tx:
        erase_case(tx, services().context, token, REPORTER, "request")
    return redirect(f"/r/{token}/mine?done=forgotten", 303)


@pages.get("/unsubscribe/<token>/<code>")
@access.public
def stop_page(token: str, code: str) -> str:
    """Opening the link changes nothing, so that a mail scanner ends nobody's letters."""
    return render_template("public/unsubscribe.html", token=token, code=code, is_done=False)


@pages.post("/unsubscribe/<token>/<code>")
@access.public
def stop_now(token: str, code: str) -> str:
    """End the letters: pressed on the page, or by a mail program (RFC 8058), which has no cookie."""
    with writing() as tx:
        stop_letters(tx, services().context, token, code)
    return render_template("public/unsubscribe.html", token=token, code=code, is_done=True)


def _page(token: str, status: int, faults: Mapping[str, Message] | None = None) -> Response:
    require_reporter(token)
    with reading() as tx:
        own = own_report(tx, services().jurisdiction_id, token)
    if own is None:
        raise NotFound(Message(NO_REPORT))
    page = render_template(
        "public/mine.html",
        own=own,
        city=city(),
        faults=faults or {},
        which=WHICH,
        roles=ROLES,
        purposes=PURPOSES,
        typed=request.form,
        done=DONE.get(request.args.get("done", "")),
        has_sms=services().context.has_sms,
    )
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer
