"""The desk's pages of messages: deliveries, dead letters, wordings, channels, and one's own wishes."""

from __future__ import annotations

import pytest
from sqlalchemy import event as hooks
from sqlalchemy import func, select, update

from portal import clock
from portal.models.ledger import event
from portal.models.messaging import message_channel, message_template
from portal.models.work import message, outbox
from portal.operations.letter_wishes import wishes_of_staff
from portal.operations.verify_ledger import verify_ledger
from portal.queries.staff_rights import Grant

ADMIN, HANDLER = Grant("admin"), Grant("handler", "street-cn1")
PAGES = ("", "/dead", "/templates", "/channels", "/preferences")
WORDING = "/desk/messages/templates/reporter/accepted/en"


@pytest.mark.parametrize("page", PAGES)
def test_who_may_see_which_page(desk, page) -> None:
    path = f"/desk/messages{page}"
    assert desk.client(ADMIN).get(path).status_code == 200
    assert desk.client(HANDLER).get(path).status_code == (200 if page == "/preferences" else 403)
    assert desk.client().get(path).status_code == 303


def test_deliveries_are_found_by_state_reader_and_case_in_few_statements(desk) -> None:
    token, other = desk.file(), desk.file()
    with desk.database.transaction() as tx:
        for number, (each, state) in enumerate(((token, "sent"), (other, "suppressed"))):
            tx.execute(
                message.insert().values(
                    jurisdiction_id="linhai.example", outbox_id=10_000 + number, report_id=desk.row(each).id,
                    template="received", recipient="reporter", channel="email", state=state, sent_at=clock.now(),
                )
            )  # fmt: skip
    browser = desk.client(ADMIN)
    sent = list[str]()
    note = lambda *args: sent.append(args[2])  # noqa: E731
    engine = desk.app.extensions["wenlu"].database.engine
    hooks.listen(engine, "before_cursor_execute", note)
    page = browser.get(f"/desk/messages?number={token}").text
    hooks.remove(engine, "before_cursor_execute", note)
    assert (token in page, f"/desk/case/{other}" in page) == (True, False)
    assert len(sent) <= 4
    page = browser.get("/desk/messages?state=suppressed&recipient=reporter").text
    assert (f"/desk/case/{token}" in page, other in page) == (False, True)


def lose(desk, why: str = "the mail server refuses this recipient (550)") -> int:
    row = {
        "jurisdiction_id": "linhai.example", "job": "jobs.messages.deliver_message", "created_at": clock.now(),
        "payload": {"template": "received", "report_id": desk.row(desk.file()).id, "to": "reporter"},
        "available_at": clock.now(), "failed_at": clock.now(), "last_error": why, "attempts": 3,
    }  # fmt: skip
    with desk.database.transaction() as tx:
        return tx.execute(outbox.insert().values(row).returning(outbox.c.id)).scalar_one()


@pytest.mark.parametrize(
    ("what", "failed", "done"), [("retry", False, False), ("drop", True, True), ("retry_all", False, False)]
)
def test_dead_letters_are_tried_again_or_given_up_for_good(desk, what, failed, done) -> None:
    row, browser = lose(desk), desk.client(ADMIN)
    page = browser.get("/desk/messages/dead").text
    assert "refuses this recipient (550)" in page
    assert "mail.example" not in page
    answer = browser.post("/desk/messages/dead", {"number": str(row), "what": what})
    assert answer.status_code == 303
    with desk.database.reading() as tx:
        kept = tx.execute(select(outbox).where(outbox.c.id == row)).one()
        assert (kept.failed_at is not None, kept.done_at is not None) == (failed, done)
        settled = select(func.count()).select_from(event).where(event.c.kind == "outbox.settled")
        assert tx.scalar(settled) >= 1


def test_another_citys_dead_letters_are_neither_seen_nor_touched(desk) -> None:
    row, browser = lose(desk), desk.client(ADMIN)
    with desk.database.transaction() as tx:
        tx.execute(update(outbox).where(outbox.c.id == row).values(jurisdiction_id="hillside.example"))
    assert f'value="{row}"' not in browser.get("/desk/messages/dead").text
    for chosen in ({"number": str(row), "what": "drop"}, {"what": "drop_all"}):
        browser.post("/desk/messages/dead", chosen)
    with desk.database.reading() as tx:
        assert tx.scalar(select(outbox.c.done_at).where(outbox.c.id == row)) is None


