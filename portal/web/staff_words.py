"""Knows the desk's words: states, roles, actions, reasons, closing codes and events as sentences to translate."""

from __future__ import annotations

from collections.abc import Mapping

from portal.i18n import N_
from portal.web import clock_words, closing_words, custody_words, field_words, incident_words

STATES: Mapping[str, str] = {
    "submitted": N_("Received"),
    "routed": N_("New, not accepted"),
    "accepted": N_("Accepted"),
    "in_progress": N_("In progress"),
    "waiting": N_("Waiting"),
    "resolved": N_("Resolved, unconfirmed"),
    "confirmed": N_("Confirmed by a resident"),
    "closed": N_("Closed"),
    "rejected": N_("Declined"),
    "duplicate": N_("Duplicate"),
}
ROLES: Mapping[str, str] = {
    "handler": N_("Handler"),
    "contractor": N_("Contractor, by link"),
    "unit_head": N_("Head of unit"),
    "dispatcher": N_("Dispatcher"),
    "admin": N_("Administrator"),
    "auditor": N_("Auditor"),
    "system": N_("Wenlu"),
    "reporter": N_("The reporter"),
    "visitor": N_("A visitor of the public page"),
    "follower": N_("Somebody who follows it"),
    "neighbour": N_("A neighbour"),
    "guest": N_("Somebody at the place"),
}
# Whose words may tell who they are.
RESIDENTS = frozenset({"reporter", "visitor", "follower", "neighbour", "guest"})
PARTS: Mapping[str, str] = {
    "lead": N_("Your unit leads this case."),
    "assist": N_("Your unit assists in this case."),
    "desk": N_("You act for the coordination desk."),
    "read": N_("You may read this case, not change it."),
}
PRIORITIES: Mapping[str, str] = {
    "emergency": N_("Emergency"),
    "high": N_("High priority"),
    "normal": N_("Normal priority"),
    "low": N_("Low priority"),
}
# What stands on a button.
ACTIONS: Mapping[str, str] = {
    "route": N_("Confirm the unit"),
    "assign": N_("Assign to a unit"),
    "accept": N_("Accept the case"),
    "start": N_("Start work"),
    "update": N_("Tell the public"),
    "note": N_("Add an internal note"),
    "wait": N_("Put on hold"),
    "resume": N_("Go on working"),
    "transfer": N_("Hand over to another unit"),
    "extend": N_("Set a second date"),
    "resolve": N_("Resolve"),
    "reopen": N_("Reopen"),
    "close": N_("Close for good"),
    "reject": N_("Decline"),
    "mark_duplicate": N_("Mark as a duplicate"),
    "unmerge": N_("Separate from its duplicate"),
    "keep_unit": N_("Answer: it stays"),
    **clock_words.ACTIONS,
    **field_words.ACTIONS,
    **custody_words.ACTIONS,
}
# What is said when it has been done.
DONE: Mapping[str, str] = {
    "route": N_("The unit is confirmed."),
    "assign": N_("The case was assigned."),
    "accept": N_("The case is accepted."),
    "start": N_("Work has started."),
    "update": N_("The update is public."),
    "note": N_("The note was added."),
    "wait": N_("The case is on hold."),
    "resume": N_("Work goes on."),
    "transfer": N_("The case was handed over."),
    "extend": N_("The second date is set."),
    "resolve": N_("The case is resolved."),
    "reopen": N_("The case is open again."),
    "close": N_("The case is closed."),
    "reject": N_("The case was declined."),
    "mark_duplicate": N_("The case was marked as a duplicate."),
    "unmerge": N_("The case stands on its own again."),
    "keep_unit": N_("The objection is answered: the unit stays."),
    **clock_words.DONE,
    **custody_words.DONE,
}
REASONS: Mapping[str, str] = {
    "not_our_area": N_("Not our area"),
    "not_our_service": N_("Not our service"),
    "needs_other_skill": N_("Needs other skills"),
    "shared_boundary": N_("On a shared boundary"),
    "contract_ended": N_("The contract has ended"),
    "conflict_of_interest": N_("Conflict of interest"),
    "no_capacity": N_("No capacity"),
    "awaiting_reporter": N_("Waiting for the reporter"),
    "awaiting_parts": N_("Waiting for parts"),
    "awaiting_access": N_("Waiting for access"),
    "awaiting_permit": N_("Waiting for a permit"),
    "awaiting_other_unit": N_("Waiting for another unit"),
    "awaiting_contractor": N_("Waiting for a contractor"),
    "weather": N_("Weather"),
    "season": N_("Season"),
    **field_words.DOWN_REASONS,
    **field_words.UP_REASONS,
}
CLOSING_CODES: Mapping[str, str] = {
    "fixed": N_("Fixed"),
    "partly_fixed": N_("Partly fixed"),
    "not_found": N_("Nothing found at the place"),
    "not_ours": N_("Not ours"),
    "merged": N_("Same as another report"),
    "declined": N_("Declined under a rule"),
    "planned": N_("Planned for a later date"),
    "answered": N_("Answered"),
}
# What each ending asks for, said beside it.
CLOSING_HINTS: Mapping[str, str] = {
    "fixed": N_("Photo from the spot, or the reason why there is none"),
    "partly_fixed": N_("What remains, and the date by when; with a photo from the spot"),
    "not_found": N_("Photo of the place"),
    "not_ours": N_("Why; goes back to the dispatcher, or to the outside body that you name"),
    "merged": N_("Give the number of the other report"),
    "declined": N_("Name the rule, in words for the public"),
    "planned": N_("Stays open; give the second date"),
    "answered": N_("The answer in words"),
}
STAGES: Mapping[str, str] = {
    "dispatch": N_("Dispatch"),
    "second": N_("Second date"),
    "pause": N_("Goes on by itself"),
    "arrive": N_("Arrive"),
    "hand_up": N_("Solve or hand up"),
    "answer": N_("Answer"),
    "accept": N_("Accept"),
    "first_answer": N_("First answer"),
    "resolve": N_("Resolve"),
    **custody_words.STAGES,
}
CLOCK_KINDS: Mapping[str, str] = {
    "promise": N_("Promise to the resident"),
    "unit": N_("Clock of the unit"),
    "second": N_("Second date"),
    "rest": N_("What remains to be done"),
    "pause": N_("End of the pause"),
    "extension": N_("Application for more time"),
    "callout": N_("Call-out of a crew"),
    "community": N_("Time of the community"),
    "supervision": N_("Supervision"),
    **custody_words.CLOCK_KINDS,
}
CLOCK_STATES: Mapping[str, str] = {
    "running": N_("running"),
    "paused": N_("on hold"),
    "met": N_("met"),
    "cancelled": N_("no longer counts"),
}
WHYS: Mapping[str, str] = {
    "objected": N_("Said to be the wrong unit"),
    "outside": N_("Outside every boundary"),
    "ambiguous": N_("Near a border"),
    "unaccepted": N_("Not accepted in time"),
    "desk": N_("With the coordination desk"),
    "redrawn": N_("The boundaries have changed"),
}
EVENTS: Mapping[str, str] = {
    "request.submitted": N_("Reported"),
    "request.routed": N_("Sent to a unit"),
    "request.assigned": N_("Assigned by hand"),
    "request.accepted": N_("Accepted"),
    "request.started": N_("Work started"),
    "request.updated": N_("Public update"),
    "request.noted": N_("Internal note"),
    "request.paused": N_("Put on hold"),
    "request.resumed": N_("Work went on"),
    "request.transferred": N_("Handed over"),
    "request.extended": N_("Second date set"),
    "request.resolved": N_("Resolved"),
    "request.confirmed": N_("Confirmed by a resident"),
    "request.contested": N_("Contested by a resident"),
    "request.reopened": N_("Reopened"),
    "request.rest_due": N_("The rest is due: opened again"),
    "request.closed": N_("Closed"),
    "request.rejected": N_("Declined"),
    "request.merged": N_("Marked as a duplicate"),
    "request.unmerged": N_("Separated from its duplicate"),
    "request.joined": N_("Another report was joined with this one"),
    "request.parted": N_("A joined report was separated again"),
    "question.answered": N_("The reporter answered a question"),
    "receipt.objected": N_("Somebody says this is the wrong unit"),
    "receipt.upheld": N_("Objection answered: the unit stays"),
    "contact.viewed": N_("Contact looked at"),
    "contact.erased": N_("The reporter's address was forgotten"),
    "text.erased": N_("The words as written were forgotten"),
    "relay.asked": N_("Written to the resident"),
    "relay.replied": N_("The resident wrote"),
    "clock.at_risk": N_("A clock is nearly due"),
    "clock.breached": N_("A clock has run out"),
    "media.ready": N_("Photo prepared"),
    "media.refused": N_("Photo refused"),
    "message.sent": N_("Message sent"),
    **clock_words.EVENTS,
    **incident_words.EVENTS,
    **field_words.EVENTS,
    **custody_words.EVENTS,
    **closing_words.EVENTS,
}
# Why somebody looks at a reporter's contact.
PURPOSES: Mapping[str, str] = {
    "ask_back": N_("To ask the reporter something"),
    "arrange_visit": N_("To arrange a visit"),
    "tell_outcome": N_("To tell the outcome"),
    "urgent_danger": N_("Because of an urgent danger"),
    "legal_duty": N_("Because a law demands it"),
}
PLACE_FLAGS: Mapping[str, str] = {
    "default_point": N_("Default point of the area, not the exact spot"),
    "area": N_("Only the area is known, not the exact spot"),
    "no_place": N_("No place was given"),
    "outside": N_("Outside every boundary"),
}
