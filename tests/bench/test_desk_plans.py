"""What each page of the desk asks of a database with a million cases: root, slowest node and time of every plan.

The cases are written by SQL as copies of one real report (CASES of them, one in twenty open), the indexes made
afterwards. Each page is opened once, and every statement that it sent is explained with what it was asked with.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, Table, select, text
from sqlalchemy import event as hooks

from portal.app import create_app
from portal.db import Database
from portal.models.custody import dispute, task
from portal.models.ledger import case_file, event
from portal.models.report import clock, report
from portal.operations.context import Actor
from portal.operations.keep_tasks import Wanted
from portal.operations.load_city import DEMO, load_city_folder
from portal.operations.manage_accounts import NewAccount, add_account
from portal.operations.move_report import Move, move_report
from portal.operations.move_tasks import ask_units
from portal.operations.rule_disputes import contest_transfer
from portal.operations.submission import Submission
from portal.operations.submit_report import submit_report
from portal.queries.staff_rights import Grant
from portal.settings import Settings

CASES = int(os.environ.get("CASES", "1000000"))
FIRST = 1_000_000
BIG = {"report", "clock", "event"}
PASSWORD = "four words make sense"
PEOPLE = {
    "admin": Grant("admin", ""),
    "desk": Grant("dispatcher", "centre"),
    "street": Grant("handler", "street-cn2"),
}
UNITS = "(ARRAY['street-cn1', 'street-cn2', 'street-cn3', 'street-wh1', 'street-ba1', 'parks', 'water', 'centre'])"
SERVICES = "(ARRAY['pothole', 'pavement', 'street-light', 'park-repair', 'missed-collection', 'water-leak'])"
OPENED = f"now() - ({FIRST + CASES} - n) * interval '63 seconds'"
POINT = "ST_SetSRID(ST_MakePoint(121.5 + n % 997 * 0.0002, 29.1 + n / 997 % 997 * 0.0002), 4326)"
CASE = {
    "id": "n", "token": "'BENCH' || n", "client_request_id": "NULL", "client_digest": "NULL",
    "lead_unit": f"{UNITS}[1 + n / 20 % 8]", "service_code": f"{SERVICES}[1 + n % 6]",
    "assist_units": "CASE n % 10 WHEN 0 THEN '[\"water\"]'::jsonb ELSE '[]'::jsonb END",
    "state": "CASE WHEN n % 20 > 0 THEN 'closed' WHEN n % 40 = 0 THEN 'routed' ELSE 'in_progress' END",
    "opened_at": OPENED, "updated_at": OPENED,
    "closed_at": f"CASE WHEN n % 20 > 0 THEN {OPENED} + interval '3 days' END",
    "closing_code": "CASE WHEN n % 20 > 0 THEN 'fixed' END", "promise_due_at": f"{OPENED} + interval '10 days'",
    "next_due_at": "now() + (n % 30000 - 6000) * interval '1 minute'",
    "colour": "CASE n % 20 WHEN 0 THEN n / 20 % 8 / 2 ELSE 0 END",
    "is_ambiguous": "n % 200 = 0", "place_flag": "CASE n % 1000 WHEN 0 THEN 'outside' END",
    "geom": POINT, "public_geom": POINT, "voice": "NULL",
    "words": "array_to_tsvector(ARRAY['hole', 'a' || n % 4999, 'b' || n % 499])",
}  # fmt: skip
STAGE = "CASE n % 20 WHEN 0 THEN 'running' ELSE 'met' END"
LATER = "now() + (n % 30000 - 6000) * interval '1 minute'"


@dataclass(frozen=True, slots=True)
class City:
    """The full database, the application in front of it, and the number of a case with everything."""

    database: Database
    app: Flask
    token: str


def copies(
    tx: Connection, table: Table, of: Mapping[str, Any], changed: Mapping[str, str], step: int = 1
) -> None:
    """Copies of one row for every `step`-th case; what is changed may name the case's number n."""
    kept = [column.name for column in table.c if column.name != "id" or "id" in changed]
    names = ", ".join(f'"{name}"' for name in kept)
    values = ", ".join(changed.get(name, f'model."{name}"') for name in kept)
    where = " AND ".join(f"model.{name} = :{name}" for name in of)
    overriding = "OVERRIDING SYSTEM VALUE" if "id" in changed else ""
    tx.execute(
        text(
            f'INSERT INTO "{table.name}" ({names}) {overriding} SELECT {values} FROM "{table.name}" AS model, '
            f"generate_series({FIRST}, {FIRST + CASES - 1}, {step}) AS n WHERE {where}"
        ),
        dict(of),
    )


