"""The work order on paper: what stands on it, what never does, who gets the contractor's link, and its fonts."""

from __future__ import annotations

import json
import re
from dataclasses import astuple
from typing import Any

import pytest

from portal.operations.context import Actor
from portal.operations.contractor_links import issue_link, open_link
from portal.queries.staff_rights import Grant
from portal.web import work_order_pdf as paper

from .test_desk_pages import counted_statements

OWN, HEAD, DESK = (
    Grant("handler", "street-cn1"),
    Grant("unit_head", "street-cn1"),
    Grant("dispatcher", "centre"),
)


@pytest.fixture
def sheets(monkeypatch) -> list[Any]:
    """Every work order as it goes to paper."""
    seen: list[Any] = []
    real = paper.work_order_pdf

    def keep(order, font=""):
        seen.append(order)
        return real(order, font)

    monkeypatch.setattr(paper, "work_order_pdf", keep)
    return seen


def words_of(sheet: Any) -> str:
    return json.dumps(astuple(sheet), default=str, ensure_ascii=False)


@pytest.mark.parametrize(("language", "word"), [("en", "Pothole"), ("zh-CN", "路面坑")])
def test_it_shows_the_work_and_nothing_of_the_reporter(language, word, desk, sheets):
    token = desk.file("street-cn1", "accepted")
    browser = desk.client(OWN, language)
    browser.get(f"/desk/case/{token}/order.pdf")
    with counted_statements(desk.app) as sent:
        answer = browser.get(f"/desk/case/{token}/order.pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.data.startswith(b"%PDF")
    assert answer.data.count(b"/Type /Page\n") == 1
    assert len(sent) <= 4, sent
    told = words_of(sheets[-1])
    for there in (token, "29.201800, 121.609100", "▇▇▇"):
        assert there in told
    assert word[:3] in sheets[-1].title
    for never in ("Li Min", "li.min", "13812345678", "138 1234 5678"):
        assert never not in told
    assert sheets[-1].code.endswith(f"/desk/case/{token}")


def test_only_those_who_may_send_the_link_print_it(desk, sheets):
    token = desk.file("haiqing", "routed")
    with desk.database.transaction() as tx:
        issue_link(tx, desk.context, desk.row(token).id, "haiqing")
    for grant, is_told in ((Grant("unit_head", "sanitation"), True), (Grant("auditor", ""), False)):
        assert desk.client(grant).get(f"/desk/case/{token}/order.pdf").status_code == 200
        found = re.search(r"/job/open/(.+)", sheets[-1].code)
        assert bool(found) == is_told
        if found:
            with desk.database.reading() as tx:
                assert open_link(tx, desk.context, found.group(1)).actor == Actor(
                    "contractor", "haiqing", link_id=open_link(tx, desk.context, found.group(1)).link_id
                )


def test_of_another_unit_there_is_none(desk):
    token = desk.file("street-ba1", "accepted")
    assert desk.client(OWN).get(f"/desk/case/{token}/order.pdf").status_code == 404


@pytest.mark.parametrize(
    ("fonts", "mark"),
    [
        pytest.param(paper.SYSTEM_FONTS, rb"/FontFile2", id="put into the file"),
        pytest.param(("/nowhere.ttf",), rb"STSong-Light", id="none here: named"),
    ],
)
def test_chinese_has_a_font(fonts, mark, desk, sheets, monkeypatch):
    token = desk.file("street-cn1", description="路口有个很深的坑。", public_text="路口有个很深的坑。")
    desk.client(OWN, "zh-CN").get(f"/desk/case/{token}/order.pdf")
    monkeypatch.setattr(paper, "SYSTEM_FONTS", fonts)
    paper._face.cache_clear()
    made = paper.work_order_pdf(sheets[-1])
    paper._face.cache_clear()
    assert re.search(mark, made)
    assert len(made) < 300_000


def test_a_long_text_goes_on_over_the_page(desk, sheets):
    token = desk.file("street-cn1", public_text="A hole <b> & more. " * 400)
    answer = desk.client(OWN).get(f"/desk/case/{token}/order.pdf")
    assert answer.data.count(b"/Type /Page\n") >= 2
