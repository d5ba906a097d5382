"""Every page of the desk costs few statements, however many cases there are: walked over the map of addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event as hooks

from portal.operations.context import Actor
from portal.operations.keep_tasks import Wanted
from portal.operations.move_report import Move, move_report
from portal.operations.move_tasks import ask_units
from portal.operations.rule_disputes import contest_transfer
from portal.queries.staff_rights import Grant

LEAD, PARKS = Actor("handler", "street-cn1"), Actor("handler", "parks")
MOST = 4  # the session is one of them
# The crews that could be sent are asked for only where somebody may send one; a unit's head sees work, crews, figures
# and ratings beside each other, which stand in tables apart.
MORE = {"/desk/case/<token>": 5, "/desk/unit": 5}


@contextmanager
def sent_to(desk: Any) -> Iterator[list[str]]:
    """The statements of a block; the look at the city's version, once a second, and the driver's own left out."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("SELECT pg_catalog", "BEGIN", "SELECT jurisdiction.routing_version")):
            seen.append(statement)

    engine = desk.app.extensions["wenlu"].database.engine
    hooks.listen(engine, "before_cursor_execute", note)
    yield seen
    hooks.remove(engine, "before_cursor_execute", note)


@pytest.fixture(scope="module")
def token(desk: Any) -> str:
    """A case with everything: handed over, in dispute, with tasks; and a dozen like it for the lists."""
    for _ in range(12):
        token = desk.file("street-cn1", "accepted")
        with desk.database.transaction() as tx:
            ask_units(tx, desk.context, token, LEAD, "ask", [Wanted("water", title="Pipe")])
            handed = Move("transfer", reason="not_our_area", to_unit="parks")
            move_report(tx, desk.context, token, LEAD, handed)
            contest_transfer(tx, desk.context, token, PARKS, Move("", reason="not_our_service"))
    return token


@pytest.fixture(scope="module")
def browser(desk: Any) -> Any:
    return desk.client(Grant("admin", ""))


def test_every_page_of_the_desk_is_plain(desk: Any, token: str, browser: Any) -> None:
    """Addresses with a part that this test does not know answer "not found", and are counted all the same."""
    rules = [rule for rule in desk.app.url_map.iter_rules() if rule.rule.startswith("/desk")]
    looked = sorted(rule.rule for rule in rules if "GET" in rule.methods)
    assert len(looked) > 20
    costs = {}
    for path in looked:
        with sent_to(desk) as seen:
            browser.get(path.replace("<token>", token))
        costs[path] = len(seen)
    print("\n".join(f"{cost} {path}" for path, cost in costs.items()))
    assert {path: cost for path, cost in costs.items() if cost > MORE.get(path, MOST)} == {}


@pytest.mark.parametrize(
    ("grant", "most"),
    [
        pytest.param(Grant("auditor", ""), 4, id="who reads"),
        pytest.param(Grant("handler", "water"), 4, id="who assists"),
        pytest.param(Grant("dispatcher", "centre"), 5, id="who may send a crew"),
    ],
)
def test_the_page_of_a_case(grant: Grant, most: int, desk: Any, token: str) -> None:
    own = desk.client(grant)
    own.get(f"/desk/case/{token}")
    with sent_to(desk) as seen:
        assert own.get(f"/desk/case/{token}").status_code == 200
    assert len(seen) <= most, seen
