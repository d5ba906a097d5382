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

from portal.models.messaging import webhook, webhook_delivery
from portal.models.work import outbox
from portal.net_guard import NetGuard
from portal.operations.context import Actor
from portal.operations.deliver_webhook import deliver_webhook, feed_webhooks
from portal.operations.manage_webhooks import add_webhook, ask_for_test, open_hook, rotate_secret
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
