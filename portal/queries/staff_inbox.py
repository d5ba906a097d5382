"""Knows what lies on a unit's desk: open cases in the order in which they fall due, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    Text,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from portal.models.crews import crew
from portal.models.desk import saved_filter
from portal.models.report import clock, report
from portal.queries.case_filter import (
    ANY_STATE,
    Part,
    Wanted,
    chosen,
    in_state,
    inline,
    is_open_here,
    of_units,
    states_of,
)
from portal.queries.case_lines import (
    PAGE_SIZE,
    Cursor,
    InboxRow,
    Page,
    as_line,
    due_keys,
    lines_of,
    newest_keys,
    page_of,
)
from portal.queries.objections import objected_cases
from routing.lifecycle import OPEN_STATES

if TYPE_CHECKING:
    from portal.queries.edition_changes import RecordedCase

__all__ = [
    "COUNTED_AT_MOST", "WHYS", "Column", "Cursor", "Frame", "InboxRow", "Page", "Part", "Wanted", "Why",
    "board", "dispatch_page", "frame", "inbox_keys", "inbox_page", "whys_of",
]  # fmt: skip

# Cases that a switch of maps noted, by token.
Noted: TypeAlias = "Mapping[str, RecordedCase]"
_NOTHING: Noted = {}
COUNTED_AT_MOST = 1000  # counting further would cost more than anybody reads off it
MOST_CREWS = 200
Why = Literal["objected", "outside", "ambiguous", "unaccepted", "desk", "redrawn"]
_UNDECIDED = ("submitted", "routed")
WHYS: tuple[Why, ...] = ("objected", "outside", "ambiguous", "unaccepted", "desk", "redrawn")


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a list: cases by state, the person's saved filters, and the crews that can be sent."""

    counts: Mapping[str, int]
    saved: Sequence[Mapping[str, Any]]
    crews: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the board: a state and its first cases."""

    state: str
    rows: Sequence[InboxRow]


def inbox_page(
    tx: Connection, jurisdiction_id: str, wanted: Wanted, after: Cursor | None = None, size: int = PAGE_SIZE
) -> Page:
    """A page of open cases: emergencies first, then whatever is due next; one statement."""
    keys = inbox_keys(jurisdiction_id, wanted, after, size + 1)
    return page_of(tx, keys, size, newest_first=wanted.is_newest_first)


def inbox_keys(
    jurisdiction_id: str,
    wanted: Wanted,
    after: Cursor | None = None,
    size: int = PAGE_SIZE,
) -> Select[Any]:
    """The keys (id, lane, key_at) of the cases that are due first, read from the index in its order.

    Of several units and states the first `size` of each are put in order: cheaper than sorting all they have.
    Rare words and a person's own jobs lead to the cases from the other side.
    """
    if wanted.is_newest_first:
        return _newest(jurisdiction_id, wanted, after, size)
    where = [*is_open_here(jurisdiction_id), *chosen(wanted)]
    is_rare = bool(wanted.words) or wanted.holder is not None or wanted.box is not None
    if wanted.part == "assist" or is_rare:
        # Open is said once: with the states named too, the planner would take them for two rare things at once.
        where += [*of_units(wanted), *([report.c.state == inline(wanted.state)] if wanted.state else [])]
        return due_keys(where, after, size)
    states = _listed(states_of(wanted), "state")
    each_list, where = states, [*where, report.c.state == states.c.state]
    if wanted.units is not None:
        units = _listed(sorted(wanted.units), "unit")
        each_list = states.join(units, true())
        where.append(report.c.lead_unit == units.c.unit)
    return _merged(each_list, where, after, size)


def _merged(lists: Any, where: Sequence[Any], after: Cursor | None, size: int) -> Select[Any]:
    """The first `size` of several lists, which `where` names: of each no more than that is read."""
    first = due_keys(where, after, size).lateral("first")
    order = (first.c.lane, first.c.key_at, first.c.id)
    return select(*first.c).select_from(lists.join(first, true())).order_by(*order).limit(size)


def _newest(jurisdiction_id: str, wanted: Wanted, after: Cursor | None, size: int) -> Select[Any]:
    """The same among closed cases: the newest first, of several units the newest of each put in order."""
    where = [report.c.jurisdiction_id == jurisdiction_id, *chosen(wanted)]
    if wanted.state != ANY_STATE:
        where.append(report.c.state == inline(wanted.state))
    if wanted.units is None or wanted.part == "assist" or wanted.words or wanted.holder is not None:
        return newest_keys([*where, *of_units(wanted)], after, size)
    units = _listed(sorted(wanted.units), "unit")
    first = newest_keys([*where, report.c.lead_unit == units.c.unit], after, size).lateral("first")
    order = (first.c.key_at.desc(), first.c.id.desc())
    return select(*first.c).select_from(units.join(first, true())).order_by(*order).limit(size)


def board(tx: Connection, jurisdiction_id: str, wanted: Wanted, size: int) -> list[Column]:
    """The open cases by state, the first `size` of each; one statement."""
    keys = [inbox_keys(jurisdiction_id, in_state(wanted, state), None, size) for state in OPEN_STATES]
    some = union_all(*(select(each.subquery()) for each in keys)).subquery()
    rows = [as_line(row) for row in tx.execute(lines_of(select(some)))]
    return [Column(state, [row for row in rows if row.state == state]) for state in OPEN_STATES]


def frame(tx: Connection, jurisdiction_id: str, wanted: Wanted, account_id: int) -> Frame:
    """What stands around a list; one statement."""
    mine = saved_filter.c.account_id == account_id
    saved = select(saved_filter.c.id, saved_filter.c.name, saved_filter.c.query).where(mine)
    row = tx.execute(
        select(
            _counts(jurisdiction_id, wanted).label("counts"),
            _as_list(saved.order_by(saved_filter.c.name)).label("saved"),
            _crews(jurisdiction_id, wanted).label("crews"),
        )
    ).one()
    counts = {each["state"]: each["number"] for each in row.counts}
    return Frame({state: counts.get(state, 0) for state in OPEN_STATES}, row.saved, row.crews)


def _counts(jurisdiction_id: str, wanted: Wanted) -> ScalarSelect[Any]:
    """How many open cases are in each state, whatever state is shown; each counted a little beyond COUNTED_AT_MOST.

    Where something was chosen that the indexes do not know, they are counted no further than that together.
    """
    where = [*is_open_here(jurisdiction_id), *of_units(wanted), *chosen(wanted)]
    if wanted.is_narrowed or wanted.part == "assist":
        some = select(report.c.state).where(*where).limit(COUNTED_AT_MOST + 1)
        found = some.subquery()
        return _as_list(select(found.c.state, func.count().label("number")).group_by(found.c.state))
    each = _listed(OPEN_STATES, "state")
    one = select(report.c.id).where(*where, report.c.state == each.c.state).limit(COUNTED_AT_MOST + 1)
    found = each.join(one.lateral("one"), true())
    return _as_list(
        select(each.c.state, func.count().label("number")).select_from(found).group_by(each.c.state)
    )


def _crews(jurisdiction_id: str, wanted: Wanted) -> ScalarSelect[Any]:
    here = [crew.c.jurisdiction_id == jurisdiction_id, crew.c.is_active]
    if wanted.units is not None:
        here.append(crew.c.unit_code.in_(sorted(wanted.units)))
    found = select(crew.c.crew_code, crew.c.unit_code, crew.c.name).where(*here)
    return _as_list(found.order_by(crew.c.position, crew.c.id).limit(MOST_CREWS))


def _as_list(rows: Select[Any]) -> ScalarSelect[Any]:
    each = rows.subquery()
    listed = func.coalesce(func.jsonb_agg(func.to_jsonb(each.table_valued())), func.jsonb_build_array())
    return select(listed).select_from(each).scalar_subquery()


def _listed(values: Sequence[str], name: str) -> Any:
    return func.unnest(literal(list(values), ARRAY(Text))).table_valued(name).render_derived(f"each_{name}")


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
    states = _listed(OPEN_STATES, "state")
    where = [*is_open_here(jurisdiction_id), report.c.state == states.c.state, or_(*reasons)]
    return page_of(tx, _merged(states, where, after, size + 1), size)


def whys_of(row: InboxRow, coordination_unit: str, at: datetime, noted: Noted = _NOTHING) -> tuple[Why, ...]:
    """Why a case stands on the dispatcher's page."""
    holds: dict[Why, bool] = {
        "objected": row.is_objected,
        "outside": row.place_flag == "outside",
        "ambiguous": row.is_ambiguous and row.state in _UNDECIDED,
        "unaccepted": row.state in _UNDECIDED
        and (row.clock_stage == "accept" and row.clock_due_at is not None and row.clock_due_at < at),
        "desk": row.lead_unit == coordination_unit,
        "redrawn": row.token in noted and noted[row.token].held_by == row.lead_unit,
    }
    return tuple(why for why in WHYS if holds[why])


def _reason(
    why: Why, jurisdiction_id: str, coordination_unit: str, at: datetime, noted: Noted
) -> ColumnElement[bool]:
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
    late = (
        select(clock.c.id)
        .where(
            clock.c.report_id == report.c.id,
            clock.c.kind == "unit",
            clock.c.stage == "accept",
            clock.c.state == "running",
            clock.c.due_at < at,
        )
        .correlate(report)
    )
    return undecided & late.exists()
