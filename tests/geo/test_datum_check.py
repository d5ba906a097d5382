"""A shift against a reference is named with its size and datum; maps that lie right raise no alarm."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import shapely

from geo.boundary import Boundary, Layer
from geo.crs import Datum, LocalFrame, from_wgs84
from geo.datum_check import check_datum
from geo.files import read_layer
from geo.findings import Finding
from geo.shift import measure_shift


def moved(layer: Layer, move: Callable[..., object]) -> Layer:
    return replace(
        layer,
        boundaries=tuple(
            replace(each, geometry=shapely.transform(each.geometry, move, interleaved=False))
            for each in layer.boundaries
        ),
    )


def drawn_in(layer: Layer, datum: Datum) -> Layer:
    return moved(layer, lambda lon, lat: from_wgs84(lon, lat, datum))


def wards(
    cells: int = 6, size: float = 0.02, at: tuple[float, float] = (114.0, 22.5), seed: int = 1
) -> Layer:
    """A town of crooked quarters: a grid whose corners were pushed about."""
    push = np.random.default_rng(seed).uniform(-0.3, 0.3, (cells + 1, cells + 1, 2))
    x, y = np.meshgrid(np.arange(cells + 1), np.arange(cells + 1), indexing="ij")
    corners = np.stack((x, y), axis=-1) * size + push * size + np.array(at)
    quarters = [
        Boundary(
            f"{i}-{j}",
            "",
            shapely.Polygon([corners[i + a, j + b] for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))]),
        )
        for i in range(cells)
        for j in range(cells)
    ]
    return Layer("ward", tuple(quarters))


def districts(layer: Layer) -> Layer:
    """The same town at a higher level: quarters united in columns of two."""
    columns: dict[int, list[shapely.Geometry]] = {}
    for each in layer.boundaries:
        columns.setdefault(int(each.code.partition("-")[0]) // 2, []).append(each.geometry)
    return Layer(
        "district",
        tuple(Boundary(str(code), "", shapely.union_all(group)) for code, group in columns.items()),
    )


TOWN = wards()


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(each.kind, each.message) for each in findings]


@pytest.mark.parametrize("reference", [TOWN, districts(TOWN)], ids=["same level", "districts"])
@pytest.mark.parametrize(("datum", "name"), [("gcj02", "GCJ-02"), ("bd09", "BD-09")])
def test_a_datum_is_named(datum: Datum, name: str, reference: Layer) -> None:
    [(kind, message)] = told(check_datum(drawn_in(TOWN, datum), reference))
    lon, lat = from_wgs84(114.06, 22.56, datum)
    east, north = LocalFrame(114.06, 22.56).project_point(lon, lat)
    assert kind == "datum"
    assert f'it is drawn in {name}; declare datum = "{datum}" (--datum {datum}) for ward' in message
    measured = measure_shift(drawn_in(TOWN, datum), reference)
    assert measured is not None
    # One figure for the whole town; the datum's own shift varies by so much across it.
    assert (measured.east_m, measured.north_m) == (pytest.approx(east, abs=40), pytest.approx(north, abs=40))


def test_a_reference_that_is_drawn_in_it_is_named_instead() -> None:
    [(kind, message)] = told(check_datum(TOWN, drawn_in(districts(TOWN), "gcj02")))
    assert (kind, message.startswith("district lies (+"), "for district, which leaves" in message) == (
        "datum",
        True,
        True,
    )


def test_a_datum_declared_by_mistake_is_named() -> None:
    undone = moved(
        TOWN,
        lambda lon, lat: tuple(
            2 * a - b for a, b in zip((lon, lat), from_wgs84(lon, lat, "gcj02"), strict=True)
        ),
    )
    [(kind, message)] = told(check_datum(undone, districts(TOWN), declared="gcj02"))
    assert (kind, "it is drawn in WGS 84" in message) == ("datum", True)


SHIFTS = {"east": (0.004, 0.0), "south-west": (-0.003, -0.005), "a street's width": (0.0004, 0.0004)}


@pytest.mark.parametrize(("lon", "lat"), SHIFTS.values(), ids=SHIFTS)
def test_another_shift_is_of_unknown_origin_and_has_its_size(lon: float, lat: float) -> None:
    shifted = moved(TOWN, lambda x, y: (x + lon, y + lat))
    [(kind, message)] = told(check_datum(shifted, districts(TOWN)))
    shift = measure_shift(shifted, districts(TOWN))
    scale = LocalFrame(114.06, 22.56).metres_per_degree
    assert (kind, "of unknown origin" in message) == ("shift", True)
    assert shift is not None
    assert (shift.east_m, shift.north_m) == (
        pytest.approx(lon * scale[0], abs=2),
        pytest.approx(lat * scale[1], abs=2),
    )


QUIET = {
    "itself": (TOWN, TOWN),
    "another level": (TOWN, districts(TOWN)),
    "the higher against the lower": (districts(TOWN), TOWN),
    "a corner of it": (replace(TOWN, boundaries=TOWN.boundaries[:9]), districts(TOWN)),
    "drawn less finely": (
        replace(
            TOWN, boundaries=tuple(replace(b, geometry=b.geometry.simplify(5e-4)) for b in TOWN.boundaries)
        ),
        districts(TOWN),
    ),
    "shifted by less than it matters": (moved(TOWN, lambda x, y: (x + 1e-4, y)), districts(TOWN)),
}


@pytest.mark.parametrize(("layer", "reference"), QUIET.values(), ids=QUIET)
def test_maps_that_lie_right_raise_no_alarm(layer: Layer, reference: Layer) -> None:
    assert check_datum(layer, reference) == []


OTHERS = {
    "another town": wards(at=(120.0, 30.0)),
    "another partition of the same place": wards(cells=5, size=0.023, seed=7),
    "points": Layer("light", (Boundary("1", "", shapely.Point(114, 22.5)),), is_area=False),
}


@pytest.mark.parametrize("reference", OTHERS.values(), ids=OTHERS)
def test_maps_with_nothing_in_common_are_not_compared(reference: Layer) -> None:
    assert [each.kind for each in check_datum(TOWN, reference)] == ["incomparable"]


def test_outside_china_no_datum_is_suspected() -> None:
    town = wards(at=(-71.1, 42.3))
    shifted = moved(town, lambda x, y: (x + 0.0051, y - 0.0029))
    assert [each.kind for each in check_datum(shifted, town)] == ["shift"]


REAL = {
    "boston": ["wards.geojson.gz", "police_districts_shp.zip", "neighborhoods.geojson.gz"],
    "nyc": ["council_districts.geojson.gz", "police_precincts.geojson.gz"],
    "cambridge": ["wardsprecincts.geojson.gz", "masteraddressblocks.geojson.gz", "zipcodes.geojson.gz"],
}
PAIRS = [(city, *pair) for city, files in REAL.items() for pair in permutations(files, 2)]


@pytest.mark.parametrize(("city", "file", "reference"), PAIRS)
def test_real_maps_of_one_city_raise_no_alarm(wenlu_data: Path, city: str, file: str, reference: str) -> None:
    layer, other = (
        read_layer(wenlu_data / city / each, name=each, code=None)[0] for each in (file, reference)
    )
    assert check_datum(layer, other) == []


# What is drawn in which datum: README of the data, point 4.
SHENZHEN = {
    "streets against districts": (
        "streets_74",
        "districts_wgs84",
        "datum",
        "streets_74 lies (+523 m, -322 m)",
    ),
    "districts against streets": (
        "districts_wgs84",
        "streets_74",
        "datum",
        "streets_74 lies (+523 m, -322 m)",
    ),
    "districts of another source": (
        "districts_datav_gcj02",
        "districts_wgs84",
        "datum",
        "lies (+509 m, -312 m)",
    ),
    "both in GCJ-02": ("districts_datav_gcj02", "streets_74", None, ""),
}


@pytest.mark.parametrize(("file", "reference", "kind", "said"), SHENZHEN.values(), ids=SHENZHEN)
def test_shenzhen(wenlu_data: Path, file: str, reference: str, kind: str | None, said: str) -> None:
    layer, other = (
        read_layer(wenlu_data / "shenzhen" / f"{each}.geojson.gz", name=each, code=None)[0]
        for each in (file, reference)
    )
    found = told(check_datum(layer, other))
    assert [each for each, _ in found] == ([kind] if kind else [])
    assert all(said in message and "GCJ-02" in message for _, message in found)
