"""Channels beside e-mail, people's wishes, quiet hours and digests; letters over one connection."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import ClassVar

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import delete, insert, select, update

from portal import channels as ways
from portal import clock
from portal.channels import CannotSend, Channels, Note, read_gateway
from portal.crypto import Keyring
from portal.mail import Letter, SmtpMailer
from portal.models.messaging import message_channel, message_preference, message_template
from portal.models.people import account, role_grant
from portal.models.report import contact
from portal.models.work import message, outbox
from portal.net_guard import NetGuard
from portal.operations.digest_letter import send_digests
from portal.operations.letter_wishes import StaffWishes, set_staff_wishes
from portal.operations.message_readers import digest_due, quiet_end
from portal.operations.occasions import ALWAYS, CHOICES, GROUPS
from portal.operations.run_once import GiveUp, Later
from portal.operations.write_letter import occasions

GUARD = NetGuard((ip_network("127.0.0.0/8"),))
NOTE = Note('13800001111"', 'Said "hi"\n', "text", "https://x.example/r/1", "<mark@x>")


class Gateway(BaseHTTPRequestHandler):
    got: ClassVar[list[tuple[dict[str, str], bytes]]] = []
    status: ClassVar[int] = 200

    def do_POST(self) -> None:
        Gateway.got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(Gateway.status)
        self.end_headers()
        self.wfile.write(b'{"errcode": 0, "code": 0, "StatusCode": 0}')

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    Gateway.got.clear()
    Gateway.status = 200
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_message_cannot_break_out_of_its_place_in_the_gateways_body(address) -> None:
    body = '{"to": "{to}", "text": "{text}", "id": "{id}"}'
    Channels(GUARD, read_gateway(address, '{"Authorization": "Bearer s"}', body)).send("sms", NOTE)
    form = "to={to}&text={text}"
    kind = '{"Content-Type": "application/x-www-form-urlencoded"}'
    Channels(GUARD, read_gateway(address, kind, form)).send("sms", NOTE)
    (headers, first), (_, second) = Gateway.got
    assert json.loads(first)["to"] == NOTE.to
    assert headers["Authorization"] == "Bearer s"
    assert second.startswith(b"to=13800001111%22&text=Said%20%22hi%22")


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, CannotSend), (422, CannotSend), (500, ConnectionError), (302, ConnectionError)],
)
def test_what_a_gateway_refuses(address, status, error) -> None:
    Gateway.status = status
    with pytest.raises(error):
        Channels(GUARD, read_gateway(address, "", "{to}{text}")).send("sms", NOTE)


@pytest.mark.parametrize(
    ("url", "headers", "body"), [("http://x", "nonsense", "{to}{text}"), ("http://x", "{}", "no places")]
)
def test_a_gateway_that_cannot_be_read_says_so(url, headers, body) -> None:
    with pytest.raises(ValueError, match="SMS_"):
        read_gateway(url, headers, body)


@pytest.mark.parametrize("kind", ["wecom", "feishu", "dingtalk"])
def test_a_robot_is_told_through_apprise(address, monkeypatch, kind) -> None:
    pytest.importorskip("apprise")
    from apprise.plugins import dingtalk, feishu, wecombot

    monkeypatch.setattr(wecombot.NotifyWeComBot, "notify_url", address, raising=False)
    monkeypatch.setattr(feishu.NotifyFeishu, "notify_url", address, raising=False)
    monkeypatch.setattr(dingtalk.NotifyDingTalk, "notify_url", address, raising=False)
    Channels(GUARD, None).send(kind, Note("a1b2c3d4" * 5, "Subject", "text", "https://x.example", "m"))
    assert len(Gateway.got) == 1
    assert b"Subject" in Gateway.got[0][1] or b"text" in Gateway.got[0][1]


def test_without_the_extra_the_reason_is_said(monkeypatch) -> None:
    monkeypatch.setattr(ways, "has_apprise", lambda: False)
    with pytest.raises(CannotSend, match=r"wenlu\[apprise\]"):
        Channels(GUARD, None).send("wecom", Note("a" * 20, "", "", "", ""))


@pytest.mark.parametrize(
    ("at", "start", "end", "until"),
    [
        ("2026-03-10 23:00", 1320, 420, "2026-03-11 07:00"),
        ("2026-03-10 06:59", 1320, 420, "2026-03-10 07:00"),
        ("2026-03-10 07:00", 1320, 420, None),
        ("2026-03-10 21:59", 1320, 420, None),
        ("2026-03-10 13:00", 720, 840, "2026-03-10 14:00"),
        ("2026-03-10 13:00", None, None, None),
        ("2026-03-10 13:00", 600, 600, None),
    ],
)
def test_quiet_hours_are_the_citys(at, start, end, until) -> None:
    def local(text: str | None) -> datetime | None:  # eight hours ahead
        return text and (datetime.fromisoformat(text) - timedelta(hours=8)).replace(tzinfo=UTC)

    assert quiet_end(local(at), start, end, "Asia/Shanghai") == local(until)


@pytest.mark.parametrize(
    ("first", "pace", "due"),
    [
        ("2026-03-10 10:20", "hourly", "2026-03-10 11:00"),
        ("2026-03-10 10:20", "daily", "2026-03-11 00:00"),
        ("2026-03-09 23:59", "daily", "2026-03-10 00:00"),
    ],
)
def test_when_a_digest_is_due(first, pace, due) -> None:
    instants = [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (first, due)]
    assert digest_due(instants[0], pace, "Asia/Shanghai") == instants[1], "eight in the morning there"


@pytest.fixture
def person(town):
    """A handler of the roads office, with wishes."""

    def make(**wishes: object) -> int:
        with town.database.transaction() as tx:
            for table in (message_channel, message_preference, role_grant, account):
                tx.execute(delete(table))
            row = {
                "jurisdiction_id": "brookside.example", "email": "wu@brookside.example", "name": "Wu",
                "password_hash": "", "created_at": clock.now(),
            }  # fmt: skip
            number = tx.execute(insert(account).values(row).returning(account.c.id)).scalar_one()
            grant = {"account_id": number, "role": "handler", "unit_code": "roads"}
            tx.execute(insert(role_grant).values(grant | {"jurisdiction_id": "brookside.example"}))
            set_staff_wishes(tx, town.context, number, StaffWishes(**({"occasions": ("received",)} | wishes)))
        return number

    yield make
    with town.database.transaction() as tx:
        tx.execute(delete(account))


def children(town, parent: int) -> list[int]:
    with town.database.reading() as tx:
        return list(tx.scalars(select(outbox.c.id).where(outbox.c.id > parent).order_by(outbox.c.id)))


def to_unit(town, template: str = "received", **columns: object) -> list[int]:
    """Send the unit its letter; answers the rows of further readers."""
    parent = town.add_work(template=template, report_id=town.add_case(**columns), to="roads")
    assert town.deliver(parent)
    return children(town, parent)


def test_a_person_hears_of_what_they_asked_for_and_once(town, person) -> None:
    person()
    (row,) = to_unit(town)
    assert [town.deliver(row), town.deliver(row)] == [True, False]
    assert len(town.letters()) == 2, "the unit and the person"
    assert to_unit(town, "at_risk") == [], "not asked for"


def test_a_job_of_ones_own_is_told_to_those_too_who_chose_nothing(town, person) -> None:
    number = person()
    with town.database.transaction() as tx:
        tx.execute(delete(message_preference))
    assert to_unit(town) == [], "the unit alone"
    work = town.add_work(template="crew_sent", report_id=town.add_case(), to=f"account:{number}", of="roads")
    assert town.deliver(work)
    assert any("Job for you" in path.read_text() for path in town.letters())


def test_people_can_choose_among_all_letters_to_their_unit_and_each_has_a_name(town, person) -> None:
    assert set(CHOICES) | set(ALWAYS) == set(occasions("unit"))
    assert len(CHOICES) == sum(map(len, GROUPS.values())), "each stands in one group"
    person(occasions=tuple(CHOICES))
    for template in ("escalated", "supervised", "task_added", "nobody_on_duty"):
        assert len(to_unit(town, template)) == 1


@pytest.mark.parametrize(("priority", "letters"), [("normal", 1), ("emergency", 2)])
def test_quiet_hours_hold_all_but_emergencies(town, person, priority, letters) -> None:
    local = clock.now().astimezone(UTC) + timedelta(hours=8)
    minute = local.hour * 60 + local.minute
    person(quiet_from=(minute - 60) % 1440, quiet_until=(minute + 60) % 1440, pace="daily")
    (row,) = to_unit(town, priority=priority)
    if priority == "normal":
        with pytest.raises(Later):
            town.deliver(row)
        assert town.work(row).available_at > clock.now() + timedelta(minutes=55)
    else:
        assert town.deliver(row)
    assert len(town.letters()) == letters


def test_a_digest_tells_everything_once(town, person) -> None:
    person(pace="daily")
    for _ in range(3):
        (row,) = to_unit(town)
        assert town.deliver(row)
    assert len(town.letters()) == 3, "the unit's own"
    with town.database.transaction() as tx:
        assert send_digests(tx) == 0, "not yet due"
        tx.execute(
            update(message)
            .where(message.c.state == "gathered")
            .values(sent_at=clock.now() - timedelta(days=1))
        )
    for expected in (1, 0):
        with town.database.transaction() as tx:
            assert send_digests(tx) == expected
    (digest,) = [each for each in children(town, row) if town.work(each).payload["template"] == "digest"]
    assert town.deliver(digest)
    texts = [path.read_text() for path in town.letters()]
    assert sum("3 messages about your cases" in text for text in texts) == 1


def test_a_channel_of_a_unit_gets_its_own_row_and_the_reason_where_it_cannot_work(town) -> None:
    sealed = town.context.keyring.seal({"address": "a" * 20}, bound_to="channel:unit:roads")
    row = {"jurisdiction_id": "brookside.example", "unit_code": "roads", "kind": "sms", "sealed": sealed}
    with town.database.transaction() as tx:
        tx.execute(insert(message_channel).values(row | {"created_at": clock.now()}))
    (child,) = to_unit(town)
    with pytest.raises(GiveUp, match="SMS_URL"):
        town.deliver(child)
    with town.database.transaction() as tx:
        tx.execute(delete(message_channel))


@pytest.mark.parametrize(
    ("wishes", "template", "letters"),
    [
        ({"which": "none"}, "received", 0),
        ({"which": "endings"}, "accepted", 0),
        ({"which": "endings"}, "resolved", 1),
        ({"which": "all"}, "accepted", 1),
    ],
)
def test_a_resident_hears_what_they_chose_and_can_stop_by_one_click(town, wishes, template, letters) -> None:
    case_id = town.add_case(email="li@example.org")
    with town.database.transaction() as tx:
        tx.execute(update(contact).where(contact.c.report_id == case_id).values(wishes=wishes))
    assert town.deliver(town.add_work(template=template, report_id=case_id, to="reporter"))
    assert len(town.letters()) == letters
    for path in town.letters():
        text = path.read_text()
        assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in text
        assert "/unsubscribe/" in text
        assert "text/html" in text


@pytest.mark.parametrize(
    ("left", "wishes", "has_sms", "told"),
    [
        pytest.param({"phone": "+86 138-0000 1111"}, None, True, "sms", id="a telephone alone"),
        pytest.param({"phone": "13800001111", "email": "li@example.org"}, None, True, "email", id="both"),
        pytest.param(
            {"phone": "13800001111", "email": "li@example.org", "wanted": "sms"}, None, True, "sms", id="chose SMS"
        ),
        pytest.param(
            {"phone": "13800001111", "email": "li@example.org", "wanted": "sms"}, {"channel": "email"}, True, "email",
            id="changed their mind",
        ),
        pytest.param({"email": "li@example.org", "wanted": "sms"}, None, True, "email", id="SMS without a number"),
        pytest.param({"phone": "13800001111"}, None, False, "", id="a telephone alone, and no gateway"),
        pytest.param(
            {"phone": "13800001111", "email": "li@example.org", "wanted": "sms"}, None, False, "email",
            id="chose SMS, and no gateway",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("template", ["received", "resolved", "breached", "closed"])
def test_by_which_way_a_resident_is_told(town, address, template, left, wishes, has_sms, told) -> None:
    context = replace(town.context, has_sms=has_sms)
    town = replace(town, context=context)
    case_id = town.add_case(**left)
    with town.database.transaction() as tx:
        tx.execute(update(contact).where(contact.c.report_id == case_id).values(wishes=wishes))
    body = '{"to": "{to}", "text": "{text}", "id": "{id}"}'
    channels = Channels(GUARD, read_gateway(address, "{}", body) if has_sms else None)
    work = town.add_work(template=template, report_id=case_id, to="reporter")
    assert town.deliver(work, channels=channels)
    assert (len(town.letters()), len(Gateway.got)) == (int(told == "email"), int(told == "sms"))
    assert [row.channel for row in town.messages(work)] == ([told] if told else [])
    for _, sent in Gateway.got:
        said = json.loads(sent)
        assert said["to"].lstrip("+").isdecimal()
        assert "https://brookside.example/r/" in said["text"]


def test_a_citys_own_wording_is_used_from_its_next_letter_on(town) -> None:
    row = {
        "jurisdiction_id": "brookside.example", "audience": "reporter", "occasion": "accepted", "locale": "en",
        "version": 1, "subject": "Taken: {{ service }}", "body": "{{ unit }} is on it.", "made_at": clock.now(),
    }  # fmt: skip
    with town.database.transaction() as tx:
        tx.execute(insert(message_template).values(row))
    case_id = town.add_case(email="li@example.org")
    assert town.deliver(town.add_work(template="accepted", report_id=case_id, to="reporter"))
    (path,) = town.letters()
    assert "Subject: Taken: Pothole" in path.read_text()
    with town.database.transaction() as tx:
        tx.execute(delete(message_template))


def test_what_an_old_key_sealed_opens_and_its_links_work() -> None:
    old, new = Keyring("old"), Keyring("new", ("older", "old"))
    sealed = old.seal({"email": "li@example.org"}, bound_to="x")
    assert new.open(sealed, bound_to="x") == {"email": "li@example.org"}
    assert new.is_reporter_secret("T", old.reporter_secret("T"))
    assert not new.is_reporter_secret("T", Keyring("other").reporter_secret("T"))
    with pytest.raises(ValueError, match="another key"):
        old.open(new.seal({}, bound_to="x"), bound_to="x")


class Counting:
    """A mail server that counts connections."""

    def __init__(self) -> None:
        self.connections, self.letters = 0, list[str]()

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_DATA(self, server, session, envelope) -> str:
        self.letters.append(envelope.rcpt_tos[0])
        return "250 OK"


@pytest.mark.parametrize(("count", "connections"), [(20, 1), (150, 2)])
def test_letters_that_follow_each_other_share_a_connection(count, connections) -> None:
    counting = Counting()
    with_server(counting, count)
    assert (len(counting.letters), counting.connections) == (count, connections)


def with_server(counting: Counting, count: int) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(counting, hostname="127.0.0.1", port=port, server_hostname="localhost")
    controller.start()
    try:
        mailer = SmtpMailer(f"smtp://127.0.0.1:{port}", "wenlu@localhost")
        for number in range(count):
            mailer.send(Letter(f"r{number}@example.org", "s", "t", f"<{number}@x>", "en"))
        mailer.close()
    finally:
        controller.stop()
