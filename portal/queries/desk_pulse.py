"""Knows the newest thing that happened to the cases of a desk: what its open lists ask about."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, func, or_, select
from sqlalchemy.dialects.postgresql import array

from portal.models.ledger import event
from portal.models.report import report

# Of a quiet unit in a loud city only so much is looked through; what lies behind it is old.
MOST_LOOKED_AT = 400
# A letter that went out changes no list.
SILENT = ("message.sent",)


def newest_of_desk(tx: Connection, jurisdiction_id: str, units: Collection[str] | None) -> int:
    """The number of the newest event of a case that these units lead or assist in; None: of any. One statement."""
    newest = (
        select(event.c.id, event.c.case_id)
        .where(event.c.jurisdiction_id == jurisdiction_id, event.c.kind.not_in(SILENT))
        .order_by(event.c.id.desc())
        .limit(MOST_LOOKED_AT if units is not None else 1)
        .subquery("newest")
    )
    query = select(func.max(newest.c.id))
    if units is not None:
        mine = sorted(units)
        theirs = or_(report.c.lead_unit.in_(mine), report.c.assist_units.has_any(array(mine)))
        query = query.join(report, report.c.id == newest.c.case_id).where(theirs)
    return tx.scalar(query) or 0
