"""Messages: to whom, in which language, sent once, kept, told in the ledger, never under a pretended clock."""

from __future__ import annotations

import email
import email.policy
import re
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update
from sqlalchemy.event import listen, remove

from portal import clock
from portal.i18n import translations
from portal.models.report import contact, report
from portal.operations.record_events import lock_head
from portal.operations.run_once import GiveUp, Later
from portal.operations.verify_ledger import verify_ledger
from portal.operations.write_letter import FOLDER, REPORTER, UNIT, occasions

if TYPE_CHECKING:
    from portal.mail import Letter

AUDIENCES = [(audience, name) for audience in (REPORTER, UNIT) for name in sorted(occasions(audience))]
CALLED = re.compile(r'_\("((?:[^"\\]|\\.)+)"')


def read(path: Path) -> EmailMessage:
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def deliver(town, outbox_id: int, mailer=None) -> bool:
    return town.deliver(outbox_id, mailer)


def plain(letter: EmailMessage) -> str:
    """What a mail program shows that knows plain text only."""
    body = letter.get_body(("plain",))
    assert body is not None
    return body.get_content()


def send(
    town, case_id: int, to: str = REPORTER, template: str = "received", **payload: object
) -> EmailMessage:
    outbox_id = town.add_work(template=template, report_id=case_id, to=to, **payload)
    assert deliver(town, outbox_id)
    (path,) = town.letters()
    return read(path)


def test_the_reporter_learns_unit_promise_and_private_link(town) -> None:
    case_id = town.add_case(email="li@example.org", promise_due_at=datetime(2026, 3, 9, 1, 30, tzinfo=UTC))
    letter = send(town, case_id)
    with town.database.reading() as tx:
        token = tx.scalar(select(report.c.token).where(report.c.id == case_id))
    secret = town.context.keyring.reporter_secret(token)
    text = plain(letter)
    assert letter["To"] == "li@example.org"
    assert letter["Subject"] == "Your report was received: Pothole"
    assert f"https://brookside.example/r/{token}#{secret}\n" in text
    assert "Roads Office" in text
    assert "Mon 9 Mar 2026, 09:30" in text, "the city's own time, eight hours ahead"
    assert "answers for “Pothole” here" in text, "the reason"


def test_the_unit_gets_a_link_without_a_secret_and_no_words_of_the_resident(town) -> None:
    words = "the neighbour at number 7 throws it out"
    letter = send(town, town.add_case(email="li@example.org", description=words), to="roads")
    assert letter["To"] == "roads@brookside.example"
    assert "New case" in letter["Subject"]
    assert "#" not in plain(letter)
    assert "neighbour" not in plain(letter)
    assert "/desk/case/" in plain(letter)


@pytest.mark.parametrize(("audience", "name"), AUDIENCES, ids=lambda value: value)
@pytest.mark.parametrize("locale", ["en", "zh_Hans"])
def test_every_message_reads_in_every_language(town, audience: str, name: str, locale: str) -> None:
    case_id = town.add_case(
        email="li@example.org", locale=locale, second_due_at=clock.now(), priority="emergency"
    )
    if audience == UNIT:
        return _unit_reads_in(town, case_id, name, locale)
    letter = send(town, case_id, REPORTER, name, text="洞 has been filled")
    text = letter["Subject"] + plain(letter)
    assert ("Pothole" in text, "路面坑洞" in text) == (locale == "en", locale == "zh_Hans")
    assert "%(" not in text
    assert "\n\n\n" not in text
    return None


def _unit_reads_in(town, case_id: int, name: str, locale: str) -> None:
    """A unit is written to in the city's first language."""
    from portal.models.city import jurisdiction_table

    first = [locale, *({"en", "zh_Hans"} - {locale})]
    with town.database.transaction() as tx:
        tx.execute(update(jurisdiction_table).values(locales=first))
    try:
        letter = send(town, case_id, "roads", name, text="still there", due_at="2026-03-09T01:30:00+00:00")
    finally:
        with town.database.transaction() as tx:
            tx.execute(update(jurisdiction_table).values(locales=["en", "zh_Hans"]))
    text = letter["Subject"] + plain(letter)
    assert ("Pothole" in text, "路面坑洞" in text) == (locale == "en", locale == "zh_Hans")
    assert "%(" not in text


def test_every_sentence_has_its_chinese() -> None:
    sentences = {
        found.replace('\\"', '"')
        for path in FOLDER.rglob("*.txt")
        for found in CALLED.findall(path.read_text())
    }
    assert len(sentences) > 30
    assert [one for one in sentences if translations("zh_Hans").gettext(one) == one] == []


