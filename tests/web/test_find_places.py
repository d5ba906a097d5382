"""The look-up by place: on the front page and, for an address, among the duties."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from portal.web.services import Services
from routing.place_words import place_query


@pytest.mark.parametrize(
    ("typed", "leads_to"),
    [
        pytest.param("Salt Store Lane", r"/map\?near=121\.6", id="a street of the basemap"),
        pytest.param("盐仓巷", r"/map\?near=121\.6", id="in the other language"),
        pytest.param("盐仓巷12号", r"/map\?near=121\.6", id="an address in it"),
        pytest.param("tidewater riv", r"/map\?near=", id="a part of a river's name"),
        pytest.param("  ", r"^/$", id="nothing"),
        pytest.param(
            "AB12 CD34 EF56 GH", r"/r/AB12CD34EF56GH$", id="a number with spaces, though no report has it"
        ),
    ],
)
def test_what_leads_straight_on(client: FlaskClient, typed: str, leads_to: str) -> None:
    answer = client.get("/find", query_string={"number": typed})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert re.search(leads_to, answer.headers["Location"]), answer.headers["Location"]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        pytest.param(
            "drum tower", ["Drum Tower Park", "Drum Tower Street", "Which one do you mean"], id="several"
        ),
        pytest.param("ZZZ", ["Nothing was found for “ZZZ”", 'value="ZZZ"'], id="a short name that is none"),
        pytest.param("x", ["Nothing was found"], id="one letter"),
        pytest.param("//evil.example/x", ["Nothing was found"], id="an address"),
        pytest.param("' & | !", ["Nothing was found"], id="signs"),
    ],
)
def test_what_is_said_in_words(client: FlaskClient, typed: str, wanted: list[str]) -> None:
    answer = client.get("/find", query_string={"number": typed}, headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    for words in wanted:
        assert words in answer.get_data(as_text=True)


def test_the_map_opens_at_the_street(client: FlaskClient) -> None:
    page = client.get(client.get("/find?number=盐仓巷").headers["Location"]).get_data(as_text=True)
    assert re.search(r"center: \[29\.\d+, 121\.6\d+\], zoom: 16", page)
    assert 'data-near="yes"' in page, "and is not drawn back to the whole city"
    assert client.get("/map?near=nonsense").status_code == 200


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        pytest.param("Salt Store Lane 5", ["Shown for Salt Store Lane", "answers because"], id="one street"),
        pytest.param("Drum Tower", ["Which one do you mean", 'name="lon"'], id="several"),
        pytest.param("Nowhere Row", ["has a name like “Nowhere Row”"], id="none"),
    ],
)
def test_who_answers_at_an_address(client: FlaskClient, typed: str, wanted: list[str]) -> None:
    english = {"Accept-Language": "en"}
    form = client.get("/duties", headers=english).get_data(as_text=True)
    token = re.findall(r'name="csrf_token" value="([^"]+)"', form)[0]
    answer = client.post("/duties", data={"csrf_token": token, "place": typed}, headers=english)
    assert answer.status_code == 200
    for words in wanted:
        assert words in answer.get_data(as_text=True), words


def test_one_statement_from_the_index(client: FlaskClient, counted: Any, parts: Services) -> None:
    client.get("/find?number=Orchard")
    with counted() as seen:
        client.get("/find?number=Orchard")
    assert len([each for each in seen if "basemap_feature" in each]) == 1
    assert len(seen) <= 3, seen
    with parts.database.transaction() as tx:
        tx.execute(text("SET LOCAL enable_seqscan = off"))
        query = "EXPLAIN SELECT id FROM basemap_feature WHERE words @@ CAST(:wanted AS tsquery)"
        plan = "\n".join(tx.scalars(text(query), {"wanted": place_query("Orchard Road")}))
    assert "ix_basemap_feature_words" in plan
