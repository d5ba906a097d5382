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
from sqlalchemy import event

from portal.app import create_app
from portal.operations.context import Actor
from portal.operations.load_city import DEMO, load_city_folder
from portal.operations.move_report import Move, move_report
from portal.operations.submission import Submission
from portal.operations.submit_report import Submitted, submit_report
from portal.settings import Settings
from portal.web.services import Services

IN_MARKET_STREET = (121.640, 29.185)


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
