"""A few stories of the demo's year lived in a real database: as people's own cases are, once, and up to the present."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from portal import clock
from portal.crypto import Keyring
from portal.db import Database
from portal.demo.life.clusters import Cluster
from portal.demo.life.load import Year, finish, is_whole, live_year, plan_year
from portal.models.crews import crew_job
from portal.models.ledger import event, event_private
from portal.models.open_city import area_day
from portal.models.people import role_grant
from portal.models.report import clock as clock_table
from portal.models.report import report
from portal.models.work import outbox
from portal.operations.context import Context
from portal.operations.ensure_demo_accounts import ensure_demo_accounts
from portal.operations.load_city import load_city_folder
from portal.operations.outbox_rows import DELIVER
from portal.operations.verify_ledger import verify_ledger
from portal.queries.area_days import UNIT
from portal.storage import FileStore

# So often do cases take a turn here that few stories show nearly all of them.
TURNS, STORIES = 12.0, 16
# Services of contractors, of streets with their communities, of crews that are called, of departments that quarrel.
MANIFOLD = (
    "missed-collection",
    "shared-bikes",
    "corridor-clutter",
    "gas-smell",
    "street-light",
    "manhole-cover",
)
KEYS = Path(__file__).resolve().parents[1] / "data" / "event_keys.csv"


@dataclass(frozen=True, slots=True)
class Lived:
    """The database after some stories, and what there was to live."""

    database: Database
    context: Context
    year: Year
    refused: Counter[str]

    def all(self, query: Any) -> list[Any]:
        with self.database.reading() as tx:
            return list(tx.execute(query).all())


class Killed(Exception):
    """The loading ends in the middle."""


@pytest.fixture(scope="module")
def year(folder: Path) -> Year:
    """Some of a small year: a crowd, a repeat, something about an earlier case, and the rest one by one."""
    whole = plan_year(folder, 1500)
    long_ago = whole.clusters[-1].root.at

    def some(wanted: Any, number: int) -> list[Cluster]:
        return [each for each in whole.clusters if wanted(each)][:number]

    chosen = [
        *some(lambda each: 5 < len(each.events) < 9, 1),
        *some(lambda each: each.about, 3),
        *some(lambda each: len(each.events) == 2 and not each.about, 3),
        *(
            each
            for code in MANIFOLD
            for each in some(lambda one, code=code: one.root.service_code == code, 2)
        ),
        *whole.clusters[1 :: len(whole.clusters) // STORIES],
        *some(lambda each: each.root.at == long_ago, 1),
    ]
    clusters = {each.root.number: each for each in chosen}
    ordered = [clusters[number] for number in sorted(clusters, reverse=True)]
    return Year(ordered, sum(len(each.events) for each in ordered))


@pytest.fixture(scope="module")
def lived(database: Database, folder: Path, year: Year, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """The stories lived: killed after a while, then gone on with, as after a power cut."""
    load_city_folder(database, folder)
    context = Context(
        "lanpu.example", Keyring("a secret of the tests"), FileStore(tmp_path_factory.mktemp("files"))
    )

    with database.transaction() as tx:
        ensure_demo_accounts(tx, context, tmp_path_factory.mktemp("accounts"), is_allowed=True)

    def stop(filed: int, *_: Any) -> None:
        if filed > year.reports // 3:
            raise Killed

    with pytest.raises(Killed):
        live_year(database, context, year, turns=TURNS, on_progress=stop)
    assert not is_whole(database, context)
    refused = live_year(database, context, year, turns=TURNS)
    finish(database, context)
    return Lived(database, context, year, refused)


def test_every_report_is_there_once_however_often_it_is_begun(lived: Lived) -> None:
    (before,) = lived.all(select(func.count().label("n")).select_from(event))
    live_year(lived.database, lived.context, lived.year, turns=TURNS)
    assert lived.all(select(func.count().label("n")).select_from(event)) == [before]
    filed = {row.opened_at for row in lived.all(select(report.c.opened_at))}
    wanted = {one.at for each in lived.year.clusters for one in each.events if one.at < clock.now()}
    assert filed == wanted
    assert is_whole(lived.database, lived.context)


def test_each_book_is_in_order_of_time_and_sound(lived: Lived) -> None:
    rows = lived.all(select(event.c.case_id, event.c.at).order_by(event.c.case_id, event.c.case_seq))
    books: dict[int, list[Any]] = {}
    for row in rows:
        books.setdefault(row.case_id, []).append(row.at)
    assert all(times == sorted(times) for times in books.values())
    with lived.database.reading() as tx:
        assert verify_ledger(tx).faults == []


def test_nothing_is_left_for_the_living_to_do_for_the_past(lived: Lived) -> None:
    """No clock that was due, no letter to anybody, no photo and no crowd still to be looked at."""
    an_hour_ago = clock.now() - timedelta(hours=1)
    assert lived.all(select(clock_table.c.id).where(clock_table.c.next_at < an_hour_ago)) == []
    assert lived.all(select(outbox.c.id).where(outbox.c.done_at.is_(None))) == []
    letters = lived.all(select(outbox.c.payload).where(outbox.c.job == DELIVER))
    assert letters
    assert all(row.payload["suppressed"] for row in letters)


def test_the_days_of_the_units_add_up(lived: Lived) -> None:
    by_unit = select(func.sum(area_day.c.opened).label("opened")).where(area_day.c.layer == UNIT)
    (counted,) = lived.all(by_unit)
    assert counted.opened == len(lived.all(select(report.c.id)))


def known_keys() -> dict[str, dict[str, set[str]]]:
    """What events of each kind may say and always say, public and private: as in the tests of people's own journeys."""
    with KEYS.open(encoding="utf-8", newline="") as stream:
        return {
            row.pop("kind"): {name: set(keys.split()) for name, keys in row.items()}
            for row in csv.DictReader(stream)
        }


