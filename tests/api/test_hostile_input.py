"""What nobody sends by accident: answered as the sender's fault, never as ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

DEEP = "[" * 50_000 + "]" * 50_000
PLACE = "service_code=park-repair&lon=121.64&lat=29.185"


@pytest.mark.parametrize("path", ["/api/v1/reports", "/api/v1/where", "/api/v1/reports/NOPE/answers"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(DEEP, id="nested 50,000 deep"),
        pytest.param('{"answers": ' + DEEP + "}", id="nested in a field"),
        pytest.param('{"lon": ' + "9" * 5000 + "}", id="a number of 5,000 digits"),
        pytest.param("{", id="half"),
    ],
)
def test_json_that_cannot_be_read(client: FlaskClient, path: str, text: str) -> None:
    answer = client.post(path, data=text, content_type="application/json")
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


def test_a_field_that_cannot_be_read(client: FlaskClient) -> None:
    answer = client.post("/api/v1/where", data={"service_code": "park-repair", "answers": DEEP})
    assert (answer.status_code, list(answer.json["fields"])) == (422, ["answers"])


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01",
        "9999-12-31",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "1969-12-31",
        "2101-01-01",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_time_that_no_calendar_holds(client: FlaskClient, at: str, method: str) -> None:
    if method == "GET":
        answer = client.get(f"/api/v1/where?{PLACE}&at={at.replace('+', '%2B')}")
    else:
        given: dict[str, Any] = {"service_code": "park-repair", "lon": 121.64, "lat": 29.185, "at": at}
        answer = client.post("/api/v1/where", data=json.dumps(given), content_type="application/json")
    assert (answer.status_code, list(answer.json["fields"])) == (422, ["at"])


@pytest.mark.parametrize("at", ["1970-01-01", "2100-12-31T23:59:59Z", "2026-05-04T09:30:00+08:00"])
def test_a_time_that_it_holds(client: FlaskClient, at: str) -> None:
    assert client.get(f"/api/v1/where?{PLACE}&at={at.replace('+', '%2B')}").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/api/v1/reports?limit=" + "1" * 5000, 422, id="limit"),
        pytest.param("/api/v1/reports?after=" + "1" * 5000, 200, id="page mark"),
        pytest.param("/api/v1/reports?bbox=" + "1" * 5000, 422, id="box"),
        pytest.param("/tiles/" + "1" * 4400 + "/1/1.mvt", 404, id="tile"),
        pytest.param("/r/" + "1" * 4400, 404, id="number"),
    ],
)
def test_numbers_of_thousands_of_digits(client: FlaskClient, path: str, status: int) -> None:
    assert client.get(path).status_code == status
