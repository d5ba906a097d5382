"""One-tap pages: opened by anybody and anything without effect, answered once, never at the cost of what was typed."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image

from portal import clock
from portal.operations.move_report import Move
from portal.operations.prepare_photo import prepare_photo
from portal.operations.voice_links import link_for
from portal.web.services import Services

DONE = (Move("accept"), Move("resolve", closing_code="fixed", reason="dark", public_text="Mended on Monday."))
SCORES = {"speed": "4", "result": "5", "manner": "3"}


@pytest.fixture
def token(file_one: Any, move: Any) -> str:
    """A case that its unit says is done."""
    found = str(file_one().token)
    move(found, *DONE)
    return found


@pytest.fixture
def link(parts: Services, token: str) -> str:
    """The reporter's link, as the letter has it."""
    return address(parts, token, "reporter")


def address(parts: Services, token: str, role: str, closing_no: int = 1, days: float = 30) -> str:
    return f"/r/{token}/say/{link_for(role, closing_no, clock.now(), days).code(parts.keyring, token)}"


def csrf_of(page: str) -> str:
    return re.search(r'name="csrf_token" value="(\w+)"', page).group(1)  # type: ignore[union-attr]


def press(client: FlaskClient, where: str, to: str = "", **form: str) -> Any:
    """Open a page and press one of its buttons."""
    token = csrf_of(client.get(where).get_data(as_text=True))
    return client.post(to or where, data={"csrf_token": token} | form)


def state_of(client: FlaskClient, token: str) -> str:
    return str(client.get(f"/api/v1/reports/{token}").json["state"])


def test_scanners_that_open_the_link_change_nothing(client: FlaskClient, token: str, link: str) -> None:
    before = client.get(f"/api/v1/reports/{token}").json
    for _ in range(3):
        assert client.get(link).status_code == 200
        client.head(link)
    assert client.get(f"/api/v1/reports/{token}").json == before
    assert client.post(link, data={"says": "confirm"}).status_code == 403, "not without the page's own token"
    assert state_of(client, token) == "resolved"


@pytest.mark.parametrize(("says", "becomes"), [("confirm", "confirmed"), ("contest", "accepted")])
def test_one_tap_is_enough_and_a_second_harmless(
    client: FlaskClient, token: str, link: str, says: str, becomes: str
) -> None:
    page = client.get(link).get_data(as_text=True)
    assert "Mended on Monday." in page
    assert page.count('name="says"') == 2
    for _ in range(2):
        answer = client.post(link, data={"csrf_token": csrf_of(page), "says": says})
        assert (answer.status_code, answer.headers["Location"]) == (303, link)
    assert state_of(client, token) == becomes
    after = client.get(link).get_data(as_text=True)
    assert "Thank you." in after
    assert "How was it?" in after


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda parts, token: address(parts, token, "reporter") + "x", id="tampered"),
        pytest.param(lambda parts, token: address(parts, token, "reporter", days=-1), id="too old"),
        pytest.param(
            lambda parts, token: address(parts, "0" * 14, "reporter").replace("0" * 14, token, 1),
            id="another case",
        ),
    ],
)
def test_links_that_do_not_hold_are_refused(
    client: FlaskClient, parts: Services, token: str, spoil: Any
) -> None:
    where = spoil(parts, token)
    assert client.get(where).status_code == 403
    other = csrf_of(client.get(f"/r/{token}").get_data(as_text=True))
    assert client.post(where, data={"csrf_token": other, "says": "confirm"}).status_code == 403
    assert state_of(client, token) == "resolved"


def test_the_link_of_an_earlier_closing_answers_nothing(
    client: FlaskClient, token: str, link: str, move: Any
) -> None:
    press(client, link, says="contest")
    move(token, DONE[1])
    page = client.get(link).get_data(as_text=True)
    assert "earlier closing" in page
    assert 'name="says"' not in page
    assert client.post(link, data={"csrf_token": csrf_of(client.get(f"/r/{token}").get_data(as_text=True)),
                                   "says": "confirm"}).status_code == 409  # fmt: skip
    assert state_of(client, token) == "resolved"


def test_words_that_are_too_long_come_back(client: FlaskClient, token: str, link: str) -> None:
    answer = press(client, link, says="contest", reason="Still broken. " * 90)
    assert answer.status_code == 422
    assert "Still broken. Still broken." in answer.get_data(as_text=True)
    assert state_of(client, token) == "resolved"


