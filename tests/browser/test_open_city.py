"""The open city in a browser: the slider of months, and pages that keep themselves fresh without getting in the way."""

from __future__ import annotations

import re
import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import insert

from portal import clock
from portal.models.open_city import area_day
from portal.operations.context import Actor
from portal.operations.move_report import Move, move_report
from portal.operations.submission import Submission
from portal.operations.submit_report import submit_report

pytestmark = pytest.mark.browser
A_WHILE, LONG = 21_000, 700_000  # milliseconds of the page's own clock


@pytest.fixture
def filed(live: Any) -> str:
    parts = live.app.extensions["wenlu"]
    given = Submission("park-repair", lon=121.640, lat=29.185, accuracy_m=5.0, client_request_id=uuid.uuid4())
    with parts.database.transaction() as tx:
        return str(submit_report(tx, parts.context, given).token)


@pytest.fixture
def move(live: Any, filed: str) -> Any:
    parts = live.app.extensions["wenlu"]

    def act(*moves: Move) -> None:
        for each in moves:
            with parts.database.transaction() as tx:
                move_report(tx, parts.context, filed, Actor("dispatcher", "centre"), each)

    return act


@pytest.fixture
def asked(phone: Any) -> list[str]:
    """The small questions that the page has asked."""
    found: list[str] = []
    phone.on("request", lambda request: found.append(request.url) if "/changed" in request.url else None)
    return found


def hide(page: Any, is_hidden: bool) -> None:
    page.evaluate(
        "is => { Object.defineProperty(document, 'hidden', { value: is, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        is_hidden,
    )


def test_the_slider_moves_map_and_table_through_the_months(live: Any, phone: Any) -> None:
    parts, today = live.app.extensions["wenlu"], clock.now().date()
    with live.app.test_request_context(), parts.database.transaction() as tx:
        layers = parts.cities.city(tx, parts.jurisdiction_id).router.city.index.layers
        code = next(layer for layer in layers if layer.name == "district").boundaries[0].code
        day = {"jurisdiction_id": parts.jurisdiction_id, "layer": "district", "code": code}
        old = date(today.year, today.month, 1) - timedelta(days=40)
        counts = {"opened": 30, "closed": 9, "judged": 20, "on_time": 15, "open_at_end": 21}
        tx.execute(insert(area_day).values(day | counts | {"day": old}))
    with phone.expect_response(re.compile("/api/v1/layers/district")):
        phone.goto(f"{live.address}/progress?layer=district")
    row = phone.locator(f'#figures tr[data-code="{code}"]')
    expect(row.locator("td").first).to_have_text("75%")
    expect(phone.locator("#month")).to_be_hidden()
    phone.locator("#slider").focus()
    phone.keyboard.press("End")
    expect(row.locator("td").first).to_have_text("–")
    expect(row.locator("td").nth(1)).to_have_text("21")
    assert f"month={today:%Y-%m}" in phone.url
    assert phone.locator("#slider").get_attribute("aria-valuetext") == phone.locator("#when").inner_text()
    phone.reload()
    expect(row.locator("td").first).to_have_text("–")
    assert phone.locator("#slider").input_value() == "12"


def test_an_open_report_shows_what_happens_and_says_so(
    live: Any, phone: Any, filed: str, move: Any, asked: list[str]
) -> None:
    phone.clock.install()
    phone.goto(f"{live.address}/r/{filed}", wait_until="networkidle")
    why = phone.locator("#why details").first
    why.locator("summary").first.click()
    move(Move("accept"))
    with phone.expect_response(re.compile(rf"/r/{filed}$")):
        phone.clock.run_for(A_WHILE)
    expect(phone.locator(".case-state")).to_contain_text("Accepted")
    expect(phone.locator("[data-announce]")).to_contain_text("Accepted")
    assert why.get_attribute("open") is not None, "what was opened stays open"
    assert len(asked) == 2


def test_nothing_typed_is_lost(live: Any, phone: Any, filed: str, move: Any) -> None:
    phone.clock.install()
    phone.goto(f"{live.address}/r/{filed}", wait_until="networkidle")
    phone.get_by_text("I filed this report").click()
    phone.locator("#secret").fill("half a secret")
    move(Move("accept"))
    with phone.expect_response(re.compile("/changed")):
        phone.clock.run_for(A_WHILE)
    phone.clock.run_for(A_WHILE)
    expect(phone.locator(".case-state")).not_to_contain_text("Accepted")
    expect(phone.locator("#secret")).to_have_value("half a secret")
    phone.locator("#secret").fill("")
    phone.get_by_text("I filed this report").click()  # a form that stands open is one that somebody fills in
    with phone.expect_response(re.compile(rf"/r/{filed}$")):
        phone.clock.run_for(3 * A_WHILE)
    expect(phone.locator(".case-state")).to_contain_text("Accepted")


def test_a_hidden_page_asks_nothing_and_a_shown_one_at_once(live: Any, phone: Any, asked: list[str]) -> None:
    phone.clock.install()
    phone.goto(f"{live.address}/map", wait_until="networkidle")
    assert len(asked) == 1
    hide(phone, True)
    phone.clock.run_for(LONG)
    assert len(asked) == 1
    with phone.expect_response(re.compile("/map/changed")):
        hide(phone, False)
    assert len(asked) == 2


def test_a_server_that_is_away_is_asked_less_and_less(live: Any, chromium: Any) -> None:
    tried: list[str] = []
    phone = chromium.new_context(viewport={"width": 390, "height": 844}).new_page()
    phone.route("**/map/changed", lambda route: (tried.append("x"), route.fulfill(status=503, body=""))[1])
    phone.clock.install()
    phone.goto(f"{live.address}/map", wait_until="networkidle")
    for _ in range(10):
        phone.clock.run_for(60_000)
        phone.wait_for_timeout(20)
    assert 2 <= len(tried) <= 6, "in ten minutes, where every twenty seconds would be thirty"
    phone.context.close()
