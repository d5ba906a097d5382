"""What finding likely duplicates costs beside a hundred thousand reports: the index, not the number of rows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from geo.crs import LonLat
from portal.crypto import Keyring
from portal.db import Database
from portal.models.report import report
from portal.operations.context import Context
from portal.operations.load_city import DEMO, load_city_folder
from portal.operations.submission import Submission
from portal.operations.submit_report import submit_report
from portal.queries.alike_cases import ALIKE, alike_params
from portal.queries.nearby_reports import nearby_reports
from portal.queries.staff_case import staff_case
from portal.storage import FileStore

MANY = 100_000
HERE = LonLat(121.6091, 29.2018)
# Copies of one report over the city, a tenth of them at one corner, as the records of real cities have it.
SPOT = """ST_SetSRID(CASE WHEN n % 10 = 0 THEN ST_MakePoint(121.6091, 29.2018) ELSE ST_MakePoint(
    121.5 + 0.2 * (CAST(n AS bigint) * 7919 % 10007) / 10007,
    29.1 + 0.15 * (CAST(n AS bigint) * 104729 % 9973) / 9973) END, 4326)"""
CHANGED = {
    "id": "1000000 + n",
    "token": "'C' || n",
    "client_request_id": "NULL",
    "geom": SPOT,
    "public_geom": SPOT,
    "opened_at": "now() - n * interval '20 seconds'",
    "closed_at": "CASE WHEN n % 3 = 0 THEN now() END",
    "closing_code": "CASE WHEN n % 3 = 0 THEN 'fixed' END",
}


def copy_statement() -> str:
    values = ", ".join(CHANGED.get(column.name, f'"{column.name}"') for column in report.c)
    names = ", ".join(f'"{column.name}"' for column in report.c)
    return f"INSERT INTO report ({names}) SELECT {values} FROM report, generate_series(1, :many) AS n WHERE id = :id"


@pytest.fixture(scope="module")
def crowded(database: Database, tmp_path_factory: pytest.TempPathFactory) -> tuple[Database, Any, str]:
    load_city_folder(database, DEMO / "linhai")
    context = Context(
        "linhai.example", Keyring("a secret"), FileStore(Path(tmp_path_factory.mktemp("files")))
    )
    pothole = Submission(
        "pothole", HERE.lon, HERE.lat, 8.0, description="A hole", answers={"depth": ("large",)}
    )
    with database.transaction() as tx:
        token = submit_report(tx, context, pothole).token
        case_id = tx.scalar(text("SELECT id FROM report WHERE token = :token"), {"token": token})
        tx.execute(
            text("SET LOCAL session_replication_role = replica")
        )  # copies have no case file of their own
        tx.execute(text("SET LOCAL statement_timeout = 0"))
        tx.execute(text(copy_statement()), {"id": case_id, "many": MANY})
    with database.transaction() as tx:
        tx.execute(text("ANALYZE report"))
    return database, context, token


def test_proposals_beside_a_hundred_thousand_reports(crowded: tuple[Database, Any, str]) -> None:
    database, context, token = crowded
    with database.reading() as tx:
        city = context.cities.city(tx, "linhai.example")
        times = []
        for _ in range(5):
            began = time.perf_counter()
            found = nearby_reports(tx, city, "pothole", HERE, "A hole")
            times.append(time.perf_counter() - began)
        case = staff_case(tx, "linhai.example", token)
        assert case is not None
        began = time.perf_counter()
        plan = "\n".join(tx.scalars(text("EXPLAIN (ANALYZE) " + ALIKE.text), alike_params(case, city)))
        desk = time.perf_counter() - began
    print(
        f"proposals at the busiest corner of {MANY:,}: {min(times) * 1000:.1f} ms; desk {desk * 1000:.0f} ms"
    )
    assert len(found) == 5
    assert "ix_report_open_geom" in plan
    assert "ix_report_public_geom" in plan
    assert "Seq Scan" not in plan, plan
