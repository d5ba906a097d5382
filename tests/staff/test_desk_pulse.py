"""Open pages of the desk: what they ask, what it costs, and what it never does."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from portal.models.people import staff_session
from portal.queries.staff_rights import Grant

from .test_desk_browser import WIDE, open_page, sign_in
from .test_desk_pages import counted_statements

OWN, ELSEWHERE, DESK = (
    Grant("handler", "street-cn1"),
    Grant("handler", "street-wh1"),
    Grant("dispatcher", "centre"),
)


def mark(browser: Any, address: str = "/desk/changed") -> str:
    return str(browser.get(address).headers["ETag"])


@pytest.mark.parametrize(
    ("grant", "is_told"),
    [(OWN, True), (DESK, True), (ELSEWHERE, False), (Grant("auditor", ""), True)],
    ids=str,
)
def test_a_list_hears_of_the_cases_of_its_units_only(grant: Grant, is_told: bool, desk: Any) -> None:
    token = desk.file("street-cn1", "routed")
    browser = desk.client(grant)
    before = mark(browser)
    assert mark(browser) == before, "nothing happened"
    desk.client(OWN).move(token, "accept")
    assert (mark(browser) != before) == is_told


def test_nothing_is_sent_where_nothing_changed(desk: Any) -> None:
    token = desk.file("street-cn1", "routed")
    browser = desk.client(OWN)
    for address in ("/desk/changed", f"/desk/changed?case={token}"):
        known = {"If-None-Match": mark(browser, address)}
        answer = browser.client.get(address, headers=known)
        assert (answer.status_code, answer.data) == (304, b"")
    browser.move(token, "accept")
    assert browser.client.get(address, headers=known).status_code == 200


def test_a_case_of_others_has_no_pulse(desk: Any) -> None:
    token = desk.file("street-cn1", "routed")
    assert desk.client(ELSEWHERE).get(f"/desk/changed?case={token}").status_code == 404


@pytest.mark.parametrize("what", ["list", "case"])
@pytest.mark.parametrize("grant", [OWN, DESK], ids=str)
def test_it_costs_one_statement_from_an_index(grant: Grant, what: str, desk: Any) -> None:
    address = "/desk/changed" + (f"?case={desk.file('street-cn1')}" if what == "case" else "")
    browser = desk.client(grant)
    browser.get(address)
    with counted_statements(desk.app) as sent:
        browser.get(address)
    own = [each for each in sent if "staff_session" not in each and "routing_version" not in each]
    assert len(own) == 1, sent


def test_a_page_that_only_watches_keeps_no_session_open(desk: Any) -> None:
    browser = desk.client(Grant("handler", "street-cn3"))
    account = select(staff_session.c.account_id).order_by(staff_session.c.created_at.desc()).limit(1)

    def seen() -> Any:
        with desk.database.reading() as tx:
            return tx.scalar(select(staff_session.c.seen_at).order_by(staff_session.c.seen_at).limit(1))

    with desk.database.transaction() as tx:
        hour_ago = staff_session.c.seen_at - timedelta(hours=1)
        tx.execute(
            update(staff_session).where(staff_session.c.account_id.in_(account)).values(seen_at=hour_ago)
        )
    before = seen()
    assert browser.client.get("/desk/changed", headers={"X-Watching": "1"}).status_code == 200
    assert seen() == before
    browser.get("/desk/")
    assert seen() > before


@pytest.mark.parametrize("address", ["/desk/", "/desk/?view=board", "/desk/dispatch", "case"])
def test_what_a_page_says_that_it_watches(address: str, desk: Any) -> None:
    token = desk.file("street-cn1", "routed")
    browser = desk.client(DESK)
    page = browser.get(f"/desk/case/{token}" if address == "case" else address).text
    pulse = re.search(r'data-pulse="([^"]+)" data-said="[^"]+"', page)
    assert pulse
    assert browser.get(pulse[1]).status_code == 200
    assert 'aria-live="polite" data-announce></p>' in page
    assert "data-live=" in page
    assert "js/live.js" in page


def test_what_a_form_brought_back_is_never_fetched_anew(desk: Any) -> None:
    token = desk.file("street-cn1", "routed")
    answer = desk.client(OWN).move(token, "transfer", reason="", note="Half a sentence")
    assert answer.status_code == 422
    assert "data-pulse" not in answer.text


@pytest.mark.browser
def test_a_list_comes_up_to_date_but_not_under_somebodys_hands(
    desk: Any, address: str, chromium: Any
) -> None:
    token, other = desk.file("street-cn1", "routed"), desk.file("street-cn1", "routed")
    page = open_page(chromium, WIDE)
    sign_in(page, address, desk.email_of(OWN))
    page.clock.install()
    with page.expect_response("**/desk/changed"):
        page.goto(f"{address}/desk/")
    line = page.locator(f'li:has(a[href="/desk/case/{token}"])')
    tick = page.locator(f'input[name=token][value="{other}"]')
    expect(line).to_contain_text("New, not accepted")
    tick.check()
    desk.client(OWN).move(token, "accept")
    with page.expect_response("**/desk/changed"):
        page.clock.run_for(21_000)
    page.wait_for_load_state("networkidle")
    expect(line).to_contain_text("New, not accepted")
    expect(tick).to_be_checked()
    tick.uncheck()
    page.evaluate("document.activeElement.blur()")
    page.clock.run_for(125_000)
    expect(line).to_contain_text("Accepted")
    assert page.complaints == []
