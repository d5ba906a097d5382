"""Filing and reading reports over the API: shapes, repetition, faults by field."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image

Body = Callable[..., dict[str, Any]]
WHERE = "/api/v1/where"
REPORTS = "/api/v1/reports"


def photo() -> tuple[io.BytesIO, str]:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    return io.BytesIO(out.getvalue()), "p.png"


def test_a_report_is_answered_with_all_of_the_contract(client: FlaskClient, body: Body) -> None:
    answer = client.post(REPORTS, json=body(client_request_id=str(uuid.uuid4())))
    assert answer.status_code == 201
    found = answer.json
    assert set(found) >= {
        "token",
        "url",
        "reporter_url",
        "unit",
        "promise",
        "receipt",
        "ambiguous",
        "duplicates",
    }
    assert found["unit"] == {"code": "street-wh1", "name": "Market Street Office"}
    assert found["url"] == answer.headers["Location"] == f"http://localhost/r/{found['token']}"
    address, _, secret = found["reporter_url"].partition("#")
    assert address == found["url"]
    assert len(secret) == 22  # 128 bits in base 64
    assert found["promise"]["due_at"].endswith("Z")
    assert found["receipt"]["lead"] == "street-wh1"
    assert "question" not in found


@pytest.mark.parametrize(
    ("second", "status", "is_same"),
    [
        pytest.param({}, 200, True, id="same id, same body"),
        pytest.param({"description": "Another bench"}, 409, False, id="same id, other body"),
        pytest.param({"client_request_id": "another"}, 201, False, id="other id, same body"),
    ],
)
def test_repetition(
    client: FlaskClient, body: Body, second: dict[str, Any], status: int, is_same: bool
) -> None:
    given = body(client_request_id=str(uuid.uuid4()))
    first = client.post(REPORTS, json=given).json
    changed = {key: str(uuid.uuid4()) if value == "another" else value for key, value in second.items()}
    answer = client.post(REPORTS, json=given | changed)
    assert answer.status_code == status
    assert (answer.json.get("reporter_url") == first["reporter_url"]) is is_same


def test_without_an_id_every_report_is_its_own(client: FlaskClient, body: Body) -> None:
    tokens = {client.post(REPORTS, json=body()).json["token"] for _ in range(3)}
    assert len(tokens) == 3


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        pytest.param({"service_code": None}, 422, "service_code", id="no service"),
        pytest.param({"service_code": 7}, 422, "service_code", id="service as a number"),
        pytest.param({"lon": None, "lat": None}, 422, "place", id="no place"),
        pytest.param({"lon": None}, 422, "place", id="half a place"),
        pytest.param({"lon": "east"}, 422, "lon", id="longitude in words"),
        pytest.param({"lon": True}, 422, "lon", id="longitude as a truth value"),
        pytest.param({"lon": 29.2, "lat": 121.6}, 422, "place", id="swapped"),
        pytest.param({"accuracy_m": -1}, 422, "accuracy_m", id="negative accuracy"),
        pytest.param({"datum": "mars"}, 422, "datum", id="unknown datum"),
        pytest.param({"client_request_id": "one"}, 422, "client_request_id", id="an id that is no UUID"),
        pytest.param({"answers": ["a"]}, 422, "answers", id="answers as a list"),
        pytest.param({"answers": {"x": {"y": 1}}}, 422, "answers.x", id="an answer as an object"),
        pytest.param({"service_code": "pothole"}, 422, "answers.depth", id="question not answered"),
        pytest.param({"contact": "me"}, 422, "contact", id="contact as text"),
        pytest.param({"contact": {"email": "no"}}, 422, "email", id="bad e-mail"),
        pytest.param({"contact": {"email": 5}}, 422, "email", id="e-mail as a number"),
        pytest.param({"media": ["NOSUCHTOKEN123"]}, 422, "media", id="a photo that is not there"),
        pytest.param({"media": "x"}, 422, "media", id="media as text"),
        pytest.param({"media": ["\x00"]}, 422, "media", id="a photo id that is no text"),
        pytest.param({"anonymous": "perhaps"}, 422, "anonymous", id="neither true nor false"),
        pytest.param({"description": "x" * 4001}, 422, "description", id="too long"),
        pytest.param({"description": ["x"]}, 422, "description", id="description as a list"),
    ],
)
def test_a_fault_is_a_problem_document(
    client: FlaskClient, body: Body, changes: dict[str, Any], status: int, field: str
) -> None:
    answer = client.post(REPORTS, json=body(**changes))
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == status
    assert list(answer.json["fields"]) == [field]
    assert answer.json["fields"][field]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"{", 400, id="broken JSON"),
        pytest.param(b"[]", 422, id="a list"),
        pytest.param(b'{"lon": NaN, "lat": 1, "service_code": "park-repair"}', 422, id="not a number"),
        pytest.param(b'{"service_code": "\\u0000"}', 422, id="a zero byte"),
        pytest.param(
            b'{"lon": 1e999, "lat": 1, "service_code": "park-repair"}', 422, id="beyond all numbers"
        ),
    ],
)
def test_a_body_that_is_none(client: FlaskClient, data: bytes, status: int) -> None:
    answer = client.post(REPORTS, data=data, content_type="application/json")
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({"answers": json.dumps({"depth": "large"})}, id="as JSON text"),
        pytest.param({"answers[depth]": "large"}, id="as a field of its own"),
    ],
)
def test_multipart_with_photos(client: FlaskClient, body: Body, answers: dict[str, str]) -> None:
    given = (
        body(service_code="pothole", media=[photo(), photo()])
        | answers
        | {"contact[email]": "li@example.org"}
    )
    answer = client.post(REPORTS, data=given)
    assert answer.status_code == 201, answer.json
    read = client.get(f"{REPORTS}/{answer.json['token']}").json
    assert read["history"][0]["photos"] == 2
    assert [each["kind"] for each in read["history"]] == ["request.submitted", "request.routed"]


def test_photos_beforehand(client: FlaskClient, body: Body) -> None:
    stored = client.post("/api/v1/media", data={"media": photo()})
    assert stored.status_code == 201
    filed = client.post(REPORTS, json=body(media=stored.json["ids"]))
    assert filed.status_code == 201
    again = client.post(REPORTS, json=body(media=stored.json["ids"]))
    assert again.json["fields"]["media"] == "A photo has expired. Please add it again."


@pytest.mark.parametrize(
    "given", [{}, {"media": (io.BytesIO(b"<svg onload=alert(1)>"), "a.jpg")}], ids=["nothing", "not a photo"]
)
def test_media_refused(client: FlaskClient, given: dict[str, Any]) -> None:
    answer = client.post("/api/v1/media", data=given)
    assert answer.status_code == 422
    assert "media" in answer.json["fields"]


def test_where_answers_as_filing_does_and_stores_nothing(client: FlaskClient, body: Body) -> None:
    before = len(client.get(f"{REPORTS}?limit=100").json["reports"])
    asked = client.post(WHERE, json=body()).json
    by_address = client.get(WHERE, query_string=body()).json
    assert asked == by_address
    assert len(client.get(f"{REPORTS}?limit=100").json["reports"]) == before
    filed = client.post(REPORTS, json=body()).json
    assert {key: filed[key] for key in ("unit", "receipt", "ambiguous")} == {
        key: asked[key] for key in ("unit", "receipt", "ambiguous")
    }


@pytest.mark.parametrize(
    ("at", "priority"),
    [
        ("2026-11-16T21:00:00+08:00", "high"),
        ("2026-11-16T10:00:00+08:00", "normal"),
        ("2026-11-16T21:00:00", "high"),
    ],
    ids=["at night", "by day", "at night, the city's own time"],
)
def test_where_at_another_time(client: FlaskClient, body: Body, at: str, priority: str) -> None:
    school = client.get("/api/v1/layers/school").json["features"][0]["geometry"]["coordinates"]
    asked = body(service_code="street-light", lon=school[0], lat=school[1], at=at)
    assert client.post(WHERE, json=asked).json["receipt"]["priority"] == priority


def test_where_shows_likely_duplicates(client: FlaskClient, body: Body) -> None:
    spot = {"lon": 121.5701, "lat": 29.2302}
    first = client.post(REPORTS, json=body(**spot, description="Broken swing, call 13912345678")).json[
        "token"
    ]
    (twin, *_) = client.post(WHERE, json=body(**spot)).json["duplicates"]
    assert (twin["token"], twin["distance_m"]) == (first, 0)
    assert "13912345678" not in twin["text"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"at": "noon"}, "at", id="a time in words"),
        pytest.param({"service_code": "x"}, "service_code", id="unknown service"),
        pytest.param({"lat": None}, "place", id="half a place"),
    ],
)
def test_where_refuses(client: FlaskClient, body: Body, changes: dict[str, Any], field: str) -> None:
    answer = client.post(WHERE, json=body(**changes))
    assert (answer.status_code, list(answer.json["fields"])) == (422, [field])


@pytest.mark.parametrize(
    ("service", "group"),
    [("open", "open"), ("closed", "closed"), ("routed", "open"), ("nonsense", None)],
    ids=["open", "closed", "one state", "a state that is none"],
)
def test_list_by_state(client: FlaskClient, body: Body, service: str, group: str | None) -> None:
    client.post(REPORTS, json=body())
    rows = client.get(f"{REPORTS}?state={service}").json["reports"]
    assert {row["status"] for row in rows} <= ({group} if group else set())
    assert bool(rows) is (service in ("open", "routed"))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("bbox=121.5,29.1,121.7,29.3", 200),
        ("bbox=1,2,3", 422),
        ("bbox=a,b,c,d", 422),
        ("bbox=nan,nan,nan,nan", 422),
        ("bbox=10,0,-10,5", 422),
        ("limit=0", 422),
        ("limit=101", 422),
        ("limit=²", 422),
        ("unit=%27%20OR%201=1--", 200),
        ("service_code=%00", 400),
    ],
)
def test_list_parameters(client: FlaskClient, query: str, status: int) -> None:
    answer = client.get(f"{REPORTS}?{query}")
    assert answer.status_code == status


def test_unknown_report_and_method(client: FlaskClient) -> None:
    assert client.get(f"{REPORTS}/NOPE").status_code == 404
    wrong = client.delete(REPORTS)
    assert (wrong.status_code, wrong.content_type) == (405, "application/problem+json")
    assert "GET" in wrong.headers["Allow"]
