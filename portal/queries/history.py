"""Knows the cases of a period as they were filed, and who kept them in the end."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import Any

import shapely
from sqlalchemy import Connection, Row, Select, select

from geo.crs import LonLat
from portal.models.ledger import event
from portal.models.report import report
from portal.queries.custody import HANDED
from routing.learn import Settled
from routing.simulate import PastCase

# Events that say who has a case: `to` names another lead, the rest that the lead has taken it up.
TAKEN_UP = frozenset({"request.accepted", "request.started", "request.resolved"})
_AS_FILED = [
    report.c.token, report.c.service_code, report.c.opened_at, report.c.geom, report.c.public_geom,
    report.c.answers, report.c.channel, report.c.receipt, report.c.place_flag,
]  # fmt: skip


def past_cases(
    tx: Connection, jurisdiction_id: str, since: datetime | None = None, until: datetime | None = None
) -> list[PastCase]:
    """The cases filed in a period, the oldest first; `until` left out."""
    query = _cases(jurisdiction_id, since, until, _AS_FILED)
    return [_past(row) for row in tx.execute(query.order_by(report.c.opened_at, report.c.id))]


def past_case(tx: Connection, jurisdiction_id: str, token: str) -> PastCase:
    """One case as it was filed."""
    query = _cases(jurisdiction_id, None, None, _AS_FILED).where(report.c.token == token)
    return _past(tx.execute(query).one())


def settled_cases(
    tx: Connection, jurisdiction_id: str, hits: dict[str, tuple[tuple[str, str], ...]], since: datetime | None
) -> list[Settled]:
    """The cases of `hits` (token: boundaries) that a unit has taken up, with who was first and who kept it."""
    kinds = {"request.routed", *TAKEN_UP, *HANDED}
    query = (
        _cases(
            jurisdiction_id,
            since,
            None,
            [report.c.token, report.c.service_code, event.c.kind, event.c.public],
        )
        .join(event, event.c.case_id == report.c.id)
        .where(event.c.kind.in_(kinds))
        .order_by(report.c.id, event.c.case_seq)
    )
    found = []
    for token, rows in groupby(tx.execute(query), key=lambda row: row.token):
        settled = settle(token, list(rows), hits.get(token, ()))
        if settled is not None:
            found.append(settled)
    return found


def settle(token: str, rows: list[Any], places: tuple[tuple[str, str], ...]) -> Settled | None:
    """Follow a case through its events; None while nobody has taken it up."""
    routed = lead = ""
    is_kept = False
    for row in rows:
        if row.kind == "request.routed" and not routed:
            routed = lead = str(row.public.get("unit", ""))
        elif row.public.get("to"):
            lead, is_kept = str(row.public["to"]), False
        elif row.kind in TAKEN_UP:
            is_kept = True
    if not (routed and is_kept):
        return None
    return Settled(token, rows[0].service_code, routed, lead, places)


def _cases(
    jurisdiction_id: str, since: datetime | None, until: datetime | None, columns: list[Any]
) -> Select[Any]:
    query = select(*columns).where(report.c.jurisdiction_id == jurisdiction_id)
    if since is not None:
        query = query.where(report.c.opened_at >= since)
    return query if until is None else query.where(report.c.opened_at < until)


def _past(row: Row[Any]) -> PastCase:
    is_trusted = row.place_flag != "default_point"
    return PastCase(
        name=row.token,
        service_code=row.service_code,
        at=row.opened_at,
        point=_point(row.geom) if is_trusted else None,
        answers={code: tuple(keys) for code, keys in row.answers.items()},
        channel=row.channel,
        about_unit=row.receipt.get("about") or "",
        shown_at=_point(row.public_geom) if is_trusted else None,
    )


def _point(element: Any) -> LonLat | None:
    if element is None:
        return None
    point = shapely.from_wkb(bytes.fromhex(element.desc))
    return LonLat(point.x, point.y)
