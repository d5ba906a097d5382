"""Knows how a street and its communities hand a case to each other: to solve it, to look, and up again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from portal.db import insert_together
from portal.errors import InvalidInput
from portal.i18n import N_, Message
from portal.masking import mask
from portal.models.crews import UNENDED, community_duty
from portal.models.report import clock, report
from portal.operations.call_crew import after_move
from portal.operations.case_step import open_step
from portal.operations.context import Actor, Context
from portal.operations.move_clocks import apply_effects
from portal.operations.move_report import Case
from portal.operations.outbox_rows import DELIVER, letter, outbox_row
from portal.operations.own_clocks import end_clock, own_clock
from portal.operations.record_events import Draft, record
from portal.operations.submission import clean_text, long_faults
from portal.operations.wind_up import end_duty
from portal.queries.staff_rights import ACCUSED, accused_units
from routing.lifecycle import Transition

COMMUNITY = "community"
KIND, STAGE = "community", "hand_up"
LONGEST = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Handing:
    """Why a case goes down or up, to which community, until when, and words: for the public, and for the desk."""

    reason: str
    to_unit: str = ""
    until: datetime | None = None
    public_text: str = ""
    note: str = ""
    seen_seq: int | None = None


def hand_down(tx: Connection, context: Context, token: str, actor: Actor, handing: Handing) -> None:
    """A street gives a case to one of its communities, to solve or to verify it, until an instant.

    The unit's clocks run on: this is no transfer. Raises NotFound, Forbidden, Conflict, InvalidInput.
    """
    case, transition = open_step(
        tx, context, token, actor, "hand_down", reason=handing.reason, seen_seq=handing.seen_seq
    )
    faults = _down_faults(case, handing)
    if faults or handing.until is None:
        raise InvalidInput(faults)
    _carry(tx, context, case, transition, handing, handing.to_unit)
    duty = {
        "jurisdiction_id": context.jurisdiction_id, "report_id": case.row.id, "street_unit": case.row.lead_unit,
        "community_unit": handing.to_unit, "purpose": handing.reason, "given_at": case.now,
        "due_at": handing.until,
    }  # fmt: skip
    boxed = own_clock(case.city, case.row.id, KIND, STAGE, handing.to_unit, case.now, handing.until)
    insert_together(tx, [(community_duty, [duty]), (clock, [boxed])])


def hand_up(tx: Connection, context: Context, token: str, actor: Actor, handing: Handing) -> None:
    """A community gives a case to its street: it cannot do it, or it has looked. Never counts as a transfer."""
    case, transition = open_step(
        tx, context, token, actor, "hand_up", reason=handing.reason, seen_seq=handing.seen_seq
    )
    street = _street(tx, case)
    if street in accused_units(case.row.about_unit, case.city.directory):
        street = case.city.coordination_unit
    end_duty(tx, case.row.id, handing.reason, case.now)
    end_clock(tx, case.row.id, KIND, STAGE, case.now)
    _carry(tx, context, case, transition, handing, street)


def communities_below(case_city: Any, unit_code: str) -> list[str]:
    """The communities to which a street may hand a case down."""
    directory = case_city.directory
    return [
        unit.code
        for unit in directory
        if unit.level == COMMUNITY and directory.is_below(unit.code, unit_code)
    ]


def _street(tx: Connection, case: Case) -> str:
    """Who gave it to the community, else the unit above it."""
    given = select(community_duty.c.street_unit).where(community_duty.c.report_id == case.row.id, UNENDED)
    above = case.city.directory.supervisor_of(case.row.lead_unit)
    return str(tx.scalar(given) or above or case.city.coordination_unit)


def _down_faults(case: Case, handing: Handing) -> dict[str, Message]:
    faults = {}
    if handing.to_unit not in communities_below(case.city, case.row.lead_unit):
        faults["to_unit"] = Message(N_("Please choose one of the communities of this street."))
    elif handing.to_unit in accused_units(case.row.about_unit, case.city.directory):
        faults["to_unit"] = Message(ACCUSED)
    if handing.until is None or not case.now < handing.until <= case.now + LONGEST:
        faults["until"] = Message(N_("Please give a date within the next 30 days."))
    return faults


def _carry(
    tx: Connection, context: Context, case: Case, transition: Transition, handing: Handing, lead: str
) -> None:
    """The case goes over; its clocks run on for the new unit, its transfers are not counted."""
    texts = {"public_text": clean_text(handing.public_text), "note": clean_text(handing.note)}
    if faults := long_faults(**texts):
        raise InvalidInput(faults)
    apply_effects(tx, context, case.city, case.row, transition, lead, case.now)
    assist = [unit for unit in case.row.assist_units if unit != lead]
    changed = {
        "state": transition.to_state,
        "lead_unit": lead,
        "assist_units": assist,
        "updated_at": case.now,
    }
    tx.execute(update(report).where(report.c.id == case.row.id).values(changed))
    public: dict[str, Any] = {
        "actor": case.actor.in_public(), "state": transition.to_state, "from": case.row.lead_unit, "to": lead,
        "reason": handing.reason,
    }  # fmt: skip
    if texts["public_text"]:
        public["text"] = mask(texts["public_text"])
    private = case.actor.in_private() | {"text": texts["public_text"], "note": texts["note"]}
    kind = "request.handed_up" if transition.action == "hand_up" else "request.handed_down"
    draft = Draft(kind, public, {key: value for key, value in private.items() if value})
    due = handing.until or case.row.promise_due_at
    told = [letter("transferred_to_you", case.row.id, lead, lead, due)]
    record(tx, case.head, [draft], [outbox_row(context.jurisdiction_id, case.now, DELIVER, told)])
    after_move(tx, context, case.city, case.row, lead, transition.to_state)
