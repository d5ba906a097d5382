"""`/units/<code>`: a year of a unit as charts with their tables, how long reports stay open, what it answers for."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, update

from portal import clock
from portal.models.open_city import area_day
from portal.models.report import report
from portal.queries.area_days import UNIT
from portal.queries.unit_year import unit_year
from portal.web.charts import Month, Words, flow_chart, nice_ticks
from portal.web.services import Services
from routing.survival import Span

NOW = datetime.fromisoformat("2026-06-15T12:00:00+08:00")
CODE = "street-wh1"


@pytest.fixture(scope="module")
def is_filled() -> list[bool]:
    return []


@pytest.fixture
def year(parts: Services, file_one: Callable[..., Any], is_filled: list[bool]) -> None:
    """Twelve reports: eight dealt with after one to eight days, one of them twice; two rejected; two open."""
    if is_filled:
        return
    is_filled.append(True)
    for number in range(12):
        opened = NOW - timedelta(days=40 + number)
        with clock.simulated(opened):
            token = file_one(description=f"Bench {number}").token
        days, state = (
            (number + 1, "closed") if number < 8 else (1, "rejected") if number < 10 else (None, "accepted")
        )
        ended = {"closed_at": None if days is None else opened + timedelta(days=days), "state": state}
        with parts.database.transaction() as tx:
            mine = update(report).where(report.c.token == token)
            tx.execute(mine.values(lead_unit=CODE, reopen_count=int(number == 3), **ended))
    row = {"jurisdiction_id": parts.jurisdiction_id, "layer": UNIT, "code": CODE, "day": date(2026, 5, 6)}
    with parts.database.transaction() as tx:
        tx.execute(insert(area_day).values(**row, opened=12, closed=8, judged=11, on_time=9, open_at_end=2))


def page_of(client: FlaskClient, code: str = CODE, language: str = "en") -> str:
    with clock.simulated(NOW):
        return client.get(f"/units/{code}", headers={"Accept-Language": language}).get_data(as_text=True)


@pytest.mark.usefixtures("year")
def test_a_year_is_one_statement_and_counts_what_is_not_over(parts: Services, counted: Any) -> None:
    here = parts.jurisdiction_id
    with counted() as seen, parts.database.reading() as tx:
        found = unit_year(tx, here, CODE, NOW.date(), NOW)
    assert len(seen) == 1
    assert (found.ended, found.reopened, found.reopened_share) == (8, 1, None)
    assert sorted(found.spans, key=lambda each: (each.is_ended, each.length)) == [
        Span(24, False, 2), Span(50 * 24, False, 1), Span(51 * 24, False, 1),
        *(Span(days * 24, True, 1) for days in range(1, 9)),
    ]  # fmt: skip
    assert len(found.months) == 12
    assert (found.months[-2].opened, found.months[-2].late, found.months[-1].open) == (12, 2, 2)


@pytest.mark.usefixtures("year")
@pytest.mark.parametrize("name", ["flow", "curve"])
def test_a_chart_says_in_words_what_it_shows_and_has_a_table(client: FlaskClient, name: str) -> None:
    page = page_of(client)
    (drawn,) = re.findall(
        rf'<svg class="chart {"flow-chart" if name == "flow" else "curve"}".*?</svg>', page, re.S
    )
    svg = ElementTree.fromstring(drawn)
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == f"{name}-title {name}-desc"
    assert {each.tag for each in svg} >= {"title", "desc", "path"}
    assert "style=" not in drawn
    section = page[page.index(f'aria-labelledby="{name}-head"') :]
    assert "<table" in section[: section.index("</section>")]


@pytest.mark.usefixtures("year")
def test_the_curve_tells_by_when_half_are_done(client: FlaskClient) -> None:
    """Of twelve, two left unjudged after a day: the curve halves with the sixth of those that are left."""
    page = page_of(client)
    assert "Half are dealt with within 6 days." in page
    assert "Fewer than nine in ten have been dealt with so far." in page
    assert re.search(r'<th scope="row">7 days</th><td class="num">3\d%</td>', page)


def test_too_few_reports_draw_no_curve(client: FlaskClient) -> None:
    page = page_of(client, "lighting")
    assert "Too few reports in twelve months to draw a curve." in page
    assert '<svg class="chart flow-chart"' in page


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        pytest.param("lighting", r'href="/duties/street-light"', id="named by a rule"),
        pytest.param("street-wh1", r'href="/map\?area=street%3A|href="/map\?area=street:', id="its area"),
        pytest.param("centre", r"Whatever no other unit answers for", id="the centre"),
    ],
)
def test_what_a_unit_answers_for(client: FlaskClient, code: str, shown: str) -> None:
    page = page_of(client, code)
    assert re.search(shown, page[page.index('id="answers-for"') :])


@pytest.mark.usefixtures("year")
def test_the_board_shows_what_was_open_through_the_year(client: FlaskClient) -> None:
    with clock.simulated(NOW):
        page = client.get("/units").get_data(as_text=True)
    assert page.count('<svg class="spark"') == 1, "only one unit has days that were counted"


@pytest.mark.usefixtures("many")
def test_indexes_answer_the_year(parts: Services, plans: Callable[..., list[str]]) -> None:
    (plan,) = plans(
        lambda tx: unit_year(tx, parts.jurisdiction_id, "unit-7", clock.now().date(), clock.now())
    )
    assert "Seq Scan on report" not in plan, plan
    assert "ix_report" in plan


@pytest.mark.parametrize(
    ("most", "ticks"),
    [(0, [0, 1]), (1, [0, 1]), (3, [0, 1, 2, 3]), (8, [0, 2, 4, 6, 8]), (37, [0, 10, 20, 30, 40])],
)  # fmt: skip
def test_ticks_are_round(most: float, ticks: list[float]) -> None:
    assert nice_ticks(most) == ticks


def test_words_of_a_chart_are_escaped() -> None:
    drawn = flow_chart([Month("<b>", 1, 0, 0, 2)] * 12, Words("k", "<i>", "a & b"))
    assert "<b>" not in drawn
    assert "<i>" not in drawn
    ElementTree.fromstring(str(drawn))
