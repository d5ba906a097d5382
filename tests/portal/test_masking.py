"""What of a text and of a place becomes public."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.masking import COARSE_DEGREES, MASK, coarsen, mask

METRES_PER_DEGREE = 111_320.0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        # Telephones of China: Chinese is written without spaces around them.
        pytest.param("13812345678", MASK, id="mobile alone"),
        pytest.param("请打电话13812345678谢谢", f"请打电话{MASK}谢谢", id="mobile between Chinese words"),
        pytest.param("13812345678打给我", f"{MASK}打给我", id="mobile before Chinese"),
        pytest.param("Call 138 1234 5678.", f"Call {MASK}.", id="mobile in groups"),
        pytest.param("138-1234-5678", MASK, id="mobile with hyphens"),
        pytest.param("138—1234–5678", MASK, id="mobile with dashes"),
        pytest.param("138\u200b1234\u200b5678", MASK, id="mobile with invisible spaces"),
        pytest.param("Tel.13812345678", f"Tel.{MASK}", id="mobile after a full stop"),
        pytest.param("电话-13812345678", f"电话-{MASK}", id="mobile after a hyphen"),
        pytest.param("手机/13812345678", f"手机/{MASK}", id="mobile after a slash"),
        pytest.param("tel13812345678ok", f"tel{MASK}ok", id="mobile glued to letters"),
        pytest.param("+86 138 1234 5678", MASK, id="mobile with country code"),
        pytest.param("0086-13812345678", MASK, id="mobile with 0086"),
        pytest.param("0571-88887777", MASK, id="landline"),
        pytest.param("(0571) 8888 7777转8", f"{MASK}转8", id="landline with extension"),
        pytest.param("(0571)88887777", MASK, id="landline, full-width brackets"),
        pytest.param("１３８１２３４５６７８", MASK, id="full-width digits"),
        pytest.param("1３８ １234 5678", MASK, id="mixed widths"),
        pytest.param("１３８　１２３４　５６７８", MASK, id="full-width spaces"),
        pytest.param("٠١٢٣٤٥٦٧٨٩", MASK, id="Arabic digits"),
        # Telephones elsewhere.
        pytest.param("617-555-0123", MASK, id="Boston"),
        pytest.param("+1 (617) 555-0123", MASK, id="Boston from abroad"),
        pytest.param("tel:+44 20 7946 0958", f"tel:{MASK}", id="London"),
        pytest.param("+49.30.12345678", MASK, id="Berlin with points"),
        # Mail and messengers.
        pytest.param("write to li.min+x@mail.example please", f"write to {MASK} please", id="e-mail"),
        pytest.param("邮箱li@qq.com谢谢", f"邮箱{MASK}谢谢", id="e-mail between Chinese words"),
        pytest.param("li＠mail．example", MASK, id="e-mail in full width"),
        pytest.param("li @ mail.example", MASK, id="e-mail with spaces"),
        pytest.param("张三@例子.中国", MASK, id="e-mail in Chinese"),
        pytest.param("微信号:li_min_88", f"微信号:{MASK}", id="WeChat"),
        pytest.param("微信：li_min_88", f"微信：{MASK}", id="WeChat, full-width colon"),
        pytest.param("加VX:li_min_88", f"加VX:{MASK}", id="WeChat in short"),
        pytest.param("QQ 12345", f"QQ {MASK}", id="a short QQ number"),
        # Identity and bank cards.
        pytest.param("11010519491231002X", MASK, id="identity number"),
        pytest.param("身份证330102199001011234请", f"身份证{MASK}请", id="identity number in Chinese"),
        pytest.param("330102 19900101 1234", MASK, id="identity number in groups"),
        pytest.param("6222 0212 3456 7890 123", MASK, id="bank card"),
        # What must stay readable.
        pytest.param("seen 2026-11-20 by me", "seen 2026-11-20 by me", id="date"),
        pytest.param("2026-11-20 10:30", "2026-11-20 10:30", id="date and time"),
        pytest.param("10:30 2026-11-20", "10:30 2026-11-20", id="time and date"),
        pytest.param("2026-11-20 2026-11-21", "2026-11-20 2026-11-21", id="two dates"),
        pytest.param("2026.11.20, 20.11.2026", "2026.11.20, 20.11.2026", id="dates with points"),
        pytest.param("2026年11月20日", "2026年11月20日", id="Chinese date"),
        pytest.param("2026-11-20 13812345678", f"2026-11-20 {MASK}", id="a telephone after a date"),
        pytest.param("文庙路128号3栋2单元1204室", "文庙路128号3栋2单元1204室", id="Chinese house number"),
        pytest.param("3-2-1201", "3-2-1201", id="block, entrance, flat"),
        pytest.param("1204 Main Street, 10023", "1204 Main Street, 10023", id="house number and postcode"),
        pytest.param("lamp A10023", "lamp A10023", id="lamp number"),
        pytest.param("lamp HZ12345678", "lamp HZ12345678", id="long lamp number with letters"),
        pytest.param("call 12345 or 119", "call 12345 or 119", id="public numbers"),
        pytest.param("<b>hole</b> & so", "<b>hole</b> & so", id="markup is not its business"),
        pytest.param("", "", id="empty"),
    ],
)
def test_contact_details_are_masked_and_the_rest_stays(text: str, shown: str) -> None:
    assert mask(text) == shown


@given(
    st.sampled_from("电话,。 :(：\nx#/.-"),
    st.integers(13_000_000_000, 19_999_999_999).map(str),
    st.sampled_from("谢谢,。 ;)）\ny!/.-"),
)
def test_no_mobile_number_survives_whatever_stands_around_it(before: str, number: str, after: str) -> None:
    assert number[-6:] not in mask(f"坑很大{before}{number}{after}请修")


@given(st.text(max_size=300))
def test_masking_twice_masks_no_more(text: str) -> None:
    assert mask(mask(text)) == mask(text)


places = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
inhabited = st.tuples(st.floats(-179.99, 179.99), st.floats(-75, 75))


@given(inhabited)
def test_the_public_point_is_near(place: tuple[float, float]) -> None:
    lon, lat = place
    shown_lon, shown_lat = coarsen(lon, lat)
    north = abs(shown_lat - lat) * METRES_PER_DEGREE
    # The width of a cell is taken at its own latitude.
    east = abs(shown_lon - lon) * METRES_PER_DEGREE * math.cos(math.radians(shown_lat))
    assert north <= 151
    assert east <= 151
    assert math.hypot(north, east) <= 300


@given(places)
def test_the_public_point_is_on_the_globe(place: tuple[float, float]) -> None:
    shown_lon, shown_lat = coarsen(*place)
    assert abs(shown_lon) <= 180
    assert abs(shown_lat) <= 90


@given(inhabited, st.floats(-0.499, 0.499), st.floats(-0.499, 0.499))
@settings(max_examples=300)
def test_every_place_of_a_cell_has_the_same_public_point(
    place: tuple[float, float], across: float, up: float
) -> None:
    centre_lon, centre_lat = coarsen(*place)
    width = COARSE_DEGREES / math.cos(math.radians(centre_lat))
    elsewhere = centre_lon + across * width * 0.98, centre_lat + up * COARSE_DEGREES * 0.98
    assert coarsen(*elsewhere) == (centre_lon, centre_lat)
    assert coarsen(centre_lon, centre_lat) == (centre_lon, centre_lat), "a public point is its own"


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        pytest.param((179.9999, 0.0), (179.99955, 0.00135), id="antimeridian"),
        pytest.param((0.0, 90.0), (0.135, 90.0), id="north pole: the centre of its cell lies beyond it"),
        pytest.param((-180.0, -90.0), (-179.955, -90.0), id="south pole"),
    ],
)
def test_the_ends_of_the_globe(place: tuple[float, float], shown: tuple[float, float]) -> None:
    assert coarsen(*place) == pytest.approx(shown)
