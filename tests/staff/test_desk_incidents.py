"""The desk's page of group incidents, what may be the same as a case, and solved cases beside it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event as hooks
from sqlalchemy import select, text, update

from portal import clock
from portal.models.report import report
from portal.operations.watch_incidents import look_around
from portal.queries.alike_cases import ALIKE, alike_cases, alike_params
from portal.queries.staff_case import staff_case
from portal.queries.staff_rights import Grant
from routing.words import search_vector, words_of

CENTRE = Grant("dispatcher", "centre")
OWN = Grant("handler", "street-cn1")
ELSEWHERE = Grant("handler", "street-wh2")


@contextmanager
def statements(desk: Any) -> Any:
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    engine = desk.app.extensions["wenlu"].database.engine
    hooks.listen(engine, "before_cursor_execute", note)
    yield sent
    hooks.remove(engine, "before_cursor_execute", note)


def panel(page: str, name: str) -> str:
    found = re.search(rf'<section class="section" id="{name}">.*?</section>', page, re.DOTALL)
    return found.group(0) if found else ""


def set_row(desk: Any, token: str, **values: Any) -> int:
    with desk.database.transaction() as tx:
        query = update(report).where(report.c.token == token).values(values).returning(report.c.id)
        return int(tx.scalar(query))


@pytest.fixture
def alone(desk: Any) -> None:
    """Whatever other tests left lies elsewhere in time."""
    with desk.database.transaction() as tx:
        tx.execute(update(report).values(opened_at=clock.now() - timedelta(days=300)))


def test_what_may_be_the_same_is_joined_with_one_click(desk: Any, alone: None) -> None:
    first, later = desk.file(), desk.file()
    browser = desk.client(OWN)
    page = browser.get(f"/desk/case/{first}").text
    assert later in panel(page, "same")
    assert "service" in panel(page, "same")
    answer = browser.post(f"/desk/case/{first}/same/{later}", {})
    assert answer.status_code == 303, answer.text
    with desk.database.reading() as tx:
        states = dict(tx.execute(select(report.c.token, report.c.state)).all())
    assert (states[first], states[later]) == ("routed", "duplicate"), "the later joins the earlier"
    assert later not in panel(browser.get(f"/desk/case/{first}").text, "same")


def test_a_case_of_another_desk_is_neither_shown_nor_joined(desk: Any, alone: None) -> None:
    mine, other = desk.file(), desk.file("street-wh2")
    browser = desk.client(OWN)
    assert other not in panel(browser.get(f"/desk/case/{mine}").text, "same")
    assert browser.post(f"/desk/case/{mine}/same/{other}", {}).status_code == 404


def test_solved_cases_show_how_and_how_long(desk: Any, alone: None) -> None:
    solved = desk.file(state="closed", closing_code="fixed")
    set_row(
        desk, solved, opened_at=clock.now() - timedelta(days=12), closed_at=clock.now() - timedelta(days=8)
    )
    mine = desk.file()
    found = panel(desk.client(OWN).get(f"/desk/case/{mine}").text, "solved-alike")
    assert solved in found
    assert "fixed" in found
    assert "took 4 days" in found


def test_both_panels_cost_one_statement_and_use_indexes(desk: Any, alone: None) -> None:
    token = desk.file()
    with statements(desk) as sent:
        desk.client(OWN).get(f"/desk/case/{token}")
    assert len([one for one in sent if "'solved'" in one]) == 1
    with desk.database.reading() as tx:
        view = desk.context.cities.city(tx, "linhai.example")
        case = staff_case(tx, "linhai.example", token)
        alike_cases(tx, case, view)
        tx.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(tx.scalars(text("EXPLAIN " + ALIKE.text), alike_params(case, view)))
    assert "ix_report_open_geom" in plan
    assert "Seq Scan" not in plan


def test_a_case_without_a_place_finds_its_like_by_words(desk: Any, alone: None) -> None:
    words = "丽景新城旁边的搅拌站通宵施工噪音扰民"
    tokens = [desk.file(description=words), desk.file(description="路边的树倒了压住了车")]
    mine = desk.file(description=words)
    for token in (*tokens, mine):
        set_row(desk, token, geom=None, public_geom=None)
    set_row(desk, tokens[0], words=search_vector(words_of(words)))
    set_row(desk, tokens[1], words=search_vector(words_of("路边的树倒了压住了车")))
    set_row(desk, mine, words=search_vector(words_of(words + "谁来管")))
    found = panel(desk.client(OWN).get(f"/desk/case/{mine}").text, "same")
    assert tokens[0] in found
    assert tokens[1] not in found


def test_group_incidents_are_listed_shown_and_run(desk: Any, alone: None) -> None:
    tokens = [desk.file(service_code="pothole") for _ in range(5)]
    for number, token in enumerate(tokens):
        case_id = set_row(desk, token, voice=bytes([number]) * 8, opened_at=clock.now())
    with desk.database.transaction() as tx:
        incident = look_around(tx, case_id)
    assert incident
    browser = desk.client(CENTRE)
    with statements(desk) as sent:
        page = browser.get("/desk/incidents")
    assert incident in page.text
    assert len(sent) <= 4, sent
    page = browser.get(f"/desk/incidents/{incident}").text
    assert all(token in page for token in tokens)
    assert desk.client(ELSEWHERE).get(f"/desk/incidents/{incident}").status_code == 404
    assert incident not in desk.client(ELSEWHERE).get("/desk/incidents").text
    assert browser.post(f"/desk/incidents/{incident}/end", {}).status_code == 303
    assert "over since" in browser.get(f"/desk/incidents/{incident}").text
