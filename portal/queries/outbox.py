"""Knows what waits in the outbox and what was given up there, without anybody's address or words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Connection, cast, func, select

from portal.models.report import report
from portal.models.work import outbox

GIVEN_UP = outbox.c.failed_at.is_not(None) & outbox.c.done_at.is_(None)


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Work that nobody tries any more. `subject` is the number of its report, or what else it is about."""

    outbox_id: int
    job: str
    subject: str
    template: str
    to: str
    attempts: int
    failed_at: datetime
    last_error: str


def given_up(tx: Connection, limit: int | None = None, jurisdiction_id: str = "") -> Sequence[GivenUp]:
    """The rows that were given up, newest first: all of them without a limit, of every city without one named."""
    of_report = report.c.id == cast(outbox.c.payload["report_id"].astext, BigInteger)
    query = (
        select(
            outbox.c.id,
            outbox.c.job,
            func.coalesce(report.c.token, outbox.c.payload["media"].astext, ""),
            func.coalesce(outbox.c.payload["template"].astext, ""),
            func.coalesce(outbox.c.payload["to"].astext, ""),
            outbox.c.attempts,
            outbox.c.failed_at,
            func.coalesce(outbox.c.last_error, ""),
        )
        .outerjoin(report, of_report)
        .where(GIVEN_UP)
        .order_by(outbox.c.failed_at.desc(), outbox.c.id.desc())
        .limit(limit)
    )
    if jurisdiction_id:
        query = query.where(outbox.c.jurisdiction_id == jurisdiction_id)
    return [GivenUp(*row) for row in tx.execute(query)]


def count_given_up(tx: Connection) -> int:
    """How many rows were given up."""
    return tx.scalar(select(func.count()).select_from(outbox).where(GIVEN_UP)) or 0
