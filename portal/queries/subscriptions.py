"""Knows who wants to hear of an area, a service or a unit, and what there is to tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, literal, select, union_all

from portal.models.city import jurisdiction_table
from portal.models.open_city import subscription
from portal.models.report import report
from portal.queries.public_reports import ReportFilter, conditions

AREA, SERVICE, UNIT = "area", "service", "unit"
KINDS = (AREA, SERVICE, UNIT)
ASKED, CONFIRMED = "asked", "confirmed"
MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class Subject:
    """What somebody wants to hear of: an area (code: layer:code), a service or a unit."""

    kind: str
    code: str

    @property
    def wanted(self) -> ReportFilter:
        """The public reports that it is about."""
        if self.kind == AREA:
            return ReportFilter(area=self.code)
        return (
            ReportFilter(service_code=self.code)
            if self.kind == SERVICE
            else ReportFilter(unit_code=self.code)
        )


@dataclass(frozen=True, slots=True)
class NewsLine:
    """A report that came in, or ended, within the time that a letter tells of."""

    is_new: bool
    token: str
    service_code: str
    unit_code: str
    public_text: str
    at: datetime


def news_of(
    tx: Connection, jurisdiction_id: str, subject: Subject, since: datetime, until: datetime
) -> Sequence[NewsLine]:
    """What came in and what ended after `since`, until `until`, newest first, at most `MOST_LINES` of each and
    one more; one statement."""
    mine = conditions(jurisdiction_id, subject.wanted)
    kept = (report.c.token, report.c.service_code, report.c.lead_unit, report.c.public_text)
    parts = []
    for column, is_new in ((report.c.opened_at, True), (report.c.closed_at, False)):
        within = (column > since) & (column <= until)
        query = select(*kept, column.label("at")).where(*mine, within).order_by(column.desc())
        some = query.limit(MOST_LINES + 1).subquery()
        parts.append(select(literal(is_new).label("is_new"), *some.c))
    both = union_all(*parts).subquery()
    rows = tx.execute(select(*both.c).order_by(both.c.is_new.desc(), both.c.at.desc()))
    return [NewsLine(*row) for row in rows]


def due_subscriptions(tx: Connection, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """Whose turn it is to look for news, the longest waiting first, with their city's time zone."""
    query = (
        select(subscription, jurisdiction_table.c.timezone)
        .join(jurisdiction_table, jurisdiction_table.c.id == subscription.c.jurisdiction_id)
        .where(subscription.c.next_at <= now)
        .order_by(subscription.c.next_at, subscription.c.id)
        .limit(limit)
    )
    return tx.execute(query.with_for_update(of=subscription, skip_locked=True)).all()


def subscription_by_id(tx: Connection, number: int) -> Row[Any] | None:
    """A subscription with its sealed address and language; None where somebody has left."""
    return tx.execute(select(subscription).where(subscription.c.id == number)).one_or_none()


def own_subscription(tx: Connection, jurisdiction_id: str, token: str) -> Any:
    """What the page of one's own link shows, never the address; None where nobody has it."""
    mine = (subscription.c.token == token) & (subscription.c.jurisdiction_id == jurisdiction_id)
    shown = (subscription.c.kind, subscription.c.code, subscription.c.state, subscription.c.pace)
    return tx.execute(select(*shown).where(mine)).one_or_none()
