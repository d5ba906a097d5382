"""Writes many cases of the demo city by SQL, as copies of one real report: spread over units, states, words, places.

Everything follows from the case's number, so that every run has the same cases. Of the words, 路灯 stands in every
fiftieth text, 漏水 in every two thousandth and `pothol` in every twentieth, beside thousands of others.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from portal.db import Database
from portal.models.report import report

FIRST = 1_000_000
STATES = ("routed", "accepted", "in_progress", "waiting")
# Column -> what it is in case number n (h and g: two numbers scattered by it).
VARIED = {
    "id": "n",
    "token": "'B' || lpad(n::text, 13, '0')",
    "client_request_id": "NULL",
    "lead_unit": "units[1 + h % cardinality(units)]",
    "state": f"CASE WHEN is_open THEN (ARRAY{list(STATES)})[1 + g % 4] ELSE 'closed' END",
    "priority": "CASE WHEN n % 200 = 0 THEN 'emergency' WHEN n % 9 = 0 THEN 'high' ELSE 'normal' END",
    "service_code": "services[1 + (h / 7) % cardinality(services)]",
    "colour": "CASE WHEN is_open AND g % 11 = 0 THEN 3 WHEN is_open AND g % 5 = 0 THEN 1 ELSE 0 END",
    "opened_at": "now() - (n - :first) * interval '7 minutes' / 10",
    "closed_at": "CASE WHEN NOT is_open THEN now() - (n - :first) * interval '7 minutes' / 10"
    " + g % 14000 * interval '1 minute' END",
    "closing_code": "CASE WHEN NOT is_open THEN (ARRAY['fixed', 'fixed', 'fixed', 'not_found'])[1 + h % 4] END",
    "promise_due_at": "CASE WHEN is_open THEN now() + (g % 200000 - 50000) * interval '1 minute'"
    " ELSE now() - (n - :first) * interval '7 minutes' / 10 + h % 14000 * interval '1 minute' END",
    "next_due_at": "CASE WHEN is_open THEN now() + (g % 200000 - 60000) * interval '1 minute'"
    " ELSE '9999-01-01 00:00:00+00' END",
    "description": "'第' || n || '号：路边的情况，请看一下。Case ' || n",
    "geom": "ST_SetSRID(ST_MakePoint(121.5 + (h % 20000) / 100000.0, 29.1 + (g % 20000) / 100000.0), 4326)",
    "public_geom": "ST_SetSRID(ST_MakePoint(121.5 + (h % 20000) / 100000.0, 29.1 + (g % 20000) / 100000.0), 4326)",
    "words": "array_to_tsvector(array_remove(ARRAY["
    "'w' || (h % 5000), 'w' || (g % 5000), 'v' || (h % 300), '第' || (n % 50),"
    "CASE WHEN g % 50 = 0 THEN '路灯' END, CASE WHEN g % 2000 = 0 THEN '漏水' END,"
    "CASE WHEN h % 20 = 0 THEN 'pothol' END], NULL))",
}
FILES = """
INSERT INTO case_file (id, jurisdiction_id, subject, token, last_seq, last_hash) OVERRIDING SYSTEM VALUE
SELECT n, 'linhai.example', 'report', 'B' || lpad(n::text, 13, '0'), 3, decode(repeat('00', 32), 'hex')
FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n
"""
REPORTS = """
INSERT INTO report ({columns}) SELECT {values} FROM report AS model,
  (SELECT array_agg(unit_code ORDER BY unit_code) AS units FROM unit) AS u,
  (SELECT array_agg(service_code ORDER BY service_code) AS services FROM service) AS s,
  (SELECT n, abs(hashint8(n)::bigint) AS h, abs(hashint8(n * 31 + 7)::bigint) AS g, n < :first + :open AS is_open
   FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n) AS each_case
WHERE model.token = :model
"""
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'report' AND indexname LIKE 'ix_%'
"""
CLOCKS = """
INSERT INTO clock (jurisdiction_id, report_id, kind, stage, unit_code, state, started_at, at_risk_at, due_at, span_unit)
SELECT jurisdiction_id, id, 'unit', 'resolve', lead_unit, 'running', opened_at, next_due_at, next_due_at, 'hours'
FROM report WHERE id >= :first AND closed_at IS NULL
"""


def write_cases(database: Database, model: str, opened: int, closed: int, *, is_large: bool = False) -> None:
    """So many open and closed cases like the report `model`, with their clocks; statistics are taken anew.

    `is_large`: the indexes are made after the rows, which is quicker for very many.
    """
    names = [column.name for column in report.c]
    values = [VARIED.get(name, f'model."{name}"') for name in names]
    statement = REPORTS.format(columns=", ".join(f'"{name}"' for name in names), values=", ".join(values))
    given = {"first": FIRST, "last": FIRST + opened + closed - 1, "open": opened, "model": model}
    with database.transaction() as tx:
        tx.execute(text("SET LOCAL statement_timeout = 0"))
        indexes = tx.execute(text(INDEXES)).all() if is_large else []
        for name, _ in indexes:
            tx.execute(text(f'DROP INDEX "{name}"'))
        for each in (FILES, statement, *(made for _, made in indexes), CLOCKS):
            tx.execute(text(each.replace("::", "\\:\\:")), _of(each, given))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
        tx.execute(text("SET statement_timeout = 0"))
        for table in ("report", "clock", "case_file"):
            tx.execute(text(f"VACUUM ANALYZE {table}"))


def _of(statement: str, given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if f":{name}" in statement}