def test_a_message_is_sent_once_kept_once_and_told_once(town) -> None:
    case_id = town.add_case(email="li@example.org")
    outbox_id = town.add_work(template="received", report_id=case_id, to="reporter")
    assert [deliver(town, outbox_id), deliver(town, outbox_id)] == [True, False]
    assert len(town.letters()) == 1
    (kept,) = town.messages(outbox_id)
    assert (kept.recipient, kept.state, kept.template) == ("reporter", "sent", "received")
    (told,) = town.events(case_id)
    assert (told.kind, told.public) == (
        "message.sent",
        {"actor": {"role": "system"}, "template": "received", "to": "reporter"},
    )
    with town.database.reading() as tx:
        assert verify_ledger(tx).faults == []


def test_the_message_id_comes_from_the_row(town) -> None:
    """A second sending of the same row is recognised by every mail program as the same letter."""
    case_id = town.add_case(email="li@example.org")
    outbox_id = town.add_work(template="received", report_id=case_id, to="reporter")
    sent = list["Letter"]()

    class DiesAfterSending:
        def send(self, letter: Letter) -> None:
            sent.append(letter)
            raise ConnectionResetError("killed before the commit")

    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            deliver(town, outbox_id, DiesAfterSending())
    assert len({letter.message_id for letter in sent}) == 1
    assert sent[0].message_id.startswith(f"<outbox-{outbox_id}-")
    assert town.messages(outbox_id) == []
    assert town.events(case_id) == [], "what was not committed is not told"


def test_nobody_is_written_to_about_a_replayed_case(town) -> None:
    case_id = town.add_case(email="li@example.org", channel="replay")
    outbox_id = town.add_work(template="received", report_id=case_id, to="reporter")
    assert deliver(town, outbox_id)
    assert town.letters() == []
    assert [row.state for row in town.messages(outbox_id)] == ["suppressed"], "counted"
    assert town.events(case_id) == []


def test_nobody_is_written_to_under_a_pretended_clock(town) -> None:
    case_id = town.add_case(email="li@example.org")
    outbox_id = town.add_work(template="received", report_id=case_id, to="reporter")
    with clock.simulated(datetime(2026, 3, 2, tzinfo=UTC)):
        assert deliver(town, outbox_id)
    assert town.letters() == []
    assert [row.state for row in town.messages(outbox_id)] == ["suppressed"]


@pytest.mark.parametrize(
    ("to", "address"),
    [
        pytest.param("reporter", "", id="anonymous"),
        pytest.param("silent", "x@example.org", id="unit without e-mail"),
    ],
)
def test_without_an_address_nothing_is_sent_and_the_row_is_done(town, to: str, address: str) -> None:
    outbox_id = town.add_work(template="received", report_id=town.add_case(email=address), to=to)
    assert deliver(town, outbox_id)
    assert town.letters() == []
    assert town.messages(outbox_id) == []
    assert town.work(outbox_id).done_at is not None


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        pytest.param(
            {"template": "greeting", "to": "reporter"}, "no message is called greeting", id="template"
        ),
        pytest.param({"template": "../../base", "to": "reporter"}, "no message is called", id="path"),
        pytest.param({"template": "at_risk", "to": "reporter"}, "no message is called", id="other audience"),
        pytest.param({"template": "received", "to": "ghosts"}, "no unit is called ghosts", id="unit"),
        pytest.param({"template": "received", "to": "reporter", "report_id": 0}, "does not exist", id="case"),
    ],
)
def test_what_cannot_be_helped_is_given_up_at_once(town, payload: dict, said: str) -> None:
    outbox_id = town.add_work(**({"report_id": town.add_case(email="li@example.org")} | payload))
    with pytest.raises(GiveUp, match=said):
        deliver(town, outbox_id)


def test_a_contact_of_another_case_does_not_open(town) -> None:
    case_id, other = town.add_case(email="li@example.org"), town.add_case(email="wang@example.org")
    with town.database.transaction() as tx:
        sealed = select(contact.c.sealed).where(contact.c.report_id == other).scalar_subquery()
        tx.execute(update(contact).where(contact.c.report_id == case_id).values(sealed=sealed))
    outbox_id = town.add_work(template="received", report_id=case_id, to="reporter")
    with pytest.raises(GiveUp, match="another key"):
        deliver(town, outbox_id)


