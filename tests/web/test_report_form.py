"""The report form without JavaScript: what is taken, what comes back, and that nothing typed is lost."""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select

from portal.models.report import contact, media, report
from portal.models.work import outbox
from portal.operations.submission import FORM_PHOTOS, MAX_PHOTOS
from portal.web.services import Services

Form = Callable[..., dict[str, Any]]


def photo(colour: str = "red", name: str = "a.jpg") -> tuple[io.BytesIO, str]:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "JPEG")
    return io.BytesIO(out.getvalue()), name


def stored(parts: Services, token: str) -> Any:
    with parts.database.reading() as tx:
        columns = (report, func.ST_X(report.c.geom).label("lon"), func.ST_Y(report.c.geom).label("lat"))
        return tx.execute(select(*columns).where(report.c.token == token)).one()


def count(parts: Services) -> int:
    with parts.database.reading() as tx:
        return tx.scalar(select(func.count()).select_from(report))


def token_of(answer: Any) -> str:
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.headers["Location"].split("/")[2]


def test_a_report_is_filed_and_named(client: FlaskClient, form: Form, parts: Services) -> None:
    answer = client.post("/report", data=form(email="li@example.org", photo=photo()))
    token = token_of(answer)
    page = client.get(answer.headers["Location"]).get_data(as_text=True)
    assert "Market Street Office answers for this" in page
    assert f"http://localhost/r/{token}#{parts.keyring.reporter_secret(token)}" in page
    assert "By " in page
    row = stored(parts, token)
    assert (row.channel, row.lead_unit, row.accuracy_m, row.locale) == ("web", "street-wh1", 12, "en")
    with parts.database.reading() as tx:
        assert tx.scalar(select(func.count()).select_from(media).where(media.c.report_id == row.id)) == 1
        assert tx.scalar(select(contact.c.has_email).where(contact.c.report_id == row.id)) is True


@pytest.mark.parametrize(
    ("left", "channel", "known", "told"),
    [
        pytest.param({"phone": "13800001111"}, "email", (False, True), 1, id="a telephone alone"),
        pytest.param({"phone": "13800001111", "channel": "sms"}, "sms", (False, True), 1, id="chose SMS"),
        pytest.param(
            {"email": "li@example.org", "channel": "pigeon"}, "email", (True, False), 1, id="no such way"
        ),
        pytest.param({"name": "Li"}, "email", (False, False), 0, id="a name alone"),
    ],
)
def test_how_a_resident_wants_to_be_told_is_kept_and_the_confirmation_asked_for(
    client: FlaskClient,
    form: Form,
    parts: Services,
    left: dict[str, str],
    channel: str,
    known: Any,
    told: int,
) -> None:
    row = stored(parts, token_of(client.post("/report", data=form(**left))))
    with parts.database.reading() as tx:
        kept = tx.execute(select(contact).where(contact.c.report_id == row.id)).one()
        sent = tx.scalars(
            select(outbox.c.payload).where(outbox.c.payload["report_id"].as_integer() == row.id)
        ).all()
    assert (kept.channel, (kept.has_email, kept.has_phone)) == (channel, known)
    assert [each["to"] for each in sent if each["template"] == "received"].count("reporter") == told


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        pytest.param({"service_code": ""}, "Please choose what it is about.", id="no service"),
        pytest.param({"service_code": "no-such"}, "Please choose what it is about.", id="unknown service"),
        pytest.param({"lon": "", "lat": ""}, "Please mark the place on the map", id="no place"),
        pytest.param(
            {"lat": "north"}, "coordinates as plain numbers", id="place in words in a number's field"
        ),
        pytest.param({"lon": "29.1", "lat": "121.6"}, "may be swapped", id="swapped"),
        pytest.param({"lon": "", "lat": "", "area": "street:NOPE"}, "choose an area", id="unknown area"),
        pytest.param({"channel": "sms"}, "telephone number to which an SMS", id="SMS to no number"),
        pytest.param({"email": "not an address"}, "e-mail address does not look right", id="bad e-mail"),
        pytest.param({"phone": "call me"}, "telephone number does not look right", id="bad telephone"),
        pytest.param({"service_code": "pothole"}, "Please answer this question.", id="question not answered"),
        pytest.param(
            {"service_code": "pothole", "q.depth": "bottomless"},
            "one of the answers offered",
            id="answer not offered",
        ),
        pytest.param(
            {"service_code": "water-leak", "q.leak-kind": "own"},
            "behind your own meter are yours",
            id="an answer that stops",
        ),
        pytest.param({"service_code": "illegal-poster"}, "needs a photo", id="photo required"),
        pytest.param({"photo": (io.BytesIO(b"%PDF-1.7"), "a.jpg")}, "not a photo", id="not a photo"),
    ],
)
def test_a_fault_is_named_and_nothing_is_lost(
    client: FlaskClient, form: Form, parts: Services, changes: dict[str, Any], fault: str
) -> None:
    before = count(parts)
    typed = {"description": "By the <pond>", "name": "Li Na", "place_words": "beside No. 7"} | changes
    answer = client.post("/report", data=form(**typed))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert fault in page
    assert "By the &lt;pond&gt;" in page
    for name in ("name", "place_words", *(key for key in changes if key in ("email", "phone", "lat"))):
        assert f'value="{typed[name]}"' in page, name
    assert count(parts) == before


