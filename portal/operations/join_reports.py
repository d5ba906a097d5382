"""Knows how two reports of the same thing are joined and parted: each one's book names the other."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from portal.i18n import N_, Message
from portal.models.ledger import event
from portal.models.report import report
from portal.operations.context import Actor, Context
from portal.operations.move_checks import Move, is_joining
from portal.operations.record_events import Draft, Head, lock_head, record

JOINED, PARTED = "request.joined", "request.parted"
DUPLICATE = "duplicate"
MOST_LINKS = 100


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

    None where the move concerns one report alone, or where the other one does not exist.
    """
    if is_joining(move):
        wanted = move.duplicate_of
    else:
        wanted = joined_with(tx, context, token) if move.action == "unmerge" else ""
    if not wanted or wanted == token:
        return None
    here = (report.c.jurisdiction_id == context.jurisdiction_id) & report.c.token.in_([token, wanted])
    ids = {row.token: row.id for row in tx.execute(select(report.c.token, report.c.id).where(here))}
    if ids.keys() != {token, wanted}:
        return None
    heads = {case_id: lock_head(tx, case_id) for case_id in sorted(ids.values())}
    return Other(heads[ids[wanted]], _leads_to(tx, context, wanted, token))


def joined_with(tx: Connection, context: Context, token: str) -> str:
    """The number of the report that this one is joined with now; empty where it stands on its own."""
    query = (
        select(event.c.public["duplicate_of"].astext)
        .join(report, report.c.id == event.c.case_id)
        .where(report.c.token == token, report.c.jurisdiction_id == context.jurisdiction_id)
        .where(report.c.state == DUPLICATE, event.c.public.has_key("duplicate_of"))
        .order_by(event.c.case_seq.desc())
        .limit(1)
    )
    return tx.scalar(query) or ""


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


def tell_other(tx: Connection, other: Other, token: str, actor: Actor, move: Move) -> None:
    """Write into the other report's book what was joined with it, or parted from it."""
    kind = JOINED if is_joining(move) else PARTED
    record(tx, other.head, [Draft(kind, {"actor": actor.in_public(), "duplicate": token})])


def _leads_to(tx: Connection, context: Context, token: str, goal: str) -> bool:
    for _ in range(MOST_LINKS):
        token = joined_with(tx, context, token)
        if token in ("", goal):
            return token == goal
    return True  # a chain this long is as good as a circle
