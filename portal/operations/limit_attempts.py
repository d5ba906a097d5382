"""Knows how often something may be tried: attempts are counted in the database, so every process sees them."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, delete, select, text

from portal import clock
from portal.db import insert_together
from portal.models.people import attempt
from portal.operations.context import Context


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` attempts of an action by one subject within `window`."""

    action: str
    most: int
    window: timedelta

    def of(self, context: Context, *subject: str) -> Counted:
        """This limit for one subject, which is kept as a keyed hash only."""
        # A separator that no part contains keeps ("a", "bc") apart from ("ab", "c").
        return Counted(self, context.keyring.pseudonym(f"attempt {self.action}", "\x1f".join(subject)))


@dataclass(frozen=True, slots=True)
class Counted:
    """A limit applied to a subject."""

    limit: Limit
    subject: bytes


def reserve_attempt(tx: Connection, context: Context, counted: Sequence[Counted]) -> int:
    """Count one attempt against every limit and answer 0; or count nothing and answer the seconds to wait.

    The caller commits before it does what is limited: many requests at once cannot slip through together.
    """
    _lock(tx, counted)
    at = clock.now()
    waits = [wait for one in counted if (wait := _wait_until(tx, context, one, at)) is not None]
    if waits:
        return max(1, math.ceil((max(waits) - at).total_seconds()))
    for one in counted:
        old = at - one.limit.window
        tx.execute(delete(attempt).where(*_of(context, one), attempt.c.at <= old))
    insert_together(tx, [(attempt, [_row(context, one, at) for one in counted])])
    return 0


def seconds_to_wait(tx: Connection, context: Context, counted: Sequence[Counted]) -> int:
    """How long a subject must wait, 0 where every limit has room; one statement, nothing counted or locked."""
    at = clock.now()
    filling = [_filling(context, one, at).scalar_subquery() for one in counted]
    found = tx.execute(select(*filling)).one()
    waits = [oldest + one.limit.window for oldest, one in zip(found, counted, strict=True) if oldest]
    return max(1, math.ceil((max(waits) - at).total_seconds())) if waits else 0


def count_attempts(tx: Connection, context: Context, counted: Sequence[Counted]) -> None:
    """Count one attempt, in one statement; limits of one action over several windows share their count."""
    rows = {(one.limit.action, one.subject): _row(context, one, clock.now()) for one in counted}
    insert_together(tx, [(attempt, list(rows.values()))])


def forget_attempts(tx: Connection, context: Context, counted: Counted, *, newest_only: bool = False) -> None:
    """Take attempts back after a success: all of them, or only the last one, where others may share the count."""
    found = select(attempt.c.id).where(*_of(context, counted)).order_by(attempt.c.id.desc())
    tx.execute(delete(attempt).where(attempt.c.id.in_(found.limit(1) if newest_only else found)))


def address_block(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that one household or office has in IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _lock(tx: Connection, counted: Sequence[Counted]) -> None:
    """One writer per subject, in one order, so that two requests never wait for each other."""
    for name in sorted(f"{one.limit.action} {one.subject.hex()}" for one in counted):
        tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def _wait_until(tx: Connection, context: Context, counted: Counted, at: datetime) -> datetime | None:
    """When the oldest attempt that fills the limit leaves the window; None where there is room."""
    oldest = tx.scalar(_filling(context, counted, at))
    return oldest + counted.limit.window if oldest else None


def _filling(context: Context, counted: Counted, at: datetime) -> Select[datetime]:
    """The attempt that fills the limit, if there is one."""
    return (
        select(attempt.c.at)
        .where(*_of(context, counted), attempt.c.at > at - counted.limit.window)
        .order_by(attempt.c.at.desc())
        .offset(counted.limit.most - 1)
        .limit(1)
    )


def _of(context: Context, counted: Counted) -> tuple[ColumnElement[bool], ...]:
    return (
        attempt.c.jurisdiction_id == context.jurisdiction_id,
        attempt.c.action == counted.limit.action,
        attempt.c.subject == counted.subject,
    )


def _row(context: Context, counted: Counted, at: datetime) -> dict[str, object]:
    return {
        "jurisdiction_id": context.jurisdiction_id,
        "action": counted.limit.action,
        "subject": counted.subject,
        "at": at,
    }
