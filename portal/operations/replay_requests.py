"""Knows how past requests go through the real intake at the time they were made, and how our answers compare."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import Connection

from portal import clock
from portal.db import Database
from portal.errors import Conflict, InvalidInput
from portal.operations.context import Context
from portal.operations.submission import Submission
from portal.operations.submit_report import Submitted, submit_report
from portal.pack.mapping import RequestMapping
from portal.pack.request_rows import RequestRow
from routing.default_points import PlaceCounts

BATCH = 200
NEAR_EDGE_M = 5.0
# A repeated replay finds the reports of the one before.
NAMESPACE = uuid.UUID("5a0d5b0e-6f5e-4d4a-9a37-0c3a7b1d9e11")


@dataclass(slots=True)
class Agreement:
    """Recorded boundary codes against our own: all of them, and those farther than 5 m from any border."""

    compared: int = 0
    agreed: int = 0
    compared_inside: int = 0
    agreed_inside: int = 0

    def add(self, is_same: bool, is_near_edge: bool) -> None:
        """Count one row."""
        self.compared += 1
        self.agreed += is_same
        if not is_near_edge:
            self.compared_inside += 1
            self.agreed_inside += is_same


@dataclass(slots=True)
class Summary:
    """What a replay did, by unit, rule and confidence."""

    rows: int = 0
    stored: int = 0
    repeated: int = 0
    clocks: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    confidence: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    ambiguous: int = 0
    agreement: dict[str, Agreement] = field(default_factory=dict)
    places: PlaceCounts = field(default_factory=PlaceCounts)  # those that the mapping does not flag already


def replay_requests(
    database: Database,
    context: Context,
    rows: Iterable[RequestRow],
    mapping: RequestMapping,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Submit every row under a simulated clock, a few hundred to a transaction; nothing is sent to anybody."""
    summary = Summary(agreement={name: Agreement() for name in mapping.compare})
    for batch in _batches(rows):
        with database.transaction() as tx:
            for row in batch:
                _replay_row(tx, context, row, mapping, summary)
        on_progress(summary.rows)
    return summary


def _batches(rows: Iterable[RequestRow]) -> Iterator[list[RequestRow]]:
    source = iter(rows)
    while batch := list(islice(source, BATCH)):
        yield batch


def _replay_row(
    tx: Connection, context: Context, row: RequestRow, mapping: RequestMapping, summary: Summary
) -> None:
    summary.rows += 1
    if row.lon is not None and row.lat is not None and row.default_point is None:
        summary.places.add(row.lon, row.lat)
    if row.opened_at is None:
        summary.refused["no time"] += 1
        return
    with clock.simulated(row.opened_at):
        try:
            submitted = submit_report(tx, context, _submission(context, row))
        except (InvalidInput, Conflict) as error:  # a conflict: a number that the file uses twice
            summary.refused[str(error)] += 1
            return
    if submitted.is_repeat or submitted.answer is None:
        summary.repeated += 1
    else:
        _count(summary, row, submitted, mapping)


def _submission(context: Context, row: RequestRow) -> Submission:
    name = f"{context.jurisdiction_id}:{row.external_id or row.number}"
    return Submission(
        service_code=row.service_code,
        lon=None if row.default_point else row.lon,  # a default point is no place: flagged, not trusted
        lat=None if row.default_point else row.lat,
        datum="wgs84",
        description=row.description,
        client_request_id=uuid.uuid5(NAMESPACE, name),
        channel="replay",
        place_flag="default_point" if row.default_point else None,
        is_place_optional=True,
    )


def _count(summary: Summary, row: RequestRow, submitted: Submitted, mapping: RequestMapping) -> None:
    answer = submitted.answer
    assert answer is not None
    decision = answer.routed.decision
    summary.stored += 1
    summary.clocks += len(answer.clocks)
    summary.units[answer.lead] += 1
    summary.rules[decision.rule_id] += 1
    summary.confidence[f"{decision.confidence:.1f}"] += 1
    summary.ambiguous += decision.ambiguous
    if answer.place_flag:
        summary.flags[answer.place_flag] += 1
    if row.default_point is None:
        _compare(summary, row, submitted, mapping)


def _compare(summary: Summary, row: RequestRow, submitted: Submitted, mapping: RequestMapping) -> None:
    assert submitted.answer is not None
    facts = submitted.answer.routed.facts
    if facts.point is None:
        return
    for name, recorded in row.compare.items():
        layer = mapping.compare[name].layer
        hits = [hit for hit in facts.hits if hit.layer == layer]
        is_near = not hits or any(hit.edge_m is not None and hit.edge_m <= NEAR_EDGE_M for hit in hits)
        summary.agreement[name].add(any(hit.code == recorded for hit in hits), is_near)
