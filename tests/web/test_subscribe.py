"""Letters about an area, a service or a unit: asked for, proved, sent when there is news, ended with one click."""

from __future__ import annotations

import email
import email.policy
import logging
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select, text, update

from portal import clock
from portal.channels import Channels
from portal.crypto import Keyring
from portal.mail import FolderMailer, Letter, compose
from portal.models.open_city import subscription
from portal.models.people import attempt
from portal.models.work import outbox
from portal.net_guard import NetGuard
from portal.operations.deliver_message import Outlet, deliver_message
from portal.operations.forget_expired import forget_expired
from portal.operations.move_report import Move
from portal.operations.news_letter import LAG, send_news
from portal.operations.reseal import reseal_settings
from portal.operations.subscribe import forget_mailbox
from portal.queries.subscriptions import Subject, due_subscriptions, news_of
from portal.web.services import Services

ADDRESS = "li.wei@mail.example"
SERVICE = {"kind": "service", "code": "park-repair"}


@pytest.fixture(autouse=True)
def nobody(parts: Services) -> None:
    with parts.database.transaction() as tx:
        for each in (subscription, attempt):
            tx.execute(delete(each))
        tx.execute(update(outbox).values(done_at=clock.now()))


@pytest.fixture
def ask(client: FlaskClient, hidden: Callable[[str, str], str]) -> Callable[..., Any]:
    """Ask for letters as the form does."""

    def post(subject: dict[str, str] = SERVICE, language: str = "en", **changes: str) -> Any:
        page = client.get("/subscribe", query_string=subject).get_data(as_text=True)
        given = {"csrf_token": hidden(page, "csrf_token"), "email": ADDRESS, "pace": "hourly", **subject}
        return client.post("/subscribe", data=given | changes, headers={"Accept-Language": language})

    return post


@pytest.mark.parametrize("kind", ["area", "service", "unit"])
def test_without_a_subject_one_can_be_chosen(client: FlaskClient, kind: str) -> None:
    page = client.get("/subscribe").get_data(as_text=True)
    form = re.search(rf'<input type="hidden" name="kind" value="{kind}">.*?</form>', page, re.S)
    assert form
    codes = re.findall(r'<option value="([^"]+)"', form.group(0))
    assert codes
    for code in codes[:3]:
        answer = client.get("/subscribe", query_string={"kind": kind, "code": code})
        assert (answer.status_code, 'name="email"' in answer.get_data(as_text=True)) == (200, True)


@pytest.fixture
def post_out(parts: Services, tmp_path: Path) -> Callable[[], list[EmailMessage]]:
    """Send what waits in the outbox; answers the letters."""

    def deliver() -> list[EmailMessage]:
        outlet = Outlet(FolderMailer(tmp_path, "wenlu@city.example"), Channels(NetGuard(), None))
        with parts.database.reading() as tx:
            mine = outbox.c.done_at.is_(None) & outbox.c.payload["to"].astext.startswith("subscription:")
            waiting = list(tx.scalars(select(outbox.c.id).where(mine).order_by(outbox.c.id)))
        for number in waiting:
            deliver_message(parts.database, parts.context, outlet, number, timedelta(minutes=4))
        found = [
            email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            for path in sorted(tmp_path.glob("*.eml"))
        ]
        for path in tmp_path.glob("*.eml"):
            path.unlink()
        return found

    return deliver


@pytest.fixture
def look(parts: Services) -> Callable[[], int]:
    """Let the clock pass the next hour, and look for news; answers for how many."""

    def run() -> int:
        with parts.database.transaction() as tx:
            past = clock.now() - timedelta(seconds=1)
            tx.execute(update(subscription).where(subscription.c.next_at.is_not(None)).values(next_at=past))
        later = clock.now() + LAG
        with pytest.MonkeyPatch.context() as patch, parts.database.transaction() as tx:
            patch.setattr(clock, "now", lambda: later)
            return send_news(tx)

    return run


def plain(letter: EmailMessage, kind: str = "plain") -> str:
    body = letter.get_body((kind,))
    assert body is not None
    return body.get_content()


def link_of(letter: EmailMessage) -> tuple[str, str]:
    """Path and secret of one's own link."""
    found = re.search(r"http://localhost(/subscription/\w+)#(\S+)", plain(letter))
    assert found
    return found.group(1), found.group(2)