def test_all_faults_are_named_at_once_in_the_order_of_the_page(client: FlaskClient, form: Form) -> None:
    given = form(
        service_code="pothole", lat="north", place_words="x" * 501, description="y" * 4001, email="wrong",
        phone="call me", photo=[photo(name=f"{n}.jpg") for n in range(4)],
    )  # fmt: skip
    page = client.post("/report", data=given).get_data(as_text=True)
    named = re.findall(r'<li><a href="#(at-[^"]*)">', page)
    assert named == [
        "at-answers.depth", "at-place", "at-place", "at-description", "at-media", "at-email", "at-email",
    ]  # fmt: skip
    for anchor in named:
        assert f'id="{anchor}"' in page, anchor
    assert f"at most {FORM_PHOTOS} photos" in page
    assert f'multiple data-most="{FORM_PHOTOS}"' in client.get("/report").text  # for the thumbnails
    assert FORM_PHOTOS <= MAX_PHOTOS


@pytest.mark.parametrize(
    ("service", "photos", "named"),
    [
        pytest.param("", [], ["at-service_code", "at-email"], id="no service chosen"),
        pytest.param(
            "park-repair", [(b"%PDF-1.7", "a.jpg")], ["at-media", "at-email"], id="what is no photo"
        ),
    ],
)
def test_one_fault_hides_no_other(
    client: FlaskClient, form: Form, service: str, photos: list[tuple[bytes, str]], named: list[str]
) -> None:
    files = [(io.BytesIO(content), name) for content, name in photos]
    answer = client.post("/report", data=form(service_code=service, email="wrong", photo=files))
    assert re.findall(r'<li><a href="#(at-[^"]*)">', answer.get_data(as_text=True)) == named


@pytest.mark.parametrize(
    ("changes", "is_open"),
    [
        pytest.param({"email": "wrong"}, False, id="a fault elsewhere"),
        pytest.param({"lat": "north"}, True, id="a coordinate in words"),
        pytest.param({"lon": "29.1", "lat": "121.6"}, True, id="swapped"),
        pytest.param({"area": "street:CN1"}, True, id="another area"),
    ],
)
def test_faulty_fields_are_not_folded_away(
    client: FlaskClient, form: Form, changes: dict[str, Any], is_open: bool
) -> None:
    page = client.post("/report", data=form(**changes)).get_data(as_text=True)
    assert ('<details id="other-place" open' in page) is is_open


def test_photos_need_not_be_chosen_again(
    client: FlaskClient, form: Form, parts: Services, hidden: Any
) -> None:
    page = client.post("/report", data=form(email="wrong", photo=[photo(), photo("blue", "b.jpg")]))
    kept = hidden(page.get_data(as_text=True), "media")
    assert page.get_data(as_text=True).count('name="media"') == 2
    token = token_of(client.post("/report", data=form(media=kept)))
    with parts.database.reading() as tx:
        row = stored(parts, token)
        assert tx.scalar(select(media.c.token).where(media.c.report_id == row.id)) == kept


