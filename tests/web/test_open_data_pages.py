"""The published files as they are read from outside, and the feeds of new reports."""

from __future__ import annotations

import gzip
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from flask.testing import FlaskClient

from portal.operations.publish_open_data import publish_open_data

ATOM = {"a": "http://www.w3.org/2005/Atom"}


@pytest.fixture
def published(parts: Any, file_one: Any) -> str:
    """A report, and everything published after it; answers its number."""
    token = file_one().token
    with parts.database.snapshot() as tx:
        city = parts.cities.city(tx, parts.jurisdiction_id)
        publish_open_data(tx, city, parts.settings.folder("open-data"))
    return str(token)


def entries(client: FlaskClient, **wanted: str) -> list[str]:
    answer = client.get("/data/reports.atom", query_string=wanted)
    assert answer.status_code == 200
    feed = Xml.fromstring(answer.get_data())
    return [str(each.text).rpartition("/")[2] for each in feed.findall("a:entry/a:id", ATOM)]


def test_the_page_lists_what_can_be_fetched(client: FlaskClient, published: str) -> None:
    page = client.get("/data/").get_data(as_text=True)
    assert "/data/reports.csv.gz" in page
    answer = client.get("/data/reports.csv.gz")
    assert published in gzip.decompress(answer.get_data()).decode()
    again = client.get("/data/reports.csv.gz", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "/data/nothing.gz",
        "/data/..%2fsecret_key",
        "/data/.reports.csv.gz.half",
        "/data/secret_key",
        "/data/%00.gz",
    ],
)
def test_nothing_else_is_given_out(client: FlaskClient, published: str, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("wanted", "is_there"),
    [
        pytest.param({}, True, id="all"),
        pytest.param({"service": "{service}"}, True, id="its service"),
        pytest.param({"unit": "{unit}"}, True, id="its unit"),
        pytest.param({"area": "{area}"}, True, id="its area"),
        pytest.param({"state": "open"}, True, id="its state"),
        pytest.param({"service": "noise"}, False, id="another service"),
        pytest.param({"unit": "centre"}, False, id="another unit"),
        pytest.param({"area": "street:nowhere"}, False, id="another area"),
        pytest.param({"area": "a:b:c%"}, False, id="nonsense"),
    ],
)
def test_a_feed_of_what_was_asked_for(
    client: FlaskClient, published: str, wanted: dict[str, str], is_there: bool
) -> None:
    found = client.get(f"/api/v1/reports/{published}").get_json()
    hit = found["receipt"]["hits"][0]
    known = {
        "service": found["service_code"],
        "unit": found["unit"]["code"],
        "area": f"{hit['layer']}:{hit['code']}",
    }
    asked = {name: value.format(**known) for name, value in wanted.items()}
    assert (published in entries(client, **asked)) is is_there
