"""The published catalogue: who answers for what, by rule, by area and at a point."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        pytest.param("/duties", ["Street light", "Lighting"], id="every service with who may answer"),
        pytest.param(
            "/duties/street-light",
            ["Standard", "24 hours", "June 30, 2027"],
            id="one service",
        ),
        pytest.param("/organisation", ["coordination centre"], id="how the units stand"),
    ],
)
def test_what_a_page_says(client: FlaskClient, path: str, wanted: list[str]) -> None:
    answer = client.get(path, headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    for words in wanted:
        assert re.search(words, text_of(answer.get_data(as_text=True))), words


def test_an_area_shows_who_answers_there(client: FlaskClient) -> None:
    page = client.get("/duties").get_data(as_text=True)
    area = re.findall(r'<option value="(street:[^"]+)"', page)[0]
    there = text_of(client.get("/duties", query_string={"area": area}).get_data(as_text=True))
    assert "answers because the place lies in" in there
    assert "Shown for" in there


@pytest.mark.parametrize(
    ("lon", "lat", "status"),
    [
        pytest.param("121.56", "29.28", 200, id="in the city"),
        pytest.param("0", "0", 200, id="outside: the coordination centre answers"),
        pytest.param("nan", "29", 422, id="not a number"),
        pytest.param("", "", 422, id="nothing"),
        pytest.param("999", "29", 422, id="not on the earth"),
    ],
)
def test_a_point_is_posted(client: FlaskClient, lon: str, lat: str, status: int) -> None:
    form = client.get("/duties").get_data(as_text=True)
    (token,) = set(re.findall(r'name="csrf_token" value="([^"]+)"', form))
    answer = client.post("/duties", data={"csrf_token": token, "lon": lon, "lat": lat})
    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/duties/no-such-service", "/duties/%00"])
def test_an_unknown_service_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("area", ["street", "nothing:1", ":", "street:nowhere", "a:b:c"])
def test_an_unknown_area_shows_the_whole_city(client: FlaskClient, area: str) -> None:
    answer = client.get("/duties", query_string={"area": area})
    assert answer.status_code == 200
    assert "Shown for" not in answer.get_data(as_text=True)
