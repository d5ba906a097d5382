"""Knows how a person saves a filter of the desk's lists under a name, and forgets it."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from portal import clock
from portal.errors import Conflict, InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.models.desk import saved_filter
from portal.models.people import account
from portal.operations.context import Context
from portal.operations.submission import clean_text

MOST = 30
LONGEST_NAME = 60


def save_filter(tx: Connection, context: Context, account_id: int, name: str, query: str) -> None:
    """Keep what an address says under a name; the same name again takes its place.

    Raises InvalidInput by field, and Conflict where there is no room for another.
    """
    name = " ".join(clean_text(name).split())
    if not name or len(name) > LONGEST_NAME:
        raise InvalidInput({"name": Message(N_("Please give the filter a short name."))})
    tx.execute(select(account.c.id).where(account.c.id == account_id).with_for_update())
    mine = saved_filter.c.account_id == account_id
    others = select(func.count()).select_from(saved_filter).where(mine, saved_filter.c.name != name)
    if (tx.scalar(others) or 0) >= MOST:
        raise Conflict(
            Message(N_("You have saved as many filters as there is room for. Please forget one first."))
        )
    row = {
        "jurisdiction_id": context.jurisdiction_id,
        "account_id": account_id,
        "name": name,
        "query": clean_text(query),
        "created_at": clock.now(),
    }
    again = {"query": row["query"], "created_at": row["created_at"]}
    kept = insert(saved_filter).values(row)
    tx.execute(kept.on_conflict_do_update(index_elements=["account_id", "name"], set_=again))


def forget_filter(tx: Connection, account_id: int, filter_id: int) -> None:
    """Forget a filter of one's own; NotFound for any other."""
    mine = (saved_filter.c.id == filter_id) & (saved_filter.c.account_id == account_id)
    if tx.execute(delete(saved_filter).where(mine)).rowcount == 0:
        raise NotFound(Message(N_("There is no such filter.")))