def fill(database: Database, model: int) -> None:
    """A million cases, without their indexes and checks until they are there."""
    ours = ("case_file", "report", "clock", "event")
    listed = text(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON "
        "pg_class.oid = indrelid WHERE relname = ANY(:ours) AND NOT indisunique"
    )
    with database.transaction() as tx:
        tx.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL session_replication_role = replica"))
        tx.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
        indexes = tx.execute(listed, {"ours": list(ours)}).all()
        for name, _ in indexes:
            tx.execute(text(f"DROP INDEX {name}"))
        copies(tx, case_file, {"id": model}, {"id": "n", "token": "'BENCH' || n"})
        copies(tx, report, {"id": model}, CASE)
        of_case = {"report_id": "n"}
        shared = of_case | {"state": STAGE, "due_at": LATER, "unit_code": CASE["lead_unit"]}
        copies(
            tx,
            clock,
            {"report_id": model, "kind": "promise"},
            shared | {"next_at": f"CASE n % 20 WHEN 0 THEN {LATER} END"},
        )
        resolve = {"report_id": model, "kind": "unit", "stage": "resolve", "unit_code": "parks"}
        copies(tx, clock, resolve, shared | {"next_at": LATER, "state": "'running'"}, 20)
        for kind, seq in (("request.submitted", "1"), ("request.routed", "2")):
            copies(
                tx, event, {"case_id": model, "kind": kind}, {"case_id": "n", "case_seq": seq, "at": OPENED}
            )
        copies(tx, dispute, {"report_id": model}, of_case, 2_000)
        copies(tx, task, {"report_id": model, "number": 1}, of_case | {"unit_code": CASE["lead_unit"]}, 200)
        for _, definition in indexes:
            tx.execute(text(definition))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
        tx.execute(text("SET statement_timeout = 0"))
        tx.execute(text("VACUUM ANALYZE"))


@pytest.fixture(scope="module")
def city(
    new_database: Callable[..., str],
    migrated_template: str,
    redis_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[City]:
    environ = {"WENLU_HOME": str(tmp_path_factory.mktemp("home")), "REDIS_URL": redis_url}
    environ["DATABASE_URL"] = new_database(migrated_template)
    app = create_app(Settings.from_environ(environ))
    parts = app.extensions["wenlu"]
    load_city_folder(parts.database, DEMO / "linhai")
    lead, next_lead = Actor("handler", "street-cn2"), Actor("handler", "parks")
    with parts.database.transaction() as tx:
        given = Submission(
            "pothole", 121.5549, 29.15, 5.0, answers={"depth": ("large",)}, description="A hole"
        )
        token = submit_report(tx, parts.context, given).token
        move_report(tx, parts.context, token, lead, Move("accept"))
        ask_units(tx, parts.context, token, lead, "ask", [Wanted("water", title="Pipe")])
        handed = Move("transfer", reason="not_our_service", to_unit="parks")
        move_report(tx, parts.context, token, lead, handed)
        model = tx.scalar(select(report.c.id).where(report.c.token == token))
        for name, grant in PEOPLE.items():
            person = NewAccount(f"{name}@linhai.example", "", PASSWORD)
            add_account(tx, parts.context, person, grant)
        contest_transfer(tx, parts.context, token, next_lead, Move("", reason="not_our_area"))
    fill(parts.database, model)
    yield City(parts.database, app, token)
    parts.database.dispose()


def pages_of(app: Flask) -> list[str]:
    """The addresses of the desk that need no number but a case's."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/desk")]
    return sorted(
        rule.rule for rule in rules if "GET" in rule.methods and set(rule.arguments) <= {"token"}
        and not rule.rule.startswith("/desk/incidents/")
    )  # fmt: skip


def signed_in(app: Flask, name: str) -> Any:
    client = app.test_client()
    form = client.get("/desk/sign-in").text
    csrf = re.search(r'name="csrf_token" value="([0-9a-f]+)"', form).group(1)
    sent = {"csrf_token": csrf, "email": f"{name}@linhai.example", "password": PASSWORD}
    assert client.post("/desk/sign-in", data=sent).status_code == 303
    return client


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def own_ms(node: Mapping[str, Any]) -> float:
    """What a node took itself, all its loops together, without those below it."""
    spent = node["Actual Total Time"] * node["Actual Loops"]
    return spent - sum(each["Actual Total Time"] * each["Actual Loops"] for each in node.get("Plans", ()))


def explained(database: Database, statement: str, asked: Any) -> Mapping[str, Any]:
    """The plan of one statement as it ran; nothing that it writes stays."""
    with database.engine.connect() as tx:
        found = tx.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", asked).scalar()
        tx.rollback()
    return found[0]


@pytest.mark.timeout(3600)
def test_no_page_of_the_desk_reads_a_large_table_through(city: City) -> None:
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, asked: Any, *_rest: Any) -> None:
        if statement.lstrip(" \n(").startswith(("SELECT", "WITH")) and "pg_catalog" not in statement:
            sent.append((statement, asked))

    read_through, lines = [], []
    for name in PEOPLE:
        client = signed_in(city.app, name)
        for path in pages_of(city.app):
            sent.clear()
            hooks.listen(city.database.engine, "before_cursor_execute", note)
            answer = client.get(path.replace("<token>", city.token))
            hooks.remove(city.database.engine, "before_cursor_execute", note)
            if answer.status_code != 200:
                continue
            for number, (statement, asked) in enumerate(list(sent)[1:], start=1):  # the first is the session
                plan = explained(city.database, statement, asked)
                all_nodes = list(nodes(plan["Plan"]))
                slow = max(all_nodes, key=own_ms)
                through = [each["Relation Name"] for each in all_nodes if each["Node Type"] == "Seq Scan"]
                read_through += [(name, path, each) for each in through if each in BIG]
                what = (
                    f"{slow['Node Type']} {slow.get('Index Name') or slow.get('Relation Name', '')}".strip()
                )
                root = plan["Plan"]["Node Type"]
                lines.append((plan["Execution Time"], f"{name} {path} {number} | {root} | {what}"))
    print(f"\n{CASES:,} cases, {len(lines)} statements; the slowest, in ms:")
    print("\n".join(f"{ms:9.1f} | {line}" for ms, line in sorted(lines, reverse=True)[:40]))
    assert read_through == []
