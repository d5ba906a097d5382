"""`wenlu boundaries check`: what is wrong in a file, with areas, and an exit code that tells errors."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

# About 111 m by 97 m at this latitude.
STEP = 0.001


def square(x: float, y: float, width: float = 1.0, **properties: str) -> dict:
    west, south, east, north = 121 + x * STEP, 29 + y * STEP, 121 + (x + width) * STEP, 29 + (y + 1) * STEP
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def bow_tie(**properties: str) -> dict:
    feature = square(9, 9, **properties)
    ring = feature["geometry"]["coordinates"][0]
    ring[1], ring[2] = ring[2], ring[1]
    return feature


AROUND = [square(x, y, code=f"{x}{y}") for x in range(3) for y in range(3) if (x, y) != (1, 1)]
CASES = {
    "clean": ([square(0, 0, code="A"), square(1, 0, code="B")], 0, ["2 boundaries, no errors, 0 warnings"]),
    "overlap": (
        [square(0, 0, 1.5, code="A"), square(1, 0, code="B")], 0, ["'A' (row 1) and 'B' (row 2) overlap", " m²)"]
    ),
    "sliver": ([square(0, 0, 1.001, code="A"), square(1, 0, code="B")], 0, ["sliver-overlap:"]),
    "gap": (AROUND, 0, ["gap: ground in no boundary", " m²)"]),
    "invalid ring": ([square(0, 0, code="A"), bow_tie(code="B")], 0, ["invalid: the polygon is invalid"]),
    "duplicate code": ([square(0, 0, code="A"), square(5, 0, code="A")], 0, ["rows 1, 2 have the code 'A'"]),
    "code in capitals": ([square(0, 0, CODE="A"), square(5, 0, CODE="A")], 0, ["duplicate-code"]),
    "no codes": ([square(0, 0, id="A")], 0, ["rows are numbered"]),
    "codes spelt in several ways": (
        [square(n, 0, code=code) for n, code in enumerate(["1", "2", "3", "4", "5", "Ward 5"])],
        0,
        ["'5' and 'Ward 5' may be one code in several spellings", ":6 Ward 5: warning: odd-code: "],
    ),
    "blank code": ([square(0, 0, code="A"), square(5, 0, code="")], 1, ["x.geojson:2: error: code:"]),
    "metres for degrees": ([square(9e6, 9e6, code="A")], 1, ["not degrees but feet or metres"]),
    "nothing in it": ([], 1, ["no row of the file can be used"]),
}  # fmt: skip


CITIES = Path(__file__).resolve().parents[1] / "cities"


@pytest.fixture
def checkout_pack(monkeypatch, wenlu_data):
    """The folder of a city's pack, with the data that it names in reach."""
    monkeypatch.setenv("WENLU_DATA", str(wenlu_data))
    return lambda city: CITIES / city


@pytest.mark.parametrize(("features", "code", "said"), CASES.values(), ids=CASES)
def test_check(wenlu, tmp_path, features, code, said):
    file = tmp_path / "x.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    ran = wenlu("boundaries", "check", file)
    assert ran.code == code, ran
    for words in said:
        assert words in (ran.err if code else ran.out)
    assert "Traceback" not in ran.err


def test_the_area_of_an_overlap_is_that_of_the_ground(wenlu, tmp_path):
    file = tmp_path / "x.geojson"
    features = [square(0, 0, 1.5, code="A"), square(1, 0, code="B")]
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (line,) = [line for line in wenlu("boundaries", "check", file).out.splitlines() if " overlap: " in line]
    area = float(line.rpartition("(")[2].removesuffix(" m²)").replace(",", ""))
    # Half a step of longitude by a step of latitude, at 29 degrees north on the ellipsoid.
    assert area == pytest.approx(0.5 * 97.4391 * 110.8516, rel=1e-3)


def boston(wenlu_data, name):
    return wenlu_data / "boston" / f"{name}.geojson.gz"


@pytest.mark.parametrize(
    ("file", "column"),
    [("precincts_feet_no_crs", "WARD_PRECINCT"), ("police_districts_feet_no_crs", "DISTRICT")],
)
def test_the_likely_crs_of_feet_is_named(wenlu, wenlu_data, file, column):
    arguments = ["boundaries", "check", boston(wenlu_data, file), "--code", column]
    ran = wenlu(*arguments, "--reference", boston(wenlu_data, "wards"))
    assert (ran.code, "likely-crs: EPSG:2249" in ran.out, "--crs EPSG:2249" in ran.out) == (1, True, True)
    right = wenlu(*arguments, "--reference", boston(wenlu_data, "wards"), "--crs", "EPSG:2249")
    assert (right.code, "shift" in right.out, "incomparable" in right.out) == (0, False, False)