@pytest.mark.parametrize(
    ("code", "expected"),
    [(550, GiveUp), (450, smtplib.SMTPRecipientsRefused)],
    ids=["never", "not now"],
)
def test_a_recipient_that_the_mail_server_refuses(town, code: int, expected: type[Exception]) -> None:
    outbox_id = town.add_work(
        template="received", report_id=town.add_case(email="li@example.org"), to="reporter"
    )

    class Refuses:
        def send(self, letter: Letter) -> None:
            raise smtplib.SMTPRecipientsRefused({letter.to: (code, b"no")})

    with pytest.raises(expected) as raised:
        deliver(town, outbox_id, Refuses())
    assert expected is not GiveUp or "li@example.org" not in str(raised.value)


def test_words_cannot_add_a_header(town) -> None:
    """A unit's name with a line break comes from a pack, not from us."""
    case_id = town.add_case(email="li@example.org")
    letter = send(town, case_id, template="updated", text="done\nBcc: all@example.org\n\n.\nQUIT")
    assert letter["Bcc"] is None
    assert "Bcc: all@example.org" in plain(letter)


def test_a_letter_tells_of_the_unit_and_the_date_of_its_event(town) -> None:
    """The case was handed on before the letter left: what was true when it was asked for is told."""
    later = datetime(2026, 3, 20, 1, 30, tzinfo=UTC)
    case_id = town.add_case(email="li@example.org", lead_unit="silent", promise_due_at=later)
    letter = send(town, case_id, template="accepted", unit="roads", due_at="2026-03-09T01:30:00+00:00")
    assert "Roads Office has signed for your report" in plain(letter)
    assert "Silent Office" not in plain(letter)
    assert "Mon 9 Mar 2026, 09:30" in plain(letter)


def test_a_receipt_of_a_later_decision_is_no_reason_for_an_earlier_one(town) -> None:
    letter = send(town, town.add_case(email="li@example.org"), unit="silent")
    assert "the unit that answers for it: Silent Office" in plain(letter)
    assert "Roads Office" not in plain(letter)


def test_a_unit_that_is_gone_is_told_by_its_code(town) -> None:
    letter = send(town, town.add_case(email="li@example.org"), template="accepted", unit="old-office")
    assert "old-office has signed for your report" in plain(letter)


@pytest.mark.parametrize(
    ("locale", "written"),
    [
        pytest.param("xx_Nowhere", "en", id="no language at all"),
        pytest.param("de", "en", id="one that we do not speak"),
        pytest.param("../../etc", "en", id="a path"),
        pytest.param("x\u0301;q=2", "en", id="nonsense"),
        pytest.param("zh-Hans", "zh-Hans", id="written with a hyphen"),
        pytest.param("en_GB", "en", id="a country of it"),
    ],
)
def test_an_unknown_language_becomes_the_citys(town, locale: str, written: str) -> None:
    letter = send(town, town.add_case(email="li@example.org", locale=locale))
    assert letter["Content-Language"] == written
    assert ("Pothole" in letter["Subject"]) is (written == "en")


def test_a_case_that_somebody_holds_is_told_later_of_a_letter_that_left_once(town) -> None:
    """Nothing waits for the case before the sending; where the books cannot be told at once, they are later."""
    case_id = town.add_case(email="li@example.org")
    outbox_id = town.add_work(template="received", report_id=case_id, to="reporter")
    with town.database.transaction() as holder:
        lock_head(holder, case_id)
        with impatient(town), pytest.raises(Later):
            deliver(town, outbox_id)
    assert len(town.letters()) == 1, "sent while somebody held the case"
    assert (town.messages(outbox_id), town.events(case_id)) == ([], [])
    assert town.work(outbox_id).attempts == 0, "nobody failed"

    class SendsNothing:
        def send(self, letter: Letter) -> None:
            raise AssertionError("it has left already")

    assert deliver(town, outbox_id, SendsNothing())
    assert [row.state for row in town.messages(outbox_id)] == ["sent"]
    assert len(town.events(case_id)) == 1
    with town.database.reading() as tx:
        assert verify_ledger(tx).faults == []


def test_a_case_can_be_changed_while_its_letter_is_being_sent(town) -> None:
    case_id = town.add_case(email="li@example.org")
    outbox_id = town.add_work(template="received", report_id=case_id, to="reporter")

    class LooksAtTheCase:
        def send(self, letter: Letter) -> None:
            with impatient(town), town.database.transaction() as tx:
                lock_head(tx, case_id)
            assert not deliver(town, outbox_id), "another worker sees that somebody is at it"

    assert deliver(town, outbox_id, LooksAtTheCase())


@contextmanager
def impatient(town) -> Iterator[None]:
    """Nobody waits for a lock for longer than a moment."""

    def hurry(connection) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '100ms'")

    listen(town.database.engine, "begin", hurry)
    try:
        yield
    finally:
        remove(town.database.engine, "begin", hurry)
