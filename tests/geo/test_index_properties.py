"""The index against shapely and a projection library, on layers as awkward as Hypothesis can draw them."""

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely import Point, Polygon
from shapely.geometry.base import BaseGeometry

from geo.boundary import Boundary, GeometryError, Hit, Layer, repair
from geo.crs import LocalFrame
from geo.index import PointIndex

LON = 114.05

# A coarse grid makes shared edges, shared vertices, holes that touch and collinear points likely; tenths are
# not exact in binary, as in real files.
STEPS = st.integers(-20, 20)
PLACES = st.tuples(STEPS, STEPS).map(lambda xy: (xy[0] / 10, xy[1] / 10))


def _ring(points: list[tuple[float, float]]) -> BaseGeometry | None:
    try:
        return repair(shapely.Polygon(points))
    except GeometryError:
        return None


def _box(corner: tuple[float, float], width: float, height: float) -> BaseGeometry:
    return shapely.box(corner[0], corner[1], corner[0] + width, corner[1] + height)


def _with_hole(shell: BaseGeometry, hole: BaseGeometry) -> BaseGeometry | None:
    left = shapely.difference(shell, hole)
    return left if left.geom_type in {"Polygon", "MultiPolygon"} and not left.is_empty else None


SIZES = st.sampled_from([0.1, 0.3, 0.5, 1.0, 2.0])
RINGS = st.lists(PLACES, min_size=3, max_size=9).map(_ring).filter(lambda geometry: geometry is not None)
BOXES = st.builds(_box, PLACES, SIZES, SIZES)
SLIVERS = st.builds(_box, PLACES, SIZES, st.sampled_from([1e-6, 1e-9, 1e-12]))
HOLED = st.builds(_with_hole, BOXES, BOXES).filter(lambda geometry: geometry is not None)
MULTI = st.lists(BOXES, min_size=2, max_size=4).map(shapely.union_all)
AREAS = st.one_of(RINGS, BOXES, SLIVERS, HOLED, MULTI)


def _layer(geometries: list[BaseGeometry], lon: float) -> Layer:
    moved = [shapely.transform(each, lambda xy: xy + np.array([lon, 0.0])) for each in geometries]
    boundaries = [Boundary(str(i), f"Area {i}", repair(each)) for i, each in enumerate(moved)]
    return Layer("area", tuple(boundaries))


# Moved by 180 degrees, most layers lie across the antimeridian.
LAYERS = st.builds(_layer, st.lists(AREAS, min_size=1, max_size=6), st.sampled_from([0.0, 0.0, 180.0]))


def points_of(layer: Layer) -> st.SearchStrategy[tuple[float, float]]:
    """Points where answers go wrong: vertices, on and beside edges, on the grid, anywhere, far outside."""
    vertices = sorted(
        {tuple(xy) for each in layer.boundaries for xy in shapely.get_coordinates(each.geometry).tolist()}
    )
    corner = st.sampled_from(vertices)
    between = st.builds(_between, corner, corner, st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 1.0]))
    beside = st.builds(_beside, corner, st.sampled_from([-1e-9, 1e-15, 1e-12, 1e-7]))
    anywhere = st.tuples(st.floats(-2.5, 4.5), st.floats(-2.5, 4.5))
    return st.one_of(corner, between, beside, PLACES, anywhere, st.just((170.0, -80.0)))


def _between(one: tuple[float, float], other: tuple[float, float], share: float) -> tuple[float, float]:
    return one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])


def _beside(corner: tuple[float, float], step: float) -> tuple[float, float]:
    return corner[0] + step, corner[1] - step / 3


def codes(hits: tuple[Hit, ...]) -> list[str]:
    return [hit.code for hit in hits]


@given(data=st.data(), areas=LAYERS)
@settings(max_examples=200, deadline=None)
def test_covering_is_what_shapely_covers(data: st.DataObject, areas: Layer) -> None:
    points = data.draw(st.lists(points_of(areas), min_size=1, max_size=12))
    index = PointIndex.build([areas])
    expected = [
        [each.code for each in areas.boundaries if shapely.covers(each.geometry, Point(lon, lat))]
        for lon, lat in points
    ]
    assert [codes(index.covering(lon, lat)) for lon, lat in points] == expected
    assert [codes(index.lookup(lon, lat)) for lon, lat in points] == expected
    many = index.covering_many("area", *np.array(points).T)
    assert list(zip(*(each.tolist() for each in many), strict=True)) == [
        (at, int(code)) for at, found in enumerate(expected) for code in found
    ]


def true_distance(geometry: shapely.Geometry, lon: float, lat: float) -> float:
    """The distance to the geometry's edge in the azimuthal plane of a projection library."""
    plane = pyproj.Transformer.from_crs("OGC:CRS84", f"+proj=aeqd +lon_0={lon!r} +lat_0={lat!r} +ellps=WGS84")
    edge = shapely.segmentize(geometry.boundary, 0.002)
    return shapely.distance(
        shapely.transform(edge, lambda xy: np.column_stack(plane.transform(*xy.T))), Point(0, 0)
    )


@given(
    lat=st.floats(-70, 70),
    radius_m=st.floats(20, 5000),
    at=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    corners=st.integers(3, 30),
)
@settings(deadline=None)
def test_edge_distances_are_those_of_the_azimuthal_plane(
    lat: float, radius_m: float, at: tuple[float, float], corners: int
) -> None:
    east, north = (radius_m / scale for scale in LocalFrame(LON, lat).metres_per_degree)
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    area = Polygon(np.column_stack((LON + east * np.cos(angles), lat + north * np.sin(angles))))
    lon, lat = LON + at[0] * east / 2, lat + at[1] * north / 2
    expected = true_distance(area, lon, lat)
    index = PointIndex.build([Layer("ward", (Boundary("a", "A", area),))])
    found = [hit.edge_m for hit in index.lookup(lon, lat)]
    if not found:
        found = [near.distance_m if near.distance_m <= 100 else None for near in index.nearby(lon, lat, 9000)]
    if expected < 99.99:
        assert found == [pytest.approx(expected, abs=0.005)]
    elif expected > 100.01:
        assert found == [None]


@given(data=st.data(), areas=LAYERS, radius_m=st.floats(1, 500))
@settings(deadline=None)
def test_shares_are_areas_of_intersections(data: st.DataObject, areas: Layer, radius_m: float) -> None:
    lon, lat = data.draw(points_of(areas))
    assume(-180.0 <= lon <= 180.0)
    east, north = (1 / scale for scale in LocalFrame(lon, lat).metres_per_degree)
    circle = Point(0, 0).buffer(radius_m, quad_segs=256)
    disc = shapely.transform(circle, lambda xy: xy * [east, north] + [lon, lat])
    # Beyond the antimeridian the disc goes on at the other end of the map.
    turns = [
        shapely.transform(disc, lambda xy, turn=turn: xy + np.array([turn, 0.0])) for turn in (-360, 0, 360)
    ]
    shares = PointIndex.build([areas]).shares(lon, lat, radius_m, "area")
    for each in areas.boundaries:
        expected = sum(shapely.intersection(each.geometry, turn).area for turn in turns) / disc.area
        assert shares.get(each.code, 0.0) == pytest.approx(expected, abs=2e-4)
