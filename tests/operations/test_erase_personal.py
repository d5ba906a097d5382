"""A person is forgotten: what goes, what stays, on time, on request, and the ledger holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from portal import clock
from portal.models.crews import complaint_case, contractor_question, crew_loan
from portal.models.ledger import event, event_private
from portal.models.oversight import extension
from portal.models.report import contact, media, report
from portal.operations.context import REPORTER, Actor
from portal.operations.erase_personal import (
    CONTACT_ERASED,
    TEXT_ERASED,
    erase_case,
    erase_closed,
    erase_due,
    tokens_of_contact,
)
from portal.operations.relay_words import reply_to_unit, write_to_resident
from portal.operations.store_photo import store_photo
from portal.operations.submission import Contact
from portal.operations.verify_ledger import verify_ledger
from portal.operations.view_contact import view_contact

DESK = Actor("dispatcher", "centre", None)
SAID = "A deep hole. Call 138 1234 5678."


@pytest.fixture
def context(linhai):
    return linhai.context


@pytest.fixture
def filed(linhai, database, context):
    """File a report with a photo, a contact, a look at it, and a question with its answer."""

    def file(closed_days_ago: int | None = None, **more: object) -> str:
        given = {"description": SAID, "contact": Contact("Li", "li@mail.example", "138 1234 5678")} | more
        with database.transaction() as tx:
            photo = store_photo(tx, context, png())
        token = linhai.file(media=(photo,), **given)
        with database.transaction() as tx:
            view_contact(tx, context, token, DESK, "ask_back", "which side of the road")
            write_to_resident(tx, context, token, DESK, "Which side of the road?")
            reply_to_unit(tx, context, token, "The left one, call me: 138 1234 5678")
            if closed_days_ago is not None:
                at = clock.now() - timedelta(days=closed_days_ago)
                tx.execute(update(report).where(report.c.token == token).values(closed_at=at, state="closed"))
        return token

    return file


def png() -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(out, "PNG")
    return out.getvalue()


def kept(database, context, token: str) -> dict[str, object]:
    """What is still there of the person behind a report."""
    with database.reading() as tx:
        row = tx.execute(select(report).where(report.c.token == token)).one()
        photo = tx.scalar(select(media.c.token).where(media.c.report_id == row.id))
        count = select(func.count()).select_from
        private = select(event.c.kind).join(
            event_private,
            (event_private.c.case_id == event.c.case_id) & (event_private.c.case_seq == event.c.case_seq),
        )
        return {
            "contact": tx.scalar(count(contact).where(contact.c.report_id == row.id)),
            "words": row.description == SAID,
            "private": set(tx.scalars(private.where(event.c.case_id == row.id))),
            "original": context.store.has(f"{photo}/original"),
            "events": [kind for kind in kinds(tx, row.id) if kind in {CONTACT_ERASED, TEXT_ERASED}],
        }


def kinds(tx, case_id: int) -> list[str]:
    return list(tx.scalars(select(event.c.kind).where(event.c.case_id == case_id).order_by(event.c.case_seq)))


RELAYED = {"contact.viewed", "relay.asked", "relay.replied"}


@pytest.mark.parametrize(
    ("days", "gone"),
    [
        pytest.param(None, (), id="open"),
        pytest.param(89, (), id="closed lately"),
        pytest.param(91, (CONTACT_ERASED,), id="contact is over"),
        pytest.param(366, (CONTACT_ERASED, TEXT_ERASED), id="words are over"),
    ],
)
def test_what_the_city_keeps_no_longer_goes(database, context, filed, days, gone) -> None:
    token = filed(days)
    for _ in range(2):  # the second time there is nothing left to do
        with database.transaction() as tx:
            erase_due(tx, context)
    left = kept(database, context, token)
    assert left["events"] == list(gone)
    assert left["contact"] == left["original"] == (CONTACT_ERASED not in gone)
    assert bool(left["private"] & RELAYED) is (CONTACT_ERASED not in gone)
    assert left["words"] is (TEXT_ERASED not in gone)
    with database.snapshot() as tx:
        assert verify_ledger(tx).faults == []


def test_on_request_everything_goes_at_once_whatever_the_state(database, context, filed) -> None:
    token = filed()
    for expected in (1, 0):
        with database.transaction() as tx:
            assert erase_case(tx, context, token, REPORTER, "request") == expected
    left = kept(database, context, token)
    assert left["events"] == [CONTACT_ERASED, TEXT_ERASED]
    assert (left["contact"], left["words"], left["private"], left["original"]) == (0, False, set(), False)
    with database.reading() as tx:
        row = tx.execute(select(report).where(report.c.token == token)).one()
        assert row.description == row.public_text
        assert "1234" not in row.description
        assert row.receipt == row.public_receipt
        assert verify_ledger(tx).faults == []


def test_what_was_written_about_the_case_goes_with_its_words(linhai, database, context, filed) -> None:
    token = filed()
    case_id, here = linhai.row(token).id, {"jurisdiction_id": "linhai.example"}
    shared = here | {"report_id": case_id, "unit_code": "street-cn2"}
    at = clock.now()
    with database.transaction() as tx:
        tx.execute(insert(complaint_case).values(here | {"report_id": case_id, "about_token": "ABC"}))
        asked = {"question": "Ask Mr Li.", "answer": "Ring 138 1234 5678.", "asked_at": at}
        tx.execute(insert(contractor_question).values(shared | asked))
        tx.execute(insert(extension).values(
            shared | {"state": "refused", "decider": "centre", "reason": "Mr Li, 138 1234 5678", "public_reason": "…",
                      "answer": "No, Mr Li.", "public_answer": "No.", "asked_at": at, "wished_at": at}
        ))  # fmt: skip
        loan = {"crew_code": "cn1-patrol", "owner_unit": "street-cn1", "borrower_unit": "street-cn2",
                "state": "refused", "words": "For Mr Li.", "requested_at": at, "ended_at": at}  # fmt: skip
        tx.execute(insert(crew_loan).values(here | {"report_id": case_id} | loan))
        assert erase_case(tx, context, token, REPORTER, "request") == 1
        columns = [
            *(extension.c[name] for name in ("reason", "answer")),
            *(contractor_question.c[name] for name in ("question", "answer")),
            crew_loan.c.words,
        ]
        joined = extension.join(contractor_question, contractor_question.c.report_id == case_id)
        joined = joined.join(crew_loan, crew_loan.c.report_id == case_id)
        of_case = extension.c.report_id == case_id
        assert tx.execute(select(*columns).select_from(joined).where(of_case)).one() == (
            "…",
            "No.",
            "",
            "",
            "",
        )
        left = select(func.count()).where(complaint_case.c.report_id == case_id)
        assert tx.scalar(left) == 0


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("LI.wang@mail.example ", True),
        ("+86", False),
        ("139-0000 1111", True),
        ("13900001111", True),
        ("wang@mail.example", False),
        ("", False),
    ],
)
def test_a_person_is_found_by_address_or_number(linhai, database, context, wanted, found) -> None:
    token = linhai.file(contact=Contact("Li", "li.wang@mail.example", "139 0000 1111"))
    with database.reading() as tx:
        assert (token in set(tokens_of_contact(tx, context, wanted))) is found


def test_a_batch_leaves_busy_cases_for_the_next_time(database, context, filed) -> None:
    from portal.operations.record_events import lock_head

    busy, free = filed(1000), filed(1000)
    before = clock.now() - timedelta(days=999)
    with database.transaction() as holder:
        lock_head(holder, holder.scalar(select(report.c.id).where(report.c.token == busy)))
        with database.transaction() as tx:
            assert erase_closed(tx, context, before, "contact") == 1
    assert kept(database, context, free)["contact"] == 0
    with database.transaction() as tx:
        assert erase_closed(tx, context, before, "contact") == 1
    assert kept(database, context, busy)["contact"] == 0


@pytest.mark.parametrize("stage", ["contact", "text"])
def test_what_is_due_is_found_by_its_index(linhai, database, stage) -> None:
    with database.transaction() as tx:
        tx.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = "\n".join(
            tx.exec_driver_sql(
                "EXPLAIN SELECT id FROM report WHERE jurisdiction_id = 'x' AND closed_at < now() AND closed_at "
                f"IS NOT NULL AND {stage}_erased_at IS NULL ORDER BY closed_at LIMIT 200"
            ).scalars()
        )
    assert f"ix_report_{stage}_kept" in plan
    assert "Sort" not in plan
