"""How often one address may file, upload, guess and look: generous, then told when to try again."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import delete, select

from portal import clock
from portal.models.people import attempt
from portal.operations.limit_attempts import Limit
from portal.web import intake, limits
from portal.web.services import Services

SCHOOL = "203.0.113.7"
BODY = {"service_code": "park-repair", "lon": 121.640, "lat": 29.185, "accuracy_m": 10}


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch, parts: Services) -> Iterator[None]:
    """Limits of three instead of many; nothing counted yet."""
    soon, day = timedelta(minutes=10), timedelta(days=1)
    monkeypatch.setattr(intake, "REPORTS", (Limit("report", 3, soon), Limit("report", 5, day)))
    monkeypatch.setattr(intake, "PHOTOS", (Limit("photo", 3, soon),))
    monkeypatch.setattr(limits, "GUESSES", (Limit("find", 3, soon),))
    monkeypatch.setattr(limits, "_LOOKS", limits.MinuteCounts(3))
    yield
    with parts.database.transaction() as tx:
        tx.execute(delete(attempt))


@pytest.fixture
def school(client: FlaskClient, three: None) -> FlaskClient:
    client.environ_base["REMOTE_ADDR"] = SCHOOL
    return client


def photo() -> tuple[io.BytesIO, str]:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(out, "JPEG")
    return io.BytesIO(out.getvalue()), "a.jpg"


CALLS: dict[str, Callable[[FlaskClient], Any]] = {
    "report": lambda client: client.post("/api/v1/reports", json=BODY),
    "media": lambda client: client.post("/api/v1/media", data={"media": photo()}),
    "find": lambda client: client.get("/find?number=NQ7M4T2K9XWB3R"),
    "where": lambda client: client.post("/api/v1/where", json=BODY),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_enough_is_enough(school: FlaskClient, call: Callable[[FlaskClient], Any]) -> None:
    assert [call(school).status_code for _ in range(3)] == [ok(call)] * 3
    refused = call(school)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 600
    school.environ_base["REMOTE_ADDR"] = "203.0.113.8"
    assert call(school).status_code == ok(call)


def ok(call: Callable[[FlaskClient], Any]) -> int:
    return {"report": 201, "media": 201, "find": 303, "where": 200}[
        next(name for name, each in CALLS.items() if each is call)
    ]


@pytest.mark.parametrize(
    ("address", "other", "is_one"),
    [
        pytest.param("2001:db8:1:2::5", "2001:db8:1:2:ffff::9", True, id="one household"),
        pytest.param("2001:db8:1:2::5", "2001:db8:1:3::5", False, id="the next household"),
        pytest.param("::ffff:203.0.113.7", "203.0.113.7", True, id="IPv4 in IPv6"),
    ],
)
def test_what_counts_as_one_address(school: FlaskClient, address: str, other: str, is_one: bool) -> None:
    school.environ_base["REMOTE_ADDR"] = address
    for _ in range(3):
        CALLS["report"](school)
    school.environ_base["REMOTE_ADDR"] = other
    assert CALLS["report"](school).status_code == (429 if is_one else 201)


def test_the_day_has_a_limit_too_and_both_pass(school: FlaskClient) -> None:
    now = clock.now()

    def file(later: timedelta) -> tuple[int, int]:
        with clock.simulated(now + later):
            answer = CALLS["report"](school)
        return answer.status_code, int(answer.headers.get("Retry-After", 0))

    assert [file(timedelta())[0] for _ in range(3)] == [201] * 3
    assert file(timedelta(minutes=4)) == (429, 6 * 60)
    assert [file(timedelta(minutes=11))[0] for _ in range(2)] == [201] * 2
    status, wait = file(timedelta(minutes=30))
    assert status == 429
    assert wait == 23.5 * 3600
    assert file(timedelta(days=1, minutes=1))[0] == 201


def test_a_problem_document_says_when(school: FlaskClient) -> None:
    for _ in range(4):
        answer = CALLS["report"](school)
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == 429
    assert "try again in 10 minutes" in answer.json["detail"]


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Please try again in 10 minutes"), ("zh-CN", "请 10 分钟后再试")],
)
def test_the_form_comes_back_with_everything(
    school: FlaskClient, form: Callable[..., dict[str, Any]], language: str, words: str
) -> None:
    for _ in range(3):
        assert school.post("/report", data=form()).status_code == 303
    given = form(
        description="By the <pond>", name="Li Na", photo=photo(), client_request_id=str(uuid.uuid4())
    )
    answer = school.post("/report", data=given, headers={"Accept-Language": language})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert words in page
    for kept in ("By the &lt;pond&gt;", 'value="Li Na"', 'name="media"', given["client_request_id"]):
        assert kept in page, kept


def test_a_repetition_is_answered_and_not_counted(school: FlaskClient) -> None:
    given = BODY | {"client_request_id": str(uuid.uuid4())}
    first = school.post("/api/v1/reports", json=given).json["token"]
    assert school.post("/api/v1/reports", json=given).status_code == 200
    assert [CALLS["report"](school).status_code for _ in range(3)] == [201, 201, 429]
    again = school.post("/api/v1/reports", json=given)
    assert (again.status_code, again.json["token"]) == (200, first)


def test_what_does_not_hold_is_not_counted(school: FlaskClient) -> None:
    for _ in range(5):
        assert school.post("/api/v1/reports", json=BODY | {"lon": 999}).status_code == 422
    assert CALLS["report"](school).status_code == 201


def test_reports_that_exist_are_no_guesses(school: FlaskClient, file_one: Callable[..., Any]) -> None:
    token = file_one().token
    for _ in range(5):
        assert school.get(f"/find?number={token[:7]}-{token[7:].lower()}").status_code == 303
    assert CALLS["find"](school).status_code == 303


def test_a_trusted_network_is_not_limited(app: Flask, school: FlaskClient) -> None:
    parts: Services = app.extensions["wenlu"]
    before = parts.settings
    parts.settings = replace(before, unlimited_networks=(ip_network("203.0.113.0/24"),))
    try:
        for name, call in CALLS.items():
            assert {call(school).status_code for _ in range(5)} == {ok(call)}, name
    finally:
        parts.settings = before


def test_no_address_is_kept(school: FlaskClient, parts: Services) -> None:
    CALLS["report"](school)
    with parts.database.reading() as tx:
        rows = tx.execute(select(attempt)).all()
    assert len(rows) == 1
    assert SCHOOL.encode() not in rows[0].subject
    assert len(rows[0].subject) == 32


def test_an_intake_with_its_limits_costs_eight_statements_at_most(school: FlaskClient, counted: Any) -> None:
    CALLS["report"](school)
    with counted() as seen:
        CALLS["report"](school)
    assert len(seen) <= 8, seen
