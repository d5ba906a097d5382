"""Knows the lists of a unit's desk: open cases in the order in which they fall due, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    ScalarSelect,
    Select,
    Text,
    func,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from portal.models.crews import crew
from portal.models.desk import saved_filter
from portal.models.report import report
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
    order_of,
    page_of,
)
from portal.queries.people import people_of
from routing.lifecycle import OPEN_STATES

__all__ = [
    "COUNTED_AT_MOST", "Column", "Cursor", "Frame", "InboxRow", "Page", "Part", "Wanted",
    "board", "each_of", "frame", "inbox_keys", "inbox_page", "merged",
]  # fmt: skip

COUNTED_AT_MOST = 1000  # counting further would cost more than anybody reads off it
MOST_CREWS = 200


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a list: cases by state, the person's saved filters, the crews and people to be sent."""

    counts: Mapping[str, int]
    saved: Sequence[Mapping[str, Any]]
    crews: Sequence[Mapping[str, Any]]
    people: Sequence[Mapping[str, Any]]


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
    is_rare = is_rare or wanted.person is not None or wanted.about in ("risk", "reopened", "asked")
    if wanted.part == "assist" or is_rare:
        # Open is said once: with the states named too, the planner would take them for two rare things at once.
        where += [*of_units(wanted), *([report.c.state == inline(wanted.state)] if wanted.state else [])]
        return due_keys(where, after, size)
    states = each_of(states_of(wanted), "state")
    each_list, where = states, [*where, report.c.state == states.c.state]
    if wanted.units is not None:
        units = each_of(sorted(wanted.units), "unit")
        each_list = states.join(units, true())
        where.append(report.c.lead_unit == units.c.unit)
    return merged(each_list, where, after, size)


def merged(lists: Any, where: Sequence[Any], after: Cursor | None, size: int) -> Select[Any]:
    """The first `size` of several lists, which `where` names: of each no more than that is read."""
    first = due_keys(where, after, size).lateral("first")
    order = order_of(first, newest_first=False)
    return select(*first.c).select_from(lists.join(first, true())).order_by(*order).limit(size)


def _newest(jurisdiction_id: str, wanted: Wanted, after: Cursor | None, size: int) -> Select[Any]:
    """The same among closed cases: the newest first, of several units the newest of each put in order."""
    where = [report.c.jurisdiction_id == jurisdiction_id, *chosen(wanted)]
    if wanted.state != ANY_STATE:
        where.append(report.c.state == inline(wanted.state))
    if wanted.units is None or wanted.part == "assist" or wanted.words or wanted.holder is not None:
        return newest_keys([*where, *of_units(wanted)], after, size)
    units = each_of(sorted(wanted.units), "unit")
    first = newest_keys([*where, report.c.lead_unit == units.c.unit], after, size).lateral("first")
    order = order_of(first, newest_first=True)
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
            _as_list(people_of(jurisdiction_id, wanted.units)).label("people"),
        )
    ).one()
    counts = {each["state"]: each["number"] for each in row.counts}
    return Frame({state: counts.get(state, 0) for state in OPEN_STATES}, row.saved, row.crews, row.people)


def _counts(jurisdiction_id: str, wanted: Wanted) -> ScalarSelect[Any]:
    """How many open cases are in each state, whatever state is shown; each counted a little beyond COUNTED_AT_MOST.

    Where something was chosen that the indexes do not know, they are counted no further than that together.
    """
    where = [*is_open_here(jurisdiction_id), *of_units(wanted), *chosen(wanted)]
    if wanted.is_narrowed or wanted.part == "assist":
        some = select(report.c.state).where(*where).limit(COUNTED_AT_MOST + 1)
        found = some.subquery()
        return _as_list(select(found.c.state, func.count().label("number")).group_by(found.c.state))
    each = each_of(OPEN_STATES, "state")
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


def each_of(values: Sequence[str], name: str) -> Any:
    """The values as rows with one column `name`."""
    return func.unnest(literal(list(values), ARRAY(Text))).table_valued(name).render_derived(f"each_{name}")
