"""Builders for the public pages' tests: the demo city behind the real application."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, event, text

from portal.app import create_app
from portal.operations.context import Actor
from portal.operations.load_city import DEMO, load_city_folder
from portal.operations.move_report import Move, move_report
from portal.operations.submission import Submission
from portal.operations.submit_report import Submitted, submit_report
from portal.settings import Settings
from portal.web.services import Services

IN_MARKET_STREET = (121.640, 29.185)
MANY = """
    WITH made AS (
        INSERT INTO case_file (jurisdiction_id, subject, token, last_seq, last_hash)
        SELECT 'linhai.example', 'report', 'MANY' || n, 0, '' FROM generate_series(1, 20000) AS n RETURNING id, token
    ), filed AS (SELECT id, token, id % 12 = 0 AS is_open, now() - (id % 900) * interval '1 day' AS at FROM made)
    INSERT INTO report (
        id, jurisdiction_id, token, kind, service_code, state, priority, channel, locale, is_anonymous, is_private,
        description, public_text, answers, lead_unit, assist_units, rule, rulebook_version, confidence, is_ambiguous,
        receipt, public_receipt, opened_at, updated_at, closed_at, promise_due_at, places, public_geom)
    SELECT id, 'linhai.example', token, 'report', 'pothole', CASE WHEN is_open THEN 'accepted' ELSE 'closed' END,
        'normal', 'web', 'en', false, false, repeat('x', 200), repeat('y', 200), '{}', 'unit-' || id % 40, '[]', 'r',
        1, 1, false, '{}', '{}', at, at, CASE WHEN is_open THEN NULL ELSE at + interval '3 days' END,
        at + interval '5 days', ARRAY['street:S' || id % 46, 'district:D' || id % 8],
        ST_SetSRID(ST_MakePoint(121.5 + id % 200 / 1000.0, 29.1 + id % 170 / 1000.0), 4326)
    FROM filed
"""


@pytest.fixture(scope="module")
def app(database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The application on a database of this module, with the demo city loaded."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings.from_environ(
        {"WENLU_HOME": str(home), "DATABASE_URL": database_url, "REDIS_URL": redis_url}
    )
    made = create_app(replace(settings, public_url="http://localhost"))
    load_city_folder(made.extensions["wenlu"].database, DEMO / "linhai")
    yield made
    made.extensions["wenlu"].database.dispose()


@pytest.fixture
def parts(app: Flask) -> Services:
    return app.extensions["wenlu"]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that reads English."""
    made = app.test_client()
    made.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return made


@pytest.fixture
def file_one(parts: Services) -> Callable[..., Submitted]:
    """File a report straight into the database."""

    def file(service: str = "park-repair", **more: object) -> Submitted:
        lon, lat = IN_MARKET_STREET
        given = {"lon": lon, "lat": lat, "accuracy_m": 10.0, "description": "The bench is broken"} | more
        submission = Submission(service, client_request_id=uuid.uuid4(), **given)
        with parts.database.transaction() as tx:
            return submit_report(tx, parts.context, submission)

    return file


@pytest.fixture
def move(parts: Services) -> Callable[..., None]:
    """Move a report on as the coordination centre."""

    def act(token: str, *moves: Move) -> None:
        for each in moves:
            with parts.database.transaction() as tx:
                move_report(tx, parts.context, token, Actor("dispatcher", "centre"), each)

    return act


@pytest.fixture
def counted(parts: Services) -> Callable[[], object]:
    """Count the statements of a block; BEGIN and COMMIT are no statements of ours."""

    @contextmanager
    def count() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        event.listen(parts.database.engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(parts.database.engine, "before_cursor_execute", note)

    return count


@pytest.fixture
def many(parts: Services) -> None:
    """Twenty thousand reports of two and a half years, so that the planner has something to choose."""
    with parts.database.transaction() as tx:
        if tx.scalar(text("SELECT count(*) FROM report")) < 20_000:
            # VACUUM calls a page visible only once the commit that wrote it has reached the log.
            tx.execute(text("SET LOCAL synchronous_commit = on"))
            tx.execute(text(MANY))
    with parts.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE report"))


@pytest.fixture
def plans(parts: Services) -> Callable[..., list[str]]:
    """The plan of every statement that a query makes."""

    def explain(query: Callable[[Connection], object]) -> list[str]:
        asked: list[tuple[str, object]] = []
        _ = parts.jurisdiction_id  # asks the database the first time

        def note(_conn: object, _cursor: object, statement: str, values: object, *_rest: object) -> None:
            asked.append((statement, values))

        with parts.database.transaction() as tx:
            event.listen(parts.database.engine, "before_cursor_execute", note)
            try:
                query(tx)
            finally:
                event.remove(parts.database.engine, "before_cursor_execute", note)
            cursor = tx.connection.cursor()
            return [
                "\n".join(row[0] for row in cursor.execute(f"EXPLAIN {statement}", values).fetchall())
                for statement, values in asked
            ]

    return explain


@pytest.fixture
def csrf(client: FlaskClient) -> str:
    """The token of a form that this browser has opened."""
    return hidden(client.get("/report").get_data(as_text=True), "csrf_token")


@pytest.fixture
def form(csrf: str) -> Callable[..., dict[str, object]]:
    """A report form filled in soundly, with changes."""

    def fill(**changes: object) -> dict[str, object]:
        lon, lat = IN_MARKET_STREET
        filled = {
            "csrf_token": csrf,
            "client_request_id": str(uuid.uuid4()),
            "service_code": "park-repair",
            "lon": str(lon),
            "lat": str(lat),
            "accuracy_m": "12",
            "description": "The bench is broken",
        } | changes
        return {name: value for name, value in filled.items() if value is not None}

    return fill


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no hidden field {name}"
    return found.group(1)


@pytest.fixture(name="hidden")
def hidden_fixture() -> Callable[[str, str], str]:
    return hidden
