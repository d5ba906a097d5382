"""How many statements each page costs: the same for one report as for a hundred."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient


@pytest.fixture(scope="module")
def is_filled() -> list[bool]:
    return []


@pytest.fixture
def hundred(file_one: Callable[..., Any], is_filled: list[bool]) -> str:
    """At least 100 reports; answers the token of one."""
    if not is_filled:
        for number in range(101):
            file_one(lon=121.60 + number / 3000, description=f"Bench {number}")
        is_filled.append(True)
    return file_one().token


@pytest.mark.parametrize(
    ("address", "most"),
    [
        pytest.param("/", 4, id="front page"),
        pytest.param("/report", 1, id="form"),
        pytest.param("/r/{token}", 4, id="one report"),
        pytest.param("/map", 3, id="map, list and count"),
        pytest.param(
            "/map?state=open&service=park-repair&area=streets:WH1&period=30", 3, id="map with filters"
        ),
        pytest.param("/map/changed", 2, id="whether the map is still true"),
        pytest.param("/r/{token}/changed", 2, id="whether a report is still true"),
        pytest.param("/progress?layer=street", 3, id="progress by area"),
        pytest.param("/units", 3, id="all units"),
        pytest.param("/units/street-wh1", 4, id="one unit"),
        pytest.param("/api/v1/reports?limit=100", 2, id="API: 100 reports"),
        pytest.param("/api/v1/map/reports", 2, id="API: points of the map"),
        pytest.param("/api/v1/units", 2, id="API: units"),
        pytest.param("/api/v1/reports/{token}", 3, id="API: one report"),
    ],
)
def test_statements_of_a_page(
    client: FlaskClient, counted: Any, hundred: str, address: str, most: int
) -> None:
    client.get(address.format(token=hundred))  # what is drawn once for a city is there
    with counted() as seen:
        answer = client.get(address.format(token=hundred))
    assert answer.status_code == 200
    assert len(seen) <= most, seen


def test_a_list_is_paged_without_gap_or_repetition(client: FlaskClient, hundred: str) -> None:
    found, after = [], ""
    for _ in range(20):
        page = client.get(f"/api/v1/reports?limit=30&after={after}").json
        found += [row["token"] for row in page["reports"]]
        after = page["next"]
        if after is None:
            break
    assert len(found) == len(set(found)) >= 102
    opened = [row["opened_at"] for row in page["reports"]]
    assert opened == sorted(opened, reverse=True)


@pytest.mark.parametrize(
    "mark", ["zzz", "-", "ff", "ffffffffffffffffffff-1", "-1-1", "1-ffffffffffffffffffffffff"]
)
def test_a_made_up_page_mark_does_no_harm(client: FlaskClient, mark: str) -> None:
    assert client.get(f"/api/v1/reports?after={mark}").status_code == 200
