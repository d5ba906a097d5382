"""Knows how a case's public events read: one line each, and who held it from when to when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.i18n import N_, Message
from portal.queries.city import CityView
from portal.queries.custody import new_holder
from portal.queries.report_page import PublicEvent
from portal.queries.staff_case import StaffEvent
from portal.web import clock_words, closing_words, custody_words, field_words, incident_words
from portal.web.kind_words import ANSWERED
from portal.web.locale import date_text

LINES = {
    "request.submitted": N_("Reported"),
    "request.routed": N_("Sent to %(unit)s"),
    "request.assigned": N_("The coordination desk gave it from %(from)s to %(to)s"),
    "request.accepted": N_("Accepted by %(unit)s"),
    "request.started": N_("%(unit)s has begun to work on it"),
    "request.updated": N_("%(unit)s writes"),
    "request.paused": N_("%(unit)s is waiting"),
    "request.resumed": N_("%(unit)s is working on it again"),
    "request.transferred": N_("%(from)s handed it on to %(to)s"),
    "request.extended": N_("%(unit)s names a second date; the promise stands"),
    "request.resolved": N_("%(unit)s says it is done"),
    "request.confirmed": N_("The reporter confirms it"),
    "request.contested": N_("The reporter says it is not done: opened again"),
    "request.reopened": N_("%(unit)s opened it again"),
    "request.rest_due": N_("The date named for the rest has passed: opened again"),
    "request.closed": N_("Closed"),
    "request.rejected": N_("Not taken up by %(unit)s"),
    "request.merged": N_("Joined with an earlier report of the same thing"),
    "request.unmerged": N_("Separated from the other report again"),
    "request.joined": N_("Another report of the same thing was joined with this one"),
    "request.parted": N_("A report that was joined with this one was separated again"),
    "request.rerouted": N_("Sent to %(unit)s"),
    "question.answered": N_("The reporter answered the question"),
    "receipt.objected": N_("Somebody says this is the wrong unit"),
    "receipt.upheld": N_("The coordination desk has looked into the objection: it stays with %(unit)s"),
    "clock.breached": N_("A deadline passed"),
    "contact.erased": N_("The reporter's contact details are no longer kept"),
    "text.erased": N_("The words as written are no longer kept"),
    **clock_words.LINES,
    **incident_words.LINES,
    **custody_words.LINES,
    **field_words.LINES,
    **closing_words.LINES,
}
# How an ending reads: only what is fixed is said to be done.
ENDINGS = {
    "fixed": LINES["request.resolved"],
    "partly_fixed": N_("%(unit)s says a part of it is done"),
    "not_found": N_("%(unit)s found nothing at the place"),
    "answered": N_("%(unit)s has answered"),
    "planned": N_("%(unit)s has planned it; the report stays open"),
    "declined": LINES["request.rejected"],
    "merged": LINES["request.merged"],
    "not_ours": LINES["request.transferred"],
}
# Why a unit has a case no longer.
HANDED_ON = N_("handed on: %(reason)s")
CONTESTED = N_("contested the hand-over: %(reason)s")
ASSIGNED = N_("given to another unit by the coordination desk")
OUTSIDE = N_("%(unit)s handed it to somebody outside the city: %(body)s")
REASONS = {
    "not_our_area": N_("not our area"),
    "not_our_service": N_("not our task"),
    "needs_other_skill": N_("needs another skill"),
    "shared_boundary": N_("lies on a shared boundary"),
    "contract_ended": N_("the contract has ended"),
    "conflict_of_interest": N_("conflict of interest"),
    "no_capacity": N_("no capacity"),
    "awaiting_reporter": N_("for an answer from the reporter"),
    "awaiting_parts": N_("for parts"),
    "awaiting_access": N_("for access to the place"),
    "awaiting_permit": N_("for a permit"),
    "awaiting_other_unit": N_("for another unit"),
    "awaiting_contractor": N_("for a contractor"),
    "weather": N_("for the weather"),
    "season": N_("for the season"),
    **field_words.DOWN_REASONS,
    **field_words.UP_REASONS,
}
CLOSINGS = {
    "fixed": N_("fixed"),
    "partly_fixed": N_("partly fixed"),
    "not_found": N_("nothing was found at the place"),
    "not_ours": N_("not a task of this unit"),
    "merged": N_("joined with an earlier report"),
    "declined": N_("not something the city deals with"),
    "planned": N_("planned for a later date"),
    "answered": N_("answered"),
}
STATES = {
    "submitted": N_("Received"),
    "routed": N_("Sent to the unit"),
    "accepted": N_("Accepted"),
    "in_progress": N_("Being worked on"),
    "waiting": N_("Waiting"),
    "resolved": N_("Closed by the unit, unconfirmed"),
    "confirmed": N_("Confirmed"),
    "closed": N_("Closed, unverified"),
    "rejected": N_("Not taken up"),
    "duplicate": N_("Joined"),
}
# What "resolved" means depends on how it ended; where that is not known, "Closed by the unit" is always true.
RESOLVED = {
    "fixed": N_("Done, says the unit"),
    "partly_fixed": N_("Done in part, says the unit"),
    "not_found": N_("Nothing found, says the unit"),
    "answered": N_("Answered"),
}
# What the reporter is asked about an ending: the question, yes, and no.
ASKED = {
    "fixed": (N_("Is it really done?"), N_("Yes, it is done"), N_("No, open it again")),
    "partly_fixed": (N_("Is this part really done?"), N_("Yes, it is as they say"), N_("No, open it again")),
    "not_found": (
        N_("Has it really gone?"),
        N_("Yes, it has gone"),
        N_("No, it is still there: open it again"),
    ),
    "answered": (N_("Does this answer it?"), N_("Yes, it does"), N_("No, open it again")),
    "": (N_("Is this wrong?"), "", N_("Contest it: open it again")),
}
STAGES = {
    "dispatch": N_("Dispatch"),
    "accept": N_("Accept"),
    "first_answer": N_("First answer"),
    "resolve": N_("Resolve"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the public history; `other` is the number of another report that it names."""

    at: datetime
    title: Message
    detail: Message | None
    text: str
    kind: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class Custody:
    """One unit's time with the case; `until` is None while it lasts."""

    unit: Mapping[str, str]
    since: datetime
    until: datetime | None
    reason: Message | None

    def seconds(self, now: datetime) -> float:
        """How long the unit has had it."""
        return ((self.until or now) - self.since).total_seconds()