@pytest.mark.parametrize(
    ("media_kept", "chosen", "status"),
    [
        pytest.param(0, 3, 303, id="three"),
        pytest.param(0, 4, 422, id="four"),
        pytest.param(2, 2, 422, id="two and two"),
    ],
)
def test_at_most_three_photos(
    client: FlaskClient, form: Form, media_kept: int, chosen: int, status: int
) -> None:
    kept = [f"KEPT{n}" for n in range(media_kept)]
    photos = [photo(name=f"{n}.jpg") for n in range(chosen)]
    assert client.post("/report", data=form(media=kept, photo=photos)).status_code == status


def test_the_same_form_twice_is_one_report(client: FlaskClient, form: Form, parts: Services) -> None:
    given = form()
    first = token_of(client.post("/report", data=given | {"photo": photo()}))
    before = count(parts)
    assert token_of(client.post("/report", data=given | {"photo": photo()})) == first
    assert count(parts) == before


def test_going_back_and_changing_it_asks_first(
    client: FlaskClient, form: Form, parts: Services, hidden: Any
) -> None:
    given = form()
    client.post("/report", data=given)
    before = count(parts)
    answer = client.post("/report", data=given | {"description": "Another bench"})
    assert answer.status_code == 409
    assert "already sent from this page" in answer.get_data(as_text=True)
    assert count(parts) == before
    again = hidden(answer.get_data(as_text=True), "client_request_id")
    token_of(
        client.post("/report", data=given | {"description": "Another bench", "client_request_id": again})
    )
    assert count(parts) == before + 1


def test_an_area_instead_of_a_point(client: FlaskClient, form: Form, parts: Services) -> None:
    given = form(lon="", lat="", accuracy_m="", area="street:WH1", place_words="behind  the market")
    row = stored(parts, token_of(client.post("/report", data=given)))
    assert (row.lead_unit, row.accuracy_m, row.place_flag) == ("street-wh1", 500, "area")
    assert row.description == row.public_text == "Place: behind the market\nThe bench is broken"


@pytest.mark.parametrize("face", ["form", "api"])
def test_a_point_within_the_chosen_area_wins(
    client: FlaskClient, form: Form, parts: Services, face: str
) -> None:
    given = form(area="street:WH1")
    if face == "form":
        token = token_of(client.post("/report", data=given))
    else:
        token = client.post("/api/v1/reports", json=given).json["token"]
    row = stored(parts, token)
    assert (row.lon, row.lat, row.accuracy_m, row.place_flag) == (121.64, 29.185, 12, None)


@pytest.mark.parametrize("face", ["form", "api"])
def test_a_point_outside_the_chosen_area_is_asked_about(
    client: FlaskClient, form: Form, parts: Services, face: str
) -> None:
    before = count(parts)
    given = form(area="street:CN1", name="Li Na")
    if face == "form":
        answer = client.post("/report", data=given)
        page = answer.get_data(as_text=True)
        assert "Which one is meant?" in page
        assert 'value="street:CN1" selected' in page
        for kept in ("121.64", "29.185", "Li Na"):
            assert f'value="{kept}"' in page, kept
    else:
        answer = client.post("/api/v1/reports", json=given)
        assert "Which one is meant?" in answer.json["fields"]["place"]
    assert answer.status_code == 422
    assert count(parts) == before


def test_an_area_can_be_looked_at_first(client: FlaskClient) -> None:
    answer = client.post("/api/v1/where", json={"service_code": "park-repair", "area": "street:WH1"})
    assert answer.json["unit"]["code"] == "street-wh1"


@pytest.mark.parametrize(
    ("service", "is_public"),
    [
        pytest.param("park-repair", True, id="a bench"),
        pytest.param("corridor-clutter", False, id="a stairwell: sensitive"),
    ],
)
@pytest.mark.parametrize("face", ["form", "api"])
def test_the_place_in_words_is_kept_apart(
    client: FlaskClient, form: Form, parts: Services, service: str, is_public: bool, face: str
) -> None:
    where = f"Gate 3, flat {uuid.uuid4().hex}"
    given = form(service_code=service, place_words=where, description="It is blocked")
    if face == "form":
        token = token_of(client.post("/report", data=given))
    else:
        filed = client.post(
            "/api/v1/reports", json={name: given[name] for name in given if name != "csrf_token"}
        )
        token = filed.json["token"]
    assert stored(parts, token).description == f"Place: {where}\nIt is blocked"
    anybody = client.application.test_client()
    near = {"service_code": service, "lon": given["lon"], "lat": given["lat"]}
    seen = [
        anybody.get(f"/r/{token}"), anybody.get(f"/api/v1/reports/{token}"), anybody.get("/"), anybody.get("/map"),
        anybody.get("/api/v1/reports"), anybody.get("/api/v1/map/reports"), anybody.post("/api/v1/where", json=near),
    ]  # fmt: skip
    shown = [(where in each.get_data(as_text=True)) for each in seen]
    assert all(each.status_code == 200 for each in seen)
    assert any(shown) is is_public, shown


