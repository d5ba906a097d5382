"""How the desk's lists are read: from an index in their order, a few rows of many, whatever the filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Select, text
from sqlalchemy.dialects import postgresql

from portal import clock
from portal.queries import staff_inbox
from portal.queries.case_filter import ANY_STATE, Wanted
from portal.queries.case_lines import lines_of
from portal.queries.staff_inbox import Cursor, frame, inbox_keys
from routing.lifecycle import OPEN_STATES
from tests.many_cases import write_cases

OPEN, CLOSED, SIZE = 9000, 6000, 50
CITY = "linhai.example"
STREET = frozenset({"street-cn1"})
DISTRICT = frozenset({"district-cn", "street-cn1", "street-cn2", "street-cn3"})
EARLY = clock.now() - timedelta(days=1)
LATER = Cursor(1, clock.now() + timedelta(days=20), 1_000_500)


@pytest.fixture(scope="module")
def full(desk: Any) -> Any:
    """A city with many cases of every unit."""
    write_cases(desk.database, desk.file(), OPEN, CLOSED)
    return desk


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def explained(desk: Any, query: Select[Any]) -> list[dict[str, Any]]:
    """The nodes of the plan that was carried out."""
    compiled = query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    with desk.database.reading() as tx:
        plan = tx.scalar(
            text(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {str(compiled).replace(':', chr(92) + ':')}")
        )
    return list(nodes(plan[0]["Plan"]))


def looked_at(node: dict[str, Any]) -> int:
    """Rows that a node touched, those that its filter threw away included."""
    away = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return round((node["Actual Rows"] + away) * node["Actual Loops"])


def of_report(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [node for node in found if node.get("Relation Name") == "report"]


# wanted; rows of `report` that may be touched for one page of SIZE
LISTS = [
    pytest.param(Wanted(STREET), None, 12, id="one unit"),
    pytest.param(Wanted(STREET, state="accepted"), None, 6, id="one unit, one state"),
    pytest.param(Wanted(DISTRICT), None, 30, id="a district"),
    pytest.param(Wanted(None), None, 12, id="all units"),
    pytest.param(Wanted(None), LATER, 12, id="all units, a later page"),
    pytest.param(Wanted(DISTRICT, kept_from={"street-cn1"}), None, 30, id="complaints left out"),
    pytest.param(Wanted(None, words="漏水"), None, 12, id="rare words"),
    pytest.param(Wanted(STREET, words="漏水"), None, 6, id="rare words in one unit"),
    pytest.param(Wanted(STREET, about="late", now=EARLY), None, 6, id="overdue ones of one unit"),
    pytest.param(Wanted(DISTRICT, about="late", now=EARLY), None, 20, id="overdue ones of a district"),
    pytest.param(Wanted(None, about="late", now=EARLY), None, 20, id="overdue ones of all"),
    pytest.param(Wanted(STREET, about="risk", now=EARLY), None, 20, id="cases at risk of one unit"),
    pytest.param(Wanted(STREET, about="reopened", now=EARLY), None, 4, id="opened again, of one unit"),
    pytest.param(Wanted(None, about="reopened", now=EARLY), None, 4, id="opened again, of all"),
    pytest.param(Wanted(STREET, about="unaccepted", now=EARLY), None, 12, id="not accepted, of one unit"),
    pytest.param(Wanted(None, about="asked", now=EARLY), None, 4, id="more time asked for"),
    pytest.param(Wanted(None, person=1), None, 4, id="one person's jobs"),
    pytest.param(Wanted(None, state=ANY_STATE), None, 6, id="closed ones too"),
    pytest.param(Wanted(STREET, state="closed"), None, 30, id="closed ones of one unit"),
    pytest.param(Wanted(None, state=ANY_STATE, words="漏水"), None, 6, id="rare words, closed ones too"),
    pytest.param(Wanted(None, state=ANY_STATE, words="pothole"), None, 30, id="usual words, closed ones too"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "after", "pages"), LISTS)
def test_a_page_is_read_from_an_index_and_touches_few_cases(
    wanted: Wanted, after: Cursor | None, pages: int, full: Any
) -> None:
    found = explained(
        full, lines_of(inbox_keys(CITY, wanted, after, SIZE + 1), newest_first=wanted.is_newest_first)
    )
    assert "Seq Scan" not in {node["Node Type"] for node in of_report(found)}
    assert sum(looked_at(node) for node in of_report(found)) <= pages * (SIZE + 1)
    sorted_rows = [node["Plans"][0]["Actual Rows"] for node in found if node["Node Type"] == "Sort"]
    assert max(sorted_rows, default=0) <= len(OPEN_STATES) * len(DISTRICT) * (SIZE + 1)


@pytest.mark.parametrize("wanted", [Wanted(None), Wanted(STREET)], ids=["all units", "one unit"])
def test_lists_in_order_use_the_index_made_for_them(wanted: Wanted, full: Any) -> None:
    found = explained(full, inbox_keys(CITY, wanted, None, SIZE))
    used = {node["Index Name"] for node in of_report(found)}
    assert used == {"ix_report_due" if wanted.units is None else "ix_report_due_unit"}


def test_words_of_open_cases_have_an_index_of_their_own(full: Any) -> None:
    found = explained(full, inbox_keys(CITY, Wanted(None, words="pothole"), None, SIZE))
    assert {node["Index Name"] for node in found if "Index Name" in node} == {"ix_report_open_words"}


def test_numbers_beside_the_states_are_counted_no_further_than_they_are_read(full: Any) -> None:
    query = staff_inbox._counts(CITY, Wanted(None))
    found = of_report(explained(full, query.element))
    assert {node["Node Type"] for node in found} == {"Index Only Scan"}
    assert sum(looked_at(node) for node in found) <= len(OPEN_STATES) * (staff_inbox.COUNTED_AT_MOST + 1)
    with full.database.reading() as tx:
        counted = frame(tx, CITY, Wanted(None), 0).counts
    assert max(counted.values()) == staff_inbox.COUNTED_AT_MOST + 1


def test_the_first_cases_of_several_units_are_the_first_of_all(full: Any) -> None:
    """Put together from the first of each unit and state, and the same as from one long sort."""
    plain = (
        "SELECT id FROM report WHERE jurisdiction_id = :city AND closed_at IS NULL AND lead_unit = ANY(:units) "
        "ORDER BY (priority <> 'emergency'), next_due_at, id LIMIT :size"
    )
    with full.database.reading() as tx:
        found = list(tx.scalars(inbox_keys(CITY, Wanted(DISTRICT), None, SIZE)))
        given = {"city": CITY, "units": sorted(DISTRICT), "size": SIZE}
        assert found == list(tx.scalars(text(plain), given))
        every = list(tx.scalars(inbox_keys(CITY, Wanted(None), None, SIZE)))
    assert len(every) == len(found) == SIZE
    assert every != found


@pytest.mark.parametrize(
    ("words", "one_in"),
    [
        pytest.param("路灯", 50, id="two characters"),
        pytest.param("Potholes", 20, id="an English word in another form"),
        pytest.param("漏水", 2000, id="a rare word"),
        pytest.param("路灯 potholes", 1000, id="both at once"),
    ],
)
def test_words_are_found_in_open_and_closed_cases(words: str, one_in: int, full: Any) -> None:
    wanted = Wanted(None, words=words)
    with full.database.reading() as tx:
        opened = len(tx.execute(inbox_keys(CITY, wanted, None, OPEN)).all())
        every = len(tx.execute(inbox_keys(CITY, replace(wanted, state=ANY_STATE), None, OPEN + CLOSED)).all())
    assert 0.3 < opened * one_in / OPEN < 2.5
    assert every > opened


@pytest.mark.parametrize(
    "words", ["", "🙂", "'); DROP TABLE report; --", "a & !b", "的 : * <-> \\", "_" * 80]
)
def test_nothing_that_is_typed_breaks_the_search(words: str, full: Any) -> None:
    with full.database.reading() as tx:
        tx.execute(inbox_keys(CITY, Wanted(None, words=words), None, 5)).all()
