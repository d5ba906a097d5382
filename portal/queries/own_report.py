"""Knows what only the reporter of a report may read: what was written to and fro, who looked, and their wishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from portal.models.ledger import event, event_private
from portal.models.report import contact, report

WRITTEN, VIEWED = ("relay.asked", "relay.replied"), "contact.viewed"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message between unit and resident; `is_own` where the resident wrote it."""

    at: datetime
    is_own: bool
    unit_code: str
    text: str


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody opened the contact: in which role, for which unit, when, and what for."""

    at: datetime
    role: str
    unit_code: str
    purpose: str


@dataclass(frozen=True, slots=True)
class OwnReport:
    """A report as its reporter alone sees it; `wishes` is None where no address is kept."""

    token: str
    lead_unit: str
    wishes: Mapping[str, Any] | None
    is_forgotten: bool
    letters: Sequence[Letter]
    looks: Sequence[Look]


def own_report(tx: Connection, jurisdiction_id: str, token: str) -> OwnReport | None:
    """The reporter's own part of a report, in two statements; None for an unknown number."""
    query = (
        select(
            report.c.id,
            report.c.lead_unit,
            report.c.contact_erased_at,
            contact.c.report_id,
            contact.c.wishes,
            contact.c.channel,
        )
        .outerjoin(contact, contact.c.report_id == report.c.id)
        .where(report.c.jurisdiction_id == jurisdiction_id, report.c.token == token)
    )
    row = tx.execute(query).first()
    if row is None:
        return None
    events = _private_events(tx, row.id)
    return OwnReport(
        token,
        row.lead_unit,
        {"channel": row.channel, **(row.wishes or {})} if row.report_id else None,
        row.contact_erased_at is not None,
        [_letter(each) for each in events if each.kind in WRITTEN],
        [_look(each) for each in events if each.kind == VIEWED],
    )


def _private_events(tx: Connection, case_id: int) -> Sequence[Any]:
    private = (event_private.c.case_id == event.c.case_id) & (event_private.c.case_seq == event.c.case_seq)
    query = (
        select(event.c.at, event.c.kind, event.c.public, event_private.c.private)
        .join(event_private, private)
        .where(event.c.case_id == case_id, event.c.kind.in_((*WRITTEN, VIEWED)))
        .order_by(event.c.case_seq)
    )
    return tx.execute(query).all()


def _letter(row: Any) -> Letter:
    unit = row.public.get("actor", {}).get("unit", "")
    return Letter(row.at, row.kind == "relay.replied", unit, row.private.get("text", ""))


def _look(row: Any) -> Look:
    # Before it was kept from the public, this stood in the public part.
    known = {**row.public, **row.private}
    actor = known.get("actor", {})
    return Look(row.at, actor.get("role", ""), actor.get("unit", ""), known.get("purpose", ""))
