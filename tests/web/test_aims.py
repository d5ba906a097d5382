"""The aims that a city publishes, on its scoreboard, on a unit's page and in the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.queries.unit_figures import UnitFigures
from portal.web.aims import aims_of
from portal.web.services import Services

ENGLISH = {"Accept-Language": "en"}


@pytest.mark.parametrize("path", ["/units", "/units/street-wh1"])
def test_the_pages_show_what_the_city_aims_at(client: FlaskClient, path: str) -> None:
    page = re.sub(r"<[^>]+>", " ", client.get(path, headers=ENGLISH).get_data(as_text=True))
    told = re.sub(r"\s+", " ", page)
    assert "What the city aims at Promises kept 95%" in told
    assert "Satisfaction of residents 90%" in told


@pytest.mark.parametrize("path", ["/api/v1/city", "/api/v1/units"])
def test_the_api_says_them(client: FlaskClient, path: str) -> None:
    assert client.get(path).json["aims"] == {"satisfaction": 0.9, "on_time": 0.95}


@pytest.fixture
def saying(app: Flask) -> Iterator[Any]:
    with app.test_request_context(headers=ENGLISH):
        yield app


@pytest.mark.parametrize(
    ("figures", "now"),
    [
        pytest.param(
            [UnitFigures("a", judged=60, on_time=30), UnitFigures("b", judged=40, on_time=40)], "70%", id="together",
        ),
        pytest.param([UnitFigures("a", judged=2, on_time=2)], "", id="too few"),
        pytest.param([], "", id="nothing"),
    ],
)  # fmt: skip
def test_beside_an_aim_stands_what_is(saying: Any, figures: list[UnitFigures], now: str) -> None:
    assert [(each.aim, each.now) for each in aims_of(figures)] == [("95%", now), ("90%", "")]


def test_a_city_without_aims_shows_no_heading(client: FlaskClient, parts: Services) -> None:
    config = parts.cities._views[parts.jurisdiction_id].config
    kept = dict(config["targets_of_service"])
    try:
        config["targets_of_service"].clear()
        assert "What the city aims at" not in client.get("/units", headers=ENGLISH).get_data(as_text=True)
    finally:
        config["targets_of_service"].update(kept)
