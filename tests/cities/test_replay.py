"""Past requests of real cities through the real intake: database, operations, events, clocks, simulated time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Text, cast, func, select

from portal.crypto import Keyring
from portal.db import Database
from portal.models.ledger import event
from portal.models.report import clock, report
from portal.models.work import outbox
from portal.operations.context import Context
from portal.operations.load_city import load_city_folder
from portal.operations.replay_requests import Summary, replay_requests
from portal.operations.verify_ledger import verify_ledger
from portal.pack.mapping import read_mapping, read_requests
from portal.storage import FileStore

HERE = Path(__file__).resolve().parent
SEED, SAMPLE = 2026, 2000
SIZES = [pytest.param(SAMPLE, id="sample"), pytest.param(None, id="full", marks=pytest.mark.cities)]

BOSTON = ("boston", "MAP.toml", "boston/requests_2011-07_10.csv.gz")
NEW_YORK = ("newyork", "MAP.toml", "nyc/requests_2026-08-01_04.parquet")
PINGSHAN = ("shenzhen", "MAP.toml", "shenzhen/pingshan_complaints_2018-02_10.csv.gz")
# (file, rows in it, of which without a place that can be trusted)
FILES = [
    pytest.param(BOSTON, 41_827, 3_396, id="Boston"),
    pytest.param(NEW_YORK, 41_859, 658, id="New York"),
    pytest.param(PINGSHAN, 6_952, 6_952, id="Pingshan"),
]
Replay = tuple[Database, Summary]


@pytest.fixture(scope="module")
def replayed(
    wenlu_data: Path,
    new_database: Callable[..., str],
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Replay]]:
    """Replay a file, or a seeded sample of it, into a database of its own; each once per module."""
    done: dict[object, Replay] = {}

    def replay(city: str, mapping_name: str, file: str, size: int | None) -> Replay:
        key = (city, file, size)
        if key not in done:
            database = Database(new_database(migrated_template))
            loaded = load_city_folder(database, HERE / city)
            store = FileStore(tmp_path_factory.mktemp("files"))
            context = Context(loaded.jurisdiction_id, Keyring("a secret of the tests only"), store)
            mapping = read_mapping(HERE / city / mapping_name)
            rows = list(read_requests(wenlu_data / file, mapping))
            if size is not None:
                rows = sorted(random.Random(SEED).sample(rows, size), key=lambda row: row.number)
            done[key] = database, replay_requests(database, context, rows, mapping)
        return done[key]

    yield replay
    for database, _ in done.values():
        database.dispose()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("file", "rows", "placeless"), FILES)
def test_every_row_is_owned_explained_and_timed(
    replayed: Callable[..., Replay], file: tuple[str, str, str], rows: int, placeless: int, size: int | None
) -> None:
    database, summary = replayed(*file, size)
    assert (summary.rows, summary.stored) == (size or rows, size or rows), summary.refused
    with database.reading() as tx:
        assert counted(tx, report) == summary.stored
        assert counted(tx, report, report.c.receipt["lead"].astext != report.c.lead_unit) == 0
        stored = select(func.max(func.length(cast(report.c.receipt, Text))))
        assert tx.scalar(stored) <= 2048 * 1.25  # PostgreSQL shows jsonb with a space after each mark
        with_clocks = tx.scalar(select(func.count(func.distinct(clock.c.report_id))))
        assert with_clocks == summary.stored
        assert counted(tx, event, event.c.kind == "request.routed") == summary.stored
    if size is None:
        assert summary.flags["default_point"] + summary.flags["no_place"] == placeless


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("file", "rows", "placeless"), FILES)
def test_times_are_those_of_the_file_and_nothing_is_sent(
    replayed: Callable[..., Replay], file: tuple[str, str, str], rows: int, placeless: int, size: int | None
) -> None:
    database, _ = replayed(*file, size)
    with database.reading() as tx:
        assert counted(tx, outbox, outbox.c.done_at.is_(None)) == 0
        assert counted(tx, outbox) > 0
        late = (event.c.case_id == report.c.id) & (event.c.at != report.c.opened_at)
        assert tx.scalar(select(func.count()).select_from(event).join(report, late)) == 0


@pytest.mark.cities
@pytest.mark.parametrize(
    ("name", "everywhere", "inside"), [("ward", 0.992, 0.997), ("police_district", 0.996, 0.999)]
)
def test_boston_lands_where_the_city_recorded_it(
    replayed: Callable[..., Replay], name: str, everywhere: float, inside: float
) -> None:
    found = replayed(*BOSTON, None)[1].agreement[name]
    assert found.agreed / found.compared >= everywhere
    assert found.agreed_inside / found.compared_inside >= inside


@pytest.mark.parametrize("size", SIZES)
def test_the_ledger_of_a_replay_holds(replayed: Callable[..., Replay], size: int | None) -> None:
    database, summary = replayed(*PINGSHAN, size)
    with database.reading() as tx:
        verdict = verify_ledger(tx)
    assert verdict.faults == []
    assert verdict.events == 2 * summary.stored + 1  # submitted and routed each, and the loading of the city


def counted(tx: Connection, table: object, *where: object) -> int:
    """How many rows of a table there are."""
    return int(tx.scalar(select(func.count()).select_from(table).where(*where)) or 0)  # type: ignore[call-overload]
