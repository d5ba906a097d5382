"""Knows a follower's own page: which report they follow, and whether they are written to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from portal.models.incident import follower
from portal.models.report import report


def followed_report(tx: Connection, jurisdiction_id: str, token: str) -> Any:
    """The report of a follower's link, and the follower's state; None for an unknown link."""
    query = (
        select(
            report.c.token,
            report.c.service_code,
            report.c.state,
            report.c.closing_code,
            follower.c.state.label("mine"),
        )
        .join(report, report.c.id == follower.c.report_id)
        .where(follower.c.token == token, follower.c.jurisdiction_id == jurisdiction_id)
    )
    return tx.execute(query).one_or_none()
