"""The page of one report: what everybody sees, what only its reporter sees, and the ways in."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from portal import clock
from portal.models.report import media, report
from portal.operations.move_report import Move
from portal.operations.store_photo import SHOWN, store_photo
from portal.operations.submission import Contact
from portal.web.services import Services

HOSTILE = '<script>alert(1)</script>" onload=x {{7*7}} %(unit)s ‮ 13912345678 li@example.org'
PERSONAL = ("13912345678", "li@example.org", "Li Na", "13800138000")
RESOLVED = (
    Move("accept"),
    Move("resolve", closing_code="fixed", reason="no camera", public_text="Done <b>now</b>"),
)
# In a park, 20 m inside its edge: told to be sensitive, its exact place must not show.
EXACT = (121.640123, 29.185456)


def page_of(client: FlaskClient, token: str) -> str:
    answer = client.get(f"/r/{token}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def enter(client: FlaskClient, parts: Services, token: str, csrf: str) -> None:
    secret = parts.keyring.reporter_secret(token)
    answer = client.post(f"/r/{token}/open", data={"secret": secret, "csrf_token": csrf})
    assert answer.status_code == 303


def test_everybody_sees_unit_reason_promise_and_history(
    client: FlaskClient, file_one: Any, move: Any
) -> None:
    token = file_one().token
    move(token, *RESOLVED)
    page = page_of(client, token)
    for words in (
        "Damage in a park", "Market Street Office", "answers because the place lies in", "on time",
        "City Coordination Centre says it is done", "fixed", "Done &lt;b&gt;now&lt;/b&gt;", "Done, says the unit",
    ):  # fmt: skip
        assert words in page
    assert "/move/confirm" not in page
    assert "The reporter decides." in page, "neighbours may say, too"


def test_custody_names_each_unit_and_why_it_was_handed_on(
    client: FlaskClient, file_one: Any, move: Any
) -> None:
    token = file_one().token
    move(token, Move("transfer", reason="not_our_service", to_unit="parks"))
    page = page_of(client, token)
    chain = page[page.index("In whose hands") :]
    assert chain.index("Market Street Office") < chain.index("Parks Department")
    assert "handed on: not our task" in chain


def test_hostile_text_stays_text_and_contact_details_stay_private(
    client: FlaskClient, file_one: Any, parts: Services
) -> None:
    who = Contact("Li Na", "li@example.org", "13800138000")
    token = file_one(description=HOSTILE, contact=who).token
    for address in (
        f"/r/{token}",
        "/",
        "/map",
        "/units/street-wh1",
        f"/api/v1/reports/{token}",
        "/api/v1/reports",
    ):
        shown = client.get(address).get_data(as_text=True)
        assert not [word for word in PERSONAL if word in shown], address
        if not address.startswith("/api"):
            assert "&lt;script&gt;alert(1)" in shown
            assert "<script>alert" not in shown
    assert "{{7*7}}" in page_of(client, token)


@pytest.mark.parametrize("way", ["page", "list", "map", "api"])
def test_a_sensitive_place_is_never_exact_in_public(client: FlaskClient, file_one: Any, way: str) -> None:
    lon, lat = EXACT
    answers = {"noise-source": ("shop",)}
    token = file_one("noise", lon=lon, lat=lat, answers=answers, description="Loud").token
    address = {
        "page": f"/r/{token}", "list": "/api/v1/reports?limit=100", "map": "/api/v1/map/reports",
        "api": f"/api/v1/reports/{token}",
    }[way]  # fmt: skip
    shown = client.get(address).get_data(as_text=True)
    assert token in shown
    assert "121.6401" not in shown
    assert "29.1854" not in shown


def test_the_reporter_sees_own_words_and_place(
    client: FlaskClient, app: Flask, file_one: Any, parts: Services, csrf: str
) -> None:
    lon, lat = EXACT
    token = file_one(
        "noise", lon=lon, lat=lat, answers={"noise-source": ("shop",)}, description="Call 13912345678"
    ).token
    other = file_one().token
    enter(client, parts, token, csrf)
    page = page_of(client, token)
    assert "13912345678" in page
    assert "121.640123" in page
    assert "I filed this report" in page_of(client, other)
    assert "13912345678" not in page_of(app.test_client(), token)


@pytest.mark.parametrize("secret", ["", "A" * 22, "of another"])
def test_a_wrong_secret_opens_nothing(
    client: FlaskClient, file_one: Any, parts: Services, csrf: str, secret: str
) -> None:
    token = file_one().token
    given = parts.keyring.reporter_secret(file_one().token) if secret == "of another" else secret
    answer = client.post(f"/r/{token}/open", data={"secret": given, "csrf_token": csrf})
    assert answer.status_code == 403
    assert client.get(f"/r/{token}/filed").status_code == 303
    assert client.post(f"/r/{token}/move/confirm", data={"csrf_token": csrf}).status_code == 403


def test_a_one_time_link_works_once_and_by_button_only(
    client: FlaskClient, app: Flask, file_one: Any, parts: Services, csrf: str, hidden: Any
) -> None:
    token = file_one().token
    enter(client, parts, token, csrf)
    filed = client.get(f"/r/{token}/filed").get_data(as_text=True)
    link = re.search(rf'href="http://localhost(/r/{token}/open/[^"]+)"', filed).group(1)
    second, third = app.test_client(), app.test_client()
    for _ in range(3):  # a mail scanner opens links, but presses no buttons
        page = second.get(link).get_data(as_text=True)
    assert second.post(link, data={"csrf_token": hidden(page, "csrf_token")}).status_code == 303
    assert second.get(f"/r/{token}/filed").status_code == 200
    page = third.get(link).get_data(as_text=True)
    assert third.post(link, data={"csrf_token": hidden(page, "csrf_token")}).status_code == 403
    assert third.get(f"/r/{token}/filed").status_code == 303


@pytest.mark.parametrize(
    ("action", "state"),
    [
        pytest.param("confirm", "confirmed", id="confirm"),
        pytest.param("contest", "accepted", id="contest reopens"),
    ],
)
def test_the_reporter_judges_the_outcome(
    client: FlaskClient, file_one: Any, move: Any, parts: Services, csrf: str, action: str, state: str
) -> None:
    token = file_one().token
    move(token, *RESOLVED)
    enter(client, parts, token, csrf)
    assert "Is it really done?" in page_of(client, token)
    given = {"csrf_token": csrf, "reason": "Still broken"}
    assert client.post(f"/r/{token}/move/{action}", data=given).status_code == 303
    with parts.database.reading() as tx:
        assert tx.scalar(select(report.c.state).where(report.c.token == token)) == state
    assert client.post(f"/r/{token}/move/accept", data=given).status_code == 404


def test_a_private_report_shows_no_words(client: FlaskClient, file_one: Any) -> None:
    answers = {"about-unit": ("parks",)}
    token = file_one("unit-complaint", about_unit="parks", answers=answers, description="They shouted").token
    page = page_of(client, token)
    assert "This report is private" in page
    assert "They shouted" not in page
    assert "They shouted" not in client.get(f"/api/v1/reports/{token}").get_data(as_text=True)
    assert token not in client.get("/api/v1/reports?limit=100").get_data(as_text=True)
    assert token not in client.get("/").get_data(as_text=True)


@pytest.mark.parametrize(
    ("later", "moves", "word"),
    [
        pytest.param(timedelta(hours=1), RESOLVED, "on time", id="closed before"),
        pytest.param(timedelta(days=90), RESOLVED, "late", id="closed after"),
        pytest.param(timedelta(days=90), (), "overdue", id="open after"),
    ],
)
def test_the_promise_is_judged(
    client: FlaskClient, file_one: Any, move: Any, later: timedelta, moves: tuple[Move, ...], word: str
) -> None:
    token = file_one().token
    with clock.simulated(clock.now() + later):
        move(token, *moves)
        page = page_of(client, token)
    promise = page[page.index("Promise</dt>") : page.index("Reported</dt>")]
    assert word in promise


def test_only_safe_photos_are_served(client: FlaskClient, file_one: Any, parts: Services) -> None:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (10, 10)).save(out, "PNG")
    with parts.database.transaction() as tx:
        name = store_photo(tx, parts.context, out.getvalue())
    token = file_one(media=(name,)).token
    assert client.get(f"/r/{token}/photo/{name}/shown").status_code == 404
    assert client.get(f"/r/{token}/photo/{name}/original").status_code == 404
    parts.store.put(f"{name}/{SHOWN}", b"safe")
    with parts.database.transaction() as tx:
        tx.execute(update(media).where(media.c.token == name).values(state="ready"))
    assert client.get(f"/r/{token}/photo/{name}/shown").data == b"safe"
    assert client.get(f"/r/{token}/photo/{name}/original").status_code == 404
    assert client.get(f"/r/{file_one().token}/photo/{name}/shown").status_code == 404


@pytest.mark.parametrize(
    ("typed", "goes_to"),
    [
        pytest.param("abcd-efgh 1234 56", "/r/ABCDEFGH123456", id="spaces, hyphens, small letters"),
        pytest.param(
            "OILO OILO OILO OI",
            "/r/01100110011001",
            id="mistaken letters",
        ),
        pytest.param("  ", "/", id="nothing"),
        pytest.param("//evil.example/xyz", "/r/EV11EXAMP1EXYZ", id="an address stays on our site"),
    ],
)
def test_look_up(client: FlaskClient, typed: str, goes_to: str) -> None:
    answer = client.get("/find", query_string={"number": typed})
    assert (answer.status_code, answer.headers["Location"]) == (303, goes_to)
    assert client.get("/r/N0TH1NGHERE").status_code == 404


@pytest.fixture
def ambiguous(file_one: Any, parts: Services) -> str:
    """A lamp just inside the edge of a park, by a phone that is sure to 40 m only."""
    view = parts.cities._views[parts.jurisdiction_id]
    park = next(layer for layer in view.router.city.index.layers if layer.name == "park").boundaries[0]
    edge = park.geometry.exterior.interpolate(0.3, normalized=True)
    middle = park.geometry.representative_point()
    lon, lat = (edge.x + (middle.x - edge.x) * 0.005, edge.y + (middle.y - edge.y) * 0.005)
    filed = file_one("street-light", lon=lon, lat=lat, accuracy_m=40.0, answers={"lamp-fault": ("dark",)})
    assert filed.question_code == "park-or-street"
    return filed.token


def test_the_question_is_asked_of_the_reporter_alone(
    client: FlaskClient, app: Flask, ambiguous: str, parts: Services, csrf: str
) -> None:
    enter(client, parts, ambiguous, csrf)
    assert "Is the lamp in the park or on the street?" in page_of(client, ambiguous)
    assert "Is the lamp in the park" not in page_of(app.test_client(), ambiguous)
    given = {"csrf_token": csrf, "q.park-or-street": "street"}
    assert client.post(f"/r/{ambiguous}/answer", data=given).status_code == 303
    page = page_of(client, ambiguous)
    assert "Is the lamp in the park" not in page
    assert "Street Lighting Department" in page
    assert "The reporter answered the question" in page
