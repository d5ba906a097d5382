"""Knows how events get onto a case: chained under its row lock, private parts apart and erasable."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, Table, select, update

from portal import clock
from portal.db import Rows, as_bytea, insert_together, update_together
from portal.models.ledger import case_file, event, event_private
from routing.custody import GENESIS, SALT_BYTES, commit_private, link_hash

NOTHING_PRIVATE = bytes(32)


@dataclass(frozen=True, slots=True)
class Draft:
    """An event to be recorded: what everybody may read, and what only the desk may."""

    kind: str
    public: Mapping[str, Any]
    private: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a case's chain, valid while its row is locked (or before it exists)."""

    case_id: int
    jurisdiction_id: str
    token: str
    last_seq: int = 0
    last_hash: bytes = GENESIS


# What is to be recorded of one case, and the other rows that come with it.
Entry: TypeAlias = tuple[Head, Sequence[Draft], Sequence[tuple[Table, Rows]]]


def lock_head(tx: Connection, case_id: int) -> Head:
    """Lock a case against other writers and read the end of its chain."""
    row = tx.execute(select(case_file).where(case_file.c.id == case_id).with_for_update()).one()
    return head_of(row)


def head_of(row: Row[Any]) -> Head:
    """The end of a chain from its row of `case_file`, which is locked."""
    return Head(row.id, row.jurisdiction_id, row.token, row.last_seq, row.last_hash)


def chained(head: Head, drafts: Sequence[Draft], at: datetime) -> tuple[Head, list[tuple[Table, Rows]]]:
    """The new end of the chain and the rows to insert for it; writes nothing."""
    events: list[dict[str, Any]] = []
    privates: list[dict[str, Any]] = []
    seq, last, instant = head.last_seq, head.last_hash, at.isoformat()
    for draft in drafts:
        seq, commitment = seq + 1, NOTHING_PRIVATE
        key = {"jurisdiction_id": head.jurisdiction_id, "case_id": head.case_id, "case_seq": seq}
        if draft.private:
            salt = secrets.token_bytes(SALT_BYTES)
            commitment = commit_private(salt, draft.private)
            privates.append(key | {"salt": salt, "private": draft.private})
        found = link_hash(head.token, seq, at, draft.kind, draft.public, commitment, last)
        events.append(
            key | {"at": instant, "kind": draft.kind, "public": draft.public,
                   "private_commitment": as_bytea(commitment), "prev_hash": as_bytea(last), "hash": as_bytea(found)}
        )  # fmt: skip
        last = found
    return replace(head, last_seq=seq, last_hash=last), [(event, events), (event_private, privates)]


def record(
    tx: Connection, head: Head, drafts: Sequence[Draft], extra: Sequence[tuple[Table, Rows]] = ()
) -> Head:
    """Append events to a locked case, with other rows in the same statement."""
    new_head, batches = chained(head, drafts, clock.now())
    insert_together(tx, [*batches, *extra])
    tx.execute(
        update(case_file)
        .where(case_file.c.id == head.case_id)
        .values(last_seq=new_head.last_seq, last_hash=new_head.last_hash)
    )
    return new_head


def record_all(tx: Connection, cases: Iterable[Entry], at: datetime) -> None:
    """Append events to many locked cases, with the other rows of each, in two statements whatever their number."""
    inserts: defaultdict[Table, list[Mapping[str, Any]]] = defaultdict(list)
    ends: list[Mapping[str, Any]] = []
    for head, drafts, extra in cases:
        end, batches = chained(head, drafts, at)
        for table, rows in [*batches, *extra]:
            inserts[table] += rows
        if drafts:
            ends.append({"id": head.case_id, "last_seq": end.last_seq, "last_hash": end.last_hash})
    insert_together(tx, list(inserts.items()))
    update_together(tx, case_file, "id", ends)


def open_case_file(head: Head, subject: str) -> tuple[Table, Rows]:
    """The row that holds the end of a new case's chain."""
    return case_file, [
        {
            "id": head.case_id,
            "jurisdiction_id": head.jurisdiction_id,
            "subject": subject,
            "token": head.token,
            "last_seq": head.last_seq,
            "last_hash": head.last_hash,
        }
    ]


def city_head(tx: Connection, jurisdiction_id: str) -> Head:
    """Lock the city's own book, where loads, publications and switches are recorded; opens it on first use."""
    token = f"CITY-{jurisdiction_id}"
    case_id = tx.scalar(select(case_file.c.id).where(case_file.c.token == token))
    if case_id is None:
        fresh = {"jurisdiction_id": jurisdiction_id, "subject": "city", "token": token}
        insert_together(tx, [(case_file, [fresh | {"last_seq": 0, "last_hash": GENESIS}])])
        case_id = tx.scalar(select(case_file.c.id).where(case_file.c.token == token))
    assert case_id is not None
    return lock_head(tx, case_id)