def test_a_question_that_is_too_long_comes_back_with_its_words(desk) -> None:
    token = desk.file("street-cn1", "accepted")
    words = "Which gate? " * 200
    page = desk.client(Grant("handler", "street-cn1")).post(f"/desk/case/{token}/resident", {"words": words})
    assert page.status_code == 422
    assert "under 2000 characters" in page.text
    assert words.strip() in page.text


def test_a_wording_is_previewed_kept_by_version_and_taken_back(desk) -> None:
    browser = desk.client(ADMIN)
    assert "has signed for your report" in browser.get(WORDING).text
    typed = {"subject": "Good news: {{ service }}", "body": "{{ unit }} is on it.", "seen": "0"}
    shown = browser.post(WORDING, typed | {"what": "preview"})
    assert "Good news: …" in shown.text
    assert browser.post(WORDING, typed | {"what": "keep"}).status_code == 303
    assert "Good news" in browser.get(WORDING).text
    assert browser.post(WORDING, typed | {"what": "keep"}).status_code == 409, "somebody was first"
    assert browser.post(WORDING, typed | {"what": "reset", "seen": "1"}).status_code == 303
    assert "has signed for your report" in browser.get(WORDING).text
    with desk.database.snapshot() as tx:
        versions = list(tx.scalars(select(message_template.c.version).order_by(message_template.c.version)))
        told = select(event.c.public["version"].as_integer()).where(event.c.kind == "wording.changed")
        assert (versions, sorted(tx.scalars(told))) == ([1, 2], [1, 2])
        assert verify_ledger(tx).faults == []


@pytest.mark.parametrize(
    ("subject", "body", "says"),
    [
        ("{{ x }}", "b", "no place called x"),
        ("s", "{{ unit.__class__ }}", "Only places and conditions"),
        ("s", "{{ ''.__class__.__mro__ }}", "Only places and conditions"),
        ("s", "{% for a in unit %}{% endfor %}", "Only places and conditions"),
        ("s", "{{ unit|upper }}", "Only places and conditions"),
        ("s", "{% if unit", "cannot be read"),
        ("", "b", "write something"),
        ("s" * 300, "b", "under 200 characters"),
    ],
)
def test_a_wording_that_does_more_than_fill_places_is_refused(desk, subject, body, says) -> None:
    for what in ("preview", "keep"):
        answer = desk.client(ADMIN).post(
            WORDING, {"subject": subject, "body": body, "seen": "0", "what": what}
        )
        assert answer.status_code == 422
        assert says in answer.text


def test_a_units_channel_is_added_sealed_and_taken_away(desk) -> None:
    browser, key = desk.client(ADMIN), "0123456789abcdef-robot"
    bad = browser.post("/desk/messages/channels", {"unit": "street-cn1", "kind": "sms", "address": "x@y.z"})
    assert bad.status_code == 422
    typed = {"unit": "street-cn1", "kind": "wecom", "address": key}
    assert browser.post("/desk/messages/channels", typed).status_code == 303
    page = browser.get("/desk/messages/channels").text
    assert ("WeCom robot" in page, key in page) == (True, False)
    with desk.database.reading() as tx:
        row = tx.execute(select(message_channel).where(message_channel.c.unit_code == "street-cn1")).one()
    assert key.encode() not in row.sealed
    assert browser.post("/desk/messages/channels", {"remove": str(row.id)}).status_code == 303
    assert key not in browser.get("/desk/messages/channels").text


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"occasions": ["received"], "pace": "daily", "kind": "email"}, 303),
        ({"occasions": ["at_risk"], "pace": "at_once", "kind": "sms", "address": "13800001111"}, 303),
        ({"occasions": ["received"], "pace": "sometimes", "kind": "email"}, 422),
        ({"occasions": ["received"], "pace": "daily", "kind": "sms", "address": "nobody"}, 422),
        ({"pace": "daily", "kind": "email", "quiet_from": "22:00", "quiet_until": "late"}, 422),
    ],
)
def test_people_choose_what_they_hear_of(desk, typed, status) -> None:
    browser = desk.client(HANDLER)
    assert browser.post("/desk/messages/preferences", typed).status_code == status
    if status == 303:
        with desk.database.reading() as tx:
            from portal.models.people import account

            mine = tx.scalar(select(account.c.id).where(account.c.email == desk.email_of(HANDLER)))
            kept = wishes_of_staff(tx, desk.context, mine)
        assert (list(kept.occasions), kept.pace) == (typed["occasions"], typed["pace"])
        assert kept.address == typed.get("address", "")
