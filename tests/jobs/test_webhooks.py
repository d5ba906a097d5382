"""Webhooks: public events once each, signed, retried, stopped by 410, never of private reports."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import ClassVar

import pytest
from sqlalchemy import delete, select, update

from portal.models.city import jurisdiction_table, unit
from portal.models.messaging import webhook, webhook_delivery
from portal.models.work import outbox
from portal.net_guard import NetGuard
from portal.operations.context import Actor
from portal.operations.deliver_webhook import deliver_webhook, feed_webhooks
from portal.operations.manage_webhooks import (
    add_webhook,
    ask_for_test,
    keep_unit_webhooks,
    open_hook,
    rotate_secret,
    switch_webhook,
)
from portal.operations.record_events import Draft, lock_head, record
from portal.operations.run_once import GiveUp, put_back
from portal.operations.seal_events import seal_events

ADMIN, GUARD = Actor("admin"), NetGuard((ip_network("127.0.0.0/8"),))
LEASE = timedelta(minutes=4)


class Receiver(BaseHTTPRequestHandler):
    got: ClassVar[list[tuple[dict[str, str], bytes]]] = []
    status = 200

    def do_POST(self) -> None:
        Receiver.got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(Receiver.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def hook(town) -> Iterator[tuple[int, str]]:
    """A webhook at a real server: its number and its secret."""
    Receiver.got.clear()
    Receiver.status = 200
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with town.database.transaction() as tx:
        tx.execute(delete(webhook_delivery))
        tx.execute(delete(webhook))
        tx.execute(delete(outbox).where(outbox.c.job == "jobs.webhooks.deliver_webhook"))
        url = f"http://127.0.0.1:{server.server_port}/in"
        secret = add_webhook(tx, town.context, GUARD, ADMIN, "Press", url, "", ())
        number = tx.scalar(select(webhook.c.id))
    yield number, secret
    server.shutdown()
    server.server_close()


def happen(town, case_id: int, kind: str) -> None:
    with town.database.transaction() as tx:
        record(tx, lock_head(tx, case_id), [Draft(kind, {"actor": {"role": "handler"}}, {"note": "inner"})])
    with town.database.transaction() as tx:
        seal_events(tx)


def feed(town) -> list[int]:
    """The deliveries that are asked for now."""
    with town.database.transaction() as tx:
        feed_webhooks(tx)
    with town.database.reading() as tx:
        mine = (outbox.c.job == "jobs.webhooks.deliver_webhook") & outbox.c.done_at.is_(None)
        return list(tx.scalars(select(outbox.c.id).where(mine).order_by(outbox.c.id)))


def deliver(town, row: int, guard: NetGuard = GUARD) -> bool:
    try:
        return deliver_webhook(town.database, town.context, guard, row, LEASE)
    except Exception as error:
        with town.database.transaction() as tx:
            put_back(tx, row, error)
        raise


def test_public_events_are_told_once_signed_and_without_private_parts(town, hook) -> None:
    case_id = town.add_case()
    happen(town, case_id, "request.accepted")
    happen(town, case_id, "request.noted")  # of the desk
    happen(town, case_id, "contact.viewed")
    (row,) = feed(town)
    assert feed(town) == [row], "asked again, nothing new"
    assert [deliver(town, row), deliver(town, row)] == [True, False]
    ((headers, body),) = Receiver.got
    told = json.loads(body)
    assert (told["type"], told["data"]["unit"]) == ("request.accepted", "roads")
    assert b"inner" not in body
    key = base64.b64decode(hook[1].removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["Idempotency-Key"] == headers["webhook-id"] == f"evt_{row}"


@pytest.mark.parametrize(
    ("columns", "kinds", "unit", "count"),
    [
        ({}, ["request.accepted"], None, 1),
        ({}, ["request.closed"], None, 0),
        ({"is_private": True}, [], None, 0),
        ({"channel": "replay"}, [], None, 0),
        ({}, [], "roads", 1),
        ({}, [], "silent", 0),
        ({"assist_units": ["silent"]}, [], "silent", 1),
    ],
)
def test_which_events_are_told(town, hook, columns, kinds, unit, count) -> None:
    with town.database.transaction() as tx:
        tx.execute(update(webhook).values(kinds=kinds, unit_code=unit))
    happen(town, town.add_case(**columns), "request.accepted")
    assert len(feed(town)) == count


@pytest.mark.parametrize(
    ("status", "error", "is_active"),
    [(500, ConnectionError, True), (302, ConnectionError, True), (410, GiveUp, False)],
)
def test_a_refusal_is_kept_and_tried_again_with_the_same_id(town, hook, status, error, is_active) -> None:
    happen(town, town.add_case(), "request.accepted")
    (row,) = feed(town)
    Receiver.status = status
    with pytest.raises(error):
        deliver(town, row)
    with town.database.reading() as tx:
        kept = tx.execute(select(webhook)).one()
        assert (kept.last_status, kept.is_active) == (str(status), is_active)
    if is_active:
        Receiver.status = 204
        assert deliver(town, row)
        assert len({headers["webhook-id"] for headers, _ in Receiver.got}) == 1
        with town.database.reading() as tx:
            assert tx.scalar(select(webhook_delivery.c.status)) == "204"


def test_an_address_that_became_private_is_not_reached(town, hook) -> None:
    happen(town, town.add_case(), "request.accepted")
    (row,) = feed(town)
    with pytest.raises(GiveUp, match="not on the public internet"):
        deliver(town, row, NetGuard())
    assert Receiver.got == []


def test_after_a_change_of_secret_both_sign_for_a_while(town, hook) -> None:
    number, old = hook
    with town.database.transaction() as tx:
        new = rotate_secret(tx, town.context, ADMIN, number)
        ask_for_test(tx, town.context, number)
        assert open_hook(town.context, tx.execute(select(webhook)).one()).secrets == (new, old)
    (row,) = feed(town)
    assert deliver(town, row)
    ((headers, body),) = Receiver.got
    assert json.loads(body)["type"] == "webhook.tested"
    assert len(headers["webhook-signature"].split()) == 2


def kept(town) -> int:
    with town.database.transaction() as tx:
        return keep_unit_webhooks(tx, town.context)


def of_unit(town):
    """The webhook of the roads office as it stands: its row and its opened address."""
    with town.database.reading() as tx:
        row = tx.execute(select(webhook).where(webhook.c.is_of_unit)).one_or_none()
        return row, row and open_hook(town.context, row)


def test_the_address_in_the_citys_table_becomes_a_signed_webhook_of_that_unit(town, hook) -> None:
    def write(**values: object) -> None:
        with town.database.transaction() as tx:
            tx.execute(update(unit).where(unit.c.unit_code == "roads").values(values))

    with town.database.transaction() as tx:
        (address,) = [open_hook(town.context, row).url for row in tx.execute(select(webhook))]
        tx.execute(delete(webhook))
    assert kept(town) == 0, "no unit has an address"
    write(webhook=address)
    assert [kept(town), kept(town)] == [1, 0]
    row, opened = of_unit(town)
    assert (row.unit_code, row.is_active, opened.url) == ("roads", True, address)
    happen(town, town.add_case(lead_unit="roads"), "request.accepted")
    happen(town, town.add_case(lead_unit="silent"), "request.accepted")
    (delivery,) = feed(town)
    assert deliver(town, delivery)
    ((headers, body),) = Receiver.got
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(opened.secrets[0].removeprefix("whsec_"))
    expected = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    with town.database.transaction() as tx:
        secret = rotate_secret(tx, town.context, ADMIN, row.id)
        switch_webhook(tx, town.context, ADMIN, row.id, is_active=False)
    assert kept(town) == 0, "who was stopped stays stopped"
    write(webhook=address + "/new")
    assert kept(town) == 1
    row, opened = of_unit(town)
    assert (row.is_active, opened.url, opened.secrets[0]) == (True, address + "/new", secret)
    write(webhook=None)
    assert [kept(town), of_unit(town)[0].is_active, kept(town)] == [1, False, 0]


def test_a_demo_tells_nobody(town, hook) -> None:
    with town.database.transaction() as tx:
        tx.execute(
            update(unit).where(unit.c.unit_code == "roads").values(webhook="https://hooks.example/roads")
        )
        tx.execute(update(jurisdiction_table).values(is_demo=True))
        assert keep_unit_webhooks(tx, town.context) == 0
        tx.execute(update(jurisdiction_table).values(is_demo=False))
        tx.execute(update(unit).values(webhook=None))
