"""What a reporter alone sees and decides: messages under an alias, who looked, which letters, and being forgotten."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from sqlalchemy import select

from portal.models.report import contact, report
from portal.operations.context import Actor
from portal.operations.message_readers import stop_code
from portal.operations.relay_words import alias, write_to_resident
from portal.operations.submission import Contact
from portal.operations.verify_ledger import verify_ledger
from portal.operations.view_contact import view_contact

LI = Contact("Li Min", "li.min@mail.example", "13812345678")
CENTRE = Actor("dispatcher", "centre")


@pytest.fixture
def token(file_one) -> str:
    return file_one(contact=LI).token


@pytest.fixture
def own(client, parts, token):
    """A browser that has shown that it filed the report; posts with its form token."""
    page = client.get(f"/r/{token}").text
    csrf = re.search(r'data-csrf="([0-9a-f]+)"', page).group(1)
    secret = parts.keyring.reporter_secret(token)
    answer = client.post(f"/r/{token}/open", data={"csrf_token": csrf, "secret": secret})
    assert answer.status_code == 303

    def post(path: str, **data: object):
        return client.post(f"/r/{token}/mine/{path}", data={"csrf_token": csrf, **data})

    return post


def test_it_is_for_the_reporter_alone(client, token) -> None:
    assert client.get(f"/r/{token}/mine").status_code == 403
    assert client.post(f"/r/{token}/mine/forget", data={"sure": "yes"}).status_code == 403


def test_unit_and_resident_write_to_each_other_without_an_address(client, parts, own, token) -> None:
    with parts.database.transaction() as tx:
        write_to_resident(tx, parts.context, token, CENTRE, "Which bench is it?")
    assert "Which bench is it?" in client.get(f"/r/{token}/mine").text
    assert own("reply", words="The left one. Call 138 1234 5678 or li.min@mail.example").status_code == 303
    page = client.get(f"/r/{token}/mine").text
    assert "The left one." in page
    assert not re.search(r"1234\s*5678", page)  # four digits alone may stand in a form's token
    assert "mail.example" not in page
    client.delete_cookie("wenlu_reporter", path=f"/r/{token}")
    public = client.get(f"/r/{token}").text
    assert "bench is it" not in public
    assert "left one" not in public


def test_who_looked_is_told_to_the_reporter_and_to_nobody_else(client, parts, own, token) -> None:
    with parts.database.transaction() as tx:
        view_contact(tx, parts.context, token, CENTRE, "arrange_visit", "which gate")
    page = client.get(f"/r/{token}/mine").text
    assert "To arrange a visit" in page
    assert "Dispatcher" in page
    assert "which gate" not in page
    for path in (f"/r/{token}", f"/api/v1/reports/{token}"):
        text = client.get(path).text
        assert "arrange" not in text
        assert "looked at" not in text
        assert "contact.viewed" not in text


@pytest.mark.parametrize("has_sms", [False, True])
def test_sms_is_offered_only_where_the_city_has_it(client, parts, own, token, has_sms, monkeypatch) -> None:
    monkeypatch.setattr(parts, "_context", replace(parts.context, has_sms=has_sms))
    for path in ("/report", f"/r/{token}/mine"):
        assert ('value="sms"' in client.get(path).text) is has_sms
    own("wishes", which="all", channel="sms")
    assert wishes(parts, token)[1] == "sms"


@pytest.mark.parametrize(
    ("typed", "status", "kept"),
    [
        ({"which": "endings", "channel": "sms"}, 303, ("endings", "sms", None, None)),
        (
            {"which": "all", "channel": "email", "quiet_from": "22:00", "quiet_until": "07:30"},
            303,
            ("all", "email", 1320, 450),
        ),
        ({"which": "some", "channel": "email"}, 422, None),
        ({"which": "all", "channel": "pigeon"}, 422, None),
        ({"which": "all", "channel": "email", "quiet_from": "22:00"}, 422, None),
        ({"which": "all", "channel": "email", "quiet_from": "25:00", "quiet_until": "07:00"}, 422, None),
    ],
)
def test_which_letters_by_which_channel_and_when_not(parts, own, token, typed, status, kept) -> None:
    assert own("wishes", **typed).status_code == status
    assert wishes(parts, token) == kept


def wishes(parts, token: str):
    with parts.database.reading() as tx:
        query = select(contact.c.wishes).join(report, report.c.id == contact.c.report_id)
        found = tx.scalar(query.where(report.c.token == token))
    return found and tuple(found.get(name) for name in ("which", "channel", "quiet_from", "quiet_until"))


def test_one_click_ends_the_letters_without_a_cookie_and_only_with_the_right_code(app, parts, token) -> None:
    client, code = app.test_client(), stop_code(parts.context, token)
    assert client.get(f"/unsubscribe/{token}/{code}").status_code == 200
    assert wishes(parts, token) is None, "looking changes nothing"
    assert client.post(f"/unsubscribe/{token}/{'0' * 24}").status_code == 403
    answer = client.post(f"/unsubscribe/{token}/{code}", data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, wishes(parts, token)[0]) == (200, "none")
    assert client.get(f"/r/{token}/mine").status_code == 403, "the code opens nothing else"


def test_forgetting_needs_a_tick_and_then_is_done_for_good(client, parts, own, token) -> None:
    assert own("forget").status_code == 422
    assert own("forget", sure="yes").status_code == 303
    page = client.get(f"/r/{token}/mine").text
    assert "no longer kept with this report" in page
    assert own("reply", words="hello?").status_code == 409
    assert client.get(f"/r/{token}").status_code == 200
    with parts.database.snapshot() as tx:
        assert verify_ledger(tx).faults == []


def test_an_alias_is_the_same_for_a_case_and_another_for_the_next(parts) -> None:
    assert alias(parts.keyring, "A" * 14) == alias(parts.keyring, "A" * 14)
    assert alias(parts.keyring, "A" * 14) != alias(parts.keyring, "B" * 14)
    assert re.fullmatch(r"[0-9A-Z]{4}", alias(parts.keyring, "A" * 14))
