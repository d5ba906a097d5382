"""Knows what a move leaves behind: its event, public and private apart, and who gets a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from portal.masking import mask
from portal.operations.context import Actor
from portal.operations.move_checks import Move, is_joining
from portal.operations.outbox_rows import letter
from portal.operations.record_events import Draft
from routing.lifecycle import STATES, Transition

KINDS = {
    "route": "request.routed",
    "assign": "request.assigned",
    "accept": "request.accepted",
    "start": "request.started",
    "update": "request.updated",
    "note": "request.noted",
    "wait": "request.paused",
    "resume": "request.resumed",
    "transfer": "request.transferred",
    "extend": "request.extended",
    "resolve": "request.resolved",
    "confirm": "request.confirmed",
    "contest": "request.contested",
    "contest_by_others": "request.contested",
    "reopen": "request.reopened",
    "rest_due": "request.rest_due",
    "close": "request.closed",
    "reject": "request.rejected",
    "mark_duplicate": "request.merged",
    "unmerge": "request.unmerged",
    "contest_transfer": "request.transfer_contested",
    "rule": "request.ruled",
    "swap": "request.swapped",
    "order_swap": "request.swapped",
}
Proof = tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]
# Which moves the reporter is told of, and by which template.
TOLD_TO_REPORTER = {
    "accept": "accepted",
    "update": "updated",
    "transfer": "transferred",
    "assign": "transferred",
    "rule": "transferred",
    "swap": "transferred",
    "order_swap": "transferred",
    "extend": "extended",
    "reopen": "reopened",
    "rest_due": "reopened",
    "contest": "reopened",
    "contest_by_others": "reopened",
}
# An ending is told by its closing code: only the first four ask whether it is so.
ENDINGS = {
    "fixed": "resolved",
    "partly_fixed": "partly_fixed",
    "not_found": "not_found",
    "answered": "answered",
    "planned": "planned",
    "declined": "rejected",
    "merged": "merged",
}


def event_of(
    row: Row[Any], actor: Actor, move: Move, transition: Transition, lead: str, proof: Proof
) -> Draft:
    """The event of a move: people as role and unit, free text masked, the rest private.

    `proof`: what its photos say of themselves, for the public and for the desk.
    """
    public: dict[str, Any] = {"actor": actor.in_public(), "state": transition.to_state}
    if lead != row.lead_unit:
        public |= {"from": row.lead_unit, "to": lead}
    if transition.reason and transition.action in {"transfer", "wait", "contest_transfer"}:
        public["reason"] = transition.reason  # a code; free words are private
    if transition.closing_code:
        public["closing_code"] = transition.closing_code
    if move.public_text.strip():
        public["text"] = mask(move.public_text.strip())
    if move.outside_body.strip():
        public["outside_body"] = mask(move.outside_body.strip())
    if is_joining(move):
        public["duplicate_of"] = move.duplicate_of
    if proof[0]:
        public |= {"photos": len(proof[0]), "proof": proof[0]}
    if move.until is not None and (transition.has_date or transition.action == "wait"):
        public["until"] = move.until.isoformat()
    if transition.is_contested:
        public |= {"unit": row.closing_unit or row.lead_unit, "contests": row.reopen_count + 1}
    private = _private(actor, move) | ({"proof": proof[1]} if proof[1] else {})
    return Draft(KINDS[transition.action], public, private)


def _private(actor: Actor, move: Move) -> dict[str, Any]:
    told = {"note": move.note.strip(), "reason": move.reason.strip(), "text": move.public_text.strip()}
    return actor.in_private() | {key: value for key, value in told.items() if value}


def messages_of(row: Row[Any], move: Move, transition: Transition, lead: str) -> list[Mapping[str, Any]]:
    """Who is told: the reporter of what concerns them, a unit of what it now has to do."""
    messages: list[Mapping[str, Any]] = []
    if transition.to_desk:  # told with the dispute that it opens
        return messages
    template, due_at = _template(transition), row.promise_due_at
    if template:
        messages.append(letter(template, row.id, "reporter", lead, due_at, **_told(row, move, transition)))
    if lead != row.lead_unit:
        messages.append(letter("transferred_to_you", row.id, lead, lead, due_at))
    elif transition.is_contested or transition.action in {"reopen", "unmerge"}:
        messages.append(letter("contested", row.id, lead, lead, due_at))
    return messages


def _told(row: Row[Any], move: Move, transition: Transition) -> dict[str, str]:
    """What a letter to the reporter tells beside unit and promise."""
    told = {
        "text": mask(move.public_text.strip()),
        "outside_body": mask(move.outside_body.strip()) if transition.closing_code == "not_ours" else "",
        "duplicate_of": move.duplicate_of if is_joining(move) else "",
    }
    if move.until is not None and transition.has_date:
        told["second_due_at"] = move.until.isoformat()
    if transition.status == "closed" and STATES[transition.from_state] == "open":
        told["closing_no"] = str(row.closing_count + 1)
    return {key: value for key, value in told.items() if value}


def _template(transition: Transition) -> str:
    """The letter that tells the reporter of a move, as it truly ended; empty where they are not written to."""
    if transition.closing_code == "not_ours":
        return "outside"
    return ENDINGS.get(transition.closing_code) or TOLD_TO_REPORTER.get(transition.action, "")