def test_the_likely_crs_puts_a_file_on_the_city_of_a_pack(wenlu, wenlu_data, checkout_pack):
    file = boston(wenlu_data, "precincts_feet_no_crs")
    ran = wenlu("boundaries", "check", file, "--code", "WARD_PRECINCT", "--pack", checkout_pack("boston"))
    assert "EPSG:2249 (NAD83 / Massachusetts Mainland (ftUS)) would put it on the city" in ran.out


def test_streets_drawn_in_gcj02_are_named_with_the_shift(wenlu, wenlu_data):
    """That the declaration then holds is shown on real points in tests/cities/test_shenzhen_datum.py."""
    data = wenlu_data / "shenzhen"
    arguments = ["boundaries", "check", data / "streets_74.geojson.gz", "--code", "ID"]
    reference = ["--reference", data / "districts_wgs84.geojson.gz"]
    ran = wenlu(*arguments, *reference)
    (line,) = [line for line in ran.out.splitlines() if " datum: " in line]
    assert "streets_74 lies (+523 m, -322 m) from districts_wgs84, as GCJ-02 does here" in line
    assert 'declare datum = "gcj02" (--datum gcj02) for streets_74' in line
    declared = wenlu(*arguments, *reference, "--datum", "gcj02")
    assert not [word for word in ("datum:", "shift:", "incomparable:") if word in declared.out]


def test_a_layer_of_a_pack_is_a_reference(wenlu, wenlu_data, checkout_pack):
    file = wenlu_data / "shenzhen" / "streets_74.geojson.gz"
    arguments = ["boundaries", "check", file, "--code", "ID", "--pack", checkout_pack("shenzhen")]
    assert "streets_74 is drawn" not in wenlu(*arguments, "--reference", "street", "--datum", "gcj02").out
    assert " from district, as GCJ-02 does here" in wenlu(*arguments, "--reference", "district").out
    missing = wenlu(*arguments, "--reference", "wards")
    assert (missing.code, missing.err) == (
        1,
        "wenlu: there is no file wards, and the pack has no such layer\n",
    )


MESSY = {
    "malformed_nesting_sf": (None, 1, 117, 0),
    "neighborhoods_boston": ("name", 0, 0, 4),
    "neighborhoods_chapel-hill": ("cartodb_id", 0, 0, 3),
    "neighborhoods_chicago": ("cartodb_id", 0, 0, 4),
    "neighborhoods_san-francisco": ("name", 0, 0, 3),
}


@pytest.mark.parametrize(
    ("name", "column", "code", "refused", "repaired"), [(k, *v) for k, v in MESSY.items()]
)
def test_messy_files_are_repaired_or_refused_with_the_row_named(
    wenlu, wenlu_data, name, column, code, refused, repaired
):
    file = wenlu_data / "messy" / f"{name}.geojson.gz"
    ran = wenlu("boundaries", "check", file, *(["--code", column] if column else []))
    assert ran.code == code
    rows = [
        line
        for line in ran.err.splitlines()
        if re.match(rf"{re.escape(file.name)}:\d+.*: error: geometry", line)
    ]
    mended = [line for line in ran.out.splitlines() if re.search(r":\d+ .*: warning: invalid: .* m²", line)]
    assert (len(rows), len(mended)) == (refused, repaired)


def test_every_messy_file_is_tried(wenlu_data):
    assert {file.name.partition(".")[0] for file in (wenlu_data / "messy").iterdir()} == set(MESSY)


def test_overlapping_zones_are_listed_with_their_rows(wenlu, wenlu_data):
    file = wenlu_data / "shenzhen" / "taz_491_epsg3857.shp.zip"
    ran = wenlu("boundaries", "check", file, "--code", "TAZID")
    pairs = [line for line in ran.out.splitlines() if "overlap: " in line]
    large = [
        line for line in pairs if float(line.rpartition("(")[2].removesuffix(" m²)").replace(",", "")) > 1
    ]
    assert (ran.code, len(large) in {509, 510}) == (0, True)
    assert all(re.search(r"'\d+' \(row \d+\) and '\d+' \(row \d+\) overlap", line) for line in pairs)


def test_feet_without_a_name_need_one(wenlu, wenlu_data):
    file = wenlu_data / "boston" / "precincts_feet_no_crs.geojson.gz"
    refused = wenlu("boundaries", "check", file, "--code", "WARD_PRECINCT")
    assert (refused.code, "EPSG:2249" in refused.err) == (1, True)
    assert wenlu("boundaries", "check", file, "--code", "WARD_PRECINCT", "--crs", "EPSG:2249").code == 0
