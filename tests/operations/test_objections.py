"""An objection to the route: an event with the receipt, seen by the dispatcher until something is done about it."""

from __future__ import annotations

from typing import Any

import pytest

from portal import clock
from portal.errors import Forbidden, NotFound
from portal.operations.context import Actor
from portal.operations.object_to_route import Objection, object_to_route
from portal.operations.verify_ledger import verify_ledger
from portal.queries.dispatch_list import dispatch_page, whys_of
from portal.queries.objections import objections

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


@pytest.mark.parametrize(
    "settle",
    [
        pytest.param(("assign", {"to_unit": "parks", "reason": "not theirs"}), id="assigned to another unit"),
        pytest.param(("note", {"note": "It is theirs: see the map"}), id="the desk writes down why it stays"),
    ],
)
def test_the_dispatcher_sees_it_until_something_is_done(linhai: Any, at: Any, settle: Any) -> None:
    with at():
        token, other = linhai.file(), linhai.file()
        object_to(linhai, token)
    with at(minutes=5):
        assert "objected" in waiting(linhai)[token]
        assert other not in waiting(linhai)
        action, more = settle
        linhai.move(token, DISPATCHER, action, **more)
        assert token not in waiting(linhai)
        with linhai.database.reading() as tx:
            kept = [row for row in objections(tx, "linhai.example") if row.token == token]
        assert [row.is_open for row in kept] == [False]
    with at(minutes=9):
        object_to(linhai, token, "Still wrong")
        assert "objected" in waiting(linhai)[token]


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
