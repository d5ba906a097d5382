"""Knows what ends with a case, or with a unit's turn: a community's duty, and crews that were asked for or lent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, case, update

from portal.models.crews import UNENDED, community_duty, crew_loan
from portal.models.report import clock
from portal.operations.context import SYSTEM
from portal.operations.record_events import Draft, lock_head, record
from routing.lifecycle import STATES

MOVED = "moved"
# The clocks that concern whoever held the case, not the case itself.
_OF_TURN = ("community", "callout")


def wind_up(tx: Connection, row: Row[Any], state: str, now: datetime) -> None:
    """End what a locked case had running for the unit that held it: `row` is the case before, `state` its new state.

    A community that solved its case has kept its time; whatever waits for a crew waits in vain.
    """
    outcome = state if STATES[state] == "closed" else MOVED
    end_duty(tx, row.id, outcome, now)
    is_kept = (clock.c.kind == "community") & (outcome == "resolved")
    running = clock.c.kind.in_(_OF_TURN) & clock.c.state.in_(("running", "paused"))
    tx.execute(
        update(clock)
        .where(clock.c.report_id == row.id, running)
        .values(state=case((is_kept, "met"), else_="cancelled"), met_at=case((is_kept, now)), next_at=None)
    )
    _end_loans(tx, row, now)


def end_duty(tx: Connection, case_id: int, outcome: str, now: datetime) -> None:
    """A community has the case no longer: it solved it, handed it up, or it went elsewhere."""
    of_case = (community_duty.c.report_id == case_id) & UNENDED
    tx.execute(update(community_duty).where(of_case).values(ended_at=now, outcome=outcome))


def _end_loans(tx: Connection, row: Row[Any], now: datetime) -> None:
    """A crew that was lent goes home, one that was asked for need not come; the case's book says so."""
    lent = crew_loan.c.state.in_(("granted", "arrived"))
    ended = (
        update(crew_loan)
        .where(crew_loan.c.report_id == row.id, UNENDED)
        .values(state=case((lent, "returned"), else_="withdrawn"), ended_at=now)
        .returning(crew_loan)
    )
    drafts = [_draft(loan) for loan in tx.execute(ended)]
    if drafts:
        record(tx, lock_head(tx, row.id), drafts)


def _draft(loan: Row[Any]) -> Draft:
    public = {"actor": SYSTEM.in_public(), "from": loan.owner_unit, "to": loan.borrower_unit}
    return Draft(f"crew.{loan.state}", public, {"crew": loan.crew_code})