@pytest.fixture
def agree(client: FlaskClient, ask: Any, post_out: Any, csrf: str) -> Callable[..., tuple[str, str]]:
    """Ask and agree; answers path and secret."""

    def run(subject: dict[str, str] = SERVICE, language: str = "en") -> tuple[str, str]:
        assert ask(subject, language).status_code == 200
        (letter,) = post_out()
        path, secret = link_of(letter)
        sent = {"csrf_token": csrf, "secret": secret}
        assert client.post(f"{path}/confirm", data=sent).status_code == 303
        return path, secret

    return run


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_letter_asks_and_nothing_is_sent_before_the_answer(
    parts: Services, client: FlaskClient, ask: Any, post_out: Any, look: Any, file_one: Any, language: str
) -> None:
    answer = ask(language=language)
    assert 'class="note good" role="status"' in answer.get_data(as_text=True)
    (letter,) = post_out()
    assert letter["To"] == ADDRESS
    assert letter["Subject"] == (
        "Do you want news of Damage in a park?" if language == "en" else "要订阅“公园设施损坏”的动态吗？"
    )
    assert plain(letter).splitlines()[0] in plain(letter, "html")
    path, _ = link_of(letter)
    assert client.get(path).status_code == 200, "opening it changes nothing"
    file_one()
    assert look() == 0
    assert post_out() == []


def test_news_are_told_once_in_the_readers_language_and_end_with_one_click(
    client: FlaskClient, agree: Any, look: Any, post_out: Any, file_one: Any, move: Any
) -> None:
    agree(language="zh")
    assert look() == 1
    assert post_out() == [], "nothing new, no letter"
    token = file_one(description="The bench by the lake").token
    file_one("illegal-poster", is_place_optional=True)
    move(token, Move("accept"), Move("resolve", closing_code="fixed", reason="dark"))
    look()
    (letter,) = post_out()
    assert letter["Subject"].endswith("新增 1 件，办结 1 件")
    assert letter["Content-Language"] == "zh-Hans"
    said = plain(letter)
    assert said.count(f"http://localhost/r/{token}") == 2
    assert "The bench by the lake" in said
    assert f'<a href="http://localhost/r/{token}">' in plain(letter, "html")
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    stop = re.fullmatch(r"<http://localhost(/unsubscribe/news/\w+/\w+)>", letter["List-Unsubscribe"])
    assert stop
    bare = client.application.test_client()
    assert bare.get(stop.group(1)).status_code == 200
    assert bare.post(f"{stop.group(1)}0").status_code == 403
    assert bare.post(stop.group(1), data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert bare.post(stop.group(1)).status_code == 200, "again changes nothing"
    file_one()
    assert look() == 0


def test_what_is_told_is_not_told_again(
    parts: Services, agree: Any, look: Any, post_out: Any, file_one: Any
) -> None:
    agree()
    file_one()
    look()
    assert len(post_out()) == 1
    with parts.database.transaction() as tx:
        now = clock.now() + LAG
        tx.execute(update(subscription).values(next_at=now, told_until=now))
        assert not due_subscriptions(tx, clock.now(), 10)


def test_a_long_address_to_end_letters_stands_whole_in_its_header() -> None:
    """Encoded in words, as the library would have it, no mail program finds it."""
    stop = f"https://feedback.of-a-city-with-a-long-name.example/unsubscribe/news/{'A' * 14}/{'0' * 24}"
    written = bytes(compose(Letter("a@b.example", "长" * 60, "x", "<x@y>", "en", "", stop), "w@c.example"))
    assert f"\nList-Unsubscribe: <{stop}>\n".encode() in written
    assert max(len(line) for line in written.splitlines() if stop.encode() not in line) < 79


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("service", "nothing"),
        ("area", "street:nowhere"),
        ("area", "x"),
        ("unit", "x"),
        ("report", "x"),
    ],
)
def test_what_does_not_exist_cannot_be_followed(client: FlaskClient, kind: str, code: str) -> None:
    assert client.get(f"/subscribe?kind={kind}&code={code}").status_code == 404


@pytest.mark.parametrize(
    ("subject", "service"),
    [({"kind": "unit", "code": "lighting"}, "street-light"), ({"kind": "area", "code": ""}, "park-repair")],
)
def test_units_and_areas(
    parts: Services,
    agree: Any,
    look: Any,
    post_out: Any,
    file_one: Any,
    subject: dict[str, str],
    service: str,
) -> None:
    from portal.models.report import report

    filed = file_one(service, is_place_optional=True).token
    with parts.database.reading() as tx:
        row = tx.execute(select(report.c.places, report.c.lead_unit).where(report.c.token == filed)).one()
    code = (subject["code"] and row.lead_unit) or next(
        each for each in row.places if each.startswith("street:")
    )
    agree({"kind": subject["kind"], "code": code})
    token = file_one(service, is_place_optional=True).token
    look()
    (letter,) = post_out()
    assert token in plain(letter)
    assert filed not in plain(letter), "it came in before"


