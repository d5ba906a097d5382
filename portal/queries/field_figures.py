"""Knows figures by kind of feedback, the share that communities solved, and how contractors kept their contracts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from portal.models.report import clock, report
from portal.queries.front_page import resolved_halves
from routing.closing import CLOSING_CODES
from routing.shares import SMALLEST_SAMPLE

# What counts as solved in the shares of communities: closed with an ending that settles it, wholly or in part.
SOLVED = tuple(code.code for code in CLOSING_CODES.values() if code.counts_as in ("yes", "half"))


@dataclass(frozen=True, slots=True)
class KindFigures:
    """What came in of one kind in a period, how much of it is open, and how much was closed by its promise."""

    kind: str
    received: int = 0
    open: int = 0
    closed: int = 0
    judged: int = 0
    on_time: int = 0

    @property
    def on_time_share(self) -> float | None:
        """Of those whose promise is due; None for too few."""
        return self.on_time / self.judged if self.judged >= SMALLEST_SAMPLE else None


@dataclass(frozen=True, slots=True)
class ContractFigures:
    """How a contractor kept the targets of its own contract: resolve clocks that fell due in a period."""

    unit_code: str
    judged: int
    on_time: int

    @property
    def on_time_share(self) -> float | None:
        """None for too few."""
        return self.on_time / self.judged if self.judged >= SMALLEST_SAMPLE else None


def kind_figures(
    tx: Connection, jurisdiction_id: str, since: datetime, now: datetime
) -> Mapping[str, KindFigures]:
    """The figures of every kind that came in since an instant, in one statement from one index."""
    is_due = report.c.promise_due_at <= now
    kept = report.c.closed_at <= report.c.promise_due_at
    query = (
        select(
            report.c.kind,
            func.count(),
            func.count().filter(report.c.closed_at.is_(None)),
            func.count(report.c.closed_at),
            func.count().filter(is_due),
            func.count().filter(is_due, kept),
        )
        .where(report.c.jurisdiction_id == jurisdiction_id, report.c.opened_at >= since)
        .where(report.c.state != "duplicate")
        .group_by(report.c.kind)
    )
    return {row[0]: KindFigures(*row) for row in tx.execute(query)}


def community_share(
    tx: Connection, jurisdiction_id: str, communities: Collection[str], since: datetime
) -> tuple[float, float]:
    """How many cases were solved since an instant, by these communities and altogether; in part counts half."""
    theirs = report.c.lead_unit.in_(sorted(communities))
    halves = func.sum(resolved_halves())
    query = select(func.coalesce(halves.filter(theirs), 0), func.coalesce(halves, 0)).where(
        report.c.jurisdiction_id == jurisdiction_id,
        report.c.closed_at >= since,
        report.c.closing_code.in_(SOLVED),
    )
    solved, of_all = tx.execute(query).one()
    return solved / 2, of_all / 2


def contract_figures(
    tx: Connection, jurisdiction_id: str, contractors: Collection[str], since: datetime, now: datetime
) -> Mapping[str, ContractFigures]:
    """Contractors by their own clocks, apart from the promise to the resident; one statement, from the index."""
    kept = clock.c.met_at <= clock.c.due_at
    query = (
        select(clock.c.unit_code, func.count(), func.count().filter(kept))
        .where(clock.c.jurisdiction_id == jurisdiction_id, clock.c.unit_code.in_(sorted(contractors)))
        .where(clock.c.kind == "unit", clock.c.stage == "resolve", clock.c.state.in_(["running", "met"]))
        .where(clock.c.due_at > since, clock.c.due_at <= now)
        .group_by(clock.c.unit_code)
    )
    return {row[0]: ContractFigures(*row) for row in tx.execute(query)}