@pytest.mark.parametrize(
    ("waste", "count_given", "kept"),
    [
        pytest.param("bulky", "3", {"waste-type": ["bulky"], "item-count": ["3"]}, id="asked"),
        pytest.param("household", "3", {"waste-type": ["household"]}, id="not asked: left out"),
    ],
)
def test_only_questions_that_were_asked_count(
    client: FlaskClient, form: Form, parts: Services, waste: str, count_given: str, kept: dict[str, list[str]]
) -> None:
    given = form(service_code="missed-collection", **{"q.waste-type": waste, "q.item-count": count_given})
    assert stored(parts, token_of(client.post("/report", data=given))).answers == kept


def test_questions_can_be_shown_first(client: FlaskClient, form: Form) -> None:
    answer = client.post("/report", data=form(service_code="noise", show_questions="1"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "Where does the noise come from?" in page
    assert 'class="fault"' not in page
    assert "The bench is broken" in page


def test_anonymous_keeps_no_contact(client: FlaskClient, form: Form, parts: Services) -> None:
    given = form(anonymous="1", name="Li Na", email="li@example.org", phone="13800138000")
    row = stored(parts, token_of(client.post("/report", data=given)))
    with parts.database.reading() as tx:
        assert tx.scalar(select(func.count()).select_from(contact).where(contact.c.report_id == row.id)) == 0
    assert row.is_anonymous


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        pytest.param("", {}, id="no token"),
        pytest.param("0" * 43, {}, id="a made-up token"),
        pytest.param(None, {"Sec-Fetch-Site": "cross-site"}, id="from another site, says the browser"),
        pytest.param(None, {"Origin": "https://evil.example"}, id="from another origin"),
    ],
)
def test_a_form_of_another_site_is_refused(
    client: FlaskClient, form: Form, parts: Services, token: str | None, headers: dict[str, str]
) -> None:
    before = count(parts)
    given = form() | ({} if token is None else {"csrf_token": token})
    assert client.post("/report", data=given, headers=headers).status_code == 403
    assert count(parts) == before


@pytest.mark.parametrize("has_cookie", [True, False], ids=["another token", "the cookie has gone"])
def test_a_form_that_was_open_too_long_comes_back_whole(
    app: Any, client: FlaskClient, form: Form, hidden: Any, has_cookie: bool
) -> None:
    late = client if has_cookie else app.test_client()
    given = form(
        csrf_token="0" * 43, description="By the <pond>", name="Li Na", area="street:WH1", photo=photo(),
        service_code="pothole", **{"q.depth": "large"},
    )  # fmt: skip
    answer = late.post("/report", data=given)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 403
    assert "open for too long" in page or "页面打开时间过长" in page
    for kept in (
        "By the &lt;pond&gt;",
        'value="Li Na"',
        'value="street:WH1" selected',
        'value="large" checked',
    ):
        assert kept in page, kept
    again = form(
        service_code="pothole", **{"q.depth": "large"}, media=hidden(page, "media"),
        csrf_token=hidden(page, "csrf_token"), client_request_id=hidden(page, "client_request_id"),
    )  # fmt: skip
    assert again["client_request_id"] == given["client_request_id"]
    token_of(late.post("/report", data=again))


def test_a_form_of_another_site_is_not_filled_in_for_it(client: FlaskClient, form: Form) -> None:
    answer = client.post("/report", data=form(), headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "The bench is broken" not in answer.get_data(as_text=True)


def test_a_token_of_another_browser_is_refused(app: Any, form: Form, hidden: Any) -> None:
    other = app.test_client()
    theirs = hidden(other.get("/report").get_data(as_text=True), "csrf_token")
    mine = app.test_client()
    mine.get("/report")
    assert mine.post("/report", data=form(csrf_token=theirs)).status_code == 403
