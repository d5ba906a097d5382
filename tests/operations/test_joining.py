"""Two reports of the same thing: joined by number, told to both, never in a circle, and parted again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from portal.errors import InvalidInput
from portal.operations.context import REPORTER, Actor
from portal.operations.verify_ledger import verify_ledger

LEAD = Actor("handler", "street-cn2")
MERGE = {"closing_code": "merged"}


def ends(linhai: Any, token: str) -> list[tuple[str, str]]:
    """What a report's book says of others: kind and their number."""
    told = [
        (row.kind, row.public.get("duplicate_of") or row.public.get("duplicate"))
        for row in linhai.events(token)
    ]
    return [(kind, other) for kind, other in told if other]


@pytest.mark.parametrize("action", ["mark_duplicate", "resolve"])
def test_both_books_name_the_other_and_the_reporter_reads_the_number(linhai: Any, action: str) -> None:
    first, second = linhai.file(), linhai.file()
    linhai.move(second, LEAD, "accept")
    typed = f" {first[:4].lower()}-{first[4:]} "
    linhai.move(second, LEAD, action, duplicate_of=typed, **(MERGE if action == "resolve" else {}))
    assert linhai.row(second).state == "duplicate"
    kind = "request.merged" if action == "mark_duplicate" else "request.resolved"
    assert ends(linhai, second) == [(kind, first)]
    assert ends(linhai, first) == [("request.joined", second)]
    assert linhai.row(first).state == "routed"
    told = linhai.messages(second)[-1]
    assert (told["template"], told["duplicate_of"]) == ("merged", first)
    with linhai.database.reading() as tx:
        assert verify_ledger(tx).faults == []


def test_taken_apart_again(linhai: Any) -> None:
    first, second = linhai.file(), linhai.file()
    linhai.moved(second, (LEAD, "mark_duplicate", {"duplicate_of": first}), (REPORTER, "unmerge"))
    row = linhai.row(second)
    assert (row.state, row.lead_unit, row.closing_code) == ("routed", "street-cn2", None)
    assert ("unit", "accept") in linhai.clocks(second, "running")
    assert ends(linhai, first) == [("request.joined", second), ("request.parted", second)]
    linhai.move(first, LEAD, "mark_duplicate", duplicate_of=second)
    assert linhai.row(first).state == "duplicate", "what was parted is no circle"


@pytest.mark.parametrize(
    ("links", "wanted", "says"),
    [
        pytest.param([], 0, "number of this report itself", id="itself"),
        pytest.param([(1, 0)], 1, "already joined with this one", id="a circle of two"),
        pytest.param([(2, 1), (1, 0)], 2, "already joined with this one", id="a circle of three"),
    ],
)
def test_what_cannot_be_joined(linhai: Any, links: list[tuple[int, int]], wanted: int, says: str) -> None:
    tokens = [linhai.file() for _ in range(3)]
    for one, other in links:
        linhai.move(tokens[one], LEAD, "mark_duplicate", duplicate_of=tokens[other])
    before = linhai.kinds(tokens[0])
    with pytest.raises(InvalidInput, match=says) as caught:
        linhai.move(tokens[0], LEAD, "mark_duplicate", duplicate_of=tokens[wanted])
    assert list(caught.value.fields) == ["duplicate_of"]
    assert linhai.kinds(tokens[0]) == before


def test_two_that_are_joined_with_each_other_at_the_same_moment_make_no_circle(linhai: Any) -> None:
    for _ in range(5):
        pair, together = (linhai.file(), linhai.file()), Barrier(2)

        def join(turn: int, pair: tuple[str, str] = pair, together: Barrier = together) -> str:
            together.wait()
            try:
                return linhai.move(pair[turn], LEAD, "mark_duplicate", duplicate_of=pair[1 - turn]).state
            except InvalidInput:
                return "refused"

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(join, range(2))) == ["duplicate", "refused"]


def test_a_case_that_something_was_joined_with_is_no_conflict(linhai: Any) -> None:
    first, second = linhai.file(), linhai.file()
    seen = len(linhai.kinds(first))
    linhai.move(second, LEAD, "mark_duplicate", duplicate_of=first)
    assert linhai.move(first, LEAD, "accept", seen_seq=seen).state == "accepted"
