"""Knows how clocks are watched: whatever is due is told, breached and escalated, once, however many sweep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ARRAY, BigInteger, Connection, Row, Table, any_, exists, literal, select

from portal import clock as time
from portal.db import Rows, update_together
from portal.models.ledger import case_file
from portal.models.oversight import supervision
from portal.models.report import clock, contact, report
from portal.operations.clock_warnings import QUIET_STEPS, Told, draft_of, letters_of, looked_at, told_of
from portal.operations.outbox_rows import DELIVER, outbox_row
from portal.operations.record_events import Entry, head_of, record_all
from portal.operations.supervision_rows import supervision_rows
from portal.queries.ladders import ladders
from portal.queries.messages import can_be_told
from routing.escalation import BREACHED, REMINDED, Escalation, Ladder, Look, clock_colour, look_at, rule_of

# A due clock, and what looking at it brings.
Looked: TypeAlias = tuple[Row[Any], Look]


def sweep_clocks(tx: Connection, limit: int = 1000, only: Collection[int] = ()) -> int:
    """Handle the clocks that are due, oldest first, about `limit` at once; answers how many were looked at.

    `only`: those of these cases, for a history that is lived again.

    A case that somebody else is working on is passed over and comes up again. The case is locked before its
    clocks, as every other writer does it, and read again under the lock: what another sweeper did meanwhile
    is not done twice. No sweeper waits for a case, so several share the work and never stand in each other's way.
    """
    now = time.now()
    heads = tx.execute(due_cases(now, limit, only)).all()
    if not heads:
        return 0
    due = tx.execute(_due_clocks({head.id for head in heads}, now)).all()
    if due:
        _write(tx, {head.id: head for head in heads}, due, now)
    return max(len(due), len(heads))


def due_cases(now: datetime, limit: int, only: Collection[int] = ()) -> Any:
    """The heads of the cases with the oldest due clocks, locked; a case with several clocks may come twice."""
    query = (
        select(case_file)
        .join(clock, clock.c.report_id == case_file.c.id)
        .where(clock.c.next_at <= now)
        .order_by(clock.c.next_at, clock.c.id)
        .limit(limit)
        .with_for_update(of=case_file, skip_locked=True)
    )
    return query.where(clock.c.report_id.in_(only)) if only else query


def _due_clocks(case_ids: set[int], now: datetime) -> Any:
    is_supervised = exists().where(supervision.c.report_id == report.c.id, supervision.c.state == "open")
    return (
        select(
            clock, report.c.lead_unit, report.c.about_unit, report.c.colour, report.c.closed_at,
            report.c.kind.label("feedback"), can_be_told().label("can_be_told"),
            is_supervised.correlate(report).label("is_supervised"),
        )
        .join(report, report.c.id == clock.c.report_id)
        .outerjoin(contact, contact.c.report_id == clock.c.report_id)
        # One array is read far quicker than a thousand parameters.
        .where(clock.c.report_id == any_(literal(sorted(case_ids), ARRAY(BigInteger))), clock.c.next_at <= now)
        .order_by(clock.c.report_id, clock.c.id)
    )  # fmt: skip


def _write(tx: Connection, heads: Mapping[int, Row[Any]], due: Sequence[Row[Any]], now: datetime) -> None:
    """All that a batch brings in a handful of statements, whatever its size."""
    known = _ladders(tx, heads, due, now)
    by_case: defaultdict[int, list[Looked]] = defaultdict(list)
    clocks: list[Mapping[str, Any]] = []
    for row in due:
        look = look_at(row, now, _steps(row, known.get(row.jurisdiction_id)))
        by_case[row.report_id].append((row, look))
        clocks.append(looked_at(row, look))
    entries = [_entry(heads[each], looked, known, now) for each, looked in by_case.items()]
    colours = [raised for looked in by_case.values() for raised in _colour([row for row, _ in looked], now)]
    record_all(tx, entries, now)
    update_together(tx, report, "id", colours)
    update_together(tx, clock, "id", clocks)


def _ladders(
    tx: Connection, heads: Mapping[int, Row[Any]], due: Sequence[Row[Any]], now: datetime
) -> dict[str, Ladder]:
    """The ladders of the cities in which something has run out; read only then."""
    late = {heads[row.report_id].jurisdiction_id for row in due if row.due_at <= now}
    return ladders(tx, late) if late else {}


def _steps(row: Row[Any], ladder: Ladder | None) -> Any:
    """The ladder behind a clock; what is late in a case that has ended is told, but climbs to nobody."""
    return ladder.escalation.steps if ladder and row.closed_at is None else QUIET_STEPS


def _entry(found: Row[Any], looked: Sequence[Looked], known: Mapping[str, Ladder], now: datetime) -> Entry:
    """Events, messages and supervision of one case."""
    ladder = known.get(found.jurisdiction_id)
    told = [told_of(row, mark, ladder) for row, look in looked for mark in look.passed]
    drafts = [draft_of(each) for each in told if each.mark != REMINDED]
    letters = [letter for each in told for letter in letters_of(each)]
    case = looked[0][0]
    rows: list[tuple[Table, Rows]] = []
    if ladder is not None and _is_supervision_due(told, case, ladder.escalation):
        figures, centre = ladder.escalation, ladder.directory.coordination_unit
        known_there = any(each.recipient == centre for each in told)
        opened = supervision_rows(
            case,
            "escalation",
            figures.shares,
            figures.supervision_hours,
            now,
            centre="" if known_there else centre,
        )
        drafts.append(opened.draft)
        letters += opened.letters
        rows += opened.rows
    rows.append(outbox_row(found.jurisdiction_id, now, DELIVER, letters))
    return head_of(found), drafts, rows


def _is_supervision_due(told: Sequence[Told], case: Row[Any], figures: Escalation) -> bool:
    """Whether a step was reached that opens supervision of a case that is open and not supervised already."""
    if case.is_supervised or case.closed_at is not None or case.feedback not in figures.supervised_kinds:
        return False
    return any(each.step and each.step.supervise and rule_of(each.row.kind).supervises for each in told)


def _colour(rows: Sequence[Row[Any]], now: datetime) -> list[Mapping[str, Any]]:
    """The case's colour where what is due raises it; it falls only with what somebody does to the case.

    A case that has ended has none: what is still due of it is told to its unit.
    """
    new = max(clock_colour(row, now) for row in rows)
    is_raised = (
        rows[0].closed_at is None and new > rows[0].colour and any(row.mark < BREACHED for row in rows)
    )
    return [{"id": rows[0].report_id, "colour": new}] if is_raised else []
