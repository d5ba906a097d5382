"""`/map`: filters that stand in the address, the number of what they leave, and what an open page asks again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal import clock
from portal.operations.move_report import Move
from portal.queries.public_reports import ReportFilter, last_change, public_reports
from portal.queries.report_counts import count_reports
from portal.queries.report_map import map_points
from portal.web.services import Services

NOW = datetime.fromisoformat("2026-06-10T12:00:00+08:00")
AWAY = {"lon": 121.585, "lat": 29.245, "is_place_optional": True}


@pytest.fixture(scope="module")
def filed() -> dict[str, str]:
    return {}


@pytest.fixture
def three(filed: dict[str, str], file_one: Callable[..., Any], move: Callable[..., None]) -> dict[str, str]:
    """Three reports: today, three weeks ago elsewhere, and one of last year that is closed."""
    if not filed:
        for name, days, more in (("new", 0, {}), ("away", 21, AWAY), ("old", 200, {})):
            with clock.simulated(NOW - timedelta(days=days)):
                service = "missed-collection" if name == "away" else "park-repair"
                filed[name] = file_one(service, description=f"The {name} one", **more).token
                if name == "old":
                    move(filed[name], Move("accept"), Move("resolve", closing_code="fixed", reason="dark"))
    return filed


@pytest.fixture
def area(parts: Services, three: dict[str, str]) -> str:
    """The street office in which the first report lies."""
    from sqlalchemy import select

    from portal.models.report import report

    with parts.database.reading() as tx:
        places = tx.scalar(select(report.c.places).where(report.c.token == three["new"]))
    return next(each for each in places if each.startswith("street:"))


@pytest.mark.parametrize(
    ("query", "found", "count"),
    [
        pytest.param("", "new away old", "3 reports, 2 of them open", id="all"),
        pytest.param("state=open", "new away", "2 reports, 2 of them open", id="open"),
        pytest.param("state=closed", "old", "1 report, 0 of them open", id="closed"),
        pytest.param("state=routed", "new away", "2 reports<", id="one state"),
        pytest.param("service=missed-collection", "away", "1 report, 1 of them open", id="service"),
        pytest.param("area={area}", "new old", "2 reports, 1 of them open", id="area"),
        pytest.param("area=street:nowhere", "", "0 reports, 0 of them open", id="an area nobody knows"),
        pytest.param("period=7", "new", "1 report, 1 of them open", id="last week"),
        pytest.param("period=30", "new away", "2 reports, 2 of them open", id="last month"),
        pytest.param("period=12", "new away old", "3 reports, 2 of them open", id="a period that is none"),
        pytest.param("from=2026-05-20&to=2026-05-20", "away", "1 report, 1 of them open", id="one day"),
        pytest.param("from=2026-05-21", "new", "1 report, 1 of them open", id="since a day"),
        pytest.param("to=2026-05-19", "old", "1 report, 0 of them open", id="until a day"),
        pytest.param("from=yesterday", "new away old", "3 reports, 2 of them open", id="no day"),
        pytest.param("period=7&from=2025-01-01", "new", "1 report, 1 of them open", id="period before days"),
        pytest.param("area={area}&state=open&period=7", "new", "1 report, 1 of them open", id="together"),
    ],
)
def test_filters(
    client: FlaskClient, three: dict[str, str], area: str, query: str, found: str, count: str
) -> None:
    query = query.format(area=area)
    with clock.simulated(NOW + timedelta(hours=1)):
        page = client.get(f"/map?{query}").get_data(as_text=True)
        points = client.get(f"/api/v1/map/reports?{query}").json
    assert re.findall(r'class="card" href="/r/(\w+)"', page) == [three[name] for name in found.split()]
    assert [each["properties"]["token"] for each in points["features"]] == [
        three[name] for name in found.split()
    ]
    assert count in page


@pytest.mark.parametrize(
    ("query", "name", "numbers"),
    [
        (
            "state=closed&service=park-repair",
            "state",
            {"": 2, "open": 1, "closed": 1, "routed": 1, "resolved": 1},
        ),
        ("state=open&service=park-repair", "service", {"": 2, "park-repair": 1, "missed-collection": 1}),
        ("state=closed", "service", {"": 1, "park-repair": 1, "missed-collection": 0}),
        ("state=closed", "unit", {"": 1}),
        ("period=7", "service", {"": 1, "park-repair": 1, "missed-collection": 0}),
        ("unit=nobody", "unit", {"": 3}),
    ],
)
def test_every_choice_says_how_many_it_would_leave(
    client: FlaskClient, three: dict[str, str], query: str, name: str, numbers: dict[str, int]
) -> None:
    """Whichever is chosen now of the same kind: so that nobody chooses what is empty."""
    with clock.simulated(NOW + timedelta(hours=1)):
        page = client.get(f"/map?{query}").get_data(as_text=True)
    shown = re.search(rf'<select id="{name}".*?</select>', page, re.S)
    assert shown
    found = re.findall(r'<option value="([^"]*)"[^>]*>[^<]*\((\d+)\)</option>', shown.group(0))
    assert numbers.items() <= {value: int(count) for value, count in found}.items()


@pytest.mark.parametrize("most", [2, 3])
def test_what_is_not_counted_to_the_end_is_said(parts: Services, three: dict[str, str], most: int) -> None:
    with parts.database.reading() as tx:
        found = count_reports(tx, parts.jurisdiction_id, ReportFilter(), most)
    assert {each.is_more for each in found.values()} == {most < 3}
    assert {each.all for each in found.values()} == {3}


def test_the_address_holds_all_that_was_chosen(client: FlaskClient, three: dict[str, str], area: str) -> None:
    """Whoever opens a shared link sees the same choices, the same points and a feed of the same reports."""
    with clock.simulated(NOW):
        page = client.get(f"/map?state=open&area={area}&period=30").get_data(as_text=True)
    code = area.replace(":", "%3A")
    for name, value in (("state", "open"), ("area", area), ("period", "30")):
        chosen = re.search(rf'<select id="{name}".*?</select>', page, re.S)
        assert chosen
        assert re.findall(r'value="([^"]*)" selected', chosen.group(0)) == [value]
    assert f'data-reports="/api/v1/map/reports?state=open&amp;area={code}&amp;period=30"' in page
    assert f'href="/data/reports.atom?state=open&amp;area={code}"' in page
    assert f'data-area="{area.partition(":")[2]}"' in page


def test_hostile_filters_do_no_harm(client: FlaskClient, three: dict[str, str]) -> None:
    for query in (
        "state='><script>",
        "area=%00",
        "service=%25s",
        "from=9999-99-99",
        "to=9999-12-31",
        "unit=" + "x" * 500,
    ):
        answer = client.get(f"/map?{query}")
        assert answer.status_code in (200, 400)
        assert "<script>'" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("way", ["map", "case"])
def test_an_open_page_is_told_that_nothing_changed_until_something_does(
    client: FlaskClient, file_one: Callable[..., Any], move: Callable[..., None], way: str
) -> None:
    token = file_one().token
    address = "/map/changed" if way == "map" else f"/r/{token}/changed"
    first = client.get(address)
    again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    move(token, Move("accept"))
    after = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert after.status_code == 200
    assert "no-cache" in after.headers["Cache-Control"]


def test_a_report_that_is_none_has_no_pulse(client: FlaskClient) -> None:
    assert client.get("/r/ABCD2345/changed").status_code == 404


@pytest.mark.parametrize("address", ["/map", "/r/{token}"])
def test_live_pages_say_what_they_watch_and_speak_politely(
    client: FlaskClient, file_one: Callable[..., Any], address: str
) -> None:
    page = client.get(address.format(token=file_one().token)).get_data(as_text=True)
    pulse = re.search(r'data-pulse="([^"]+)" data-said="[^"]+"', page)
    assert pulse
    assert client.get(pulse.group(1)).status_code == 200
    assert re.search(r'role="status" data-announce></p>', page)
    assert "data-live=" in page
    assert "js/live.js" in page


WEEK_AGO = clock.now() - timedelta(days=7)
QUERIES = {
    "count of all": (lambda tx, city: count_reports(tx, city, ReportFilter(), 1000), "ix_report_opened"),
    "an area": (lambda tx, city: public_reports(tx, city, ReportFilter(area="street:S7")), "ix_report"),
    "count of an area": (lambda tx, city: count_reports(tx, city, ReportFilter(area="street:S7")), "ix_report"),
    "a week": (lambda tx, city: public_reports(tx, city, ReportFilter(since=WEEK_AGO)), "ix_report_opened"),
    "points of a unit": (lambda tx, city: map_points(tx, city, ReportFilter(unit_code="unit-7")), "ix_report"),
    "the newest change": (lambda tx, city: last_change(tx, city), "ix_report_updated"),
}  # fmt: skip


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("name", QUERIES)
def test_an_index_answers(parts: Services, plans: Callable[..., list[str]], name: str) -> None:
    query, index = QUERIES[name]
    (plan,) = plans(lambda tx: query(tx, parts.jurisdiction_id))
    assert index in plan, plan
    assert "Seq Scan" not in plan, plan
