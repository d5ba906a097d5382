"""Knows how everything that is sealed moves to the newest key, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, select, update

from portal.db import update_together
from portal.models.incident import follower
from portal.models.messaging import message_channel, webhook
from portal.models.open_city import subscription
from portal.models.report import contact, report
from portal.operations.context import Context

BATCH = 500


def reseal_contacts(tx: Connection, context: Context, after: int) -> tuple[int, int, int]:
    """Seal the next contacts anew; answers the last report's id (0 at the end), how many were sealed, how many
    not, because their key is none of those that are known."""
    rows = tx.execute(
        select(contact.c.report_id, contact.c.sealed, report.c.token)
        .join(report, report.c.id == contact.c.report_id)
        .where(contact.c.report_id > after)
        .order_by(contact.c.report_id)
        .limit(BATCH)
        .with_for_update(of=contact)
    ).all()
    done = _sealed(context, rows, lambda row: f"contact:{row.token}")
    fresh = [
        {"report_id": row.report_id, "sealed": sealed}
        for row, sealed in zip(rows, done, strict=True)
        if sealed
    ]
    update_together(tx, contact, "report_id", fresh)
    return (rows[-1].report_id if rows else 0), len(fresh), len(rows) - len(fresh)


def reseal_settings(tx: Connection, context: Context) -> tuple[int, int]:
    """Seal channels, webhooks and the addresses of followers and subscribers anew, all at once.

    Answers how many were, and how many could not be.
    """
    kinds: list[tuple[Any, Callable[[Row[Any]], str]]] = [
        (message_channel, lambda row: f"channel:{_owner(row)}"),
        (webhook, lambda row: f"webhook:{row.id}"),
        (follower, lambda row: f"follower:{row.token}"),
        (subscription, lambda row: f"subscription:{row.token}"),
    ]
    good = bad = 0
    for table, bound_to in kinds:
        rows = tx.execute(select(table).where(table.c.sealed.is_not(None)).with_for_update()).all()
        for row, sealed in zip(rows, _sealed(context, rows, bound_to), strict=True):
            good, bad = good + bool(sealed), bad + (not sealed)
            if sealed:
                tx.execute(update(table).where(table.c.id == row.id).values(sealed=sealed))
    return good, bad


def _owner(row: Row[Any]) -> str:
    return f"unit:{row.unit_code}" if row.unit_code else f"account:{row.account_id}"


def _sealed(context: Context, rows: Any, bound_to: Callable[[Row[Any]], str]) -> list[bytes | None]:
    return [_one(context, row.sealed, bound_to(row)) for row in rows]


def _one(context: Context, sealed: bytes, bound_to: str) -> bytes | None:
    try:
        return context.keyring.seal(context.keyring.open(sealed, bound_to=bound_to), bound_to=bound_to)
    except ValueError:
        return None
