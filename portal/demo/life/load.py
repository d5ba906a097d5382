"""Knows how the year comes into a database: the newest stories first, a few to a transaction, each once."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from portal import clock
from portal.db import Database
from portal.demo.lanpu.facts import read_facts
from portal.demo.lanpu.write import read_table
from portal.demo.life.clusters import Cluster, clusters_of
from portal.demo.life.events import REPORTS, year_of_events
from portal.demo.life.filing import request_id
from portal.demo.life.stage import Crowd
from portal.demo.life.story import live
from portal.models.crews import crew
from portal.models.people import account, role_grant
from portal.models.report import report
from portal.operations.context import Actor, Context
from portal.operations.refresh_area_days import refresh_area_days
from portal.queries.city import CityCache, CityView
from routing.units import Directory

SEED = 20_261_121
# So long a transaction may hold what others wait for; one story more than that is never begun.
BATCH_SECONDS = 0.7
# How many stories are tried one by one after some met another writer.
ALONE = 20
TABLES = ("report", "clock", "event", "event_private", "case_file", "outbox", "contact", "media", "task")


class StillCity(CityCache):
    """The city as it was when the loading began: nobody asks for its version before each step."""

    def __init__(self, view: CityView) -> None:
        super().__init__()
        self._view = view

    def city(self, tx: Connection, jurisdiction_id: str, version: int | None = None) -> CityView:
        """The same view always."""
        return self._view


@dataclass(frozen=True, slots=True)
class Year:
    """The stories of a drawn city's year, the newest first."""

    clusters: Sequence[Cluster]
    reports: int


def plan_year(folder: Path, number: int = REPORTS) -> Year:
    """The year before the day for which the city was drawn, that day included."""
    facts = read_facts(folder)
    services = {row["service_code"]: row for row in read_table(folder / "services.csv")}
    until = date.fromisoformat(facts["drawn_for"]) + timedelta(days=1)
    events = year_of_events(facts, services, until, SEED, number)
    kinds = {code: row["kind"] for code, row in services.items()}
    return Year(clusters_of(events, kinds), len(events))


def is_whole(database: Database, context: Context, *, is_begun: bool = False) -> bool:
    """Whether the oldest story of the year is lived, which comes last; `is_begun`: whether any is."""
    ours = request_id(context.jurisdiction_id, 0)
    here = report.c.jurisdiction_id == context.jurisdiction_id
    wanted = here if is_begun else here & (report.c.client_request_id == ours)
    with database.reading() as tx:
        return tx.scalar(select(report.c.id).where(wanted).limit(1)) is not None


def live_year(
    database: Database,
    context: Context,
    year: Year,
    *,
    seconds: float = float("inf"),
    turns: float = 1.0,
    on_progress: Callable[[int, int, date], None] = lambda *_: None,
) -> Counter[str]:
    """Live what is not lived yet, for about so many seconds; answers what was refused on the way, and how often."""
    with database.reading() as tx:
        lived = _lived(tx, context.jurisdiction_id)
        crowd = replace(_crowd(tx, context), turns=turns)
        context = replace(context, cities=StillCity(context.cities.city(tx, context.jurisdiction_id)))
    waiting = [
        each for each in year.clusters if request_id(context.jurisdiction_id, each.root.number) not in lived
    ]
    filed, ends = len(lived), time.monotonic() + seconds
    for more, day in _batches(database, context, crowd, waiting):
        filed += more
        on_progress(filed, year.reports, day)
        if time.monotonic() > ends:
            break
    return crowd.refused


def _batches(
    database: Database, context: Context, crowd: Crowd, waiting: Sequence[Cluster]
) -> Iterator[tuple[int, date]]:
    """Transactions of some stories each: how many reports they filed, and the day.

    Where one met another writer its stories are tried again one by one; one that fails then is left out.
    """
    position, alone_until = 0, 0
    while position < len(waiting):
        most = 1 if position < alone_until else len(waiting)
        try:
            with database.transaction() as tx:
                done, filed = _live_some(tx, context, crowd, waiting[position : position + most])
        except (IntegrityError, OperationalError):
            crowd.refused["a story met another writer"] += 1
            if most > 1:
                alone_until = position + ALONE
                continue
            done, filed = 1, 0
        position += done
        yield filed, waiting[position - 1].root.at.date()


def _live_some(tx: Connection, context: Context, crowd: Crowd, waiting: Sequence[Cluster]) -> tuple[int, int]:
    """Live stories until the transaction has lasted long enough: how many, and their reports."""
    tx.execute(text("SET LOCAL synchronous_commit = off"))
    city = context.cities.city(tx, context.jurisdiction_id)
    began, filed = time.monotonic(), 0
    for done, cluster in enumerate(waiting):
        if time.monotonic() - began > BATCH_SECONDS:
            return done, filed
        filed += live(tx, context, city, crowd, cluster, clock.now())
    return len(waiting), filed


def finish(database: Database, context: Context) -> None:
    """Count the days of the whole year, and let the planner see how much there is."""
    with database.transaction() as tx:
        refresh_area_days(tx, context.jurisdiction_id, must_be_full=True)
    with database.transaction() as tx:
        for name in TABLES:
            tx.execute(text(f"ANALYZE {name}"))


def _lived(tx: Connection, jurisdiction_id: str) -> set[object]:
    """The numbers of all requests that were filed, ours among them."""
    mine = report.c.jurisdiction_id == jurisdiction_id
    return set(
        tx.scalars(select(report.c.client_request_id).where(mine, report.c.client_request_id.is_not(None)))
    )


def _crowd(tx: Connection, context: Context) -> Crowd:
    """Crews and streets of the city, and the demo account of the desk where there is one."""
    crews: defaultdict[str, list[str]] = defaultdict(list)
    mine = (crew.c.jurisdiction_id == context.jurisdiction_id) & crew.c.is_active
    for row in tx.execute(select(crew.c.unit_code, crew.c.crew_code).where(mine).order_by(crew.c.crew_code)):
        crews[row.unit_code].append(row.crew_code)
    city = context.cities.city(tx, context.jurisdiction_id)
    streets = frozenset(unit.code for unit in city.directory if unit.level == "street")
    at_desk = (account.c.jurisdiction_id == context.jurisdiction_id) & (role_grant.c.role == "dispatcher")
    query = select(account.c.id).join(role_grant, role_grant.c.account_id == account.c.id)
    desk = tx.scalar(query.where(at_desk, account.c.is_demo).order_by(account.c.id).limit(1))
    return Crowd(dict(crews), streets, desk, _people(tx, context, city.directory))


def _people(tx: Connection, context: Context, directory: Directory) -> dict[str, list[Actor]]:
    """The demo's handler in their unit, and the head in that and every other unit below, as who has jobs there."""
    works = (account.c.jurisdiction_id == context.jurisdiction_id) & account.c.is_demo
    query = select(account.c.id, role_grant.c.role, role_grant.c.unit_code).where(works)
    joined = query.join(role_grant, role_grant.c.account_id == account.c.id).order_by(account.c.id)
    by_role = {row.role: Actor(row.role, row.unit_code, row.id) for row in tx.execute(joined)}
    if "handler" not in by_role or "unit_head" not in by_role:
        return {}
    handler, head = by_role["handler"], by_role["unit_head"]
    led = {unit.code: [head] for unit in directory if directory.is_below(unit.code, head.unit_code)}
    return led | {handler.unit_code: [handler, head]}
