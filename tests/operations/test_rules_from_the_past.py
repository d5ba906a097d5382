"""Rules and the city's own past: hand-overs become proposed lines, drafts are tried on cases, nothing moves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.errors import NotFound
from portal.models.city import jurisdiction_table
from portal.models.ledger import case_file, event
from portal.models.report import report
from portal.operations.context import Actor
from portal.operations.propose_rules import propose_rules
from portal.operations.publish_rulebook import publish_rulebook, roll_back_rulebook
from portal.operations.simulate_rules import simulate_history
from portal.operations.verify_ledger import verify_ledger
from portal.queries.history import past_cases
from portal.queries.rulebooks import active_rules, list_rulebooks

LEAD, TRAFFIC, DESK = Actor("handler", "street-cn2"), Actor("handler", "traffic"), Actor("dispatcher")
GIVEN = {"to_unit": "traffic", "reason": "not_our_service"}
RULED = {"to_unit": "traffic", "reason": "the ruling of March"}


@pytest.fixture(scope="module")
def handed_over(linhai: Any) -> dict[str, list[str]]:
    """Potholes of one street: handed to the traffic police and kept, refused, pending, or kept at home."""
    tokens = {name: [linhai.file() for _ in range(count)] for name, count in
              {"given": 4, "ruled": 2, "back": 1, "pending": 1, "home": 1}.items()}  # fmt: skip
    for token in tokens["given"]:
        linhai.moved(token, (LEAD, "accept"), (LEAD, "transfer", GIVEN), (TRAFFIC, "accept"))
    for token in tokens["ruled"]:
        linhai.moved(token, (DESK, "assign", RULED), (TRAFFIC, "accept"))
    back = {"to_unit": "street-cn2", "reason": "not_our_area"}
    linhai.moved(tokens["back"][0], (LEAD, "transfer", GIVEN), (TRAFFIC, "transfer", back), (LEAD, "accept"))
    linhai.moved(tokens["pending"][0], (LEAD, "transfer", GIVEN))
    linhai.moved(tokens["home"][0], (LEAD, "accept"))
    return tokens


@pytest.fixture(scope="module")
def enough(linhai: Any, handed_over: dict[str, list[str]]) -> set[str]:
    """Six more that were handed over; all that the traffic police kept. Six of eight alone propose nothing."""
    with linhai.database.reading() as tx:
        found = propose_rules(tx, linhai.context)
    assert (found.settled, found.lines) == (8, ())  # the pending one belongs to nobody yet
    more = [linhai.file() for _ in range(6)]
    for token in more:
        linhai.moved(token, (LEAD, "transfer", GIVEN), (TRAFFIC, "accept"))
    return {*handed_over["given"], *handed_over["ruled"], *more}


def test_hand_overs_that_were_accepted_become_a_line(linhai: Any, enough: set[str]) -> None:
    with linhai.database.reading() as tx:
        (line,) = propose_rules(tx, linhai.context).lines
        assert propose_rules(tx, linhai.context, min_evidence=13).lines == ()
    assert (line.service, line.unit, line.cases, line.moved) == ("pothole", "traffic", 14, 12)
    assert line.layer == "community"
    assert set(line.examples) < enough


def test_a_draft_is_tried_published_and_taken_back(linhai: Any, enough: set[str]) -> None:
    with linhai.database.reading() as tx:
        old = active_rules(tx, "linhai.example")
        draft = propose_rules(tx, linhai.context).draft
        before = state(tx)
        done = simulate_history(tx, linhai.context, draft)
        assert state(tx) == before  # nothing is changed
    rows = {row.unit: (row.gained, row.lost) for row in done.units}
    assert rows["traffic"] == (done.cases, 0)
    assert rows["street-cn2"] == (0, done.cases)
    assert len(done.map()["features"]) == done.moved == done.cases
    with linhai.database.transaction() as tx:
        assert publish_rulebook(tx, linhai.context, draft).version == 2
    assert linhai.submit().unit_code == "traffic"
    with linhai.database.transaction() as tx:
        assert roll_back_rulebook(tx, linhai.context).version == 3
        assert active_rules(tx, "linhai.example") == old
    assert linhai.submit().unit_code == "street-cn2"
    with linhai.database.transaction() as tx:
        assert roll_back_rulebook(tx, linhai.context, 2).version == 4
        assert [(row.version, row.state) for row in list_rulebooks(tx, "linhai.example")][:2] == [
            (4, "active"), (3, "retired"),
        ]  # fmt: skip
        assert roll_back_rulebook(tx, linhai.context, 3).version == 5
    with linhai.database.reading() as tx:
        book = (
            select(event.c.public).join(case_file, case_file.c.id == event.c.case_id)
            .where(case_file.c.subject == "city", event.c.kind == "rulebook.published")
            .order_by(event.c.case_seq)
        )  # fmt: skip
        assert [row.get("restores") for row in tx.scalars(book)] == [None, 1, 2, 3]
        assert verify_ledger(tx).faults == []


def state(tx: Any) -> list[Any]:
    return [
        *tx.execute(select(report.c.token, report.c.lead_unit, report.c.state).order_by(report.c.id)),
        *tx.execute(select(event.c.id).order_by(event.c.id)),
        *tx.execute(select(jurisdiction_table.c.routing_version)),
    ]


@pytest.mark.parametrize("version", [99, 0])
def test_no_such_version(linhai: Any, version: int) -> None:
    with pytest.raises(NotFound), linhai.database.transaction() as tx:
        roll_back_rulebook(tx, linhai.context, version)


def test_no_such_edition(linhai: Any) -> None:
    with pytest.raises(NotFound), linhai.database.reading() as tx:
        simulate_history(tx, linhai.context, None, [4711])


def test_a_period_and_the_place_of_past_cases(linhai: Any, at: Any) -> None:
    with at(days=50) as late:
        token = linhai.file()
    with linhai.database.reading() as tx:
        (case,) = past_cases(tx, "linhai.example", late.at, late.at + timedelta(seconds=1))
        assert token not in {one.name for one in past_cases(tx, "linhai.example", until=late.at)}
    assert (case.name, case.service_code, case.at, case.answers) == (
        token,
        "pothole",
        late.at,
        {"depth": ("large",)},
    )
    assert case.point == pytest.approx((121.55490, 29.15))
