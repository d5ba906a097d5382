"""`/progress`: the figures of areas by month, as a table for everybody and as a map for those with a script."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, insert, text

from portal import clock
from portal.models.open_city import area_day
from portal.queries.area_days import months_of_layer
from portal.web.charts import spark
from portal.web.services import Services

NOW = datetime.fromisoformat("2026-06-15T12:00:00+08:00")
COLUMNS = ("day", "opened", "closed", "judged", "on_time", "open_at_end")
DAYS = {
    "BA": [(date(2026, 4, 3), 20, 12, 20, 19, 8), (date(2026, 6, 2), 5, 6, 12, 6, 7)],
    "WH": [(date(2026, 5, 9), 30, 3, 9, 9, 27)],
}


@pytest.fixture(scope="module")
def codes(app: Any) -> list[str]:
    parts = app.extensions["wenlu"]
    with app.test_request_context(), parts.database.reading() as tx:
        layers = parts.cities.city(tx, parts.jurisdiction_id).router.city.index.layers
        return [each.code for layer in layers if layer.name == "district" for each in layer.boundaries]


@pytest.fixture
def counted_days(parts: Services, codes: list[str]) -> list[str]:
    """Two districts of which something was heard, all others silent; answers the codes."""
    with parts.database.transaction() as tx:
        tx.execute(delete(area_day))
        for code, days in zip(codes, DAYS.values(), strict=False):
            shared = {"jurisdiction_id": parts.jurisdiction_id, "layer": "district", "code": code}
            tx.execute(insert(area_day), [shared | dict(zip(COLUMNS, day, strict=True)) for day in days])
    return codes


def rows(page: str) -> dict[str, list[str]]:
    """The cells of each line of the table, as text."""
    found = {}
    for code, line in re.findall(r'<tr data-code="([^"]*)">(.*?)</tr>', page, re.S):
        cells = re.findall(r"<td[^>]*>(.*?)</td>", line, re.S)
        found[code] = [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells[:4]]
    return found


@pytest.mark.parametrize(
    ("month", "first", "second", "whole"),
    [
        pytest.param("", "78% 7 25 18", "too few (9) 27 30 3", "83% 34 55 21", id="all twelve months"),
        pytest.param("2026-04", "95% 8 20 12", "– 0 0 0", "95% 8 20 12", id="a month"),
        pytest.param("2026-05", "– 8 0 0", "too few (9) 27 30 3", "too few (9) 35 30 3", id="a silent month"),
        pytest.param("2026-06", "50% 7 5 6", "– 27 0 0", "50% 34 5 6", id="the present month"),
        pytest.param("1999-01", "78% 7 25 18", "too few (9) 27 30 3", "83% 34 55 21", id="long ago"),
    ],
)
def test_the_table_of_a_month(
    client: FlaskClient, counted_days: list[str], month: str, first: str, second: str, whole: str
) -> None:
    with clock.simulated(NOW):
        page = client.get(f"/progress?layer=district&month={month}").get_data(as_text=True)
    table = rows(page)
    assert [" ".join(table[code]) for code in (counted_days[0], counted_days[1], "")] == [
        first,
        second,
        whole,
    ]
    assert set(table) == {*counted_days, ""}, "areas of which nothing was heard stand there as well"


def test_map_and_table_tell_the_same(client: FlaskClient, counted_days: list[str]) -> None:
    with clock.simulated(NOW):
        page = client.get("/progress?layer=district&measure=open&month=2026-05").get_data(as_text=True)
    drawn = re.search(r"wenlu\.progress\(\w+, (\{.*\})\);", page)
    assert drawn
    figures = json.loads(drawn.group(1))
    assert (figures["measure"], figures["layer"], figures["period"]) == ("open", "district", 11)
    judged, on_time, still_open, opened, closed = figures["areas"][counted_days[1]][1][11]
    assert (judged, on_time, still_open, opened, closed) == (9, 9, 27, 30, 3)
    assert len(figures["areas"][counted_days[0]][1]) == 13
    assert f'<span class="swatch open-{len(figures["breaks"]) + 1}"></span>' in page


def test_without_a_script_the_month_is_a_list_with_a_button(
    client: FlaskClient, counted_days: list[str]
) -> None:
    with clock.simulated(NOW):
        page = client.get("/progress?month=2026-04").get_data(as_text=True)
    chosen = re.search(r'<select id="month".*?</select>', page, re.S)
    assert chosen
    assert re.findall(r'value="([^"]*)" selected', chosen.group(0)) == ["2026-04"]
    assert '<div class="slide" hidden>' in page


def test_layers_that_part_the_city_are_offered_and_no_other(client: FlaskClient) -> None:
    page = client.get("/progress").get_data(as_text=True)
    assert set(re.findall(r"/progress\?layer=([a-z_]+)", page)) == {"district", "street"}
    assert client.get("/progress?layer=nowhere").status_code == 404


def test_a_line_has_gaps_and_one_value_is_no_line() -> None:
    assert spark([None, 3.0]) == ""
    drawn = spark([1.0, None, 2.0, 3.0])
    assert drawn.count("M") == 2
    assert drawn.count("<circle") == 1


def test_the_days_are_found_by_their_key(parts: Services, plans: Any) -> None:
    with parts.database.transaction() as tx:
        tx.execute(
            text(
                "INSERT INTO area_day "
                "SELECT 'linhai.example', layer, 'A' || n, date '2025-01-01' + n % 500, 1, 1, 1, 1, 1 "
                "FROM generate_series(1, 20000) n, unnest(ARRAY['x', 'y', '@unit']) layer ON CONFLICT DO NOTHING"
            )
        )
        tx.execute(text("ANALYZE area_day"))
    (plan,) = plans(lambda tx: months_of_layer(tx, parts.jurisdiction_id, "community", NOW.date()))
    assert "pk_area_day" in plan or "area_day_pkey" in plan, plan
    assert "Seq Scan" not in plan, plan
