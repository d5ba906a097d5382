"""Wedges: narrow ground between two boundaries that is open to the outside; corners and rivers are none."""

import math

import pytest
import shapely

from geo.boundary import Boundary, Layer
from geo.crs import LocalFrame, ground_area_m2
from geo.gaps import wedges
from geo.topology import check_layer

LON, LAT = LocalFrame(114.0, 22.5).metres_per_degree


def place(*corners: tuple[float, float]) -> shapely.Geometry:
    return shapely.Polygon([(114.0 + x / LON, 22.5 + y / LAT) for x, y in corners])


def box(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    return place((west, south), (east, south), (east, north), (west, north))


LEFT = box(-500, 0, 0, 1000)
# (areas, expected m², tolerance)
CASES = {
    "neighbours": ([LEFT, box(0, 0, 500, 1000)], []),
    "step in the outline": ([LEFT, box(0, 0, 500, 600)], []),
    "strip of 4 m, open at both ends": ([LEFT, box(4, 0, 500, 1000)], [4000]),
    # The disc stops 10 / tan(opening / 2) from the tip.
    "wedge of 12 m opening over 600 m": (
        [LEFT, place((0, 0), (500, 0), (500, 600), (12, 600))],
        [12 * 600 / 2],
    ),
    "river of 60 m": ([LEFT, box(60, 0, 500, 1000)], []),
    "right angle between two": ([LEFT, box(0, 0, 500, 300)], []),
    "notch inside one boundary": ([LEFT.difference(box(-300, 500, -296, 1000)), box(0, 0, 500, 1000)], []),
    "apart": ([LEFT, box(5000, 0, 5500, 1000)], []),
    "one": ([LEFT], []),
    "drawn a hair apart": ([LEFT, box(0.04, 0, 500, 1000)], []),
}


@pytest.mark.parametrize(("areas", "expected"), CASES.values(), ids=CASES)
def test_wedges(areas: list[shapely.Geometry], expected: list[float]) -> None:
    found = wedges(areas, shapely.union_all(areas))
    assert sorted(ground_area_m2(each) for each in found) == [
        pytest.approx(area, rel=0.03) for area in expected
    ]
    for wedge in found:
        assert all(ground_area_m2(wedge.intersection(area)) < 1e-3 for area in areas)


def test_a_wide_opening_is_no_wedge() -> None:
    side = 600 * math.tan(math.radians(60))
    areas = [LEFT, place((0, 0), (side, 0), (side, 600))]
    assert wedges(areas, shapely.union_all(areas)) == []


def test_a_wedge_is_told_with_its_neighbours_and_area() -> None:
    layer = Layer("ward", (Boundary("a", "", LEFT), Boundary("b", "", box(4, 0, 500, 1000))))
    [found] = check_layer(layer)
    assert (found.kind, "beside 'a', 'b' (" in found.message) == ("wedge", True)
    assert found.area_m2 == pytest.approx(4000, rel=0.03)
