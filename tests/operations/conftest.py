"""The demo city in a database of the module's own, reports to file in it, and what became of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, Table, select
from sqlalchemy import event as hooks

from portal import clock
from portal.crypto import Keyring
from portal.db import Database
from portal.models.ledger import event, event_private
from portal.models.report import clock as clock_table
from portal.models.report import report
from portal.models.work import outbox
from portal.operations.context import Actor, Context
from portal.operations.load_city import load_city_folder
from portal.operations.move_report import Move, MoveResult, move_report
from portal.operations.submission import Contact, Submission
from portal.operations.submit_report import Submitted, submit_report
from portal.storage import FileStore

DEMO = Path(__file__).resolve().parents[2] / "portal" / "demo" / "linhai"
# A Tuesday with nothing special about it, 10:00 in Linhai.
TUESDAY = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
ACADEMY = (121.55490, 29.15)  # a side street: street-cn2 answers

CONTACT = Contact(name="李敏-Unmistakable", email="unmistakable@mail.example", phone="13812345678")
POTHOLE = Submission(
    service_code="pothole", lon=ACADEMY[0], lat=ACADEMY[1], accuracy_m=5.0, answers={"depth": ("large",)},
    description="A deep hole. Call 138 1234 5678.", contact=CONTACT, locale="en",
)  # fmt: skip


def pothole(**changes: Any) -> Submission:
    """A sound report of its own; `changes` replace fields."""
    return replace(POTHOLE, **({"client_request_id": uuid.uuid4()} | changes))


@dataclass(frozen=True, slots=True)
class Linhai:
    """The demo city: files reports, moves them, and reads what was stored."""

    database: Database
    context: Context

    def submit(self, submission: Submission | None = None, **changes: Any) -> Submitted:
        with self.database.transaction() as tx:
            return submit_report(tx, self.context, submission or pothole(**changes))

    def file(self, **changes: Any) -> str:
        return self.submit(**changes).token

    def move(self, token: str, actor: Actor, action: str, **more: Any) -> MoveResult:
        with self.database.transaction() as tx:
            return move_report(tx, self.context, token, actor, Move(action, **more))

    def moved(self, token: str, *moves: tuple[Any, ...]) -> MoveResult:
        """Several moves in a row: (actor, action) or (actor, action, {more})."""
        for actor, action, *more in moves:
            result = self.move(token, actor, action, **(more[0] if more else {}))
        return result

    def row(self, token: str) -> Row[Any]:
        with self.database.reading() as tx:
            return tx.execute(select(report).where(report.c.token == token)).one()

    def events(self, token: str) -> list[Row[Any]]:
        private = (event_private.c.case_id == event.c.case_id) & (
            event_private.c.case_seq == event.c.case_seq
        )
        query = select(event, event_private.c.private).outerjoin(event_private, private)
        with self.database.reading() as tx:
            case_id = tx.scalar(select(report.c.id).where(report.c.token == token))
            return list(tx.execute(query.where(event.c.case_id == case_id).order_by(event.c.case_seq)))

    def kinds(self, token: str) -> list[str]:
        return [row.kind for row in self.events(token)]

    def clocks(self, token: str, state: str | None = None) -> dict[tuple[str, str], Row[Any]]:
        """The newest clock of each kind and stage, only those in a state where one is named."""
        return {(row.kind, row.stage): row for row in self.all_clocks(token) if state in (None, row.state)}

    def all_clocks(self, token: str) -> list[Row[Any]]:
        """Every clock that the case ever had, oldest first."""
        with self.database.reading() as tx:
            case_id = tx.scalar(select(report.c.id).where(report.c.token == token))
            of_case = clock_table.c.report_id == case_id
            return list(tx.execute(select(clock_table).where(of_case).order_by(clock_table.c.id)))

    def messages(self, token: str) -> list[dict[str, Any]]:
        """What was asked of the messengers about a case, oldest first."""
        case_id = self.row(token).id
        with self.database.reading() as tx:
            payloads = tx.scalars(select(outbox.c.payload).order_by(outbox.c.id))
            return [payload for payload in payloads if payload.get("report_id") == case_id]

    def count(self, table: Table) -> int:
        with self.database.reading() as tx:
            return len(tx.execute(select(table)).all())


@pytest.fixture(scope="module")
def linhai(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Linhai:
    """The demo city, loaded into the module's database."""
    with clock.simulated(TUESDAY):
        load_city_folder(database, DEMO)
    store = FileStore(tmp_path_factory.mktemp("files"))
    return Linhai(database, Context("linhai.example", Keyring("a secret of the tests"), store))


@pytest.fixture
def at() -> Callable[..., Any]:
    """Pretend it is Tuesday morning, or some time later."""

    @contextmanager
    def pretend(**later: float) -> Any:
        with clock.simulated(TUESDAY + timedelta(**later)) as pretended:
            yield pretended

    return pretend


@pytest.fixture
def statements(linhai: Linhai) -> list[str]:
    """Every statement sent to the module's database while the test runs."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    hooks.listen(linhai.database.engine, "before_cursor_execute", note)
    yield sent
    hooks.remove(linhai.database.engine, "before_cursor_execute", note)


@pytest.fixture
def do(linhai: Any) -> Callable[..., Any]:
    """Run an operation in a transaction of its own."""

    def run(what: Callable[..., Any], *given: Any, **more: Any) -> Any:
        with linhai.database.transaction() as tx:
            return what(tx, linhai.context, *given, **more)

    return run
