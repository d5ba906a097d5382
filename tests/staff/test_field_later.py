"""A crew without a net: what it does is kept on the phone, said so, sent later, and done once."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select

from portal import clock
from portal.models.crews import crew_job, field_request
from portal.operations.context import Actor
from portal.operations.forget_expired import FIELD_REQUESTS_KEPT, forget_expired
from portal.operations.send_crew import Sent, send_crew
from portal.queries.staff_rights import Grant

from .test_desk_browser import PHONE, fits, open_page, sign_in

OWN = Grant("handler", "street-cn2")


@pytest.fixture
def sent(desk) -> Callable[[], tuple[str, int]]:
    """A case that a crew was sent to, and the number of the job."""

    def make() -> tuple[str, int]:
        token = desk.file("street-cn2")
        with desk.database.transaction() as tx:
            send_crew(tx, desk.context, token, Actor("unit_head", "street-cn2", 1), Sent("cn2-patrol"))
        with desk.database.reading() as tx:
            mine = crew_job.c.report_id == desk.row(token).id
            return token, tx.scalar(select(crew_job.c.id).where(mine))

    return make


def post(browser, number: int, step: str, **more: object):
    given = {"step": step, "crew": "cn2-patrol", "csrf_token": browser.token()} | more
    return browser.client.post(f"/desk/crew/{number}", data=given, headers={"Accept": "application/json"})


def test_the_same_request_is_done_once(desk, sent):
    token, number = sent()
    browser, request_id = desk.client(OWN), str(uuid.uuid4())
    answers = [post(browser, number, "accept", request_id=request_id) for _ in range(3)]
    assert [(each.status_code, each.json["where"]) for each in answers] == [
        (200, "/desk/crew?field=accept")
    ] * 3
    assert desk.row(token).state == "accepted"
    late = post(browser, number, "accept", request_id=str(uuid.uuid4()))
    assert (late.status_code, bool(late.json["message"])) == (409, True)


def test_what_is_refused_can_be_sent_again_under_the_same_id(desk, sent):
    token, number = sent()
    browser, request_id = desk.client(OWN), str(uuid.uuid4())
    for step in ("accept", "start"):
        post(browser, number, step)
    refused = post(browser, number, "finish", request_id=request_id, closing_code="fixed")
    assert refused.status_code == 422
    assert refused.json["message"]
    words = {"closing_code": "fixed", "reason": "too dark", "public_text": "Filled."}
    assert post(browser, number, "finish", request_id=request_id, **words).status_code == 200
    assert desk.row(token).state == "resolved"


def test_of_another_persons_request_nothing_is_known(desk, sent):
    _, number = sent()
    request_id = str(uuid.uuid4())
    assert post(desk.client(OWN), number, "accept", request_id=request_id).status_code == 200
    stranger = post(desk.client(Grant("handler", "street-wh1")), number, "start", request_id=request_id)
    assert stranger.status_code == 404


def test_what_somebody_else_kept_on_the_phone_is_not_sent_as_mine(desk, sent):
    token, number = sent()
    page = desk.client(OWN).get("/desk/crew?crew=cn2-patrol").text
    mine = re.search(r'name="acts_as" value="(\d+)"', page).group(1)
    request_id = str(uuid.uuid4())
    head = desk.client(Grant("unit_head", "street-cn2"))
    assert post(head, number, "accept", request_id=request_id, acts_as=mine).status_code == 409
    assert desk.row(token).state == "routed"
    assert post(desk.client(OWN), number, "accept", request_id=request_id, acts_as=mine).status_code == 200


def test_old_requests_are_forgotten(desk, sent):
    _, number = sent()
    post(desk.client(OWN), number, "accept", request_id=str(uuid.uuid4()))
    with desk.database.transaction() as tx:
        tx.execute(field_request.update().values(at=clock.now() - FIELD_REQUESTS_KEPT * 1.1))
        forget_expired(tx)
        assert tx.scalar(select(func.count()).select_from(field_request)) == 0


def test_the_worker_is_for_crews_and_may_do_little(desk):
    answer = desk.client(OWN).get("/desk/crew/worker.js")
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Service-Worker-Allowed"] == "/desk/crew"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; connect-src 'self'"
    assert desk.client().get("/desk/crew/worker.js").status_code == 303


@pytest.mark.browser
@pytest.mark.parametrize(
    ("language", "words"), [("en-GB", "3 things are not yet sent"), ("zh-CN", "有 3 项尚未发送")]
)
def test_a_job_is_done_without_a_net_and_sent_later(language, words, desk, address, chromium, proof, sent):
    token, number = sent()
    page = open_page(chromium, PHONE, language)
    sign_in(page, address, desk.email_of(OWN))
    page.goto(f"{address}/desk/crew?crew=cn2-patrol")
    expect(page.locator("#works-offline")).to_be_visible(timeout=20_000)
    page.context.set_offline(True)
    job = page.locator(f"#job-{number}")
    for step in ("accept", "start"):
        job.locator(f"form[data-step={step}] button").click()
    job.locator("select[name=closing_code]").select_option("fixed")
    job.locator("input[type=file]").set_input_files(proof)
    job.locator("textarea").fill("Filled, without a net.")
    job.locator("form[data-step=finish] button").click()
    expect(page.locator("#later-head")).to_have_text(words)
    expect(job.locator(".not-sent")).to_be_visible()
    assert fits(page)
    assert desk.row(token).state == "routed"
    page.reload()  # the list as it was last seen, with what waits
    expect(page.locator("#later-head")).to_have_text(words)
    expect(page.locator("#later-list li")).to_have_count(3)
    page.context.set_offline(False)
    page.wait_for_url(re.compile("/desk/crew"))
    expect(page.locator("#later")).to_be_hidden(timeout=20_000)
    row = desk.row(token)
    assert (row.state, row.closing_code) == ("resolved", "fixed")
    page.locator('form[action="/desk/sign-out"] button').click()
    page.wait_for_url("**/desk/sign-in**")
    assert page.evaluate("caches.has('wenlu-field')") is False, "nobody's list lies about"
    network = "ERR_INTERNET_DISCONNECTED"
    assert [each for each in page.complaints if network not in each and "Failed to" not in each] == []
