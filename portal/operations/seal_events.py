"""Knows how events are sealed: one running chain over the installation, and a Merkle root for each day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection, delete, func, select

from portal import clock
from portal.db import insert_together, try_lock
from portal.models.ledger import event, event_pending, event_seal, seal_day
from routing.custody import GENESIS, merkle_root, next_chain_hash


def seal_events(tx: Connection, limit: int = 20_000) -> int:
    """Seal the events that wait, oldest first; answers how many. One sealer at a time, another gets 0."""
    if not try_lock(tx, "seal_events"):
        return 0
    waiting = tx.execute(
        select(event.c.id, event.c.jurisdiction_id, event.c.case_id, event.c.case_seq, event.c.hash)
        .join(event_pending, event_pending.c.event_id == event.c.id)
        .order_by(event_pending.c.event_id)
        .limit(limit)
    ).all()
    if not waiting:
        return 0
    last = tx.execute(
        select(event_seal.c.global_seq, event_seal.c.chain_hash, event_seal.c.sealed_at)
        .order_by(event_seal.c.global_seq.desc())
        .limit(1)
    ).first()
    number, chain_hash = (last.global_seq, last.chain_hash) if last else (0, GENESIS)
    rows, at = [], _sealing_time(tx, last.sealed_at if last else None)
    for row in waiting:
        number, chain_hash = number + 1, next_chain_hash(chain_hash, row.hash)
        rows.append(
            {"global_seq": number, "event_id": row.id, "jurisdiction_id": row.jurisdiction_id, "case_id": row.case_id,
             "case_seq": row.case_seq, "chain_hash": chain_hash, "sealed_at": at}
        )  # fmt: skip
    insert_together(tx, [(event_seal, rows)])
    tx.execute(delete(event_pending).where(event_pending.c.event_id.in_([row.id for row in waiting])))
    return len(rows)


def _sealing_time(tx: Connection, last_sealed_at: datetime | None) -> datetime:
    """Now; but hosts' clocks differ and are set back, and a seal must not precede the last or enter a closed day."""
    closed = tx.scalar(select(func.max(seal_day.c.day)))
    after_closed = datetime.combine(closed + timedelta(days=1), time(), UTC) if closed else None
    return max(at for at in (clock.now(), last_sealed_at, after_closed) if at is not None)


def make_day_roots(tx: Connection) -> int:
    """Write the root of every finished UTC day that has seals and no root yet; answers how many."""
    if not try_lock(tx, "make_day_roots"):
        return 0
    today = clock.now().astimezone(UTC).date()
    made = 0
    while (day := _first_open_day(tx)) is not None and day < today:
        _make_root(tx, day)
        made += 1
    return made


def _first_open_day(tx: Connection) -> date | None:
    last_rooted = tx.scalar(select(func.max(seal_day.c.last_seq))) or 0
    first = tx.scalar(
        select(event_seal.c.sealed_at)
        .where(event_seal.c.global_seq > last_rooted)
        .order_by(event_seal.c.global_seq)
        .limit(1)
    )
    return first.astimezone(UTC).date() if first else None


def _make_root(tx: Connection, day: date) -> None:
    start = datetime.combine(day, time(), UTC)
    seals = tx.execute(
        select(event_seal.c.global_seq, event_seal.c.chain_hash)
        .where(event_seal.c.sealed_at >= start, event_seal.c.sealed_at < start + timedelta(days=1))
        .order_by(event_seal.c.global_seq)
    ).all()
    root = merkle_root([seal.chain_hash for seal in seals])
    row = {"day": day, "first_seq": seals[0].global_seq, "last_seq": seals[-1].global_seq, "root": root}
    insert_together(tx, [(seal_day, [row | {"made_at": clock.now()}])])
