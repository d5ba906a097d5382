"""Knows how the days of areas and units are counted: all of a year every night, the newest days in between."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from datetime import time as day_time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Date,
    Select,
    Text,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.dialects.postgresql import insert as insert_or

from portal import clock
from portal.db import try_lock
from portal.models.city import jurisdiction_table
from portal.models.open_city import area_day, area_day_run
from portal.models.report import report
from portal.queries.area_days import MONTHS, UNIT, last_months
from portal.queries.front_page import is_dealt_with, is_judged, is_kept

FULL_EVERY = timedelta(hours=20)
# What happened before that is put right by the full count of the night: a late word of yesterday is not lost.
RECENT_DAYS = 2
COUNTS = ("opened", "closed", "judged", "on_time", "net")


def refresh_area_days(tx: Connection, jurisdiction_id: str, *, must_be_full: bool = False) -> bool:
    """Count the newest days anew, or all of the last year where that is due; False while another is at it."""
    if not try_lock(tx, f"area days {jurisdiction_id}"):
        return False
    now = clock.now()
    mine = area_day_run.c.jurisdiction_id == jurisdiction_id
    full_at = tx.scalar(select(area_day_run.c.full_at).where(mine))
    timezone = tx.scalar(
        select(jurisdiction_table.c.timezone).where(jurisdiction_table.c.id == jurisdiction_id)
    )
    today = now.astimezone(ZoneInfo(str(timezone))).date()
    is_full = must_be_full or full_at is None or not full_at <= now < full_at + FULL_EVERY
    since = last_months(today, MONTHS + 1)[0] if is_full else today - timedelta(days=RECENT_DAYS)
    gone = delete(area_day).where(area_day.c.jurisdiction_id == jurisdiction_id)
    tx.execute(gone if is_full else gone.where(area_day.c.day >= since))
    names = [
        "jurisdiction_id",
        "layer",
        "code",
        "day",
        "opened",
        "closed",
        "judged",
        "on_time",
        "open_at_end",
    ]
    tx.execute(insert(area_day).from_select(names, _days(jurisdiction_id, since, now, str(timezone))))
    run = {"jurisdiction_id": jurisdiction_id, "refreshed_at": now, "full_at": now if is_full else full_at}
    kept = insert_or(area_day_run).values(run)
    tx.execute(kept.on_conflict_do_update(index_elements=["jurisdiction_id"], set_=run))
    return True


def _days(jurisdiction_id: str, since: date, now: datetime, timezone: str) -> Select[Any]:
    """Counts by place and day from `since` on; what is open at the end of a day is a running sum."""
    seen = _seen(jurisdiction_id, since, now, timezone)
    moved = _moved(seen, since)
    place = moved.c.place
    running = func.sum(func.sum(moved.c.net)).over(partition_by=place, order_by=moved.c.day)
    return select(
        literal(jurisdiction_id, Text),
        func.split_part(place, ":", 1),
        func.substr(place, func.strpos(place, ":") + 1),
        moved.c.day,
        *(func.sum(moved.c[name]) for name in COUNTS[:-1]),
        running,
    ).group_by(place, moved.c.day)


def _seen(jurisdiction_id: str, since: date, now: datetime, timezone: str) -> CTE:
    """Every report that was open, ended or due since then, once for its unit and, unless private, for each place."""
    start = datetime.combine(since, day_time.min, ZoneInfo(timezone))
    none = cast(array([], type_=Text), ARRAY(Text))
    places = case((report.c.is_private, none), else_=report.c.places)
    unit = cast(array([literal(f"{UNIT}:") + report.c.lead_unit]), ARRAY(Text))

    def day(column: ColumnElement[Any]) -> ColumnElement[date]:
        return cast(func.timezone(timezone, column), Date)

    def one_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return case((condition, 1), else_=0)

    judged = is_judged(start, now)
    return (
        select(
            func.unnest(func.array_cat(places, unit)).label("place"),
            day(report.c.opened_at).label("opened_on"),
            day(report.c.closed_at).label("closed_on"),
            case((judged, day(report.c.promise_due_at))).label("judged_on"),
            one_if(is_dealt_with()).label("closed"),
            one_if(is_kept()).label("on_time"),
        )
        .where(
            report.c.jurisdiction_id == jurisdiction_id,
            or_(
                report.c.closed_at.is_(None),
                report.c.closed_at >= start,
                (report.c.promise_due_at >= start) & (report.c.promise_due_at <= now),
            ),
        )
        .cte("seen")
    )


def _moved(seen: CTE, since: date) -> Any:
    """What each report did on which day; on the first day stands what was open when it began."""
    was_open = (seen.c.opened_on < since) & (seen.c.closed_on.is_(None) | (seen.c.closed_on >= since))
    before = case((was_open, 1), else_=0)
    return union_all(
        _moves(seen, seen.c.opened_on, since, opened=literal(1), net=literal(1)),
        _moves(seen, seen.c.closed_on, since, closed=seen.c.closed, net=literal(-1)),
        _moves(seen, seen.c.judged_on, since, judged=literal(1), on_time=seen.c.on_time),
        _moves(seen, literal(since, Date), since, net=before),
    ).subquery("moved")


def _moves(seen: CTE, day: ColumnElement[Any], since: date, **counts: ColumnElement[int]) -> Select[Any]:
    columns = [counts.get(name, literal(0)).label(name) for name in COUNTS]
    return select(seen.c.place, day.label("day"), *columns).where(day >= since)
