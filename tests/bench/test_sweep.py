"""What watching a million open cases costs: a sweep pays for what is due, and many due at once are caught up with.

The cases are written by SQL as copies of one real report, into a database of this bench's own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from portal import clock as time_of_day
from portal.crypto import Keyring
from portal.db import Database
from portal.models.ledger import event
from portal.models.report import clock, report
from portal.operations.context import Context
from portal.operations.load_city import DEMO, load_city_folder
from portal.operations.submission import Submission
from portal.operations.submit_report import submit_report
from portal.operations.sweep_clocks import due_cases, sweep_clocks
from portal.storage import FileStore

CHECKOUT = Path(__file__).resolve().parents[2]
OPEN, DUE, MANY = 1_000_000, 1_000, 100_000
SECONDS_DUE, SECONDS_MANY = 2.0, 60.0
COPY = """
INSERT INTO case_file (id, jurisdiction_id, subject, token, last_seq, last_hash) OVERRIDING SYSTEM VALUE
SELECT n, 'linhai.example', 'report', 'BENCH' || n, 0, decode(repeat('00', 32), 'hex')
FROM generate_series(1000001, 1000000 + :open) AS n;
INSERT INTO report ({columns}) SELECT {values} FROM report AS model, generate_series(1000001, 1000000 + :open) AS n
WHERE model.id = :model;
INSERT INTO clock (jurisdiction_id, report_id, kind, stage, unit_code, state, started_at, remind_at, at_risk_at,
                   due_at, next_at, span_unit)
SELECT 'linhai.example', n, 'unit', 'resolve', 'street-cn2', 'running', now(), at, at, at, at, 'hours'
FROM generate_series(1000001, 1000000 + :open) AS n,
     LATERAL (SELECT now() + interval '1 day' + n * interval '1 second' AS at) AS later;
"""
OVERRIDDEN = {"id": "n", "token": "'BENCH' || n", "client_request_id": "NULL"}
# One of the two sweepers: repeats as the job does, and says how many clocks it handled.
SWEEPER = """
import sys
from portal.db import Database
from portal.operations.sweep_clocks import sweep_clocks
database, idle = Database(sys.argv[1], pool_size=1), 0
while idle < 3:
    with database.transaction() as tx:
        idle = idle + 1 if sweep_clocks(tx) == 0 else 0
"""


@pytest.fixture(scope="module")
def full(
    new_database: Callable[..., str], migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A city with a million open cases, none of them due."""
    database = Database(new_database(migrated_template))
    load_city_folder(database, DEMO / "linhai")
    context = Context(
        "linhai.example", Keyring("a secret of the bench"), FileStore(tmp_path_factory.mktemp("files"))
    )
    with database.transaction() as tx:
        submission = Submission("pothole", 121.5549, 29.15, 5.0, answers={"depth": ("large",)})
        token = submit_report(tx, context, submission).token
        tx.execute(update(clock).values(next_at=None))
    names = [f'"{column.name}"' for column in report.c]
    values = [OVERRIDDEN.get(column.name, f'model."{column.name}"') for column in report.c]
    copies = COPY.format(columns=", ".join(names), values=", ".join(values))
    with database.transaction() as tx:
        tx.execute(text("SET LOCAL statement_timeout = 0"))
        model = tx.scalar(select(report.c.id).where(report.c.token == token))
        for statement in copies.strip().split(";\n"):
            tx.execute(text(statement.rstrip(";")), {"open": OPEN, "model": model})
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
        tx.execute(text("SET statement_timeout = 0"))
        tx.execute(text("ANALYZE clock"))
        tx.execute(text("ANALYZE report"))
        tx.execute(text("ANALYZE case_file"))
    yield database
    database.dispose()


def make_due(database: Database, first: int, count: int) -> None:
    """These clocks ran out two hours ago: a breach and the first step of the ladder for each."""
    ago = time_of_day.now() - timedelta(hours=2)
    some = clock.c.report_id.between(1_000_001 + first, 1_000_000 + first + count)
    instants = dict.fromkeys(("remind_at", "at_risk_at", "due_at", "next_at"), ago)
    with database.transaction() as tx:
        tx.execute(text("SET LOCAL statement_timeout = 0"))
        tx.execute(update(clock).where(some).values(instants))


def escalated(database: Database) -> tuple[int, int]:
    """How many escalations there are, and how many different ones."""
    with database.reading() as tx:
        kind = event.c.kind == "clock.escalated"
        key = func.concat(
            event.c.case_id, " ", event.c.public["clock_id"].astext, " ", event.c.public["step"].astext
        )
        return tuple(tx.execute(select(func.count(), func.count(func.distinct(key))).where(kind)).one())


def processor_seconds() -> float:
    """What the processes that were waited for have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.timeout(900)
def test_a_sweep_pays_for_what_is_due(full: Database) -> None:
    make_due(full, 0, DUE)
    with full.reading() as tx:
        query = str(
            due_cases(time_of_day.now(), 1000).compile(tx.engine, compile_kwargs={"literal_binds": True})
        )
        plan = "\n".join(tx.scalars(text(f"EXPLAIN {query}")))
    assert "Seq Scan" not in plan, plan
    assert "ix_clock_next" in plan
    began = time.monotonic()
    with full.transaction() as tx:
        handled = sweep_clocks(tx)
    took = time.monotonic() - began
    began = time.monotonic()
    with full.transaction() as tx:
        assert sweep_clocks(tx) == 0
    idle = time.monotonic() - began
    print(f"\nsweep: {handled} due of {OPEN:,} open in {took:.2f} s; nothing due {idle * 1000:.1f} ms")
    assert handled == DUE
    assert escalated(full) == (DUE, DUE)
    assert took < SECONDS_DUE


@pytest.mark.timeout(900)
def test_many_due_at_once_are_caught_up_by_two_sweepers(full: Database) -> None:
    before = escalated(full)[0]
    make_due(full, 200_000, MANY)
    began, spent = time.monotonic(), processor_seconds()
    command = [sys.executable, "-c", SWEEPER, full.url]
    sweepers = [subprocess.Popen(command, cwd=CHECKOUT) for _ in range(2)]
    assert [sweeper.wait() for sweeper in sweepers] == [0, 0]
    took = time.monotonic() - began
    spent = processor_seconds() - spent
    print(
        f"\nsweep: {MANY:,} due at once of {OPEN:,} open, two sweepers: {took:.1f} s, {MANY / took:,.0f} clocks/s;"
        f" {spent / MANY * 1e6:.0f} µs of the processor each, beside the database"
    )
    count, different = escalated(full)
    assert (count - before, different - before) == (MANY, MANY), "each escalated once"
    with full.reading() as tx:
        assert tx.scalar(select(func.count()).where(report.c.colour == 2)) == DUE + MANY
    assert took < SECONDS_MANY
