"""Tables of points: the same codes as geopandas' own join, in any coordinate system, whatever the rows hold."""

from __future__ import annotations

import geopandas
import numpy as np
import pytest
import shapely

from geo.boundary import Boundary, Layer
from geo.frames import tag_points
from geo.index import PointIndex

AREAS = {"b": shapely.box(0, 0, 2, 2), "a": shapely.box(1, 1, 3, 3), "c": shapely.box(3, 0, 4, 1)}
LAYERS = [
    Layer("zone", tuple(Boundary(code, code, area) for code, area in AREAS.items())),
    Layer("half", (Boundary("west", "West", shapely.box(0, 0, 1.5, 3)),), tie_order=1),
    Layer("tree", (Boundary("oak", "Oak", shapely.Point(1, 1)),), is_area=False),
]


@pytest.fixture(scope="module")
def index() -> PointIndex:
    return PointIndex.build(LAYERS)


def points(*places: tuple[float, float] | None) -> geopandas.GeoSeries:
    return geopandas.GeoSeries([place and shapely.Point(place) for place in places], crs=4326)


@pytest.mark.parametrize(
    ("place", "half", "zone"),
    [
        pytest.param((0.5, 0.5), "west", "b", id="in one of each"),
        pytest.param((1.5, 1.5), "west", "a;b", id="in two: in order of the code, on an edge of the other"),
        pytest.param((3.0, 1.0), None, "a;c", id="on a corner of two"),
        pytest.param((9.0, 9.0), None, None, id="in none"),
        pytest.param(None, None, None, id="no place"),
    ],
)
def test_the_codes_of_a_row(index, place, half, zone):
    tagged = tag_points(index, points((0.5, 0.5), place))
    assert list(tagged.columns) == ["half", "zone"]
    assert tagged.iloc[1].tolist() == [half, zone]


def test_it_is_what_geopandas_joins_in_any_coordinate_system(index):
    places = np.random.default_rng(3).uniform(-0.5, 4.5, (500, 2))
    frame = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(*places.T), crs=4326)
    frame.index = frame.index[::-1] + 7
    areas = geopandas.GeoDataFrame({"code": AREAS.keys()}, geometry=list(AREAS.values()), crs=4326)
    joined = areas.sjoin(frame, predicate="covers").groupby("index_right")["code"]
    codes = joined.agg(lambda found: ";".join(sorted(found))).reindex(frame.index)
    for given in (frame, frame.to_crs(3857)):
        tagged = tag_points(index, given, ["zone"])["zone"]
        assert tagged.index.equals(frame.index)
        assert [code or "" for code in tagged] == codes.fillna("").tolist()


def test_what_is_no_point_and_what_is_no_layer(index):
    with pytest.raises(ValueError, match="only points"):
        tag_points(index, geopandas.GeoSeries([shapely.box(0, 0, 1, 1)]))
    with pytest.raises(KeyError):
        tag_points(index, points((0, 0)), ["nowhere"])
