"""Knows what waits for the dispatcher, and why: objected to, outside, ambiguous, unaccepted, redrawn, or nobody's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, Text, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from portal.models.report import clock, report
from portal.queries.case_filter import is_open_here
from portal.queries.case_lines import PAGE_SIZE, Cursor, InboxRow, Page, page_of
from portal.queries.objections import objected_cases
from portal.queries.staff_inbox import each_of, merged
from routing.lifecycle import OPEN_STATES

if TYPE_CHECKING:
    from portal.queries.edition_changes import RecordedCase

# Cases that a switch of maps noted, by token.
Noted: TypeAlias = "Mapping[str, RecordedCase]"
_NOTHING: Noted = {}
Why = Literal["objected", "outside", "ambiguous", "unaccepted", "desk", "redrawn"]
WHYS: tuple[Why, ...] = ("objected", "outside", "ambiguous", "unaccepted", "desk", "redrawn")
_UNDECIDED = ("submitted", "routed")


def dispatch_page(
    tx: Connection,
    jurisdiction_id: str,
    coordination_unit: str,
    why: Why | None,
    at: datetime,
    noted: Noted = _NOTHING,
    after: Cursor | None = None,
    size: int = PAGE_SIZE,
) -> Page:
    """Open cases that wait for the dispatcher: objected to, outside, ambiguous, unaccepted, with the desk itself, or
    `noted` when the boundaries changed and still with the unit of then.
    """
    reasons = [
        _reason(each, jurisdiction_id, coordination_unit, at, noted) for each in WHYS if why in (None, each)
    ]
    states = each_of(OPEN_STATES, "state")
    where = [*is_open_here(jurisdiction_id), report.c.state == states.c.state, or_(*reasons)]
    return page_of(tx, merged(states, where, after, size + 1), size)


def whys_of(row: InboxRow, coordination_unit: str, at: datetime, noted: Noted = _NOTHING) -> tuple[Why, ...]:
    """Why a case stands on the dispatcher's page."""
    holds: dict[Why, bool] = {
        "objected": row.is_objected,
        "outside": row.place_flag == "outside",
        "ambiguous": row.is_ambiguous and row.state in _UNDECIDED,
        "unaccepted": row.state in _UNDECIDED and row.clock_due_at is not None and row.clock_due_at < at,
        "desk": row.lead_unit == coordination_unit,
        "redrawn": row.token in noted and noted[row.token].held_by == row.lead_unit,
    }
    return tuple(why for why in WHYS if holds[why])


def _reason(
    why: Why, jurisdiction_id: str, coordination_unit: str, at: datetime, noted: Noted
) -> ColumnElement[bool]:
    """The same as `whys_of` holds, asked of the database."""
    undecided = report.c.state.in_(_UNDECIDED)
    if why == "objected":
        return report.c.id.in_(objected_cases(jurisdiction_id))
    if why == "outside":
        return report.c.place_flag == "outside"
    if why == "ambiguous":
        return undecided & report.c.is_ambiguous
    if why == "desk":
        return report.c.lead_unit == coordination_unit
    if why == "redrawn":
        pairs = [
            literal([*noted], ARRAY(Text)),
            literal([one.held_by for one in noted.values()], ARRAY(Text)),
        ]
        held = func.unnest(*pairs).table_valued("token", "unit").render_derived()
        return tuple_(report.c.token, report.c.lead_unit).in_(select(held.c.token, held.c.unit))
    unaccepted = (
        select(clock.c.id)
        .where(
            clock.c.report_id == report.c.id,
            clock.c.kind == "unit",
            clock.c.state == "running",
            clock.c.due_at < at,
        )
        .correlate(report)
    )
    return undecided & unaccepted.exists()
