"""Knows how to prove that no event was changed, removed or slipped in, and to name the one that was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, select

from portal.models.ledger import case_file, event, event_pending, event_private, event_seal, seal_day
from routing.custody import GENESIS, Link, chain_faults, commit_private, merkle_root, next_chain_hash

BATCH = 5_000


@dataclass(slots=True)
class Verdict:
    """What a verification saw; `faults` name what does not hold."""

    events: int = 0
    seals: int = 0
    days: int = 0
    faults: list[str] = field(default_factory=list)


def verify_ledger(tx: Connection, on_progress: Callable[[int], None] = lambda _: None) -> Verdict:
    """Check every chain, commitment, seal and daily root, streaming: memory holds one case at a time.

    `tx` must see one snapshot (`Database.snapshot`): what is written meanwhile would look like tampering.
    """
    verdict = Verdict()
    for _, rows in groupby(_events(tx), key=lambda row: row.case_id):
        checked = list(rows)
        verdict.events += len(checked)
        verdict.faults += _case_faults(checked)
        on_progress(verdict.events)
    verdict.faults += _emptied_cases(tx)
    _verify_seals(tx, verdict)
    return verdict


def _events(tx: Connection) -> Iterator[Row[Any]]:
    """All events in the order of their chains, with token and private part."""
    private = (event_private.c.case_id == event.c.case_id) & (event_private.c.case_seq == event.c.case_seq)
    query = (
        select(
            event,
            case_file.c.token,
            case_file.c.last_seq,
            case_file.c.last_hash,
            event_private.c.salt,
            event_private.c.private,
        )
        .outerjoin(case_file, case_file.c.id == event.c.case_id)
        .outerjoin(event_private, private)
        .order_by(event.c.case_id, event.c.case_seq)
    )
    yield from tx.execute(query, execution_options={"yield_per": BATCH})


def _emptied_cases(tx: Connection) -> Iterator[str]:
    """Case files that count events of which not one is left."""
    has_events = select(event.c.id).where(event.c.case_id == case_file.c.id).exists()
    for token in tx.scalars(select(case_file.c.token).where(case_file.c.last_seq > 0, ~has_events)):
        yield f"case {token}: all of its events are missing"


def _case_faults(rows: list[Row[Any]]) -> Iterator[str]:
    head = rows[0]  # every row carries the case file's end of the chain beside its event
    if head.token is None:
        yield f"event {head.id}: belongs to no case"
        return
    links = [
        Link(
            head.token,
            row.case_seq,
            row.at,
            row.kind,
            row.public,
            row.private_commitment,
            row.prev_hash,
            row.hash,
        )
        for row in rows
    ]
    yield from chain_faults(links)
    if (links[-1].seq, links[-1].hash) != (head.last_seq, head.last_hash):
        yield f"case {head.token}: ends at event {links[-1].seq}, but its file says {head.last_seq}"
    for row in rows:
        if row.salt is not None and commit_private(row.salt, row.private) != row.private_commitment:
            yield f"event {head.token}/{row.case_seq} ({row.kind}): its private part was altered"


def _verify_seals(tx: Connection, verdict: Verdict) -> None:
    query = (
        select(event_seal, event.c.hash, event.c.id.label("found"), case_file.c.token)
        .outerjoin(event, event.c.id == event_seal.c.event_id)
        .outerjoin(case_file, case_file.c.id == event_seal.c.case_id)
        .order_by(event_seal.c.global_seq)
    )
    chain_hash: bytes | None = GENESIS
    expected = 1
    days = _DayRoots(tx, verdict)
    for seal in tx.execute(query, execution_options={"yield_per": BATCH}):
        verdict.seals += 1
        if seal.global_seq != expected:
            verdict.faults.append(f"seal {seal.global_seq}: seals before it are missing")
            chain_hash = None
        if seal.found is None:
            verdict.faults.append(f"event {seal.token}/{seal.case_seq}: sealed, but missing")
        elif chain_hash is not None and next_chain_hash(chain_hash, seal.hash) != seal.chain_hash:
            verdict.faults.append(
                f"seal {seal.global_seq} of event {seal.token}/{seal.case_seq}: does not hold"
            )
        chain_hash, expected = seal.chain_hash, seal.global_seq + 1
        days.add(seal.global_seq, seal.chain_hash)
    days.finish()
    verdict.faults += _never_sealed(tx)


def _never_sealed(tx: Connection) -> Iterator[str]:
    """An event that is neither sealed nor waiting was inserted past the trigger."""
    strays = (
        select(event.c.id, event.c.case_seq, event.c.kind, case_file.c.token)
        .outerjoin(event_seal, event_seal.c.event_id == event.c.id)
        .outerjoin(event_pending, event_pending.c.event_id == event.c.id)
        .outerjoin(case_file, case_file.c.id == event.c.case_id)
        .where(event_seal.c.event_id.is_(None), event_pending.c.event_id.is_(None))
    )
    for row in tx.execute(strays):
        yield f"event {row.token}/{row.case_seq} ({row.kind}): inserted by hand, never queued for sealing"


class _DayRoots:
    """Checks each day's root while the seals stream by in order."""

    def __init__(self, tx: Connection, verdict: Verdict) -> None:
        self._verdict = verdict
        self._days = list(tx.execute(select(seal_day).order_by(seal_day.c.first_seq)))
        self._leaves: list[bytes] = []

    def add(self, number: int, chain_hash: bytes) -> None:
        while self._days and number > self._days[0].last_seq:
            self._close()
        if self._days and number >= self._days[0].first_seq:
            self._leaves.append(chain_hash)

    def finish(self) -> None:
        while self._days:
            self._close()

    def _close(self) -> None:
        day = self._days.pop(0)
        self._verdict.days += 1
        if merkle_root(self._leaves) != day.root:
            self._verdict.faults.append(f"day {day.day}: its published root does not match its seals")
        self._leaves = []
