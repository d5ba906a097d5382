"""Knows which cases somebody says went to the wrong unit, and what the desk ruled on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, select

from portal.models.ledger import event, event_private
from portal.models.report import report

OBJECTED = "receipt.objected"
UPHELD = "receipt.upheld"
# Only a ruling answers an objection: the unit was changed, or the desk said why it stays.
CHANGED_BY = (
    "request.assigned",
    "request.transferred",
    "request.rerouted",
    "request.routed",
    "request.ruled",
    "request.swapped",
)
SETTLED_BY = (UPHELD, *CHANGED_BY)


@dataclass(frozen=True, slots=True)
class ObjectionRow:
    """One objection with the receipt that it is about; `words` as written, for the desk only."""

    token: str
    seq: int
    at: datetime
    role: str
    words: str
    should_be: str
    receipt: Mapping[str, Any]
    is_open: bool


@dataclass(frozen=True, slots=True)
class OpenObjection:
    """An objection that nobody has answered: the number of its event, and as whom it was said."""

    seq: int
    role: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An objection with what became of it: `answer` is the event that settled it, None while it waits."""

    said: Any
    answer: Any | None

    @property
    def is_upheld(self) -> bool:
        """Whether the desk said why the unit stays."""
        return self.answer is not None and self.answer.kind == UPHELD


def answered(events: Sequence[Any]) -> list[Answered]:
    """The objections among the events of a case (with seq and kind), each with the one that settled it."""
    settling = [each for each in events if each.kind in SETTLED_BY]
    return [
        Answered(said, next((each for each in settling if each.seq > said.seq), None))
        for said in events
        if said.kind == OBJECTED
    ]


def open_objections(tx: Connection, case_id: int) -> list[OpenObjection]:
    """The objections of a case that wait for an answer."""
    said = event.alias("said")
    query = (
        select(said.c.case_seq, said.c.public)
        .where(said.c.case_id == case_id, said.c.kind == OBJECTED, ~_settled(said))
        .order_by(said.c.case_seq)
    )
    return [OpenObjection(row.case_seq, row.public["actor"]["role"]) for row in tx.execute(query)]


def is_objected() -> ColumnElement[bool]:
    """Whether a report carries an objection that nothing has been done about since."""
    said = event.alias("said")
    return exists(
        select(said.c.id).where(
            said.c.jurisdiction_id == report.c.jurisdiction_id,
            said.c.kind == OBJECTED,
            said.c.case_id == report.c.id,
            ~_settled(said),
        )
    )


def objected_cases(jurisdiction_id: str) -> Select[tuple[int]]:
    """The cases of which that holds: for a list that asks it of many, once."""
    said = event.alias("said")
    mine = (said.c.jurisdiction_id == jurisdiction_id) & (said.c.kind == OBJECTED)
    return select(said.c.case_id).where(mine, ~_settled(said))


def objections(tx: Connection, jurisdiction_id: str, *, limit: int = 100) -> list[ObjectionRow]:
    """The newest objections of a city, open ones and settled ones."""
    said = event.alias("said")
    private = (event_private.c.case_id == said.c.case_id) & (event_private.c.case_seq == said.c.case_seq)
    query = (
        select(
            report.c.token,
            said.c.case_seq,
            said.c.at,
            said.c.public,
            event_private.c.private,
            (~_settled(said)).label("is_open"),
        )
        .join(report, report.c.id == said.c.case_id)
        .outerjoin(event_private, private)
        .where(said.c.jurisdiction_id == jurisdiction_id, said.c.kind == OBJECTED)
        .order_by(said.c.at.desc(), said.c.id.desc())
        .limit(limit)
    )
    return [_row(row) for row in tx.execute(query)]


def _settled(said: Any) -> ColumnElement[bool]:
    later = event.alias("later")
    return exists(
        select(later.c.id).where(
            later.c.case_id == said.c.case_id,
            later.c.case_seq > said.c.case_seq,
            later.c.kind.in_(SETTLED_BY),
        )
    )


def _row(row: Any) -> ObjectionRow:
    private = row.private or {}  # erased once the words are no longer kept
    return ObjectionRow(
        token=row.token,
        seq=row.case_seq,
        at=row.at,
        role=row.public["actor"]["role"],
        words=private.get("text", row.public["text"]),
        should_be=row.public.get("should_be", ""),
        receipt=private.get("receipt", row.public["receipt"]),
        is_open=row.is_open,
    )
