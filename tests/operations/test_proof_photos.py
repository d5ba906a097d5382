"""Proof photos with real EXIF data are held against their case: place, time, and what everybody may read of it."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import update

from portal.models.report import report
from portal.operations.context import REPORTER, Actor

LEAD = Actor("handler", "street-cn2")
LON, LAT = 121.55490, 29.15  # where the case is
NOON = datetime(2026, 3, 10, 12, 0)  # noqa: DTZ001 - as a camera writes it; Linhai's time


def degrees(value: float) -> tuple[float, float, float]:
    whole = int(value)
    minutes = int((value - whole) * 60)
    return (float(whole), float(minutes), round((value - whole - minutes / 60) * 3600, 4))


def jpeg(
    lon: float | None = None,
    lat: float = LAT,
    taken: datetime | None = None,
    *,
    offset: str = "",
    error: float = 0,
) -> bytes:
    """A photo as a phone writes it."""
    data = Image.Exif()
    detail, gps = data.get_ifd(0x8769), data.get_ifd(0x8825)
    if taken:
        detail[0x9003] = taken.strftime("%Y:%m:%d %H:%M:%S")
    if offset:
        detail[0x9011] = offset
    if lon is not None:
        gps.update({1: "N", 2: degrees(lat), 3: "E", 4: degrees(lon)})
    if error:
        gps[31] = error
    out = io.BytesIO()
    Image.effect_noise((64, 48), 80).convert("RGB").save(out, "JPEG", exif=data)
    return out.getvalue()


def closed_with(linhai: Any, at: Any, photo: bytes, **row: Any) -> Any:
    """The closing event of a case filed at 10:00, accepted at 11:00 and ended at 13:00 with this photo."""
    with at():
        token = linhai.file()
    with at(hours=1):
        linhai.move(token, LEAD, "accept")
    if row:
        with linhai.database.transaction() as tx:
            tx.execute(update(report).where(report.c.token == token).values(row))
    with at(hours=3):
        linhai.move(token, LEAD, "resolve", closing_code="fixed", photos=(photo,))
    return linhai.events(token)[-1]


@pytest.mark.parametrize(
    ("photo", "row", "place", "time"),
    [
        pytest.param(jpeg(LON, LAT, NOON), {}, "close", "fresh", id="there and then"),
        pytest.param(jpeg(LON + 0.0009, LAT, NOON), {}, "close", "fresh", id="88 m away"),
        pytest.param(jpeg(LON + 0.0012, LAT, NOON), {}, "far", "fresh", id="117 m away, case within 5 m"),
        pytest.param(
            jpeg(LON + 0.0012, LAT, NOON),
            {"accuracy_m": 40.0},
            "close",
            "fresh",
            id="117 m away, case within 40 m",
        ),
        pytest.param(
            jpeg(LON + 0.0012, LAT, NOON, error=30), {}, "close", "fresh", id="117 m, photo within 30 m"
        ),
        pytest.param(
            jpeg(LON + 0.01, LAT, NOON, error=9000), {}, "far", "fresh", id="no photo excuses a kilometre"
        ),
        pytest.param(jpeg(LON + 0.0236, LAT, NOON), {}, "far", "fresh", id="2.3 km away"),
        pytest.param(jpeg(0.0, 0.0, NOON), {}, "unknown", "fresh", id="a phone that did not find itself"),
        pytest.param(jpeg(None, taken=NOON), {}, "unknown", "fresh", id="no place"),
        pytest.param(jpeg(LON), {}, "close", "unknown", id="no time"),
        pytest.param(jpeg(), {}, "unknown", "unknown", id="no data"),
        pytest.param(
            jpeg(LON, taken=NOON - timedelta(hours=3)), {}, "close", "before_report", id="before the report"
        ),
        pytest.param(
            jpeg(LON, taken=NOON - timedelta(minutes=90)),
            {},
            "close",
            "before_work",
            id="before it was accepted",
        ),
        pytest.param(jpeg(LON, taken=NOON + timedelta(hours=2)), {}, "close", "ahead", id="from the future"),
        pytest.param(
            jpeg(LON, taken=NOON, offset="+06:00"), {}, "close", "ahead", id="the camera's own offset counts"
        ),
        pytest.param(
            jpeg(LON, taken=NOON, offset="rubbish"), {}, "close", "fresh", id="an offset that is none"
        ),
    ],
)
def test_a_photo_against_its_case(
    linhai: Any, at: Any, photo: bytes, row: dict[str, Any], place: str, time: str
) -> None:
    told = closed_with(linhai, at, photo, **row)
    [flag] = told.public["proof"]
    assert (flag["place"], flag["time"]) == (place, time)
    assert set(flag) == {"media", "place", "time"}


def test_an_old_photo_is_told_from_a_fresh_one(linhai: Any, at: Any) -> None:
    with at():
        token = linhai.file()
        linhai.move(token, LEAD, "accept")
    with at(hours=30):
        linhai.move(token, LEAD, "resolve", closing_code="not_found", photos=(jpeg(LON, taken=NOON),))
    assert linhai.events(token)[-1].public["proof"][0]["time"] == "old"


def test_a_reopened_case_wants_a_new_photo(linhai: Any, at: Any) -> None:
    with at():
        token = linhai.file()
        linhai.move(token, LEAD, "accept")
    with at(hours=3):
        linhai.move(token, LEAD, "resolve", closing_code="fixed", photos=(jpeg(LON, taken=NOON),))
        linhai.move(token, REPORTER, "contest")
        linhai.move(token, LEAD, "resolve", closing_code="fixed", photos=(jpeg(LON, taken=NOON),))
    flags = [told.public["proof"][0]["time"] for told in linhai.events(token) if "proof" in told.public]
    assert flags == ["fresh", "before_work"]


def test_metres_and_instant_are_for_the_desk(linhai: Any, at: Any) -> None:
    told = closed_with(linhai, at, jpeg(LON + 0.0236, LAT, NOON))
    [figures] = told.private["proof"]
    assert 2_250 < figures["distance_m"] < 2_350
    assert datetime.fromisoformat(figures["taken_at"]) == datetime.fromisoformat("2026-03-10T12:00:00+08:00")
    public = str(told.public)
    assert not [secret for secret in ("121.5", "29.1", "distance", "taken_at") if secret in public]
