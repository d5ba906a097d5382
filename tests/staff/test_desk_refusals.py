"""Refusals and conflicts on the desk: back to the page they came from with what was typed, or on to the case."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from portal.models.crews import crew_loan
from portal.operations.context import Actor
from portal.operations.lend_crew import Asked, ask_for_crew
from portal.operations.send_crew import Sent, send_crew
from portal.queries.staff_rights import Grant
from portal.web.errors import ways_back

HANDLER, HEAD = Grant("handler", "street-cn2"), Grant("unit_head", "street-cn2")
LENDER, DESK = Grant("unit_head", "street-cn1"), Grant("dispatcher", "centre")


def opened(page: str, action: str) -> bool:
    """Whether the form of an action stands open, with a fault in it."""
    form = re.search(rf'id="do-{action}" open>.*?</details>', page, re.DOTALL)
    return form is not None and 'class="fault"' in form[0]


@pytest.mark.parametrize(
    ("path", "given", "action", "kept"),
    [
        pytest.param("crew", {"crew": "no-such"}, "send_crew", "", id="a crew that is none"),
        pytest.param(
            "borrow", {"crew": "cn2-patrol", "words": "A big hole"}, "borrow_crew", "A big hole", id="one's own crew",
        ),
        pytest.param(
            "hand/down",
            {"to_unit": "community-shuyuan", "reason": "to_solve", "until": "2001-01-01", "note": "Ring twice"},
            "hand_down", "Ring twice", id="a day that has passed",
        ),
        pytest.param(
            "hand/down", {"to_unit": "nowhere", "note": "For you"}, "hand_down", "For you", id="no such community",
        ),
    ],
)  # fmt: skip
def test_a_panels_form_comes_back_open_with_what_was_typed(
    desk: Any, path: str, given: dict[str, Any], action: str, kept: str
) -> None:
    token = desk.file("street-cn2", "accepted")
    answer = desk.client(HEAD).post(f"/desk/case/{token}/{path}", {"seen_seq": 99} | given)
    assert answer.status_code == 422, answer.text
    assert opened(answer.text, action), "the form is open and says why"
    assert kept in answer.text
    assert f'href="#do-{action}"' in answer.text


def test_a_conflict_keeps_the_words_and_leads_to_the_case(desk: Any) -> None:
    token = desk.file("street-cn2", "accepted")
    browser = desk.client(HANDLER)
    browser.move(token, "start")
    given = {
        "to_unit": "community-shuyuan",
        "reason": "to_solve",
        "until": "2031-01-01",
        "note": "Ask at no 4",
        "seen_seq": 1,
    }
    answer = browser.post(f"/desk/case/{token}/hand/down", given | {"seen_seq": 1})
    assert answer.status_code == 409
    assert "Ask at no 4" in answer.text
    assert f'href="/desk/case/{token}"' in answer.text


def test_sent_twice_is_said_on_a_page_of_the_desk(desk: Any) -> None:
    token = desk.file("street-cn2", "accepted")
    browser = desk.client(HANDLER)
    given = {"crew": "cn2-patrol", "seen_seq": 99}
    assert browser.post(f"/desk/case/{token}/crew", given).status_code == 303
    again = browser.post(f"/desk/case/{token}/crew", given)
    assert again.status_code == 409
    assert "They have this case already." in again.text
    assert f'href="/desk/case/{token}"' in again.text


def test_an_answered_loan_and_a_refusal_without_a_reason(desk: Any) -> None:
    token = desk.file("street-cn2", "accepted")
    with desk.database.transaction() as tx:
        loan = ask_for_crew(tx, desk.context, token, Actor("unit_head", "street-cn2", 1), Asked("cn1-patrol"))
        number = (
            loan
            if isinstance(loan, int)
            else tx.scalar(select(crew_loan.c.id).order_by(crew_loan.c.id.desc()))
        )
    browser = desk.client(LENDER)
    refused = browser.post(f"/desk/crews/loan/{number}", {"do": "refuse", "words": ""})
    assert refused.status_code == 422
    assert "Please give a reason." in refused.text
    assert "<h1>Crews</h1>" in refused.text
    assert browser.post(f"/desk/crews/loan/{number}", {"do": "grant"}).status_code == 303
    again = browser.post(f"/desk/crews/loan/{number}", {"do": "grant"})
    assert again.status_code == 409
    assert "has been answered" in again.text


def test_a_step_that_was_done_comes_back_to_the_jobs(desk: Any) -> None:
    token = desk.file("street-cn2", "accepted")
    with desk.database.transaction() as tx:
        send_crew(tx, desk.context, token, Actor("handler", "street-cn2", 1), Sent("cn2-patrol", None, 99))
    browser = desk.client(HANDLER)
    number = re.findall(r'id="job-(\d+)"', browser.get("/desk/crew?crew=cn2-patrol").text)[-1]
    given = {"step": "accept", "crew": "cn2-patrol"}
    assert browser.post(f"/desk/crew/{number}", given).status_code == 303
    again = browser.post(f"/desk/crew/{number}", given)
    assert again.status_code == 409
    assert "at another step" in again.text
    assert f'id="job-{number}"' in again.text


def test_a_suggestion_that_no_longer_stands_comes_back_to_the_table(desk: Any) -> None:
    token = desk.file("centre", "routed")
    answer = desk.client(DESK).post("/desk/dispatch/route", {"route": f"{token}:centre"})
    assert answer.status_code == 409
    assert "<h1>Dispatch</h1>" in answer.text
    assert token in answer.text


@pytest.mark.parametrize(
    ("path", "status", "ways"),
    [
        ("/desk/case/AB12/move", 409, ["/desk/case/AB12", "/desk/"]),
        ("/desk/case/AB12/move", 403, ["/desk/case/AB12", "/desk/"]),
        ("/desk/case/AB12", 404, ["/desk/"]),
        ("/desk/incidents/AB12/end", 409, ["/desk/incidents/AB12", "/desk/"]),
        ("/desk/messages", 403, ["/desk/"]),
        ("/admin/rules/publish", 409, ["/admin"]),
        ("/r/AB12/answer", 409, ["/r/AB12", "/"]),
        ("/report", 429, ["/"]),
        ("/nowhere", 404, ["/"]),
    ],
)
def test_where_a_refusal_leads(path: str, status: int, ways: list[str]) -> None:
    assert [href for href, _ in ways_back(path, status)] == ways


def test_the_error_page_of_the_desk_leads_to_the_desk(desk: Any) -> None:
    page = desk.client(HANDLER).get("/desk/case/N0SUCHCASE").text
    assert 'href="/desk/"' in page
    assert "Go to the desk" in page