def test_private_reports_are_no_news(
    parts: Services, agree: Any, look: Any, post_out: Any, file_one: Any
) -> None:
    from portal.models.report import report

    agree()
    token = file_one().token
    with parts.database.transaction() as tx:
        tx.execute(update(report).values(is_private=True))
    look()
    assert post_out() == [], token


def test_nobody_learns_who_gets_letters_and_nobody_is_flooded(ask: Any, agree: Any, post_out: Any) -> None:
    agree()
    first = ask().get_data(as_text=True)
    assert post_out() == [], "who gets them already is not asked again"
    assert "We have written to you" in first
    for _ in range(3):
        assert ask({"kind": "unit", "code": "lighting"}).status_code == 200
    assert ask({"kind": "unit", "code": "lighting"}, email="LI.WEI+more@mail.example").status_code == 429


@pytest.mark.parametrize(
    ("changes", "fault"),
    [({"email": "nobody"}, "does not look right"), ({"pace": "always"}, "one of the offered answers")],
)
def test_faults_stand_at_their_field(ask: Any, changes: dict[str, str], fault: str) -> None:
    answer = ask(**changes)
    assert answer.status_code == 422
    assert fault in answer.get_data(as_text=True)


def test_no_address_stands_in_a_table_a_log_or_an_address_line(
    parts: Services, client: FlaskClient, agree: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    path, secret = agree()
    with parts.database.reading() as tx:
        kept = " ".join(str(row) for table in (subscription, outbox) for row in tx.execute(select(table)))
    for words in (kept, caplog.text, path):
        assert ADDRESS not in words
        assert secret not in words
    assert "li.wei" not in client.get(path).get_data(as_text=True)


def test_a_wrong_secret_opens_nothing(client: FlaskClient, agree: Any, csrf: str) -> None:
    path, secret = agree()
    for action in ("confirm", "leave"):
        answer = client.post(f"{path}/{action}", data={"csrf_token": csrf, "secret": f"{secret}x"})
        assert answer.status_code == 403
    gone = client.post(f"{path}/leave", data={"csrf_token": csrf, "secret": secret})
    assert "your address is forgotten" in gone.get_data(as_text=True)
    assert client.get(path).status_code == 404


def test_unproved_wishes_are_forgotten_and_people_can_be(parts: Services, ask: Any, agree: Any) -> None:
    agree()
    ask({"kind": "unit", "code": "lighting"})
    with parts.database.transaction() as tx:
        old = clock.now() - timedelta(days=15)
        tx.execute(update(subscription).values(created_at=old))
        forget_expired(tx)
        assert list(tx.scalars(select(subscription.c.state))) == ["confirmed"]
        assert forget_mailbox(tx, parts.context, "Li.Wei+x@mail.example") == 1


def test_a_new_key_opens_what_the_old_one_sealed(parts: Services, agree: Any) -> None:
    agree()
    old, new = parts.settings.secret_key, "another secret key of thirty-two signs and more"
    with parts.database.transaction() as tx:
        assert reseal_settings(tx, replace(parts.context, keyring=Keyring(new, (old,)))) == (1, 0)
        row = tx.execute(select(subscription)).one()
        assert Keyring(new).open(row.sealed, bound_to=f"subscription:{row.token}") == {"email": ADDRESS}
        tx.rollback()


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    "subject", [Subject("unit", "unit-7"), Subject("area", "street:S7"), Subject("service", "x")]
)
def test_indexes_answer_what_is_new(parts: Services, plans: Any, subject: Subject) -> None:
    now = clock.now()
    (plan,) = plans(lambda tx: news_of(tx, parts.jurisdiction_id, subject, now - timedelta(days=1), now))
    assert "Seq Scan" not in plan, plan


def test_an_index_answers_whose_turn_it_is(parts: Services, plans: Any) -> None:
    with parts.database.transaction() as tx:
        tx.execute(
            text(
                "INSERT INTO subscription (jurisdiction_id, token, kind, code, voice, sealed, locale, pace, state, "
                "created_at, told_until, next_at) SELECT 'linhai.example', 'S' || n, 'unit', 'u' || n, '', '', 'en', "
                "'daily', 'confirmed', now(), now(), now() + n * interval '1 minute' FROM generate_series(1, 5000) n"
            )
        )
        tx.execute(text("ANALYZE subscription"))
    (plan,) = plans(lambda tx: due_subscriptions(tx, clock.now(), 200))
    assert "ix_subscription_next" in plan, plan
