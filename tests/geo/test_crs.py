"""Datums there and back, and metres in the local plane against a geodesic library."""

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.crs import Datum, LocalFrame, from_wgs84, ground_area_m2, ground_distance_m, shift_geometry, to_wgs84

GEOD = pyproj.Geod(ellps="WGS84")


@pytest.mark.parametrize(
    ("datum", "place", "shifted"),
    [
        pytest.param("wgs84", (116.404, 39.915), (116.404, 39.915), id="wgs84 stays"),
        pytest.param("gcj02", (116.404, 39.915), (116.410245, 39.916404), id="gcj02 Beijing"),
        pytest.param(
            "gcj02", (114.05, 22.54), (114.055103, 22.537267), id="gcj02 Shenzhen, 525 m east, 302 south"
        ),
        pytest.param("gcj02", (-74.0, 40.7), (-74.0, 40.7), id="gcj02 outside China stays"),
        pytest.param("bd09", (116.404, 39.915), (116.416627, 39.922700), id="bd09 Beijing"),
        pytest.param("bd09", (-74.0, 40.7), (-74.0, 40.7), id="bd09 outside China stays"),
    ],
)
def test_known_shifts(datum: Datum, place: tuple[float, float], shifted: tuple[float, float]) -> None:
    assert from_wgs84(*place, datum) == pytest.approx(shifted, abs=1e-6)
    assert to_wgs84(*shifted, datum) == pytest.approx(place, abs=2e-6)


@given(lon=st.floats(73.0, 135.0), lat=st.floats(3.0, 53.0), datum=st.sampled_from(["gcj02", "bd09"]))
def test_a_round_trip_closes_within_a_decimetre(lon: float, lat: float, datum: Datum) -> None:
    back = to_wgs84(*from_wgs84(lon, lat, datum), datum)
    assert ground_distance_m(lon, lat, *back) < 0.1


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_arrays_give_what_single_places_give(datum: Datum) -> None:
    lon, lat = np.array([114.05, 116.4, -71.0]), np.array([22.54, 39.9, 42.3])
    many = to_wgs84(lon, lat, datum)
    one_by_one = [to_wgs84(x, y, datum) for x, y in zip(lon.tolist(), lat.tolist(), strict=True)]
    assert np.column_stack(many).tolist() == [list(place) for place in one_by_one]
    assert all(type(value) is float for value in one_by_one[0])


def test_an_unknown_datum_is_named() -> None:
    with pytest.raises(ValueError, match="unknown datum 'mars'"):
        to_wgs84(1.0, 2.0, "mars")  # type: ignore[arg-type]


def test_a_geometry_is_shifted_point_by_point() -> None:
    square = shapely.box(114.0, 22.5, 114.1, 22.6)
    shifted = shift_geometry(square, "gcj02")
    expected = [to_wgs84(x, y, "gcj02") for x, y in shapely.get_coordinates(square).tolist()]
    assert shapely.get_coordinates(shifted).tolist() == [list(place) for place in expected]
    assert shift_geometry(square, "wgs84") is square


@given(
    lon=st.floats(-180.0, 180.0),
    lat=st.floats(-75.0, 75.0),
    azimuth=st.floats(0.0, 360.0),
    metres=st.floats(0.0, 10_000.0),
)
def test_the_local_plane_keeps_distance_and_bearing(
    lon: float, lat: float, azimuth: float, metres: float
) -> None:
    there_lon, there_lat, _ = GEOD.fwd(lon, lat, azimuth, metres)
    x, y = LocalFrame(lon, lat).project_point(there_lon, there_lat)
    bearing = np.radians(azimuth)
    assert (x, y) == pytest.approx((metres * np.sin(bearing), metres * np.cos(bearing)), abs=0.006)
    assert ground_distance_m(lon, lat, there_lon, there_lat) == pytest.approx(metres, abs=0.004)


@given(lon=st.floats(-180.0, 180.0), lat=st.floats(-85.0, 85.0), azimuth=st.floats(0.0, 360.0))
def test_a_window_holds_the_whole_disc(lon: float, lat: float, azimuth: float) -> None:
    west, south, east, north = LocalFrame(lon, lat).window(5000.0)
    there_lon, there_lat, _ = GEOD.fwd(lon, lat, azimuth, 5000.0)
    there_lon += 360.0 * round((lon - there_lon) / 360.0)
    assert west <= there_lon <= east
    assert south <= there_lat <= north


@pytest.mark.parametrize(
    ("geometry", "tolerance"),
    [
        pytest.param(shapely.box(114.0, 22.5, 114.0001, 22.5001), 1e-6, id="about 100 m²"),
        pytest.param(shapely.box(-71.2, 42.2, -71.0, 42.4), 1e-5, id="a city"),
        pytest.param(shapely.box(10.0, -60.0, 10.5, -59.5), 1e-4, id="far south"),
    ],
)
def test_ground_area_is_that_of_the_ellipsoid(geometry: shapely.Geometry, tolerance: float) -> None:
    expected = abs(GEOD.geometry_area_perimeter(shapely.segmentize(geometry, 0.01))[0])
    assert ground_area_m2(geometry) == pytest.approx(expected, rel=tolerance)


def test_lines_have_no_area() -> None:
    assert ground_area_m2(shapely.LineString([(0, 0), (1, 1)])) == 0.0
