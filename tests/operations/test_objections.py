"""An objection to the route: an event with the receipt, seen by the dispatcher until something is done about it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from portal import clock
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.models.work import outbox
from portal.operations.context import Actor
from portal.operations.object_to_route import Objection, object_to_route
from portal.operations.rule_objection import keep_unit
from portal.operations.verify_ledger import verify_ledger
from portal.queries.dispatch_list import dispatch_page, whys_of
from portal.queries.objections import answered, objections
from portal.queries.report_page import public_history

DISPATCHER = Actor("dispatcher", "centre")


def object_to(linhai: Any, token: str, words: str = "Wrong", **more: Any) -> Any:
    with linhai.database.transaction() as tx:
        return object_to_route(tx, linhai.context, token, Objection(words, "192.0.2.1", **more))


def waiting(linhai: Any) -> dict[str, Any]:
    with linhai.database.reading() as tx:
        page = dispatch_page(tx, "linhai.example", "centre", "objected", clock.now())
    return {row.token: whys_of(row, "centre", clock.now()) for row in page.rows}


def test_an_objection_is_an_event_with_the_receipt_it_is_about(linhai: Any, at: Any) -> None:
    with at():
        token = linhai.file()
        before = linhai.row(token)
        object_to(linhai, token, "Call 13812345678: not theirs", should_be="parks", is_reporter=True)
    event = linhai.events(token)[-1]
    assert (event.kind, event.public["actor"], event.public["should_be"]) == (
        "receipt.objected", {"role": "reporter"}, "parks",
    )  # fmt: skip
    assert "13812345678" not in event.public["text"]
    assert event.public["receipt"] == before.public_receipt
    assert event.private == {"text": "Call 13812345678: not theirs", "receipt": before.receipt}
    assert linhai.row(token) == before, "the case itself stays as it is"
    with linhai.database.reading() as tx:
        assert verify_ledger(tx).faults == []


def keep(
    linhai: Any, token: str, actor: Actor = DISPATCHER, words: str = "The map says so", **more: Any
) -> int:
    with linhai.database.transaction() as tx:
        return keep_unit(tx, linhai.context, token, actor, words, **more)


def history(linhai: Any, token: str) -> list[Any]:
    with linhai.database.reading() as tx:
        return list(public_history(tx, linhai.row(token).id))


def assign(linhai: Any, token: str) -> None:
    linhai.move(token, DISPATCHER, "assign", to_unit="parks", reason="not theirs")


@pytest.mark.parametrize(
    ("settle", "is_upheld"),
    [
        pytest.param(assign, False, id="the unit was changed"),
        pytest.param(keep, True, id="the desk says why it stays"),
    ],
)
def test_the_dispatcher_sees_it_until_it_is_ruled(linhai: Any, at: Any, settle: Any, is_upheld: bool) -> None:
    with at():
        token, other = linhai.file(), linhai.file()
        object_to(linhai, token)
    with at(minutes=5):
        assert "objected" in waiting(linhai)[token]
        assert other not in waiting(linhai)
        linhai.move(token, DISPATCHER, "note", note="It is theirs: see the map")
        lead = Actor("handler", linhai.row(token).lead_unit)
        linhai.move(token, lead, "update", public_text="We come tomorrow")
        assert "objected" in waiting(linhai)[token], "neither a note nor the accused unit's word is a ruling"
        settle(linhai, token)
        assert token not in waiting(linhai)
        with linhai.database.reading() as tx:
            kept = [row for row in objections(tx, "linhai.example") if row.token == token]
        assert [row.is_open for row in kept] == [False]
        assert [each.is_upheld for each in answered(history(linhai, token))] == [is_upheld]
    with at(minutes=9):
        object_to(linhai, token, "Still wrong")
        assert "objected" in waiting(linhai)[token]
        assert [each.answer is None for each in answered(history(linhai, token))] == [False, True]


def test_the_answer_is_public_and_the_reporter_is_told(linhai: Any, at: Any) -> None:
    with at():
        token = linhai.file()
        object_to(linhai, token, is_reporter=True)
        keep(linhai, token, words="Theirs by the map; call 13812345678")
    event = linhai.events(token)[-1]
    assert (event.kind, event.public["actor"]["role"], event.public["unit"]) == (
        "receipt.upheld", "dispatcher", linhai.row(token).lead_unit,
    )  # fmt: skip
    assert "13812345678" not in event.public["text"]
    assert event.private["text"] == "Theirs by the map; call 13812345678"
    with linhai.database.reading() as tx:
        told = [row.payload for row in tx.execute(select(outbox)) if row.payload.get("template") == "kept"]
    assert [(row["to"], row["text"]) for row in told] == [("reporter", event.public["text"])]


@pytest.mark.parametrize(
    ("who", "words", "has_objection", "refusal"),
    [
        pytest.param(Actor("handler", "lighting"), "No", True, Forbidden, id="the accused unit itself"),
        pytest.param(DISPATCHER, "  ", True, InvalidInput, id="no reason"),
        pytest.param(DISPATCHER, "x" * 5000, True, InvalidInput, id="a book"),
        pytest.param(DISPATCHER, "Theirs", False, Conflict, id="nothing to answer"),
    ],
)
def test_who_may_answer_and_how(
    linhai: Any, at: Any, who: Actor, words: str, has_objection: bool, refusal: Any
) -> None:
    with at():
        token = linhai.file()
        if has_objection:
            object_to(linhai, token)
        lead = linhai.row(token).lead_unit
        actor = Actor("handler", lead) if who.role == "handler" else who
        with pytest.raises(refusal):
            keep(linhai, token, actor, words)


def test_an_objection_that_came_meanwhile_is_not_answered_unread(linhai: Any, at: Any) -> None:
    with at():
        token = linhai.file()
        object_to(linhai, token)
        seen = history(linhai, token)[-1].seq
        object_to(linhai, token, "And another thing")
        with pytest.raises(Conflict):
            keep(linhai, token, seen_seq=seen)


def test_only_its_reporter_objects_to_a_private_report_and_nobody_reads_it(linhai: Any, at: Any) -> None:
    with at():
        token = linhai.file()
        with linhai.database.transaction() as tx:
            tx.exec_driver_sql("UPDATE report SET is_private = true WHERE token = %s", (token,))
        with pytest.raises(Forbidden):
            object_to(linhai, token)
        object_to(linhai, token, "Not theirs", is_reporter=True)
    event = linhai.events(token)[-1]
    assert (event.public["text"], event.private["text"]) == ("", "Not theirs")


def test_no_report_no_objection(linhai: Any) -> None:
    with pytest.raises(NotFound):
        object_to(linhai, "AAAAAAAAAAAAAAAA")
