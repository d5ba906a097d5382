"""What the dispatcher knows already is said at once to whoever reports it there, and ended with a click."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from sqlalchemy import select

from geo.crs import LonLat
from portal import clock
from portal.models.ledger import event
from portal.queries.planned_works import known_works
from portal.queries.staff_rights import Grant

DISPATCHER, HANDLER = Grant("dispatcher", "centre"), Grant("handler", "street-cn1")
HERE, NEAR, FAR = LonLat(121.55, 29.206), LonLat(121.551, 29.206), LonLat(121.56, 29.21)
TOLD = {
    "message": "A cable is broken, the city works on it.",
    "services": "street-light",
    "until": "2099-01-31T18:00",
    "lon": "121.55",
    "lat": "29.206",
    "metres": "150",
}


def known(desk, at: LonLat, service: str = "street-light") -> list[str]:
    with desk.database.reading() as tx:
        found = known_works(tx, "linhai.example", service, at, clock.now())
    return [each.message["zh_Hans"] for each in found]


def test_a_notice_holds_at_once_and_until_it_is_over(desk) -> None:
    browser = desk.client(DISPATCHER)
    assert known(desk, HERE) == []
    assert browser.post("/desk/works", TOLD).status_code == 303
    assert known(desk, HERE) == known(desk, NEAR) == [TOLD["message"]]
    assert known(desk, FAR) == known(desk, HERE, "pothole") == []
    assert "notice-1" in browser.get("/desk/works?done=told").text
    with desk.database.reading() as tx:
        last = tx.scalar(
            select(event.c.public).where(event.c.kind == "catalogue.changed").order_by(event.c.id.desc())
        )
    assert last == {
        "actor": {"role": "dispatcher", "unit": "centre"},
        "table": "works",
        "rows": {"added": 1},
    }
    assert browser.post("/desk/works/end", {"code": "notice-1"}).status_code == 303
    assert known(desk, HERE) == []
    assert "notice-1" not in browser.get("/desk/works").text


def test_a_whole_area_may_be_meant(desk) -> None:
    browser = desk.client(DISPATCHER)
    assert browser.post("/desk/works", TOLD | {"area": "street:CN1"}).status_code == 303
    shapes = desk.context.cities
    with desk.database.reading() as tx:
        layers = shapes.city(tx, "linhai.example").router.city.index.layers
    (area,) = (
        each for layer in layers if layer.name == "street" for each in layer.boundaries if each.code == "CN1"
    )
    inside = area.geometry.representative_point()
    assert known(desk, LonLat(inside.x, inside.y)) == [TOLD["message"]]
    assert browser.post("/desk/works/end", {"code": "notice-2"}).status_code == 303


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"until": "2020-01-31T18:00"}, "until"),
        ({"until": "Friday"}, "until"),
        ({"services": ""}, "services"),
        ({"services": "no-such"}, "services"),
        ({"lon": ""}, "place"),
        ({"lat": "99"}, "place"),
        ({"metres": "90000"}, "place"),
        ({"area": "street:XX9"}, "place"),
        ({"message": " "}, "message"),
    ],
)
def test_what_is_missing_is_said_beside_its_field(desk, changed: Mapping[str, str], field: str) -> None:
    answer = desk.client(DISPATCHER).post("/desk/works", TOLD | changed)
    assert answer.status_code == 422
    assert f'id="fault-{field}"' in answer.text
    assert changed.get("message") or TOLD["message"] in answer.text, "what was typed is kept"


def test_a_case_fills_in_its_place_and_service(desk) -> None:
    token = desk.file()
    browser = desk.client(DISPATCHER)
    page = browser.get(f"/desk/works?case={token}").text
    assert 'name="lon" inputmode="decimal" autocomplete="off" value="121.' in page
    assert f"/desk/works?case={token}" in browser.get(f"/desk/case/{token}").text
    assert "/desk/works?case=" not in desk.client(HANDLER).get(f"/desk/case/{token}").text
