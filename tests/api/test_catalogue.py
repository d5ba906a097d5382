"""What the API says of the city, its map and itself."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

OPEN = ("/city", "/services", "/services/noise", "/units", "/units/parks", "/reports", "/map/reports", "/basemap",
        "/layers/street", "/openapi.json")  # fmt: skip


@pytest.mark.parametrize("path", OPEN)
def test_any_site_may_read(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/api/v1{path}", headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_no_site_may_write(client: FlaskClient) -> None:
    for method, path in (("post", "/reports"), ("post", "/where")):
        answer = getattr(client, method)(
            f"/api/v1{path}", json={}, headers={"Origin": "https://elsewhere.example"}
        )
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_city(client: FlaskClient) -> None:
    city = client.get("/api/v1/city").json
    assert city["jurisdiction_id"] == "linhai.example"
    assert city["map_centre"] == [121.6091, 29.2018]
    assert city["locales"] == ["zh_Hans", "en"]
    assert city["name"] == "Linhai"
    assert client.get("/api/v1/city", headers={"Accept-Language": "zh-CN"}).json["name"] == "临海"


def test_services_with_their_questions(client: FlaskClient) -> None:
    services = {row["service_code"]: row for row in client.get("/api/v1/services").json["services"]}
    assert len(services) == 16
    rubbish = {row["code"]: row for row in services["missed-collection"]["questions"]}
    assert rubbish["item-count"]["show_if"] == [["waste-type", "bulky"]]
    assert services["noise"]["is_sensitive"] is True
    assert client.get("/api/v1/services/nope").status_code == 404


def test_units_name_nobody(client: FlaskClient) -> None:
    text = client.get("/api/v1/units").get_data(as_text=True)
    assert "Market Street Office" in text
    assert "@" not in text


def test_map_is_bounded_and_public(client: FlaskClient, body: Callable[..., dict[str, Any]]) -> None:
    token = client.post("/api/v1/reports", json=body(lon=121.6402, lat=29.1853)).json["token"]
    here = client.get("/api/v1/map/reports?bbox=121.64,29.185,121.641,29.186").json
    assert [each["properties"]["token"] for each in here["features"]] == [token]
    assert here["is_cut"] is False
    assert client.get("/api/v1/map/reports?bbox=120,28,120.1,28.1").json["features"] == []


def test_map_says_when_it_is_cut(
    client: FlaskClient, body: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.queries import report_map

    for _ in range(3):
        client.post("/api/v1/reports", json=body())
    monkeypatch.setattr(report_map.map_points, "__defaults__", (2,))
    found = client.get("/api/v1/map/reports").json
    assert (len(found["features"]), found["is_cut"]) == (2, True)


def test_basemap_is_asked_for_once(client: FlaskClient) -> None:
    first = client.get("/api/v1/basemap")
    assert first.content_type == "application/geo+json"
    again = client.get("/api/v1/basemap", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_basemap_comes_in_parts_and_packed(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.api.map_data.WORTH_PACKING", 100)
    whole, coarse, fine = (
        client.get("/api/v1/basemap", query_string=asked).json["features"]
        for asked in ({}, {"part": "coarse"}, {"part": "fine"})
    )
    assert len(whole) == len(coarse) + len(fine)
    assert not {each["properties"].get("kind") for each in coarse} & {"local", "lane"}
    packed = client.get("/api/v1/basemap", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.data))["features"] == whole


def test_every_address_is_described(app: Flask, client: FlaskClient) -> None:
    described = set(client.get("/api/v1/openapi.json").json["paths"])
    served = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1"))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
    }
    assert described == served - {"/openapi.json"}


def test_every_reference_of_the_description_leads_somewhere(client: FlaskClient) -> None:
    answer = client.get("/api/v1/openapi.json")
    names = set(re.findall(r'"#/components/schemas/(\w+)"', answer.get_data(as_text=True)))
    assert names <= set(answer.json["components"]["schemas"])
    assert len(names) >= 8
    assert "client_request_id" in client.get("/api/docs").get_data(as_text=True)
