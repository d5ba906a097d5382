"""What is wrong between boundaries, with its area on the ground."""

from pathlib import Path

import pytest
import shapely
from shapely import Point, Polygon, box

from geo.boundary import Boundary, Layer
from geo.files import read_layer
from geo.topology import check_layer

# One thousandth of a degree at the equator is 111.32 m by 110.57 m.
M = 1e-5
M2 = 1.1131949 * 1.1057428


def layer(*areas: tuple[str, shapely.Geometry]) -> Layer:
    return Layer("ward", tuple(Boundary(code, code, geometry) for code, geometry in areas))


def square(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    return box(west * M, south * M, east * M, north * M)


@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        pytest.param([("a", square(0, 0, 9, 9)), ("b", square(9, 0, 20, 9))], [], id="neighbours"),
        pytest.param([("a", square(0, 0, 9, 9)), ("b", square(9, 9, 20, 20))], [], id="touch in a corner"),
        pytest.param([("a", square(0, 0, 9, 9)), ("b", square(50, 50, 60, 60))], [], id="apart"),
        pytest.param(
            [("a", square(0, 0, 90, 90)), ("b", square(80, 0, 200, 90))],
            [("overlap", "a", 900)],
            id="overlap",
        ),
        pytest.param(
            [("a", square(0, 0, 90, 90)), ("b", square(89.5, 0, 200, 90))],
            [("sliver-overlap", "a", 45)],
            id="sliver",
        ),
        pytest.param(
            [("a", square(0, 0, 90, 90)), ("b", square(90 - 1e-6, 0, 200, 90))],
            [],
            id="rounding is not reported",
        ),
        pytest.param(
            [("a", square(0, 0, 9, 9)), ("b", square(0, 0, 9, 9))],
            [("duplicate", "a", 81)],
            id="the same twice",
        ),
        pytest.param(
            [("a", square(0, 0, 90, 90).difference(square(10, 10, 40, 40))), ("b", square(90, 0, 99, 9))],
            [("gap", "", 900)],
            id="gap",
        ),
        pytest.param(
            [("a", square(0, 0, 90, 90).difference(square(10, 10, 14, 14)))],
            [("sliver-gap", "", 16)],
            id="small gap",
        ),
        pytest.param(
            [("a", square(0, 0, 90, 90).difference(square(10, 10, 40, 40))), ("b", square(10, 10, 40, 40))],
            [],
            id="enclave fills the hole",
        ),
        pytest.param(
            [
                ("a", square(0, 0, 100, 100)),
                ("b", square(90, 0, 200, 100)),
                ("c", square(0, 80, 50, 150)),
            ],
            [("overlap", "a", 1000), ("overlap", "a", 1000)],
            id="two overlaps",
        ),
    ],
)
def test_areas(areas: list[tuple[str, shapely.Geometry]], expected: list[tuple[str, str, float]]) -> None:
    findings = check_layer(layer(*areas))
    assert [(each.kind, each.code) for each in findings] == [(kind, code) for kind, code, _ in expected]
    assert [each.area_m2 for each in findings] == [
        pytest.approx(area * M2, rel=1e-3) for *_, area in expected
    ]
    assert {each.severity for each in findings} <= {"warning"}


def test_the_largest_comes_first_and_both_are_named() -> None:
    areas = [("a", square(0, 0, 100, 100)), ("b", square(95, 0, 200, 100)), ("c", square(0, 20, 50, 150))]
    findings = check_layer(layer(*areas))
    assert ["'a' and 'c'" in findings[0].message, "'a' and 'b'" in findings[1].message] == [True, True]


def test_codes_and_validity_are_errors() -> None:
    bow_tie = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    findings = check_layer(layer(("a", square(0, 0, 1, 1)), ("a", bow_tie)))
    assert [(each.severity, each.kind, each.code) for each in findings] == [
        ("error", "duplicate-code", "a"),
        ("error", "invalid", "a"),
    ]


def test_points_are_checked_for_codes_only() -> None:
    points = Layer("light", (Boundary("1", "", Point(0, 0)), Boundary("1", "", Point(0, 0))), is_area=False)
    assert [each.kind for each in check_layer(points)] == ["duplicate-code"]


def test_509_overlapping_zones_of_shenzhen(wenlu_data: Path) -> None:
    file = wenlu_data / "shenzhen" / "taz_491_epsg3857.shp.zip"
    zones, _ = read_layer(file, name="zone", code="TAZID")
    overlaps = [each for each in check_layer(zones) if "overlap" in each.kind]
    # Counted in a grid of metres there are 509 of over 1 m²; one pair lies at the threshold.
    assert len([each for each in overlaps if (each.area_m2 or 0) > 1.0]) in {509, 510}
    assert overlaps[0].area_m2 == pytest.approx(34_599, abs=1)
