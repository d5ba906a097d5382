"""Knows the clock of a second date: of a plan or an extension in an open case, of what remains of a closed one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, update

from portal.db import insert_together
from portal.models.report import clock
from portal.operations.next_due import SECOND, keep_next_due
from portal.operations.own_clocks import own_clock
from portal.queries.city import CityView

# Of a case that was closed in part: when it is due, the case comes up again (operations.keep_dates).
REST = "rest"
DATES = (SECOND, REST)


def start_second(
    tx: Connection, city: CityView, row: Row[Any], lead: str, until: datetime, now: datetime, *, is_open: bool
) -> None:
    """A second date was named for a locked case: it runs instead of an earlier one, beside the promise."""
    mine = (clock.c.report_id == row.id) & clock.c.kind.in_(DATES)
    running = clock.c.state == "running"
    tx.execute(update(clock).where(mine, running).values(state="cancelled", next_at=None))
    kind = SECOND if is_open else REST
    insert_together(tx, [(clock, [own_clock(city, row.id, kind, SECOND, lead, now, until)])])
    if is_open:
        keep_next_due(tx, row.id)


def rest_again(tx: Connection, case_id: int, now: datetime) -> None:
    """A case that was closed in part is open again: its second date counts as that of any open case."""
    mine = (clock.c.report_id == case_id) & (clock.c.kind == REST) & (clock.c.state == "running")
    tx.execute(update(clock).where(mine).values(kind=SECOND, next_at=now))
