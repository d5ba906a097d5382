"""A reporter's contact: shown once, to who deals with the case, for a purpose that the reporter can read."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import delete, select

from portal.models.ledger import event, event_private
from portal.models.report import contact
from portal.operations.cast_voice import cast_voice
from portal.operations.voice_links import Voter
from portal.queries.staff_rights import Grant

OWN = Grant("handler", "street-cn1")
ASKED = {"purpose": "arrange_visit", "words": "Which gate is it?"}
SECRETS = ("Li Min", "li.min@mail.example", "13812345678")


def views_of(desk, token: str) -> list[tuple[dict, dict]]:
    private = (event_private.c.case_id == event.c.case_id) & (event_private.c.case_seq == event.c.case_seq)
    query = select(event.c.public, event_private.c.private).outerjoin(event_private, private)
    with desk.database.reading() as tx:
        found = tx.execute(
            query.where(event.c.case_id == desk.row(token).id, event.c.kind == "contact.viewed")
        )
        return [tuple(row) for row in found]


def file_quiet(desk, **columns) -> str:
    return desk.file("street-cn1", description="A hole.", public_text="A hole.", **columns)


@pytest.mark.parametrize(
    ("grant", "status"),
    [
        (OWN, 200),
        (Grant("unit_head", "street-cn1"), 200),
        (Grant("unit_head", "district-cn"), 200),
        (Grant("dispatcher", "centre"), 200),
        (Grant("handler", "street-cn2"), 403),  # assists
        (Grant("auditor", ""), 403),
        (Grant("handler", "street-wh1"), 404),
    ],
    ids=str,
)
def test_who_may_look(grant, status, desk):
    token = file_quiet(desk, assist_units=["street-cn2"])
    browser = desk.client(grant)
    page = browser.get(f"/desk/case/{token}").text
    assert (f"/desk/case/{token}/contact" in page) is (status == 200)
    answer = browser.post(f"/desk/case/{token}/contact", ASKED)
    assert answer.status_code == status
    assert [secret in answer.text for secret in SECRETS] == [status == 200] * 3
    assert len(views_of(desk, token)) == (status == 200)


def test_it_is_shown_once_and_who_looked_and_why_is_not_public(desk):
    token = file_quiet(desk)
    browser = desk.client(OWN)
    answer = browser.post(f"/desk/case/{token}/contact", ASKED)
    assert answer.headers["Cache-Control"] == "no-store"
    ((public, private),) = views_of(desk, token)
    assert public == {}, "that somebody looked is all that everybody may know"
    assert private["actor"] == {"role": "handler", "unit": "street-cn1"}
    assert (private["purpose"], private["reason"]) == ("arrange_visit", "Which gate is it?")
    assert isinstance(private["account_id"], int)
    again, seen = browser.get(f"/desk/case/{token}").text, browser.get(f"/r/{token}").text
    assert not any(secret in again + seen for secret in SECRETS)
    assert "Contact looked at" in again
    assert "To arrange a visit" in again
    assert "looked at" not in seen
    assert "To arrange a visit" not in seen


def test_words_as_they_were_written_are_shown_with_the_contact_and_without_one_too(desk):
    token, browser = desk.file("street-cn1"), desk.client(OWN)
    assert "138 1234 5678" in browser.post(f"/desk/case/{token}/contact", ASKED).text
    with desk.database.transaction() as tx:
        tx.execute(delete(contact).where(contact.c.report_id == desk.row(token).id))
    assert "138 1234 5678" in browser.post(f"/desk/case/{token}/contact", ASKED).text
    assert len(views_of(desk, token)) == 2
    assert "138 1234 5678" not in browser.get(f"/desk/case/{token}").text


def test_what_a_resident_says_later_is_blacked_out_on_the_desk_too(desk):
    token = file_quiet(desk, state="resolved", closing_code="fixed")
    voter = Voter("reporter", b"somebody")
    with desk.database.transaction() as tx:
        cast_voice(tx, desk.context, token, voter, "contest", "Not done. Ring 139 8765 4321.")
    page = desk.client(OWN).get(f"/desk/case/{token}").text
    assert "Not done. Ring ▇▇▇." in page
    assert not re.search(r"8765\s*4321", page)  # four digits alone may stand in a form's token


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"purpose": "", "words": "x"}, "choose what you need it for"),
        ({"purpose": "curiosity", "words": "x"}, "choose what you need it for"),
        ({"purpose": "ask_back", "words": " \x00 "}, "in a few words what you need it for"),
        ({"purpose": "ask_back", "words": "x" * 5000}, "under 4000 characters"),
    ],
    ids=["no purpose", "another one", "no words", "too many"],
)
def test_without_a_purpose_nothing_is_shown(typed, says, desk):
    token = file_quiet(desk)
    answer = desk.client(OWN).post(f"/desk/case/{token}/contact", typed)
    assert answer.status_code == 422
    assert says in answer.text
    assert not any(secret in answer.text for secret in SECRETS)
    assert views_of(desk, token) == []


def test_where_nothing_was_left_there_is_no_button(desk):
    token = file_quiet(desk)
    with desk.database.transaction() as tx:
        tx.execute(delete(contact).where(contact.c.report_id == desk.row(token).id))
    browser = desk.client(OWN)
    assert "Show contact" not in browser.get(f"/desk/case/{token}").text
    assert browser.post(f"/desk/case/{token}/contact", ASKED).status_code == 409
    assert views_of(desk, token) == []


def test_a_forged_form_shows_nothing(desk):
    token = file_quiet(desk)
    answer = desk.client(OWN).post(f"/desk/case/{token}/contact", ASKED | {"csrf_token": "0" * 43})
    assert answer.status_code in (400, 403)
    assert views_of(desk, token) == []
