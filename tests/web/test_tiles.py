"""Vector tiles: the right points in the right tile, and nothing that is not public."""

from __future__ import annotations

import math
from typing import Any

import pytest
from flask.testing import FlaskClient

LON, LAT = 121.640, 29.185


def tile_of(lon: float, lat: float, z: int) -> str:
    x = int((lon + 180) / 360 * 2**z)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z)
    return f"/tiles/{z}/{x}/{y}.mvt"


@pytest.mark.parametrize("z", [0, 8, 14, 20])
def test_a_report_is_in_its_tile(client: FlaskClient, file_one: Any, z: int) -> None:
    token = file_one(lon=LON, lat=LAT).token
    answer = client.get(tile_of(LON, LAT, z))
    assert answer.content_type == "application/vnd.mapbox-vector-tile"
    assert token.encode() in answer.data
    assert token.encode() not in client.get(tile_of(LON + 5, LAT, max(z, 8))).data
    assert (
        client.get(tile_of(LON, LAT, z), headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    )


def test_private_reports_are_in_none(client: FlaskClient, file_one: Any) -> None:
    answers = {"about-unit": ("parks",)}
    token = file_one("unit-complaint", about_unit="parks", answers=answers).token
    assert token.encode() not in client.get("/tiles/0/0/0.mvt").data


@pytest.mark.parametrize(
    "path", ["/tiles/2/4/0.mvt", "/tiles/21/0/0.mvt", "/tiles/0/0/1.mvt", "/tiles/1/-1/0.mvt"]
)
def test_no_such_tile(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404
