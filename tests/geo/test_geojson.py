"""GeoJSON: each bad feature is named, the others are read; what is written can be read again."""

from typing import Any

import pytest
import shapely

from geo.boundary import Boundary
from geo.geojson import GeoJsonError, crs_name, feature_collection, read_features, rounded

RING = [[0, 0], [1, 0], [1, 1], [0, 0]]
SQUARE = {"type": "Polygon", "coordinates": [RING]}


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        pytest.param(feature(None), "no geometry", id="null geometry"),
        pytest.param(feature("x"), "not an object", id="geometry is a string"),
        pytest.param(
            feature({"type": "Polygon", "coordinates": [[RING]]}), "not nested as a Polygon", id="too deep"
        ),
        pytest.param(
            feature({"type": "Polygon", "coordinates": RING}), "not nested as a Polygon", id="too flat"
        ),
        pytest.param(
            feature({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}), "cannot be read", id="2 points"
        ),
        pytest.param(
            feature({"type": "Polygon", "coordinates": [[["a", 0]] * 4]}), "cannot be read", id="letters"
        ),
        pytest.param(feature({"type": "Blob", "coordinates": []}), "cannot be read", id="unknown type"),
        pytest.param(feature({"coordinates": []}), "cannot be read", id="no type"),
        pytest.param(feature({"type": "Polygon"}), "cannot be read", id="no coordinates"),
        pytest.param(
            feature({"type": "Polygon", "coordinates": [RING, [[0, 0], [1]]]}), "cannot be read", id="ragged"
        ),
        pytest.param("x", "not a feature", id="feature is a string"),
    ],
)
def test_a_bad_feature_keeps_its_place_and_is_named(broken: Any, problem: str) -> None:
    rows = read_features(
        {"type": "FeatureCollection", "features": [feature(SQUARE), broken, feature(SQUARE)]}
    )
    assert [row.number for row in rows] == [1, 2, 3]
    assert [row.geometry is None for row in rows] == [False, True, False]
    assert problem in rows[1].problem


@pytest.mark.parametrize(
    "document",
    [
        pytest.param([], id="list"),
        pytest.param({}, id="no type"),
        pytest.param({"type": 3}, id="type is a number"),
        pytest.param({"type": "FeatureCollection"}, id="no features"),
        pytest.param({"type": "FeatureCollection", "features": {}}, id="features is an object"),
    ],
)
def test_what_is_not_geojson_is_refused(document: Any) -> None:
    with pytest.raises(GeoJsonError):
        read_features(document)


@pytest.mark.parametrize("document", [feature(SQUARE), SQUARE], ids=["feature", "geometry"])
def test_a_lone_feature_or_geometry_is_one_row(document: dict[str, Any]) -> None:
    [row] = read_features(document)
    assert row.geometry == shapely.Polygon(RING)


@pytest.mark.parametrize(
    ("crs", "name"),
    [
        pytest.param({"type": "name", "properties": {"name": "EPSG:2249"}}, "EPSG:2249", id="named"),
        pytest.param(None, None, id="null"),
        pytest.param({"properties": {}}, None, id="no name"),
        pytest.param("EPSG:2249", None, id="a string"),
    ],
)
def test_the_declared_coordinate_system(crs: Any, name: str | None) -> None:
    assert crs_name({"crs": crs}) == name


def test_what_is_written_can_be_read() -> None:
    boundary = Boundary("7", "Seven", shapely.box(0, 0, 1 / 3, 1), {"zip": "02"})
    [row] = read_features(feature_collection([boundary], with_attributes=True))
    assert row.properties == {"code": "7", "name": "Seven", "zip": "02"}
    assert shapely.equals(row.geometry, shapely.box(0, 0, 0.3333333, 1))


def test_rounding_drops_the_points_that_repeat() -> None:
    line = shapely.LineString([(0, 0), (0.001, 0.001), (1.2345, 1)])
    assert rounded(line, 1).wkt == "LINESTRING (0 0, 1.2 1)"
