"""What every page carries: a strict policy, nothing inline without the nonce, caching, size and host limits."""

from __future__ import annotations

import gzip
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.app import create_app

PAGES = (
    "/",
    "/report",
    "/report?service=street-light",
    "/map",
    "/progress",
    "/units",
    "/units/lighting",
    "/api/docs",
    "/nope",
)
VOID = {"meta", "link", "input", "img", "br", "hr", "circle", "path"}


class Checked(HTMLParser):
    """Notes every attribute that the policy would refuse, scripts without a nonce, and tags left open."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.nonces: set[str | None] = set()
        self.ids: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.faults += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        if tag in ("script", "style") or (tag == "link" and given.get("rel") == "stylesheet"):
            self.nonces.add(given.get("nonce"))
        for name in ("src", "href", "action"):
            value = given.get(name) or ""
            if re.match(r"(https?:)?//|javascript:", value) and "localhost" not in value:
                self.faults.append(f"{tag} {name}={value}")
        if "id" in given:
            self.ids.append(str(given["id"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()


@pytest.mark.parametrize("page", PAGES)
def test_page_obeys_its_policy(client: FlaskClient, page: str) -> None:
    answer = client.get(page)
    checked = Checked()
    checked.feed(answer.get_data(as_text=True))
    policy = answer.headers["Content-Security-Policy"]
    assert checked.faults == []
    assert checked.open == []
    assert len(checked.ids) == len(set(checked.ids))
    (nonce,) = checked.nonces
    assert f"script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}';" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "<title>" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("X-Frame-Options", "DENY"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ],
)
def test_header_on_every_kind_of_answer(client: FlaskClient, header: str, value: str) -> None:
    for path in ("/", "/nope", "/api/v1/city", "/static/css/wenlu.css", "/healthz"):
        assert client.get(path).headers[header] == value, path


def test_a_nonce_is_never_used_twice(client: FlaskClient) -> None:
    policies = {client.get("/").headers["Content-Security-Policy"] for _ in range(5)}
    assert len(policies) == 5


@pytest.mark.parametrize("page", PAGES)
def test_page_weighs_little(client: FlaskClient, page: str) -> None:
    """Page, style sheet and scripts together, compressed, without the map's library."""
    body = client.get(page).get_data()
    files = re.findall(r'(?:href|src)="(/static/(?!vendor)[^"]+\.(?:css|js|svg)\?v=[^"]+)"', body.decode())
    total = sum(len(gzip.compress(part)) for part in [body, *(client.get(name).get_data() for name in files)])
    assert files
    assert total < 100_000


def test_static_files_are_kept_while_their_hash_holds(client: FlaskClient) -> None:
    page = client.get("/").get_data(as_text=True)
    (address,) = re.findall(r'href="(/static/css/wenlu\.css\?v=[0-9a-f]{12})"', page)
    assert "immutable" in client.get(address).headers["Cache-Control"]
    assert "immutable" not in client.get("/static/css/wenlu.css?v=000000000000").headers["Cache-Control"]
    assert client.get("/static/../pyproject.toml").status_code == 404


def test_settings_reach_the_headers(app: Flask) -> None:
    given = replace(
        app.extensions["wenlu"].settings,
        is_https=True,
        public_url="https://city.example",
        trusted_hosts=("city.example",),
        tile_url="https://{s}.tiles.example/{z}/{x}/{y}.png",
        max_upload_mb=1,
    )
    client = create_app(given).test_client()
    answer = client.get("/report", base_url="https://city.example")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "img-src 'self' data: blob: https://*.tiles.example;" in answer.headers["Content-Security-Policy"]
    assert all("Secure" in cookie and "HttpOnly" in cookie for cookie in answer.headers.getlist("Set-Cookie"))
    assert client.get("/", base_url="https://other.example").status_code == 400
    too_much = {"media": (io.BytesIO(bytes(1_100_000)), "a.jpg")}
    answer = client.post("/api/v1/media", data=too_much, base_url="https://city.example")
    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"
