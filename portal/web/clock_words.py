"""Knows the words of clocks in full: colours, extensions, supervision, and who granted a pause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.i18n import N_
from portal.queries.report_page import PublicEvent
from portal.queries.staff_case import StaffEvent
from routing.escalation import ORANGE, RED, YELLOW

COLOURS: Mapping[int, str] = {RED: N_("Red"), ORANGE: N_("Orange"), YELLOW: N_("Yellow")}
COLOUR_HINTS: Mapping[int, str] = {
    RED: N_("A promise is broken, or the case is serious."),
    ORANGE: N_("Nearly due, or a deadline of the unit has passed."),
    YELLOW: N_("At risk: most of the time has passed."),
}
CAUSES: Mapping[str, str] = {
    "by_hand": N_("by order of the coordination desk"),
    "escalation": N_("because it stayed overdue"),
    "dissatisfied": N_("because residents were dissatisfied again"),
}
FINDINGS: Mapping[str, str] = {
    "put_right": N_("It has been put right"),
    "delay_justified": N_("There was good reason for the delay"),
    "unit_at_fault": N_("The unit was at fault"),
    "other_unit_needed": N_("Another unit is needed"),
    "unfounded": N_("There was no need for supervision"),
}
# How supervision ended: by a finding, or by itself.
ENDED: Mapping[str, str] = {**FINDINGS, "joined": N_("Goes on with the report that this one was joined with")}
SERIOUS: Mapping[str, str] = {
    "group_complaint": N_("Complaint of many people"),
    "serious_incident": N_("Serious incident"),
}
EXTENSIONS: Mapping[str, str] = {
    "asked": N_("waits for an answer"),
    "granted": N_("granted"),
    "shortened": N_("granted, but less than asked for"),
    "refused": N_("refused"),
    "lapsed": N_("no longer needed"),
}
# How these events read: to everybody, and on the desk.
LINES: Mapping[str, str] = {
    "extension.asked": N_("%(unit)s asks for more time"),
    "extension.granted": N_("More time was granted; the promise stands"),
    "extension.shortened": N_("Less time was granted than asked for; the promise stands"),
    "extension.refused": N_("More time was refused"),
    "supervision.opened": N_("The coordination desk supervises %(unit)s in this case"),
    "supervision.closed": N_("Supervision has ended"),
    "supervision.marked": N_("Marked as serious"),
    "clock.escalated": N_("Overdue: somebody above %(unit)s was told"),
}
EVENTS: Mapping[str, str] = {
    "extension.asked": N_("More time asked for"),
    "extension.granted": N_("More time granted"),
    "extension.shortened": N_("Less time granted than asked for"),
    "extension.refused": N_("More time refused"),
    "supervision.opened": N_("Supervision opened"),
    "supervision.closed": N_("Supervision closed"),
    "supervision.marked": N_("Marked as serious"),
    "clock.nearly_due": N_("The promise is nearly due"),
    "clock.escalated": N_("Escalated"),
}
ACTIONS: Mapping[str, str] = {
    "ask_extension": N_("Apply for more time"),
    "answer_extension": N_("Answer the application for more time"),
    "supervise": N_("Open supervision"),
    "end_supervision": N_("End supervision"),
    "mark_serious": N_("Mark as serious"),
}
DONE: Mapping[str, str] = {
    "ask_extension": N_("The application is on its way."),
    "answer_extension": N_("The application is answered."),
    "supervise": N_("Supervision is open."),
    "end_supervision": N_("Supervision has ended."),
    "mark_serious": N_("The case is marked as serious."),
}


@dataclass(frozen=True, slots=True)
class Pause:
    """Why the unit's clock stands still, until when, and who granted that: a role of a unit."""

    reason: str
    role: str
    unit_code: str
    since: datetime
    until: datetime | None = None


def pause_of(events: Sequence[PublicEvent | StaffEvent], state: str) -> Pause | None:
    """The pause that a waiting case is in."""
    paused = [event for event in events if event.kind == "request.paused"]
    if state != "waiting" or not paused:
        return None
    public: Mapping[str, Any] = paused[-1].public
    actor = public.get("actor") or {}
    until = datetime.fromisoformat(public["until"]) if "until" in public else None
    return Pause(public.get("reason", ""), actor.get("role", ""), actor.get("unit", ""), paused[-1].at, until)