def test_the_demo_writes_what_living_people_write_and_nearly_all_of_it(lived: Lived) -> None:
    private = (event_private.c.case_id == event.c.case_id) & (event_private.c.case_seq == event.c.case_seq)
    query = select(event.c.kind, event.c.public, event_private.c.private).join(
        report, report.c.id == event.c.case_id
    )
    known, seen, strange = known_keys(), set(), set()
    for row in lived.all(query.outerjoin(event_private, private)):
        seen.add(row.kind)
        keys = known.get(row.kind)
        if keys is None:
            strange.add(row.kind)
            continue
        said, hidden = set(row.public), set(row.private or {})
        if not keys["public_always"] <= said <= keys["public"]:
            strange.add(f"{row.kind}: {sorted(said)}")
        if not hidden <= keys["private"]:
            strange.add(f"{row.kind}, private: {sorted(hidden)}")
    assert not strange
    assert len(seen) / len(known) > 0.55, sorted(set(known) - seen)


def test_the_demos_people_have_jobs_and_had_some(lived: Lived) -> None:
    """Those whom a visitor signs in as: the handler and the head above; what is closed has ended its job."""
    rows = lived.all(
        select(crew_job.c.state, role_grant.c.role, report.c.closed_at)
        .join(role_grant, role_grant.c.account_id == crew_job.c.account_id)
        .join(report, report.c.id == crew_job.c.report_id)
    )
    assert {row.role for row in rows} <= {"handler", "unit_head"}
    assert rows
    assert all(row.state in ("finished", "withdrawn") for row in rows if row.closed_at is not None)


def test_hardly_anything_is_refused(lived: Lived) -> None:
    """What people of the demo try is nearly always allowed; the rest is what happens when two act at once."""
    (tried,) = lived.all(select(func.count().label("events")).select_from(event))
    assert lived.refused.total() < tried.events / 40, lived.refused
