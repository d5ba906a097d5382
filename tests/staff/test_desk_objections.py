"""The dispatcher's answer to whoever says that it is the wrong unit, on the case and on the table of dispatch."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from portal.operations.object_to_route import Objection, object_to_route
from portal.queries.staff_rights import Grant

DESK = Grant("dispatcher", "centre")


def objected(desk: Any, words: str = "The park's lamp.") -> str:
    token = desk.file("street-cn1", "routed")
    with desk.database.transaction() as tx:
        object_to_route(tx, desk.context, token, Objection(words, "10.0.0.1"))
    return str(token)


def form_of(page: str) -> dict[str, str]:
    form = page[page.index("/objection") :]
    reason = re.search(r'<textarea id="keep-reason"[^>]*>([^<]*)<', form)
    seen = re.search(r'name="seen_seq" value="(\d+)"', form)
    assert reason
    assert seen
    return {"reason": html.unescape(reason[1]), "seen_seq": seen[1]}


def test_one_press_answers_with_the_reason_of_the_receipt(desk: Any) -> None:
    token = objected(desk)
    browser = desk.client(DESK)
    page = browser.get(f"/desk/case/{token}").text
    assert "Waits for an answer" in page
    proposed = form_of(page)
    assert "answers because" in proposed["reason"]
    answer = browser.post(f"/desk/case/{token}/objection", proposed)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/desk/case/{token}?done=keep_unit")
    assert "Answered: it stays with" in browser.get(f"/desk/case/{token}").text
    public = desk.client().get(f"/r/{token}").text
    assert "The answer: it stays with" in public
    assert "has looked into the objection: it stays with" in public, "the history tells it as well"
    assert token not in browser.get("/desk/dispatch?why=objected").text


def test_the_objectors_page_says_that_nobody_has_answered_yet(desk: Any) -> None:
    assert "has not answered yet" in desk.client().get(f"/r/{objected(desk)}").text


def test_several_are_answered_from_the_table(desk: Any) -> None:
    tokens = [objected(desk), objected(desk)]
    browser = desk.client(DESK)
    page = browser.get("/desk/dispatch?why=objected").text
    given: dict[str, Any] = {"token": tokens, "reason": "By the map it is theirs."}
    given |= {
        f"seq-{token}": re.search(rf'name="seq-{token}" value="(\d+)"', page)[1]  # type: ignore[index]
        for token in tokens
    }
    refused = browser.post("/desk/dispatch/keep", given | {"reason": ""})
    assert refused.status_code == 422
    assert "Please give a reason." in refused.text
    answer = browser.post("/desk/dispatch/keep", given)
    assert answer.headers["Location"] == "/desk/dispatch?kept=2"
    assert "2 objections were answered." in browser.get("/desk/dispatch?kept=2").text
    again = browser.post("/desk/dispatch/keep", given)
    assert again.status_code == 409
    assert "No objection waits" in again.text
    assert "By the map it is theirs." in again.text, "what was typed is kept"


@pytest.mark.parametrize("grant", [Grant("handler", "street-cn1"), Grant("auditor", "")], ids=str)
def test_nobody_else_sees_the_form(grant: Grant, desk: Any) -> None:
    token = objected(desk)
    browser = desk.client(grant)
    assert "keep-reason" not in browser.get(f"/desk/case/{token}").text
    assert browser.post(f"/desk/case/{token}/objection", {"reason": "Ours"}).status_code == 403


def test_what_was_typed_survives_a_refusal_and_a_conflict(desk: Any) -> None:
    token = objected(desk)
    browser = desk.client(DESK)
    given = form_of(browser.get(f"/desk/case/{token}").text)
    long = browser.post(f"/desk/case/{token}/objection", given | {"reason": "y" * 5000})
    assert long.status_code == 422
    assert "y" * 5000 in long.text
    with desk.database.transaction() as tx:
        object_to_route(tx, desk.context, token, Objection("And more", "10.0.0.2"))
    stale = browser.post(f"/desk/case/{token}/objection", given | {"reason": "Ours by the map."})
    assert stale.status_code == 409
    assert "Ours by the map." in stale.text
