"""Repair: what is valid stays to the last bit, what is not becomes valid, what is hopeless is named."""

import math

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, box

from geo.boundary import GeometryError, repair

BOW_TIE = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
CROSSING_HOLE = [(-179.8, 0.2), (-179.5, 0.2), (-179.5, 0.5), (-179.8, 0.5)]


@pytest.mark.parametrize(
    "geometry",
    [
        pytest.param(box(0, 0, 1, 1), id="square"),
        pytest.param(box(0, 0, 3, 3).difference(box(1, 1, 2, 2)), id="hole"),
        pytest.param(MultiPolygon([box(0, 0, 1, 1), box(2, 2, 3, 3)]), id="two parts"),
        pytest.param(MultiPolygon([box(0, 0, 1, 1)]), id="one part"),
        pytest.param(box(-180, -90, 180, 90), id="the whole map"),
        pytest.param(Point(1, 2), id="point"),
        pytest.param(LineString([(0, 0), (1, 1), (0, 1), (1, 0)]), id="line that crosses itself"),
    ],
)
def test_what_is_valid_stays_as_it_is(geometry: shapely.Geometry) -> None:
    assert shapely.to_wkb(repair(geometry)) == shapely.to_wkb(geometry)


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        pytest.param(BOW_TIE, "MULTIPOLYGON (((0 0, 1 1, 0 2, 0 0)), ((1 1, 2 0, 2 2, 1 1)))", id="bow tie"),
        pytest.param(
            MultiPolygon([box(0, 0, 2, 1), box(1, 0, 3, 1)]),
            "POLYGON ((0 0, 3 0, 3 1, 0 1, 0 0))",
            id="overlap",
        ),
        pytest.param(
            shapely.GeometryCollection([box(0, 0, 1, 1), Point(5, 5)]),
            "POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))",
            id="collection with an area",
        ),
        pytest.param(
            Polygon([(0, 0, 7), (1, 0, 7), (1, 1, 7)]),
            "POLYGON ((0 0, 1 0, 1 1, 0 0))",
            id="heights are dropped",
        ),
        pytest.param(
            Polygon([(179, 0), (-179, 0), (-179, 1), (179, 1)]),
            "MULTIPOLYGON (((179 0, 180 0, 180 1, 179 1, 179 0)), ((-180 0, -179 0, -179 1, -180 1, -180 0)))",
            id="ring that jumps over the antimeridian",
        ),
        pytest.param(
            box(179, 0, 181, 1),
            "MULTIPOLYGON (((179 0, 180 0, 180 1, 179 1, 179 0)), ((-180 0, -179 0, -179 1, -180 1, -180 0)))",
            id="ring drawn on past 180",
        ),
        pytest.param(
            box(-190, 0, -185, 1), "POLYGON ((170 0, 175 0, 175 1, 170 1, 170 0))", id="beyond -180"
        ),
    ],
)
def test_what_is_repaired(geometry: shapely.Geometry, expected: str) -> None:
    repaired = repair(geometry)
    assert repaired.is_valid
    assert shapely.equals(repaired, shapely.from_wkt(expected))


def test_a_hole_crosses_the_antimeridian_with_its_shell() -> None:
    repaired = repair(Polygon([(179, 0), (-179, 0), (-179, 1), (179, 1)], [CROSSING_HOLE]))
    assert repaired.area == pytest.approx(2.0 - 0.09)
    assert not shapely.covers(repaired, Point(-179.6, 0.3))


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        pytest.param(None, "empty", id="nothing"),
        pytest.param(Polygon(), "empty", id="empty polygon"),
        pytest.param(Polygon([(0, 0), (1, 1), (2, 2)]), "no area", id="collapsed ring"),
        pytest.param(box(7e5, 2.9e6, 7.1e5, 3e6), "feet or metres", id="feet"),
        pytest.param(Point(0, 91), "not degrees", id="north of the pole"),
        pytest.param(Point(math.inf, 1), "not a finite number", id="not a number"),
    ],
)
def test_what_cannot_be_used_is_named(geometry: shapely.Geometry, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        repair(geometry)


PLACES = st.tuples(st.integers(-50, 50), st.integers(-50, 50)).map(lambda xy: (xy[0] / 10, xy[1] / 10))


@given(st.lists(PLACES, min_size=3, max_size=12))
def test_any_ring_becomes_valid_areas_or_is_refused(ring: list[tuple[float, float]]) -> None:
    try:
        repaired = repair(Polygon(ring))
    except GeometryError:
        return
    assert repaired.is_valid
    assert repaired.geom_type in {"Polygon", "MultiPolygon"}
    assert repaired.area > 0
    assert repair(repaired) is repaired or shapely.equals_exact(repair(repaired), repaired)
