"""Who may call what: every route says so, and the frame holds them to it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.web import access


def test_every_route_says_who_may_call_it(app: Flask) -> None:
    silent = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if not access.declared(app.view_functions[rule.endpoint])
    ]
    assert silent == []
    assert len(list(app.url_map.iter_rules())) > 30


def test_a_route_without_a_declaration_is_refused() -> None:
    app = access.GuardedFlask("empty", static_folder=None)
    with pytest.raises(access.UndeclaredRoute, match="/secret"):
        app.add_url_rule("/secret", "secret", lambda: "")


@pytest.mark.parametrize(
    ("declare", "status"),
    [
        pytest.param(access.public, 200, id="public"),
        pytest.param(access.operator, 200, id="operator from the machine itself"),
        pytest.param(access.staff(), 303, id="staff without sign-in is sent to it"),
    ],
)
def test_a_declaration_decides(declare: object, status: int) -> None:
    app = access.GuardedFlask("empty", static_folder=None)
    app.before_request(access.enforce)
    app.add_url_rule("/page", "page", declare(lambda: "in"))
    assert app.test_client().get("/page").status_code == status


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        pytest.param("127.0.0.1", {}, 200, id="loopback"),
        pytest.param("::1", {}, 200, id="loopback, IPv6"),
        pytest.param("192.0.2.7", {}, 403, id="another machine"),
        pytest.param(
            "127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 403, id="another machine behind a local proxy"
        ),
    ],
)
def test_metrics_are_for_the_machine_itself(
    client: FlaskClient, address: str, headers: dict[str, str], status: int
) -> None:
    answer = client.get("/metrics", environ_base={"REMOTE_ADDR": address}, headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("token", "sent", "status"),
    [
        pytest.param("scrape-me", "Bearer scrape-me", 200, id="the token"),
        pytest.param("scrape-me", "bearer  scrape-me", 200, id="written otherwise"),
        pytest.param("scrape-me", "Bearer scrape", 403, id="part of it"),
        pytest.param("scrape-me", "Basic scrape-me", 403, id="another scheme"),
        pytest.param("", "Bearer ", 403, id="none is set"),
        pytest.param("", "", 403, id="none is set or sent"),
    ],
)
def test_a_scraper_from_elsewhere_needs_the_token(
    app: Flask, client: FlaskClient, token: str, sent: str, status: int
) -> None:
    parts = app.extensions["wenlu"]
    before = parts.settings
    parts.settings = replace(before, metrics_token=token)
    try:
        headers = {"Authorization": sent, "X-Forwarded-For": "203.0.113.9"}
        answer = client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"}, headers=headers)
    finally:
        parts.settings = before
    assert answer.status_code == status


def test_made_up_methods_are_counted_as_one(client: FlaskClient) -> None:
    for number in range(5):
        client.open("/", method=f"MADE{number}")
    figures = client.get("/metrics").get_data(as_text=True)
    assert "MADE" not in figures
    assert 'method="other"' in figures


def test_metrics_name_routes_not_addresses(client: FlaskClient) -> None:
    client.get("/r/SECRETTOKEN000")
    figures = client.get("/metrics").get_data(as_text=True)
    assert 'route="/r/<token>"' in figures
    assert "SECRETTOKEN" not in figures
    assert "wenlu_outbox_waiting" in figures


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_not_ready_without_its_queue(app: Flask, client: FlaskClient) -> None:

    parts = app.extensions["wenlu"]
    kept, parts.settings = parts.settings, replace(parts.settings, redis_url="redis://127.0.0.1:1/0")
    try:
        answer = client.get("/readyz")
    finally:
        parts.settings = kept
    assert answer.status_code == 503
    assert answer.json["queue"] == "failed"
    assert answer.json["database"] == "ok"
