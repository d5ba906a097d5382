"""How a report comes in: what is refused and why, what is stored, and what the public may see of it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from geo.crs import from_wgs84, ground_distance_m
from portal.errors import Conflict, InvalidInput, NotReady
from portal.masking import coarsen
from portal.models.ledger import event
from portal.models.report import contact, report
from portal.models.work import outbox
from portal.operations.context import Context
from portal.operations.submission import Contact
from portal.operations.submit_report import is_repeat_race, submit_report

ACADEMY, EAST_HILL, AT_SEA = (121.55490, 29.15), (121.66, 29.175), (121.78, 29.2)
SQUARE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def refused(linhai: Any, **changes: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        linhai.submit(**changes)
    return {field: str(message) for field, message in caught.value.fields.items()}


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        pytest.param({"service_code": ""}, {"service_code": "choose what"}, id="no service"),
        pytest.param({"service_code": "potholes'; --"}, {"service_code": "choose what"}, id="unknown service"),
        pytest.param({"service_code": "x\x00"}, {"service_code": "choose what"}, id="service with NUL"),
        pytest.param({"lon": None, "lat": None}, {"place": "mark the place"}, id="no place"),
        pytest.param({"lat": None}, {"place": "both"}, id="half a place"),
        pytest.param({"lon": float("nan")}, {"place": "both"}, id="place that is no number"),
        pytest.param({"lon": float("inf")}, {"place": "both"}, id="place at infinity"),
        pytest.param({"lon": ACADEMY[1], "lat": ACADEMY[0]}, {"place": "swapped"}, id="swapped coordinates"),
        pytest.param({"lon": 181.0}, {"place": "not on the globe"}, id="beyond the globe"),
        pytest.param({"datum": "mars"}, {"datum": "Unknown"}, id="unknown datum"),
        pytest.param({"accuracy_m": -1.0}, {"accuracy_m": "metres"}, id="negative accuracy"),
        pytest.param({"accuracy_m": float("inf")}, {"accuracy_m": "metres"}, id="endless accuracy"),
        pytest.param({"description": "x" * 4001}, {"description": "4000"}, id="long description"),
        pytest.param({"description": "坑" * 10_000_000}, {"description": "4000"}, id="ten million characters"),
        pytest.param({"answers": {}}, {"answers.depth": "answer"}, id="required answer missing"),
        pytest.param({"answers": {"depth": ("",)}}, {"answers.depth": "answer"}, id="empty answer"),
        pytest.param({"answers": {"depth": ("deep",)}}, {"answers.depth": "offered"}, id="answer not offered"),
        pytest.param({"answers": {"depth": ("small", "large")}}, {"answers.depth": "one answer"}, id="two for one"),
        pytest.param({"answers": {"depth": ("x" * 501,)}}, {"answers.depth": "500"}, id="long answer"),
        pytest.param({"contact": Contact(email="nobody")}, {"email": "e-mail"}, id="bad e-mail"),
        pytest.param({"contact": Contact(email="a@b.c\nBcc: x@y.zz")}, {"email": "e-mail"}, id="header in e-mail"),
        pytest.param({"contact": Contact(phone="call me")}, {"phone": "telephone"}, id="bad telephone"),
        pytest.param({"contact": Contact(name="x" * 201)}, {"name": "long"}, id="long name"),
        pytest.param({"contact": Contact(name="x", channel="y" * 21)}, {"channel": "unknown"}, id="strange channel"),
        pytest.param({"about_unit": "nobody"}, {"about_unit": "not exist"}, id="unknown unit"),
        pytest.param({"photos": (SQUARE,) * 6}, {"media": "at most 5"}, id="too many photos"),
        pytest.param({"photos": (b"<?php",)}, {"media": "not a photo"}, id="photo that is none"),
        pytest.param({"media": ("7K2M9QX4T8B3WC",)}, {"media": "expired"}, id="unknown photo id"),
        pytest.param({"media": ("7K2M\x00",)}, {"media": "expired"}, id="photo id with NUL"),
        pytest.param({"service_code": "illegal-poster"}, {"media": "needs a photo"}, id="photo required"),
        pytest.param(
            {"service_code": "water-leak", "answers": {"leak-kind": ("own",)}},
            {"answers.leak-kind": "your own meter"}, id="an answer that stops: no matter for the city",
        ),
        pytest.param(
            {"service_code": "missed-collection", "answers": {"waste-type": ("bulky",), "item-count": ("many",)}},
            {"answers.item-count": "number"}, id="number that is none",
        ),
        pytest.param(
            {"lon": None, "lat": None, "answers": {}, "contact": Contact(email="x", phone="y")},
            {"place": "mark", "answers.depth": "answer", "email": "e-mail", "phone": "telephone"}, id="all at once",
        ),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_said_by_field(
    linhai: Any, changes: dict[str, Any], faults: dict[str, str]
) -> None:
    before = linhai.count(report)
    said = refused(linhai, **changes)
    assert said.keys() == faults.keys()
    for field, words in faults.items():
        assert words in said[field]
    assert linhai.count(report) == before, "something refused was stored"


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        pytest.param("a\x00b\x1b[31mc\x7f", "ab[31mc", id="NUL and control characters"),
        pytest.param("half \ud83d of a pair", "half  of a pair", id="half a surrogate pair"),
        pytest.param("no\ufffe\uffffcharacter", "nocharacter", id="what XML cannot hold"),
        pytest.param("  line\r\nline\t. ", "line\nline\t.", id="white space"),
        pytest.param("مرحبا \u202eabc\u202c \u200f!", "مرحبا \u202eabc\u202c \u200f!", id="right to left"),
        pytest.param("👩‍👩‍👧 🕳️ 坑", "👩‍👩‍👧 🕳️ 坑", id="emoji"),
        pytest.param("<script>alert(1)</script> & 'x' \"y\"", "<script>alert(1)</script> & 'x' \"y\"", id="markup"),
        pytest.param("'); DROP TABLE report; -- %s :x {y}", "'); DROP TABLE report; -- %s :x {y}", id="SQL"),
        pytest.param("\\u0000 \\x00 \\", "\\u0000 \\x00 \\", id="backslashes"),
        pytest.param("", "", id="nothing"),
        pytest.param("x" * 4000, "x" * 4000, id="as long as allowed"),
    ],
)  # fmt: skip
def test_hostile_text_is_stored_as_text(linhai: Any, written: str, stored: str) -> None:
    row = linhai.row(
        linhai.file(description=written, locale="x\x00", contact=Contact(name=written[:200] or "x"))
    )
    assert (row.description, row.public_text, row.locale) == (stored, stored, "zh_Hans")


def test_what_is_stored_with_a_report(linhai: Any) -> None:
    filed = linhai.submit(description="Hole at No. 128, call 13812345678", locale="en")
    row = linhai.row(filed.token)
    assert (row.state, row.lead_unit, row.rule, row.rulebook_version) == (
        "routed",
        "street-cn2",
        "street-surface",
        1,
    )
    assert (row.description, row.public_text) == (
        "Hole at No. 128, call 13812345678",
        "Hole at No. 128, call ▇▇▇",
    )
    assert linhai.kinds(filed.token) == ["request.submitted", "request.routed"]
    assert {(kind, stage): one.unit_code for (kind, stage), one in linhai.clocks(filed.token, "running").items()} == {
        ("promise", "resolve"): None, ("unit", "accept"): "street-cn2",
        ("unit", "first_answer"): "street-cn2", ("unit", "resolve"): "street-cn2",
    }  # fmt: skip
    assert [message["to"] for message in linhai.messages(filed.token)] == ["street-cn2", "reporter"]
    assert filed.promise_due_at == row.promise_due_at
    assert linhai.context.keyring.is_reporter_secret(filed.token, filed.secret)
    assert filed.unit_names["en"] == "Scholars’ Temple Street Office"
    assert "Scholars’ Temple" in filed.reason.in_locale("en")


@pytest.mark.parametrize(
    ("changes", "lead", "flag"),
    [
        pytest.param({"lon": AT_SEA[0], "lat": AT_SEA[1]}, "centre", "outside", id="outside the city"),
        pytest.param({"lon": 0.0, "lat": 0.0}, "centre", "outside", id="null island"),
        pytest.param({"lon": None, "lat": None, "is_place_optional": True}, "centre", "no_place", id="by telephone"),
        pytest.param({"place_flag": "area"}, "street-cn2", "area", id="an area chosen instead of a spot"),
        pytest.param(
            {"lon": None, "lat": None, "service_code": "unit-complaint", "answers": {"about-unit": ("Parks",)}},
            "centre", "no_place", id="a complaint needs no place",
        ),
    ],
)  # fmt: skip
def test_a_doubtful_place_is_flagged_and_never_without_an_owner(
    linhai: Any, changes: dict[str, Any], lead: str, flag: str
) -> None:
    row = linhai.row(linhai.file(**changes))
    assert (row.lead_unit, row.place_flag) == (lead, flag)
    assert (row.geom is None) is (flag == "no_place")
    assert row.public_receipt["has_place"] is (flag != "no_place")
    if flag == "no_place":
        assert not row.public_receipt["outside"], "no place is not a place outside"


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_a_place_in_another_datum_is_the_same_place(linhai: Any, datum: str) -> None:
    lon, lat = from_wgs84(*EAST_HILL, datum)
    first = linhai.submit(lon=EAST_HILL[0], lat=EAST_HILL[1])
    again = linhai.submit(lon=lon, lat=lat, datum=datum)
    assert again.unit_code == first.unit_code == "street-wh2"
    assert first.token in {near.token for near in again.duplicates}, (
        "duplicates are looked for at the true place"
    )
    assert ground_distance_m(*again.answer.point, *EAST_HILL) < 0.5


def test_one_request_sent_twice_makes_one_report(linhai: Any) -> None:
    request = uuid.uuid4()
    first = linhai.submit(client_request_id=request)
    again = linhai.submit(client_request_id=request, locale="zh_Hans")
    assert again.is_repeat
    assert not first.is_repeat
    for name in (
        "token",
        "secret",
        "unit_code",
        "promise_due_at",
        "public_receipt",
        "reason",
        "question_code",
    ):
        assert getattr(again, name) == getattr(first, name), name


@pytest.mark.parametrize(
    "changes",
    [
        {"description": "another"}, {"lon": EAST_HILL[0]}, {"answers": {"depth": ("small",)}}, {"contact": None},
        {"is_anonymous": True}, {"photos": (SQUARE,)}, {"service_code": "pavement"},
    ],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_the_same_request_with_another_body_is_refused(linhai: Any, changes: dict[str, Any]) -> None:
    request = uuid.uuid4()
    linhai.submit(client_request_id=request)
    with pytest.raises(Conflict, match="already used"):
        linhai.submit(client_request_id=request, **changes)


def test_reports_without_a_request_id_repeat_nothing(linhai: Any) -> None:
    assert len({linhai.file(client_request_id=None, description="same") for _ in range(3)}) == 3


def test_copies_of_one_request_at_the_same_moment_make_one_report(linhai: Any) -> None:
    """As the faces do it: the one that comes second is tried again and finds the first."""
    together = Barrier(4)

    def send(request: uuid.UUID) -> str:
        together.wait()
        try:
            return linhai.submit(client_request_id=request).token
        except IntegrityError as error:
            if not is_repeat_race(error):
                raise
            return linhai.submit(client_request_id=request).token

    for _ in range(5):
        request = uuid.uuid4()
        with ThreadPoolExecutor(4) as pool:
            tokens = set(pool.map(send, [request] * 4))
        assert len(tokens) == 1
        with linhai.database.reading() as tx:
            assert list(tx.scalars(select(report.c.token).where(report.c.client_request_id == request))) == [
                *tokens
            ]


def test_without_a_city_nothing_is_taken(linhai: Any) -> None:
    elsewhere = Context("nowhere.example", linhai.context.keyring, linhai.context.store)
    from portal.operations.submission import Submission

    with linhai.database.transaction() as tx, pytest.raises(NotReady):
        submit_report(tx, elsewhere, Submission("pothole"))


def test_an_intake_costs_a_handful_of_statements(linhai: Any, statements: list[str]) -> None:
    linhai.file()  # warm: the city is read
    statements.clear()
    linhai.file()
    assert 1 <= len(statements) <= 5, statements
    statements.clear()
    linhai.file(photos=(SQUARE,))
    assert len(statements) <= 7, statements


NOISE = {"service_code": "noise", "answers": {"noise-source": ("shop",)}, "accuracy_m": 3.0}
SHOUTED = "The shop under No. 7 shouts, 13912345678 knows."


def near_border(linhai: Any) -> tuple[float, float]:
    """A place some metres from the border of two streets, where a neighbour would assist."""
    with linhai.database.reading() as tx:
        city = linhai.context.cities.city(tx, "linhai.example").router.city
    streets = next(layer for layer in city.index.layers if layer.name == "street").boundaries
    first, second = next((a, b) for a in streets for b in streets if a.code == "CN1" and b.code in {"CN2", "CN3"}
                         and a.geometry.intersection(b.geometry).length > 0)  # fmt: skip
    middle = first.geometry.intersection(second.geometry).interpolate(0.5, normalized=True)
    return middle.x + 2e-5, middle.y


def everything_public(linhai: Any, token: str) -> str:
    """All that anybody may read about a report, as one text."""
    with linhai.database.reading() as tx:
        row = tx.execute(select(report).where(report.c.token == token)).one()
        public = list(tx.scalars(select(event.c.public).where(event.c.case_id == row.id)))
    return json.dumps([row.public_receipt, row.public_text, public], ensure_ascii=False)


def test_a_sensitive_report_shows_its_cell_and_no_distance(linhai: Any, at: Callable[..., Any]) -> None:
    lon, lat = near_border(linhai)
    with at():  # by day: at night another rule applies
        filed = linhai.submit(lon=lon, lat=lat, description=SHOUTED, **(NOISE | {"accuracy_m": 60.0}))
    with linhai.database.reading() as tx:
        where = text(
            "SELECT ST_X(public_geom), ST_Y(public_geom), ST_X(geom) FROM report WHERE token = :token"
        )
        shown_lon, shown_lat, exact_lon = tx.execute(where, {"token": filed.token}).one()
    assert (shown_lon, shown_lat) == coarsen(lon, lat)
    assert exact_lon == lon
    row, public = linhai.row(filed.token), everything_public(linhai, filed.token)
    assert "edge_m" in json.dumps(row.receipt), "the exact receipt is for the desk"
    for hidden in (
        "edge_m",
        "distance_m",
        str(lon),
        str(lat),
        row.receipt["facts"],
        "13912345678",
        'accuracy_m": 60',
    ):
        assert hidden not in public, hidden
    assert row.receipt["ambiguous"]
    neighbour = row.receipt["runner_up"]
    assert neighbour in row.assist_units, "the neighbour assists, because the border is near"
    assert neighbour not in public, "which nobody may learn"


@pytest.mark.parametrize("step", range(6))
def test_places_of_one_cell_look_the_same_to_the_public(
    linhai: Any, at: Callable[..., Any], step: int
) -> None:
    """Six places across one cell: what is public of them differs in nothing that depends on the place."""
    centre_lon, centre_lat = coarsen(*EAST_HILL)
    lon, lat = centre_lon + (step - 2.5) * 0.0004, centre_lat + (step - 2.5) * 0.0003
    assert coarsen(lon, lat) == (centre_lon, centre_lat)
    with at():
        receipts = [
            linhai.submit(lon=x, lat=y, **NOISE).public_receipt
            for x, y in ((lon, lat), (centre_lon, centre_lat))
        ]
    assert receipts[0] == receipts[1]


def test_contact_data_is_sealed_and_nowhere_in_plain(linhai: Any) -> None:
    filed = linhai.submit()
    with linhai.database.reading() as tx:
        sealed = tx.scalar(select(contact.c.sealed).join(report).where(report.c.token == filed.token))
        tables = list(tx.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))
        for table in tables:
            found = tx.execute(text(f'SELECT 1 FROM "{table}" AS t WHERE CAST(t AS text) ~* :plain'),
                               {"plain": "unmistakable"}).first()  # fmt: skip
            assert found is None, f"contact data stands in {table}"
    assert b"nmistakable" not in sealed
    opened = linhai.context.keyring.open(sealed, bound_to=f"contact:{filed.token}")
    assert opened["email"] == "unmistakable@mail.example"


@pytest.mark.parametrize("given", [None, Contact(), Contact(name=" ", email="\x00")])
def test_no_contact_leaves_no_row(linhai: Any, given: Contact | None) -> None:
    token = linhai.file(contact=given)
    with linhai.database.reading() as tx:
        assert tx.scalar(select(contact).join(report).where(report.c.token == token)) is None
    assert [message["to"] for message in linhai.messages(token)] == ["street-cn2"]


def test_only_answers_to_questions_that_were_asked_are_kept(linhai: Any) -> None:
    given = {"depth": ("small",), "park-or-street": ("street",), "x\x00y": ("z",)}
    assert linhai.row(linhai.file(answers=given)).answers == {"depth": ["small"]}


def test_nothing_is_sent_under_a_pretended_clock(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = linhai.file()
    with linhai.database.reading() as tx:
        rows = list(
            tx.execute(
                select(outbox).where(outbox.c.payload["report_id"].as_integer() == linhai.row(token).id)
            )
        )
    assert rows
    assert all(row.done_at is not None and row.payload["suppressed"] for row in rows)
