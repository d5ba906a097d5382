"""Knows how reports of one thing become one incident under its first report, and how one leaves it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, func, literal, or_, select, update

from portal.errors import Conflict
from portal.i18n import N_, Message
from portal.models.report import clock, report
from portal.operations.context import Actor, Context
from portal.operations.move_checks import Move, is_joining
from portal.operations.record_events import Draft, Head, lock_head, record

JOINED, PARTED = "request.joined", "request.parted"
MEANWHILE = N_(
    "Somebody else has joined or separated one of these reports in the meantime. Please look again."
)


@dataclass(frozen=True, slots=True)
class Other:
    """The report that one is joined with, under its lock. `leads_back`: it is itself joined with the first."""

    head: Head
    leads_back: bool

    @property
    def token(self) -> str:
        """Its number."""
        return self.head.token


def lock_other(tx: Connection, context: Context, token: str, move: Move) -> Other | None:
    """Lock both reports of a move that joins or parts them, in the order in which every writer locks.

    What somebody names may have been joined itself: then the first report of that incident is meant. None
    where the move concerns one report alone, or where the other one does not exist. Conflict where somebody
    else was quicker.
    """
    wanted = move.duplicate_of if is_joining(move) else token if move.action == "unmerge" else ""
    if not wanted or (wanted == token and is_joining(move)):
        return None
    here = (report.c.jurisdiction_id == context.jurisdiction_id) & report.c.token.in_([token, wanted])
    known = {row.token: row for row in tx.execute(_ends().where(here))}
    if known.keys() != {token, wanted}:
        return None
    first_id = known[wanted].primary_id or known[wanted].id
    if first_id == known[token].id:  # joined with this one already, or standing alone
        return None if move.action == "unmerge" else Other(lock_head(tx, known[wanted].id), leads_back=True)
    heads = {case_id: lock_head(tx, case_id) for case_id in sorted({known[token].id, first_id})}
    return Other(heads[first_id], _leads_back(tx, known[wanted], known[token].id, first_id))


def _ends() -> Any:
    return select(report.c.id, report.c.token, report.c.primary_id)


def _leads_back(tx: Connection, named: Row[Any], own_id: int, first_id: int) -> bool:
    """Under the locks the ends must still be where they were found: nobody makes a circle or a chain."""
    now = {row.id: row.primary_id for row in tx.execute(_ends().where(report.c.id.in_([named.id, first_id])))}
    if now[first_id] == own_id:
        return True
    if now[first_id] is not None or now[named.id] != named.primary_id:
        raise Conflict(Message(MEANWHILE))
    return False


def joining_faults(token: str, move: Move, other: Other | None) -> dict[str, Message]:
    """What is wrong with the number of the other report."""
    if not move.duplicate_of:
        return {"duplicate_of": Message(N_("Please give the number of the other report."))}
    if move.duplicate_of == token:
        return {"duplicate_of": Message(N_("This is the number of this report itself."))}
    if other is None:
        return {"duplicate_of": Message(N_("There is no report with this number."))}
    if other.leads_back:
        return {"duplicate_of": Message(N_("That report is already joined with this one."))}
    return {}


def tell_other(tx: Connection, other: Other, row: Row[Any], actor: Actor, move: Move) -> None:
    """Tie the two or untie them, and write into the other's book what came to it or left it.

    What was joined with this report comes along, and leaves with it. The earliest promise counts for all; it
    stays when its report leaves: a promise that everybody could read is not taken back.
    """
    public: dict[str, Any] = {"actor": actor.in_public(), "duplicate": row.token}
    if is_joining(move):
        _tie(tx, row.id, other.head.case_id)
        if (due_at := _hasten(tx, row, other.head.case_id)) is not None:
            public["promise_due_at"] = due_at.isoformat()
    else:
        _untie(tx, row.id)
    record(tx, other.head, [Draft(JOINED if is_joining(move) else PARTED, public)])


def _tie(tx: Connection, case_id: int, first_id: int) -> None:
    tx.execute(update(report).where(report.c.primary_id == case_id).values(primary_id=first_id))
    tx.execute(update(report).where(report.c.id == case_id).values(joined_id=first_id, primary_id=first_id))


def _untie(tx: Connection, case_id: int) -> None:
    """The report stands alone again, before everything that had been joined with it."""
    branch = select(literal(case_id, BigInteger).label("id")).cte("branch", recursive=True)
    branch = branch.union(select(report.c.id).join(branch, report.c.joined_id == branch.c.id))
    tx.execute(
        update(report)
        .where(report.c.id.in_(select(branch.c.id)), report.c.id != case_id)
        .values(primary_id=case_id)
    )
    tx.execute(update(report).where(report.c.id == case_id).values(joined_id=None, primary_id=None))


def _hasten(tx: Connection, row: Row[Any], first_id: int) -> datetime | None:
    """Move the open incident's promise to that of a report promised earlier; None where it stands."""
    if row.promise_due_at is None:
        return None
    earlier = or_(report.c.promise_due_at.is_(None), report.c.promise_due_at > row.promise_due_at)
    changed = tx.execute(
        update(report)
        .where(report.c.id == first_id, report.c.closed_at.is_(None), earlier)
        .values(
            promise_due_at=row.promise_due_at,
            next_due_at=func.least(report.c.next_due_at, row.promise_due_at),
        )
    )
    if not changed.rowcount:
        return None
    own = clock.alias()
    marks = {name: own.c[name] for name in ("at_risk_at", "nearly_at", "due_at")}
    tx.execute(
        update(clock)
        .where(
            clock.c.report_id == first_id, clock.c.kind == "promise", clock.c.state == "running",
            own.c.report_id == row.id, own.c.kind == "promise", own.c.due_at == row.promise_due_at,
            own.c.jurisdiction_id == clock.c.jurisdiction_id,
        )
        .values(next_at=func.least(clock.c.next_at, own.c.at_risk_at), **marks)
    )  # fmt: skip
    due_at: datetime = row.promise_due_at
    return due_at
