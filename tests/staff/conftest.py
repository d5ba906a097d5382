"""Builders for the desk's tests: a small city's units, accounts, and a context with its own keys."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import Row, insert, select, update
from sqlalchemy import event as hooks
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from portal import clock
from portal.app import create_app
from portal.crypto import Keyring
from portal.db import Database
from portal.models.city import jurisdiction_table, unit
from portal.models.report import clock as clock_table
from portal.models.report import report
from portal.operations.context import Context
from portal.operations.load_city import DEMO, load_city_folder
from portal.operations.manage_accounts import NewAccount, add_account
from portal.operations.submission import Contact
from portal.operations.submit_report import Submission, submit_report
from portal.queries.staff_rights import Grant
from portal.settings import Settings
from portal.storage import FileStore
from routing.lifecycle import CLOSED_STATES
from routing.units import Directory, Unit

JURISDICTION = "hillside.example"
PASSWORD = "four words make sense"
#  centre (coordination) / north (district) > oak, elm (streets) ; south (district) > pine ; lamps (department)
UNITS = (
    ("centre", None, "city"),
    ("north", "centre", "district"),
    ("oak", "north", "street"),
    ("elm", "north", "street"),
    ("south", "centre", "district"),
    ("pine", "south", "street"),
    ("lamps", "centre", "department"),
)
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday


@pytest.fixture(scope="session")
def directory() -> Directory:
    return Directory([Unit(code, parent or "", level) for code, parent, level in UNITS], "centre")


@pytest.fixture(scope="module")
def context(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A city with units and nothing else, in the module's database."""
    with database.transaction() as tx:
        tx.execute(insert(jurisdiction_table).values(city_row(JURISDICTION, is_demo=True)))
        tx.execute(insert(unit), [unit_row(JURISDICTION, n, *row) for n, row in enumerate(UNITS)])
    store = FileStore(tmp_path_factory.mktemp("files"))
    return Context(jurisdiction_id=JURISDICTION, keyring=Keyring("a secret of the tests"), store=store)


@pytest.fixture
def make_account(database: Database, context: Context) -> Callable[..., int]:
    """Add an account with `PASSWORD` and one grant."""

    def make(email: str, role: str = "handler", unit_code: str = "oak", **more: object) -> int:
        person = NewAccount(email, "", PASSWORD, **more)
        with database.transaction() as tx:
            return add_account(tx, context, person, Grant(role, unit_code))

    return make


def city_row(jurisdiction_id: str, *, is_demo: bool) -> dict[str, object]:
    return {
        "id": jurisdiction_id,
        "name": {"en": "Hillside"},
        "config": {},
        "timezone": "Asia/Shanghai",
        "locales": ["en", "zh_Hans"],
        "coordination_unit": "centre",
        "pack_digest": "",
        "is_demo": is_demo,
        "loaded_at": AT,
    }


def unit_row(
    jurisdiction_id: str, position: int, code: str, parent: str | None, level: str
) -> dict[str, object]:
    return {
        "jurisdiction_id": jurisdiction_id,
        "unit_code": code,
        "parent": parent,
        "level": level,
        "name": {"en": code.title()},
        "position": position,
    }


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


class Desk:
    """The demo city behind the real application, with people who sign in and cases that lie about."""

    def __init__(self, database: Database, context: Context, settings: Settings) -> None:
        self.database, self.context, self.settings = database, context, settings
        self.app = create_app(settings)
        self._emails: dict[Grant, str] = {}

    def email_of(self, grant: Grant) -> str:
        """The address of somebody with just this grant."""
        if grant not in self._emails:
            email = f"{grant.role}.{grant.unit_code or 'city'}@linhai.example"
            with self.database.transaction() as tx:
                add_account(tx, self.context, NewAccount(email, "", PASSWORD), grant)
            self._emails[grant] = email
        return self._emails[grant]

    def client(self, grant: Grant | None = None, language: str = "en") -> Browser:
        """A browser, signed in where a grant is named."""
        browser = Browser(self.app, language)
        if grant is not None:
            answer = browser.sign_in(self.email_of(grant), PASSWORD)
            assert answer.status_code == 303, answer.text
        return browser

    def file(self, lead: str = "street-cn1", state: str = "routed", **columns: object) -> str:
        """A case with a given lead unit and state; `columns` override those of the report."""
        with self.database.transaction() as tx:
            filed = submit_report(
                tx, self.context, Submission(**(SUBMISSION | {"client_request_id": uuid.uuid4()}))
            )
            closed = {"closed_at": clock.now()} if state in CLOSED_STATES else {}
            changed = {"lead_unit": lead, "state": state, "assist_units": [], **closed, **columns}
            found = update(report).where(report.c.token == filed.token).values(changed).returning(report.c.id)
            of_unit = (clock_table.c.report_id == tx.scalar(found)) & (clock_table.c.kind == "unit")
            tx.execute(update(clock_table).where(of_unit).values(unit_code=lead))
        return filed.token

    def row(self, token: str) -> Row:
        """The case as it stands."""
        with self.database.reading() as tx:
            return tx.execute(select(report).where(report.c.token == token)).one()