def state_words(
    state: str, closing_code: str | None, *, is_confirmed: bool = False, kind: str = "report"
) -> str:
    """What is said of a state, as honest as its ending allows."""
    if (state, closing_code) == ("resolved", "answered") and kind in ANSWERED:
        return ANSWERED[kind]
    if state == "closed" and is_confirmed:
        return STATES["confirmed"]
    return RESOLVED.get(closing_code or "", STATES[state]) if state == "resolved" else STATES[state]


def asked_about(state: str, closing_code: str | None) -> tuple[str, str, str]:
    """What the reporter is asked about an ending, the word for yes (empty: none) and for no."""
    return ASKED.get((closing_code or "") if state in {"resolved", "confirmed", "closed"} else "", ASKED[""])


def history_lines(events: Sequence[PublicEvent], city: CityView) -> list[Line]:
    """The events in words; one of a kind that we have no words for is left out."""
    lines, holder = [], ""
    for event in events:
        holder = new_holder(event.kind, event.public) or holder
        if event.kind in LINES and custody_words.is_told(event.kind, event.public):
            text = str(event.public.get("text", ""))
            title, detail = _title(event, holder, city), _detail(event)
            other = str(event.public.get("duplicate_of") or event.public.get("duplicate") or "")
            lines.append(Line(event.at, title, detail, text, event.kind, other))
    return lines


def last_hand_over(events: Sequence[PublicEvent | StaffEvent], city: CityView) -> Line | None:
    """Who handed the case to the unit that leads now, and why; None where a decision by rule brought it there."""
    found = None
    for event in events:
        if event.kind == "request.routed":
            found = None
        elif new_holder(event.kind, event.public):
            found = event
    if found is None:
        return None
    title, detail = _title(found, "", city), _detail(found)
    return Line(found.at, title, detail, str(found.public.get("text", "")), found.kind)


def _title(event: PublicEvent | StaffEvent, holder: str, city: CityView) -> Message:
    params: dict[str, Any] = {"unit": city.unit_names(_unit_of(event, holder))}
    params |= {
        key: city.unit_names(str(event.public[key]))
        for key in ("from", "to", "acting")
        if key in event.public
    }
    by_kind = closing_words.title_of(event.kind, event.public) or custody_words.title_of(
        event.kind, event.public
    )
    msgid = by_kind or LINES[event.kind]
    if event.kind == "request.resolved":
        msgid = ENDINGS.get(str(event.public.get("closing_code")), msgid)
    if event.public.get("outside_body"):
        msgid, params["body"] = OUTSIDE, str(event.public["outside_body"])
    if "%(to)s" in msgid and not {"from", "to"} <= params.keys():
        msgid = LINES["request.routed"]
    return Message(msgid, params)


def custody_chain(events: Sequence[PublicEvent], city: CityView, closed_at: datetime | None) -> list[Custody]:
    """Which unit had the case from when to when, and why it was handed on."""
    spans: list[Custody] = []
    for event in events:
        unit = new_holder(event.kind, event.public)
        if not unit or (spans and spans[-1].unit == city.unit_names(unit)):
            continue
        if spans:
            last = spans[-1]
            spans[-1] = Custody(last.unit, last.since, event.at, _why_ended(event))
        spans.append(Custody(city.unit_names(unit), event.at, None, None))
    if spans and closed_at is not None:
        last = spans[-1]
        spans[-1] = Custody(last.unit, last.since, max(closed_at, last.since), None)
    return spans


def _unit_of(event: PublicEvent | StaffEvent, holder: str) -> str:
    """Who did it, as far as the public may know; else who held the case then."""
    actor = event.public.get("actor") or {}
    return str(event.public.get("unit") or actor.get("unit") or holder)


def _why_ended(event: PublicEvent) -> Message | None:
    """Why the unit that had the case has it no longer, as far as that is told."""
    if event.kind == "request.assigned":
        return Message(ASSIGNED)
    if event.kind == "request.ruled":
        return Message(custody_words.RULED)
    reason = _detail(event)
    words = CONTESTED if event.kind == "request.transfer_contested" else HANDED_ON
    return Message(words, {"reason": reason}) if reason else None


def _detail(event: PublicEvent | StaffEvent) -> Message | None:
    public = event.public
    if public.get("until"):
        return Message(N_("by %(when)s"), {"when": date_text(datetime.fromisoformat(str(public["until"])))})
    for key, words in (
        ("closing_code", CLOSINGS),
        ("reason", REASONS),
        ("stage", STAGES),
    ):
        if public.get(key) in words:
            return Message(words[public[key]])
    return closing_words.scores_of(public)
