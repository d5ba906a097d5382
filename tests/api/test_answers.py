"""The question of a report near a border: asked once, answered once, by whoever filed it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

ANSWER = {"answers": {"park-or-street": "street"}}


@pytest.fixture
def asked(app: Flask, client: FlaskClient, body: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """A filed report that was asked whether its lamp stands in the park or on the street."""
    park = client.get("/api/v1/layers/park").json["features"][0]["geometry"]["coordinates"][0]
    middle = [sum(point[axis] for point in park[:-1]) / (len(park) - 1) for axis in (0, 1)]
    lon, lat = (park[3][axis] + (middle[axis] - park[3][axis]) * 0.02 for axis in (0, 1))
    given = body(service_code="street-light", lon=lon, lat=lat, accuracy_m=40, answers={"lamp-fault": "dark"})
    filed = client.post("/api/v1/reports", json=given).json
    assert filed["ambiguous"] is True
    return filed


def test_the_question_comes_with_its_options(asked: dict[str, Any]) -> None:
    assert asked["unit"]["code"] == "parks"
    assert asked["question"] == {
        "code": "park-or-street",
        "text": "Is the lamp in the park or on the street?",
        "options": [{"key": "park", "text": "In the park"}, {"key": "street", "text": "On the street"}],
    }


@pytest.mark.parametrize("way", ["header", "field"])
def test_the_answer_decides(client: FlaskClient, asked: dict[str, Any], way: str) -> None:
    secret = asked["reporter_url"].partition("#")[2]
    headers = {"Authorization": f"Bearer {secret}"} if way == "header" else {}
    given = ANSWER | ({"secret": secret} if way == "field" else {})
    address = f"/api/v1/reports/{asked['token']}/answers"
    answer = client.post(address, json=given, headers=headers)
    assert answer.status_code == 200, answer.json
    assert answer.json["unit"]["code"] == "lighting"
    assert answer.json["promise"]["due_at"] == asked["promise"]["due_at"]
    assert client.post(address, json=given, headers=headers).status_code == 409


@pytest.mark.parametrize(
    ("secret", "status"),
    [
        pytest.param("A" * 22, 403, id="a wrong secret"),
        pytest.param("", 403, id="no secret, right after filing"),
        pytest.param("\ud800" * 22, 403, id="a secret that is no character at all"),
        pytest.param(7, 422, id="a secret that is no text"),
    ],
)
def test_nobody_else_may_answer(
    client: FlaskClient, asked: dict[str, Any], secret: object, status: int
) -> None:
    written = json.dumps(ANSWER | {"secret": secret})  # the client's own encoder would refuse half characters
    address = f"/api/v1/reports/{asked['token']}/answers"
    answer = client.post(address, data=written, content_type="application/json")
    assert answer.status_code == status
    assert client.get(f"/api/v1/reports/{asked['token']}").json["unit"]["code"] == "parks"


@pytest.mark.parametrize(
    ("given", "status"),
    [({"answers": {}}, 422), ({"answers": {"park-or-street": "moon"}}, 422), ({"answers": 5}, 422)],
    ids=["nothing", "not offered", "not answers"],
)
def test_answers_that_are_none(
    client: FlaskClient, asked: dict[str, Any], given: dict[str, Any], status: int
) -> None:
    headers = {"Authorization": "Bearer " + asked["reporter_url"].partition("#")[2]}
    address = f"/api/v1/reports/{asked['token']}/answers"
    assert client.post(address, json=given, headers=headers).status_code == status


def test_a_report_that_does_not_exist(client: FlaskClient) -> None:
    assert client.post("/api/v1/reports/NOPE/answers", json=ANSWER).status_code == 404