def test_a_rating_is_kept_once_and_a_faulty_one_comes_back(
    client: FlaskClient, token: str, link: str
) -> None:
    faulty = press(client, link, f"{link}/rating", speed="4", manner="3", words="Quick, 13812345678")
    page = faulty.get_data(as_text=True)
    assert faulty.status_code == 422
    assert "Please choose one to five." in page
    assert 'name="speed" value="4" required checked' in page
    assert "Quick, 13812345678" in page
    assert press(client, link, f"{link}/rating", **SCORES, words="Quick, 13812345678").status_code == 303
    assert "Your rating is kept." in client.get(link).get_data(as_text=True)
    shown = client.get(f"/r/{token}").get_data(as_text=True)
    assert "Speed 4, result 5, manner 3 of 5" in shown
    assert "13812345678" not in shown
    again = client.post(f"{link}/rating", data={"csrf_token": csrf_of(shown)} | SCORES)
    assert again.status_code == 409


def test_a_code_rates_and_does_no_more(client: FlaskClient, parts: Services, token: str) -> None:
    guest = address(parts, token, "guest")
    page = client.get(guest).get_data(as_text=True)
    assert 'name="says"' not in page
    assert client.post(guest, data={"csrf_token": csrf_of(page), "says": "contest"}).status_code == 403
    assert press(client, guest, f"{guest}/rating", **SCORES).status_code == 303
    assert "Your rating is kept." in client.get(guest).get_data(as_text=True)
    assert state_of(client, token) == "resolved"


def test_neighbours_are_heard_apart_and_one_address_not_often(app: Any, token: str) -> None:
    statuses = []
    for _ in range(3):
        browser = app.test_client()
        browser.environ_base |= {"HTTP_ACCEPT_LANGUAGE": "en", "REMOTE_ADDR": "203.0.113.9"}
        page = browser.get(f"/r/{token}").get_data(as_text=True)
        statuses.append(
            browser.post(
                f"/r/{token}/voice", data={"csrf_token": csrf_of(page), "says": "contest"}
            ).status_code
        )
    assert statuses == [303, 303, 429]
    page = browser.get(f"/r/{token}").get_data(as_text=True)
    assert "Neighbours: 0 say yes, 2 say no" in page
    assert state_of(browser, token) == "resolved"


def test_the_reporters_own_page_asks_and_rates(
    client: FlaskClient, parts: Services, token: str, csrf: str
) -> None:
    client.post(f"/r/{token}/open", data={"secret": parts.keyring.reporter_secret(token), "csrf_token": csrf})
    assert client.post(f"/r/{token}/move/confirm", data={"csrf_token": csrf}).status_code == 303
    assert client.post(f"/r/{token}/rating", data={"csrf_token": csrf} | SCORES).status_code == 303
    page = client.get(f"/r/{token}").get_data(as_text=True)
    assert "The reporter: 1 says yes, 0 say no" in page
    assert "Speed 4, result 5, manner 3 of 5" in page
    assert f'action="/r/{token}/rating"' not in page, "asked once"
    link = address(parts, token, "reporter")
    assert "You said that it is so" in client.get(link).get_data(as_text=True), "one person by either way"


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [("", 422, "Please say in a few words"), ("Wrong. " * 200, 422, "under 1000 characters")],
)
def test_an_objection_that_is_refused_keeps_its_words(
    client: FlaskClient, token: str, csrf: str, words: str, status: int, says: str
) -> None:
    answer = client.post(f"/r/{token}/objection", data={"csrf_token": csrf, "text": words})
    page = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert says in page
    assert words.strip()[:100] in page


def test_an_objection_after_the_page_has_aged_or_too_often_keeps_its_words(
    client: FlaskClient, token: str, csrf: str
) -> None:
    stale = client.post(f"/r/{token}/objection", data={"csrf_token": "old", "text": "It is the park's."})
    assert stale.status_code == 403
    assert "It is the park&#39;s." in stale.get_data(as_text=True)
    for _ in range(7):
        last = client.post(f"/r/{token}/objection", data={"csrf_token": csrf, "text": "It is the park's."})
    assert last.status_code == 429
    assert "Retry-After" in last.headers
    assert "It is the park&#39;s." in last.get_data(as_text=True)


def photo(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 45), colour).save(out, "JPEG")
    return out.getvalue()


def test_before_and_after_stand_side_by_side(
    client: FlaskClient, file_one: Any, move: Any, parts: Services
) -> None:
    from sqlalchemy import select

    from portal.models.work import outbox

    token = file_one(photos=(photo("red"),)).token
    move(token, DONE[0], Move("resolve", closing_code="fixed", photos=(photo("green"),)))
    with parts.database.transaction() as tx:
        waiting = list(tx.scalars(select(outbox.c.id).where(outbox.c.job == "jobs.media.prepare_photo")))
    for outbox_id in waiting:
        with parts.database.transaction() as tx:
            prepare_photo(tx, parts.context, outbox_id)
    page = client.get(f"/r/{token}").get_data(as_text=True)
    figure = page[page.index('<figure class="compare"') : page.index("</figure>")]
    assert figure.count("<img") == 2
    assert "style=" not in figure
    assert "js/compare.js" in page
    assert "The photo does not say where it was taken" in page
