"""Proposed rule lines with their evidence: chosen in the browser, drafted, checked, published by a person."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from portal import clock
from portal.operations.context import Actor
from portal.operations.draft_rules import offered_rules
from portal.operations.move_report import Move, move_report
from portal.queries.staff_rights import Grant
from portal.web.admin_rules import PAST

ADMIN, AUDITOR = Grant("admin", ""), Grant("auditor", "")
LEAD, TRAFFIC = Actor("handler", "street-cn1"), Actor("handler", "traffic")
GIVEN = {"to_unit": "traffic", "reason": "not_our_service"}


@pytest.fixture(scope="module")
def handed_over(desk: Any) -> list[str]:
    """Twelve potholes of one place that the street handed to the traffic police, who kept them."""
    tokens = [desk.file("street-cn1") for _ in range(12)]
    for token in tokens:
        for actor, action, more in ((LEAD, "accept", {}), (LEAD, "transfer", GIVEN), (TRAFFIC, "accept", {})):
            with desk.database.transaction() as tx:
                move_report(tx, desk.context, token, actor, Move(action, **more))
    return tokens


def chosen(page: str) -> list[str]:
    return re.findall(r'name="line" value="([^"]+)"', page)


def text_of(page: str) -> str:
    return unescape(re.search(r'<textarea name="text" hidden[^>]*>\n(.*?)</textarea>', page, re.S).group(1))


def test_chosen_lines_become_a_draft_that_a_person_publishes(desk: Any, handed_over: list[str]) -> None:
    admin = desk.client(ADMIN)
    page = admin.get("/admin/rules/proposals").text
    (line,) = chosen(page)
    assert line.startswith("learnt-pothole")
    assert "12 of 12 cases were handed there and kept" in page
    assert any(token in page for token in handed_over), "its evidence is linked"

    nothing = admin.post("/admin/rules/draft", {})
    assert nothing.status_code == 422
    assert "Choose at least one line" in nothing.text

    draft = admin.post("/admin/rules/draft", {"line": line})
    assert draft.status_code == 200, draft.text
    assert f'id = "{line}"' in text_of(draft.text)
    assert "What it would have done" in draft.text
    before = admin.get("/admin/rules").text
    assert line not in before, "a draft changes nothing"

    seen = re.search(r'name="seen" value="(\d+)"', draft.text).group(1)
    done = admin.post("/admin/rules/publish", {"text": text_of(draft.text), "seen": seen})
    assert done.status_code == 303
    after = admin.get("/admin/rules/proposals").text
    assert chosen(after) == []
    assert "in the rules already" in after
    assert admin.post("/admin/rules/draft", {"line": line}).status_code == 422


def test_an_auditor_reads_the_proposals_and_chooses_nothing(desk: Any, handed_over: list[str]) -> None:
    page = desk.client(AUDITOR).get("/admin/rules/proposals")
    assert page.status_code == 200
    assert chosen(page.text) == []
    assert "Put the chosen lines" not in page.text
    assert desk.client(AUDITOR).post("/admin/rules/draft", {"line": "x"}).status_code == 403
    with desk.database.reading() as tx:
        offers = offered_rules(tx, desk.context, clock.now() - PAST)
    assert {one.origin for one in offers} == {"handed"}