class Browser:
    """A test client that fills in the form token, as a page does."""

    def __init__(self, app: Flask, language: str) -> None:
        self.client = app.test_client()
        self.language = {"Accept-Language": language}

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, headers=self.language)

    def token(self) -> str:
        page = self.get("/desk/sign-in?note=out")
        page = self.get(page.headers["Location"]) if page.status_code == 303 else page
        return re.search(r'name="csrf_token" value="([0-9a-f]+)"', page.text).group(1)

    def post(self, path: str, data: dict[str, object], **more: object) -> TestResponse:
        data = {"csrf_token": self.token()} | data
        return self.client.post(path, data=data, headers=self.language, **more)

    def sign_in(self, email: str, password: str, **more: object) -> TestResponse:
        return self.post("/desk/sign-in", {"email": email, "password": password, **more})

    def move(self, token: str, action: str, **typed: object) -> TestResponse:
        """Do something to a case as one who has just looked at it."""
        seen = re.search(r'name="seen_seq" value="(\d+)"', self.get(f"/desk/case/{token}").text)
        sent = {"action": action} | ({"seen_seq": seen.group(1)} if seen else {})
        return self.post(f"/desk/case/{token}/move", sent | typed)


# A pothole in a street of the demo city.
SUBMISSION = {
    "service_code": "pothole",
    "lon": 121.6091,
    "lat": 29.2018,
    "accuracy_m": 8.0,
    "answers": {"depth": ("large",)},
    "description": "A deep hole by the bus stop. Call me: 138 1234 5678.",
    "contact": Contact(name="Li Min", email="li.min@mail.example", phone="13812345678"),
}


@pytest.fixture(scope="module")
def desk(
    database: Database, database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Desk:
    """The demo city, loaded into the module's database and served by the real application."""
    load_city_folder(database, DEMO / "linhai")
    home = tmp_path_factory.mktemp("home")
    environ = {"WENLU_HOME": str(home), "DATABASE_URL": database_url, "REDIS_URL": redis_url}
    settings = Settings.from_environ(environ)
    context = Context("linhai.example", Keyring(settings.secret_key), FileStore(settings.folder("files")))
    return Desk(database, context, settings)


@pytest.fixture
def counted() -> Callable[[Flask], Any]:
    """Every statement that an application sends within a block."""

    @contextmanager
    def listen(app: Flask) -> Iterator[list[str]]:
        sent: list[str] = []
        engine = app.extensions["wenlu"].database.engine

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            sent.append(statement)

        hooks.listen(engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            hooks.remove(engine, "before_cursor_execute", note)

    return listen


def signed_in(desk: Desk, people: Mapping[str, Grant]) -> dict[str, tuple[Browser, str]]:
    """One signed-in browser for each person, with its form token."""
    browsers = {name: desk.client(grant) for name, grant in people.items()}
    return {name: (browser, browser.token()) for name, browser in browsers.items()}


@pytest.fixture(scope="module")
def address(desk: Desk) -> Iterator[str]:
    """The desk on a port of its own."""
    server = make_server("127.0.0.1", 0, desk.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    """A photo of finished work, as a file to be chosen in a form."""
    Image.new("RGB", (80, 60), "green").save(tmp_path / "proof.jpg")
    return tmp_path / "proof.jpg"
