"""Knows how a row of the outbox is worked off: claimed, done once, or put back for a retry later."""

from __future__ import annotations

import random
import smtplib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Update, case, func, null, or_, select, update

from portal import clock
from portal.models.work import outbox

# With these pauses a row is tried for about a day: as long as a mail server may be away.
MOST_ATTEMPTS = 30
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)
WAITING = outbox.c.done_at.is_(None) & outbox.c.failed_at.is_(None)


class GiveUp(Exception):
    """Trying again cannot help. The message goes to the dead-letter page: no personal data in it."""


class Later(Exception):
    """Not before an instant, which is nobody's fault: no attempt is counted."""

    def __init__(self, at: datetime) -> None:
        super().__init__("later")
        self.at = at


@dataclass(frozen=True, slots=True)
class Work:
    """A row of the outbox that is ours: by its lock until the transaction ends, or by a claim until the lease ends.

    `handed` is what has left already, where an earlier attempt could not tell the books of it.
    """

    outbox_id: int
    jurisdiction_id: str
    payload: Mapping[str, Any]
    attempts: int = 0
    handed: Mapping[str, Any] | None = None


def begin_attempt(tx: Connection, outbox_id: int, lease: timedelta) -> bool:
    """Count a start and keep everybody else away for the lease; False where nothing is left to do."""
    return claim(tx, outbox_id, lease) is not None


def claim(tx: Connection, outbox_id: int, lease: timedelta) -> Work | None:
    """Count a start and keep everybody else away for the lease; None where it is done or another is at it.

    Committed before the work, so that a row which kills its worker each time is given up in the end.
    """
    is_last = outbox.c.attempts >= MOST_ATTEMPTS
    at = clock.now()
    changed = (
        _waiting(outbox_id)
        .where(or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until <= at))
        .values(
            attempts=outbox.c.attempts + 1,
            available_at=at + lease,
            claimed_until=at + lease,
            failed_at=case((is_last, at), else_=null()),
            last_error=case((is_last, "started too often without an end"), else_=outbox.c.last_error),
        )
    )
    # Not worth waiting for the disk: a crash of the database that forgets it only forgets to count.
    unhurried = func.set_config("synchronous_commit", "off", True)
    row = tx.execute(changed.returning(outbox, unhurried)).first()
    if row is None or row.failed_at is not None:
        return None
    return Work(row.id, row.jurisdiction_id, row.payload, row.attempts, row.handed)


def finish(tx: Connection, outbox_id: int) -> None:
    """The work is done; what is written in this transaction is written once."""
    tx.execute(_waiting(outbox_id).values(done_at=clock.now(), last_error=None))


def keep_handed(tx: Connection, outbox_id: int, handed: Mapping[str, Any]) -> None:
    """Note that it has left, so that the next attempt only tells the books."""
    tx.execute(_waiting(outbox_id).values(handed=dict(handed)))


def run_once(tx: Connection, outbox_id: int, act: Callable[[Work], None]) -> bool:
    """Lock the row, act and mark it done, all in one transaction; False where it is done or another has it."""
    row = tx.execute(
        select(outbox.c.id, outbox.c.jurisdiction_id, outbox.c.payload)
        .where(outbox.c.id == outbox_id, WAITING)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return False
    act(Work(row.id, row.jurisdiction_id, row.payload))
    finish(tx, outbox_id)
    return True


def put_back(tx: Connection, outbox_id: int, error: BaseException) -> None:
    """Keep what went wrong; the row is tried again after a pause that grows, or given up."""
    if isinstance(error, Later):
        later = {"available_at": error.at, "attempts": outbox.c.attempts - 1, "claimed_until": None}
        tx.execute(_waiting(outbox_id).values(later))
        return
    attempts = tx.scalar(select(outbox.c.attempts).where(outbox.c.id == outbox_id)) or 1
    at, is_over = clock.now(), isinstance(error, GiveUp) or attempts >= MOST_ATTEMPTS
    tx.execute(
        _waiting(outbox_id).values(
            available_at=at + pause_after(attempts),
            claimed_until=None,
            failed_at=at if is_over else None,
            last_error=describe(error),
        )
    )


def revive(tx: Connection, outbox_id: int) -> bool:
    """Give a row that was given up a new start; False where there is none."""
    fresh = {"failed_at": None, "attempts": 0, "available_at": clock.now(), "claimed_until": None}
    return tx.execute(_given_up(outbox_id).values(fresh)).rowcount == 1


def drop(tx: Connection, outbox_id: int) -> bool:
    """Give a row up for good; it is kept a while with its reason. False where it was not given up."""
    return tx.execute(_given_up(outbox_id).values(done_at=clock.now())).rowcount == 1


def pause_after(attempts: int) -> timedelta:
    """Twice as long after each attempt, up to an hour, spread so that a crowd does not come back at once."""
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE)
    return pause * random.uniform(0.75, 1.25)


def describe(error: BaseException) -> str:
    """What may be kept of an error: its kind and an SMTP code, never its text, which may quote an address."""
    if isinstance(error, GiveUp):
        return str(error)
    code = getattr(error, "smtp_code", None)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = next((code for code, _ in error.recipients.values()), None)
    return type(error).__name__ + (f" {code}" if code else "")


def _given_up(outbox_id: int) -> Update:
    return update(outbox).where(
        outbox.c.id == outbox_id, outbox.c.failed_at.is_not(None), outbox.c.done_at.is_(None)
    )


def _waiting(outbox_id: int) -> Update:
    return update(outbox).where(outbox.c.id == outbox_id, WAITING)
