"""The page of a unit's head in numbers that lead to lists, and the dispatcher's one press with its reason."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import event as hooks
from sqlalchemy import select, text

from portal import clock
from portal.models.ledger import event
from portal.models.report import report
from portal.operations.context import Actor
from portal.operations.extend_promise import ask_extension
from portal.operations.manage_accounts import NewAccount, add_account
from portal.operations.move_checks import Move
from portal.operations.move_words import KINDS
from portal.operations.object_to_route import Objection, object_to_route
from portal.operations.record_events import Draft, lock_head, record
from portal.operations.rule_disputes import contest_transfer
from portal.operations.send_crew import Sent, send_crew
from portal.queries.matters import OPEN_MATTERS
from portal.queries.staff_rights import Grant
from portal.queries.unit_work import unit_work

from .test_desk_pages import counted_statements

PAST = {"next_due_at": clock.now() - timedelta(days=2)}
HEAD, DESK = Grant("unit_head", "district-ba"), Grant("dispatcher", "centre")


def numbers(page: str) -> dict[str, int]:
    """The totals of the charts by their titles."""
    found = re.findall(r'<h2>([^<]+?) <(?:span|a) class="total[^>]*>([\d,]+)</', page)
    return {title.strip(): int(number) for title, number in found}


def test_a_heads_numbers_are_those_of_the_lists(desk):
    now = clock.now()
    desk.file("street-ba1", "accepted", promise_due_at=now - timedelta(hours=5), **PAST)
    desk.file("street-ba1", "accepted", promise_due_at=now + timedelta(days=5), colour=1)
    desk.file("street-ba2", "routed", promise_due_at=now + timedelta(days=5), reopen_count=1)
    desk.file("street-ba2", "closed", promise_due_at=now - timedelta(days=5))
    desk.file("street-cn3", "accepted", promise_due_at=now - timedelta(hours=5), **PAST)
    handed = desk.file("street-ba1", "accepted", promise_due_at=now + timedelta(days=5))
    assert desk.client(Grant("handler", "street-ba1")).move(
        handed, "transfer", reason="not_our_area", to_unit="street-ba2"
    ).status_code == 303  # fmt: skip
    page = desk.client(HEAD).get("/desk/unit").text
    shown = numbers(page)
    assert (shown["Overdue"], shown["At risk"], shown["Not accepted yet"]) == (1, 1, 2)
    assert (shown["Open"], shown["Open again after a closing"]) == (4, 1)
    assert (shown["Handed to them, 30 days"], shown["Handed on by them, 30 days"]) == (1, 1)
    assert 'href="/desk/?unit=street-ba1&amp;about=late"' in page
    one = numbers(desk.client(HEAD).get("/desk/unit?unit=street-ba2").text)
    assert (one["Open"], one["Handed to them, 30 days"], one["Handed on by them, 30 days"]) == (2, 1, 0)
    stranger = numbers(desk.client(HEAD).get("/desk/unit?unit=street-cn3").text)
    assert stranger == shown, "somebody else's unit shows one's own"


def test_a_ruling_and_a_swap_hand_a_case_on_as_well(desk):
    kinds = {KINDS[action] for action in ("transfer", "assign", "rule", "swap", "order_swap")}
    token, here = desk.file("street-ba2", "accepted"), "linhai.example"
    gone = {"from": "giver", "to": "taker"}  # of whom no other test knows
    with desk.database.transaction() as tx:
        case_id = tx.scalar(select(report.c.id).where(report.c.token == token))
        record(tx, lock_head(tx, case_id), [Draft(kind, gone) for kind in sorted(kinds)])
        counted, people = unit_work(tx, here, {"giver", "taker"}, clock.now())
    assert counted == {"out": {"giver": 1}, "into": {"taker": 1}}, "cases are counted, as the list shows them"
    assert people == []


def listed(browser, href: str) -> int:
    """How many cases a list has, over all its pages."""
    found, address = 0, href
    for _ in range(20):
        page = browser.get(address).text
        body = page[page.index('class="list cases"') :]
        found += len(re.findall(r'<span class="mono[^"]*">[0-9A-Z]{14}</span>', body))
        after = re.search(r'class="button quiet" href="([^"]+after=[^"]+)"', page)
        if after is None:
            return found
        address = html.unescape(after.group(1))
    raise AssertionError(href)


def linked(page: str) -> dict[str, int]:
    """Where each number of the charts of cases leads: the totals, the units below them, and people."""
    totals = re.findall(r'<a class="total[^"]*" href="([^"]+)">([\d,]+)</a>', page)
    bars = re.findall(r'<li><a href="([^"]+)">[^<]*</a><span class="num">([\d,]+)</span>', page)
    return {html.unescape(href): int(number) for href, number in [*totals, *bars]}


@pytest.fixture(scope="module")
def busy(desk):
    """Cases of two streets in everything that is counted, one of them a complaint about the district."""
    now, day = clock.now(), timedelta(days=1)
    street = desk.client(Grant("handler", "street-ba3"))
    late = desk.file("street-ba3", "accepted", promise_due_at=now - day, **PAST)
    desk.file("street-ba3", "accepted", promise_due_at=now - day, **PAST, about_unit="district-ba")
    for colour in (1, 2, 3):
        desk.file("street-ba3", "in_progress", promise_due_at=now + day, colour=colour)
    desk.file("street-ba3", "submitted")
    desk.file("street-ba3", "accepted", reopen_count=2)
    desk.file("street-ba3", "closed", reopen_count=1, promise_due_at=now - day, **PAST)
    for _ in range(2):
        handed = desk.file("street-ba3", "accepted")
        street.move(handed, "transfer", reason="not_our_area", to_unit="street-ba2")
    away = desk.file("street-ba3", "accepted")
    street.move(away, "transfer", reason="not_our_service", to_unit="parks")
    with desk.database.transaction() as tx:
        case_id = tx.scalar(select(report.c.id).where(report.c.token == away))
        record(tx, lock_head(tx, case_id), [Draft("request.contested", {"unit": "street-ba3"})])
        contest_transfer(
            tx, desk.context, handed, Actor("handler", "street-ba2"), Move("", reason="not_our_area")
        )
        ask_extension(
            tx, desk.context, late, Actor("handler", "street-ba3"), now + 3 * day, "Parts are late."
        )
        given = Actor("unit_head", "street-ba3")
        person = add_account(tx, desk.context, NewAccount("ba3@linhai.example", "Bo", "four words make sense"),
                             Grant("handler", "street-ba3"))  # fmt: skip
        send_crew(tx, desk.context, late, given, Sent(account_id=person))
    return desk


@pytest.mark.parametrize(
    ("grant", "address"),
    [
        pytest.param(HEAD, "/desk/unit", id="a district"),
        pytest.param(HEAD, "/desk/unit?unit=street-ba3", id="one street"),
        pytest.param(DESK, "/desk/unit?unit=street-ba3", id="the desk looks at a street"),
        pytest.param(DESK, "/desk/unit", id="the whole city"),
    ],
)
def test_each_number_leads_to_exactly_its_cases(grant, address, busy):
    browser = busy.client(grant)
    found = linked(browser.get(address).text)
    wanted = {f"about={each}" for each in OPEN_MATTERS} | {"what=out", "what=contested", "who="}
    if "ba3" not in address:
        wanted |= {"what=into", "what=disputed"}
    assert {each for each in wanted if not any(each in href for href in found)} == set()
    of_cases = {
        href: number for href, number in found.items() if href.startswith(("/desk/?", "/desk/unit/moved"))
    }
    assert {href: listed(browser, href) for href in of_cases} == of_cases


def test_what_was_handed_on_is_no_way_into_the_case(busy):
    page = busy.client(Grant("unit_head", "street-ba3")).get("/desk/unit/moved?what=out&unit=street-ba3").text
    assert page.count('href="/r/') == 3, "another street's by now: what everybody may read"
    assert page.count('href="/desk/case/') == 0
    assert busy.client(HEAD).get("/desk/unit/moved?what=nonsense").status_code == 404
    assert busy.client(Grant("handler", "street-ba1")).get("/desk/unit/moved?what=out").status_code == 403


@pytest.mark.parametrize("grant", [HEAD, DESK, Grant("auditor", "")], ids=str)
def test_the_page_of_a_head_costs_four_statements(grant, desk):
    browser = desk.client(grant)
    browser.get("/desk/unit")
    with counted_statements(desk.app) as sent:
        assert browser.get("/desk/unit").status_code == 200
    assert len([each for each in sent if "routing_version" not in each]) <= 4, sent


def test_it_is_no_page_for_handlers(desk):
    assert desk.client(Grant("handler", "street-ba1")).get("/desk/unit").status_code == 403


def test_its_numbers_are_read_by_indexes(desk):
    asked: list[tuple[str, object]] = []

    def note(_connection, _cursor, statement, values, *_rest) -> None:
        asked.append((statement, values))

    with desk.database.reading() as tx:
        tx.execute(text("SET LOCAL enable_seqscan = off"))  # a few rows would be read whole
        hooks.listen(desk.database.engine, "before_cursor_execute", note)
        try:
            assert unit_work(tx, "linhai.example", frozenset({"nowhere"}), clock.now()) == ({}, [])
        finally:
            hooks.remove(desk.database.engine, "before_cursor_execute", note)
        ((statement, values),) = asked
        plan = "\n".join(row[0] for row in tx.connection.cursor().execute(f"EXPLAIN {statement}", values))
    assert "Seq Scan on report" not in plan
    assert "Seq Scan on event" not in plan
    assert "ix_event_kind_at" in plan


def routes_of(page: str) -> dict[str, list[str]]:
    """The units that are suggested for each case."""
    found: dict[str, list[str]] = {}
    for token, unit in re.findall(r'name="route" value="(\w+):([\w-]+)"', page):
        found.setdefault(token, []).append(unit)
    return found


def test_one_press_gives_the_case_to_whom_map_and_rules_name_and_says_why(desk):
    # held by the desk, though map and rules name a street
    token = desk.file("centre", "routed")
    browser = desk.client(DESK)
    browser.get("/desk/dispatch?why=desk")
    with counted_statements(desk.app) as sent:
        page = browser.get("/desk/dispatch?why=desk").text
    assert len([each for each in sent if "routing_version" not in each]) <= 4, sent
    unit = routes_of(page)[token][0]
    assert "By map and rules in force" in page
    seen = re.search(rf'name="seq-{token}" value="(\d+)"', page).group(1)
    pressed = {"route": f"{token}:{unit}", f"seq-{token}": seen}
    assert browser.post("/desk/dispatch/route?why=desk", pressed).status_code == 303
    assert (desk.row(token).lead_unit, desk.row(token).state) == (unit, "routed")
    with desk.database.reading() as tx:
        told = tx.execute(
            select(event.c.public).where(
                event.c.case_id == desk.row(token).id, event.c.kind == "request.assigned"
            )
        ).scalar_one()
    assert (told["from"], told["to"]) == ("centre", unit)
    assert told["text"]
    assert browser.post("/desk/dispatch/route", pressed).status_code == 409, (
        "it has it: not suggested any more"
    )


def test_whom_somebody_named_stands_first_but_never_the_accused(desk):
    token, complaint = (
        desk.file("street-cn1", "routed"),
        desk.file("centre", "routed", about_unit="street-cn1"),
    )
    with desk.database.transaction() as tx:
        for number in (token, complaint):
            said = Objection(
                "Not theirs.", "10.0.0.1", should_be="street-wh2" if number == token else "street-cn1"
            )
            object_to_route(tx, desk.context, number, said)
    suggested = routes_of(desk.client(DESK).get("/desk/dispatch?why=objected").text)
    assert suggested[token][0] == "street-wh2"
    assert "street-cn1" not in suggested.get(complaint, [])
    assert max(map(len, suggested.values())) <= 3


@pytest.mark.parametrize(
    ("grant", "status"),
    [
        (Grant("handler", "street-cn1"), 403),
        (Grant("unit_head", "street-cn1"), 403),
        (Grant("auditor", ""), 403),
    ],
    ids=str,
)
def test_nobody_else_routes(grant, status, desk):
    token = desk.file("street-cn1", "routed")
    answer = desk.client(grant).post("/desk/dispatch/route", {"route": f"{token}:street-wh2"})
    assert answer.status_code == status
    assert desk.row(token).lead_unit == "street-cn1"
    assert desk.client(grant).get("/desk/dispatch").text.count('name="route"') == 0


def test_a_unit_that_is_not_suggested_gets_nothing(desk):
    token = desk.file("centre", "routed")
    browser = desk.client(DESK)
    for wish in (f"{token}:nowhere", token, "", f"{token}:centre"):
        assert browser.post("/desk/dispatch/route", {"route": wish}).status_code in (404, 409)
    assert desk.row(token).lead_unit == "centre"
