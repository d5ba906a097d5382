"""Crews, loans, contractors' links and hand-overs through the real pages: rights, statements, a phone."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import event as hooks
from sqlalchemy import select

from portal import clock
from portal.models.crews import crew, crew_job, crew_loan
from portal.models.report import report
from portal.operations.context import Actor
from portal.operations.contractor_links import issue_link
from portal.operations.lend_crew import Asked, ask_for_crew
from portal.operations.send_crew import Sent, send_crew
from portal.queries.staff_rights import Grant

from .test_desk_browser import PHONE, fits, open_page, sign_in

PEOPLE = {
    "handler, own unit": Grant("handler", "street-cn2"),
    "handler, other unit": Grant("handler", "street-wh1"),
    "head, own unit": Grant("unit_head", "street-cn2"),
    "head, other unit": Grant("unit_head", "district-wh"),
    "head of the lender": Grant("unit_head", "street-cn1"),
    "dispatcher, desk": Grant("dispatcher", "centre"),
    "admin": Grant("admin", ""),
    "auditor": Grant("auditor", ""),
}
# + done (303) or shown (200), - refused (403), 0 not found (404), in the order of PEOPLE
MATRIX = {
    #                 h own h oth H own H oth H len d des admin audit
    "crews":         "+     +     +     +     +     +     +     +",
    "jobs":          "+     +     +     +     +     +     +     -",
    "send":          "+     0     +     0     0     +     +     -",
    "borrow":        "-     0     +     0     0     +     +     -",
    "link":          "-     0     +     0     0     +     +     -",
    "hand":          "+     0     +     0     0     +     +     -",
    "edit":          "-     -     +     0     0     +     +     -",
    "save":          "-     -     +     0     0     +     +     -",
    "grant":         "-     -     0     0     +     +     +     -",
}  # fmt: skip
STATUS = {"+": (200, 303), "-": (403,), "0": (404,)}
DOWN = {"to_unit": "community-shuyuan", "reason": "to_solve", "seen_seq": 99}
FORM = {"name": "Patrol", "capacity": "5", "roster": "working 08:30-17:30\n2030-01-01", "is_active": "1"}


@pytest.fixture(scope="module")
def clients(desk):
    return {name: desk.client(grant) for name, grant in PEOPLE.items()}


def do(desk, what, *given, **more):
    with desk.database.transaction() as tx:
        return what(tx, desk.context, *given, **more)


@pytest.mark.parametrize("what", MATRIX)
def test_who_may_do_what(what, desk, clients):
    seen = {}
    for name, browser in clients.items():
        token = desk.file("haiqing" if what == "link" else "street-cn2")
        if what == "link" and "own" in name:
            browser = desk.client(Grant(PEOPLE[name].role, "sanitation" if "head" in name else "haiqing"))
        loan = 0
        if what == "grant":
            loan = do(desk, ask_for_crew, token, Actor("unit_head", "street-cn2", 1), Asked("cn1-patrol"))
        calls = {  # each is called at once, before the loop goes on
            "crews": lambda browser=browser, token=token, loan=loan: browser.get("/desk/crews"),
            "jobs": lambda browser=browser, token=token, loan=loan: browser.get("/desk/crew"),
            "send": lambda browser=browser, token=token, loan=loan: browser.post(
                f"/desk/case/{token}/crew", {"crew": "cn2-patrol", "seen_seq": 99}
            ),
            "borrow": lambda browser=browser, token=token, loan=loan: browser.post(
                f"/desk/case/{token}/borrow", {"crew": "cn1-patrol", "seen_seq": 99}
            ),
            "link": lambda browser=browser, token=token, loan=loan: browser.post(
                f"/desk/case/{token}/link", {"do": "send"}
            ),
            "hand": lambda browser=browser, token=token, loan=loan: browser.post(
                f"/desk/case/{token}/hand/down", DOWN | {"until": _soon()}
            ),
            "edit": lambda browser=browser, token=token, loan=loan: browser.get("/desk/crews/cn2-patrol"),
            "save": lambda browser=browser, token=token, loan=loan: browser.post(
                "/desk/crews/cn2-patrol", FORM
            ),
            "grant": lambda browser=browser, token=token, loan=loan: browser.post(
                f"/desk/crews/loan/{loan}", {"do": "grant"}
            ),
        }
        seen[name] = calls[what]().status_code
        if loan:
            with desk.database.transaction() as tx:
                tx.execute(
                    crew_loan.update()
                    .where(crew_loan.c.id == loan)
                    .values(state="returned", ended_at=clock.now())
                )
    wanted = dict(zip(PEOPLE, MATRIX[what].split(), strict=True))
    assert {name: status for name, status in seen.items() if status not in STATUS[wanted[name]]} == {}


def _soon() -> str:
    return (clock.now() + timedelta(days=2)).date().isoformat()


def test_the_case_page_suggests_with_reasons_and_sends_with_one_press(desk):
    browser = desk.client(Grant("dispatcher", "centre"))
    token = desk.file("crew-sea")
    page = browser.get(f"/desk/case/{token}").text
    assert "Nearest free" in page
    assert re.search(r"[\d.]+ km from its base", page)
    assert "0 of 3 jobs" in page
    sent = browser.post(f"/desk/case/{token}/crew", {"crew": "sea-1", "seen_seq": 99})
    assert sent.status_code == 303
    assert "They have been sent." in browser.get(sent.headers["Location"]).text


def test_a_form_that_does_not_hold_keeps_what_was_typed(desk):
    browser = desk.client(Grant("unit_head", "street-cn2"))
    answer = browser.post("/desk/crews/cn2-patrol", FORM | {"roster": "someday 8-9", "capacity": "0"})
    assert answer.status_code == 422
    assert "someday 8-9" in answer.text
    assert "This line cannot be read: someday 8-9" in answer.text
    fresh = FORM | {
        "code": "cn2-new",
        "unit_code": "street-cn2",
        "lon": "121.55",
        "lat": "29.15",
        "roster": "daily 00:00-24:00",
    }
    assert browser.post("/desk/crews/new", fresh).status_code == 303
    with desk.database.reading() as tx:
        assert tx.scalar(select(crew.c.unit_code).where(crew.c.crew_code == "cn2-new")) == "street-cn2"
    assert (
        browser.post("/desk/crews/new", fresh | {"code": "x", "unit_code": "street-wh1"}).status_code == 404
    )


@contextmanager
def counted(app):
    engine, seen = app.extensions["wenlu"].database.engine, []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    hooks.listen(engine, "before_cursor_execute", note)
    yield seen
    hooks.remove(engine, "before_cursor_execute", note)


def test_lists_cost_the_same_for_one_job_as_for_many(desk):
    browser = desk.client(Grant("unit_head", "street-cn2"))
    for _ in range(12):
        do(desk, send_crew, desk.file("street-cn2"), Actor("unit_head", "street-cn2", 1), Sent("cn2-patrol"))
    for path in ("/desk/crews", "/desk/crew?crew=cn2-patrol", "/desk/crews/cn2-patrol"):
        browser.get(path)
        with counted(desk.app) as seen:
            assert browser.get(path).status_code == 200
        assert len(seen) <= 4, (path, seen)  # the session's included
    token = desk.file("haiqing")
    code = link_of(desk, token)
    with counted(desk.app) as seen:
        assert browser.get(f"/job/open/{code}").status_code == 200
    assert len(seen) <= 4, seen
    with counted(desk.app) as seen:
        assert browser.get("/kinds").status_code == 200
    assert len(seen) <= 4, seen


def link_of(desk, token: str) -> str:
    return do(desk, issue_link, desk.row(token).id, "haiqing")


def test_the_link_shows_no_reporter_and_nothing_private(desk):
    browser = desk.client()
    token = desk.file("haiqing")
    page = browser.get(f"/job/open/{link_of(desk, token)}")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    for secret in ("Li Min", "li.min@mail.example", "138 1234 5678", "13812345678"):
        assert secret not in page.text
    assert "A deep hole by the bus stop" in page.text
    with desk.database.transaction() as tx:
        tx.execute(report.update().where(report.c.token == token).values(is_private=True))
    assert "A deep hole" not in browser.get(f"/job/open/{link_of(desk, token)}").text


def test_the_contractors_way_is_shown_where_the_city_wants_it(desk, monkeypatch):
    ours = desk.app.extensions["wenlu"]
    maps = replace(ours.settings, directions_url="https://maps.example/?to={lon},{lat}")
    monkeypatch.setattr(ours, "settings", maps)
    page = desk.client().get(f"/job/open/{link_of(desk, desk.file('haiqing'))}").text
    assert re.search(r'href="https://maps\.example/\?to=\d+\.\d{6},\d+\.\d{6}"', page)
    assert "geo:" not in page


@pytest.mark.parametrize("code", ["x", "1-2-" + "0" * 32, "9" * 200])
def test_a_wrong_link_says_so_and_does_nothing(desk, code):
    browser = desk.client()
    assert browser.get(f"/job/open/{code}").status_code == 403
    assert browser.post(f"/job/open/{code}/accept", {}).status_code == 403


def test_opening_changes_nothing_and_an_unknown_action_is_none(desk):
    browser = desk.client()
    token = desk.file("haiqing")
    code = link_of(desk, token)
    before = desk.row(token)
    browser.get(f"/job/open/{code}")
    assert browser.post(f"/job/open/{code}/reject", {"public_text": "no"}).status_code == 404
    assert browser.client.post(f"/job/open/{code}/accept", data={}).status_code == 403, "no form of ours"
    assert desk.row(token) == before


@pytest.mark.browser
@pytest.mark.parametrize("has_scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
@pytest.mark.parametrize("width", [360, 390])
def test_a_contractor_works_by_the_link_on_a_phone(width, has_scripts, desk, address, chromium, proof):
    token = desk.file("haiqing")
    page = open_page(chromium, {"width": width, "height": 800}, java_script_enabled=has_scripts)
    page.goto(f"{address}/job/open/{link_of(desk, token)}")
    assert page.locator("a[href^='geo:']").count() == 1
    for button in ("Accept the case", "Start work"):
        if has_scripts:
            assert fits(page)
        page.get_by_role("button", name=button).click()
    page.locator("#question").fill("Which gate?")
    page.get_by_role("button", name="Send the question").click()
    assert "Which gate?" in page.locator("main").inner_text()
    page.get_by_text("Fixed", exact=True).click()
    page.locator("#photos").set_input_files(proof)
    page.locator("#public_text").fill("Taken away.")
    page.get_by_role("button", name="Finish").click()
    assert "Thank you." in page.locator("main").inner_text()
    assert (desk.row(token).state, desk.row(token).closing_code) == ("resolved", "fixed")
    assert page.complaints == []


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_a_crew_works_through_its_jobs_on_a_phone(language, desk, address, chromium, proof):
    token = desk.file("street-cn2")
    do(desk, send_crew, token, Actor("unit_head", "street-cn2", 1), Sent("cn2-patrol"))
    with desk.database.reading() as tx:
        number = tx.scalar(select(crew_job.c.id).where(crew_job.c.report_id == desk.row(token).id))
    page = open_page(
        chromium, PHONE, language, permissions=["geolocation"],
        geolocation={"longitude": 121.60, "latitude": 29.20, "accuracy": 20},
    )  # fmt: skip
    sign_in(page, address, desk.email_of(Grant("handler", "street-cn2")))
    page.goto(f"{address}/desk/crew?crew=cn2-patrol")
    assert fits(page)
    page.locator("#locate").click()
    job = page.locator(f"#job-{number}")
    expect(job.locator(".away")).to_have_text(re.compile(r"[\d.]+ ?(km|公里)"))
    assert job.locator("a[href^='geo:']").count() == 1
    heights = page.eval_on_selector_all(
        ".job form:not([hidden]) button", "all => all.map(e => Math.round(e.getBoundingClientRect().height))"
    )
    assert min(heights) >= 48
    for state in ("accepted", "in_progress"):
        page.goto(f"{address}/desk/crew?crew=cn2-patrol")
        with page.expect_navigation():
            page.locator(f"#job-{number} form:not([hidden]) button").click()
        assert desk.row(token).state == state
    page.goto(f"{address}/desk/crew?crew=cn2-patrol")
    page.locator(f"#ending-{number}").select_option("fixed")
    page.locator(f"#photos-{number}").set_input_files(proof)
    page.locator(f"#text-{number}").fill("Filled.")
    with page.expect_navigation():
        page.locator(f"#job-{number} form:not([hidden]) button").click()
    assert desk.row(token).state == "resolved"
    assert fits(page)
    assert page.complaints == []
