"""Builders for the jobs' tests: a small town, its cases, rows of the outbox, a Redis of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Row, delete, insert, select

from portal import clock
from portal.channels import Channels
from portal.cli.servers import PrivateRedis
from portal.crypto import Keyring, new_token
from portal.db import Database, insert_together
from portal.mail import FolderMailer
from portal.models.city import jurisdiction_table, service, unit
from portal.models.ledger import case_file, event
from portal.models.people import attempt
from portal.models.report import contact, report
from portal.models.work import message, outbox
from portal.net_guard import NetGuard
from portal.operations.context import Context
from portal.operations.deliver_message import Outlet, deliver_message
from portal.operations.record_events import GENESIS
from portal.operations.run_once import put_back
from portal.storage import FileStore

JURISDICTION = "brookside.example"
UNIT, SILENT_UNIT = "roads", "silent"
DELIVER = "jobs.messages.deliver_message"


@dataclass(frozen=True, slots=True)
class Town:
    """A town in a database of its own: adds cases and rows, and looks what became of them."""

    database: Database
    context: Context
    mail: Path

    @property
    def mailer(self) -> FolderMailer:
        return FolderMailer(self.mail, "wenlu@brookside.example")

    def deliver(self, outbox_id: int, mailer: Any = None, channels: Any = None) -> bool:
        """Work a row off as a worker does: what fails is put back, and raised."""
        outlet = Outlet(mailer or self.mailer, channels or Channels(NetGuard(), None))
        try:
            return deliver_message(self.database, self.context, outlet, outbox_id, timedelta(minutes=4))
        except Exception as error:
            with self.database.transaction() as tx:
                put_back(tx, outbox_id, error)
            raise

    def add_case(
        self,
        *,
        email: str = "",
        phone: str = "",
        wanted: str = "email",
        locale: str = "en",
        channel: str = "web",
        **columns: Any,
    ) -> int:
        """A case as an intake leaves it, with the reporter's sealed contact where there is an address."""
        now, token = clock.now(), new_token()
        with self.database.transaction() as tx:
            head = {"jurisdiction_id": JURISDICTION, "subject": "report", "token": token}
            made = insert(case_file).values(head | {"last_seq": 0, "last_hash": GENESIS})
            case_id = tx.execute(made.returning(case_file.c.id)).scalar_one()
            row = {
                "id": case_id, "jurisdiction_id": JURISDICTION, "token": token, "kind": "report",
                "service_code": "pothole", "state": "routed", "priority": "normal", "channel": channel,
                "locale": locale, "is_anonymous": False, "is_private": False, "description": "", "public_text": "",
                "answers": {}, "lead_unit": UNIT, "assist_units": [], "rule": "r", "rulebook_version": 1,
                "confidence": 1.0, "is_ambiguous": False, "receipt": RECEIPT, "public_receipt": RECEIPT,
                "opened_at": now, "updated_at": now, "promise_due_at": now + timedelta(days=7),
            }  # fmt: skip
            insert_together(tx, [(report, [row | columns])])
            if email or phone:
                left = {"email": email, "phone": phone, "channel": wanted}
                sealed = self.context.keyring.seal(left, bound_to=f"contact:{token}")
                insert_together(tx, [(contact, [_contact_row(case_id, sealed, locale)])])
        return int(case_id)

    def add_work(self, job: str = DELIVER, at: datetime | None = None, **payload: Any) -> int:
        """A row of the outbox, due at once."""
        at = at or clock.now()
        row = {
            "jurisdiction_id": JURISDICTION,
            "job": job,
            "payload": payload,
            "created_at": at,
            "available_at": at,
        }
        with self.database.transaction() as tx:
            return int(tx.execute(insert(outbox).values(row).returning(outbox.c.id)).scalar_one())

    def work(self, outbox_id: int) -> Row[Any]:
        with self.database.reading() as tx:
            return tx.execute(select(outbox).where(outbox.c.id == outbox_id)).one()

    def messages(self, outbox_id: int) -> list[Row[Any]]:
        with self.database.reading() as tx:
            return list(tx.execute(select(message).where(message.c.outbox_id == outbox_id)))

    def events(self, case_id: int) -> list[Row[Any]]:
        with self.database.reading() as tx:
            return list(
                tx.execute(select(event).where(event.c.case_id == case_id).order_by(event.c.case_seq))
            )

    def letters(self) -> list[Path]:
        return sorted(self.mail.glob("*.eml"))


RECEIPT = {
    "lead": UNIT, "rule": "potholes", "service": "pothole", "has_place": True, "outside": False, "used": [],
    "ambiguous": False, "runner_up": None, "snapped": False, "editions": {},
}  # fmt: skip


@pytest.fixture(scope="module")
def city(database: Database) -> Database:
    """The module's database with a town that has one service and two units."""
    town = {
        "id": JURISDICTION, "name": {"en": "Brookside", "zh_Hans": "溪畔"}, "config": {}, "timezone": "Asia/Shanghai",
        "locales": ["en", "zh_Hans"], "coordination_unit": UNIT, "pack_digest": "", "loaded_at": clock.now(),
    }  # fmt: skip
    pothole = {
        "jurisdiction_id": JURISDICTION, "service_code": "pothole", "group": "roads", "group_name": {},
        "kind": "report", "name": {"en": "Pothole", "zh_Hans": "路面坑洞"}, "description": {}, "keywords": {},
        "importance": 2, "is_sensitive": False, "duplicate_radius_m": 250, "photo": "optional",
        "type": "realtime", "position": 1,
    }  # fmt: skip
    units = [
        {"jurisdiction_id": JURISDICTION, "unit_code": UNIT, "level": "city", "position": 1,
         "name": {"en": "Roads Office", "zh_Hans": "道路办"}, "email": "roads@brookside.example"},
        {"jurisdiction_id": JURISDICTION, "unit_code": SILENT_UNIT, "level": "city", "position": 2,
         "name": {"en": "Silent Office"}, "email": None},
    ]  # fmt: skip
    with database.transaction() as tx:
        insert_together(tx, [(jurisdiction_table, [town]), (service, [pothole]), (unit, units)])
    return database


@pytest.fixture
def town(city: Database, tmp_path: Path) -> Town:
    """The town with an empty letter box, nothing counted against anybody, and an empty folder of files."""
    with city.transaction() as tx:
        tx.execute(delete(attempt))
    keyring, store = Keyring("a secret of the tests"), FileStore(tmp_path / "files")
    context = Context(JURISDICTION, keyring, store, public_url="https://brookside.example")
    return Town(city, context, tmp_path / "mail")


@pytest.fixture(scope="module")
def own_redis() -> Iterator[Redis]:
    """A Redis of this module's own: the queues have the names that they have in production."""
    home = Path(tempfile.mkdtemp(prefix="wenlu-test-"))
    home.chmod(0o711)
    server = PrivateRedis(home)
    server.start()
    try:
        yield Redis.from_url(server.url())
    finally:
        server.stop()
        for folder in (server.sockets, home):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis(own_redis: Redis) -> Redis:
    """The module's Redis, emptied."""
    own_redis.flushall()
    return own_redis


def _contact_row(case_id: int, sealed: bytes, locale: str) -> dict[str, Any]:
    key = {"report_id": case_id, "jurisdiction_id": JURISDICTION}
    return key | {
        "sealed": sealed,
        "locale": locale,
        "channel": "email",
        "has_email": True,
        "has_phone": True,
    }
