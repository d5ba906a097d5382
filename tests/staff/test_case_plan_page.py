"""The response plan of a case on its desk page: title, steps, and a button for each that is still to do."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from portal.models.report import report
from portal.queries.staff_rights import Grant

LEAD, ELSEWHERE = Grant("handler", "street-cn1"), Grant("handler", "street-wh2")


def test_a_step_is_ticked_on_the_page(desk: Any) -> None:
    token = desk.file()
    with desk.database.transaction() as tx:
        receipt = desk.row(token).receipt | {"plan": "collapse"}
        tx.execute(update(report).where(report.c.token == token).values(receipt=receipt))
    browser = desk.client(LEAD)
    page = browser.get(f"/desk/case/{token}").text
    assert "Road collapse" in page
    assert "0 of 4 steps" in page
    answer = browser.post(f"/desk/case/{token}/plan/1", {})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/desk/case/{token}#plan")
    assert "1 of 4 steps" in browser.get(f"/desk/case/{token}").text
    assert browser.post(f"/desk/case/{token}/plan/1", {}).status_code == 409
    assert desk.client(ELSEWHERE).post(f"/desk/case/{token}/plan/2", {}).status_code == 404


def test_a_case_without_a_plan_shows_none(desk: Any) -> None:
    assert 'id="plan"' not in desk.client(LEAD).get(f"/desk/case/{desk.file()}").text
