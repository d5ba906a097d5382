"""What a phone loads for a first look: page, style sheets and scripts, packed, are at most 100 kB, maps included."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

MOST = 100_000
LINKED = re.compile(r'(?:href|src)="(/static/[^"]+\.(?:css|js)\?v=[0-9a-f]{12})"')
PACKED = {"Accept-Encoding": "gzip"}


@pytest.mark.parametrize(
    "path",
    ["/", "/report", "/map", "/units", "/units/lighting", "/duties", "/organisation", "/kinds", "/data/", "/r/{token}",
     "/r/{token}/follow", "/desk/sign-in"],
)  # fmt: skip
def test_a_first_look_weighs_little(client: FlaskClient, file_one: Callable, path: str) -> None:
    page = client.get(path.format(token=file_one().token)).text
    parts = {"page": len(gzip.compress(page.encode(), 6))}
    for address in set(LINKED.findall(page)):
        answer = client.get(address, headers=PACKED)
        assert (answer.status_code, answer.headers["Content-Encoding"]) == (200, "gzip")
        parts[address] = len(answer.data)
    assert len(parts) > 1
    assert sum(parts.values()) <= MOST, parts


def test_files_go_out_packed_to_who_can_unpack_them(client: FlaskClient) -> None:
    plain, packed = (
        client.get("/static/css/wenlu.css", headers=headers) for headers in ({"Accept-Encoding": ""}, PACKED)
    )
    assert gzip.decompress(packed.data) == plain.data
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert plain.headers["ETag"] != packed.headers["ETag"]
    again = client.get("/static/css/wenlu.css", headers=PACKED | {"If-None-Match": packed.headers["ETag"]})
    assert again.status_code == 304
    assert client.get("/static/../portal/app.py", headers=PACKED).status_code == 404


def test_a_picture_is_not_packed_twice(client: FlaskClient) -> None:
    found = client.get("/static/vendor/leaflet/images/layers.png", headers=PACKED)
    assert "Content-Encoding" not in found.headers
