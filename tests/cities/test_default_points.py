"""Default points in real histories: Boston City Hall and 0, 0 are found, busy places of New York are not."""

from __future__ import annotations

import pytest

from routing.default_points import PlaceCounts

CITIES = [
    pytest.param(
        "boston", "MAP.toml", "boston/requests_2011-07_10.csv.gz", [(-71.0587, 42.3594)], id="Boston"
    ),
    pytest.param("newyork", "MAP.toml", "nyc/requests_2026-08-01_04.parquet", [], id="New York"),
    pytest.param(
        "newyork",
        "MAP_districts.toml",
        "nyc/requests_2026-02_all_districts.csv.gz",
        [],
        id="New York, February",
    ),
    pytest.param(
        "shenzhen",
        "MAP_taxi.toml",
        "shenzhen/taxi_od_2019-09-01_wgs84.csv.gz",
        [(0.0, 0.0)],
        id="Shenzhen taxis",
    ),
]


@pytest.mark.parametrize(("city", "mapping", "file", "expected"), CITIES)
def test_default_points_of_a_real_history(past_requests, city, mapping, file, expected):
    rows = past_requests(city, mapping, file, None)[1]
    found = PlaceCounts((row.lon, row.lat) for row in rows if row.lon is not None).default_points()
    assert [(point.lon, point.lat) for point in found] == expected


def test_boston_city_hall_is_as_outlandish_as_the_readme_of_the_data_says(past_requests):
    rows = past_requests("boston", "MAP.toml", "boston/requests_2011-07_10.csv.gz", None)[1]
    (hall,) = PlaceCounts((row.lon, row.lat) for row in rows if row.lon is not None).default_points()
    assert (hall.share, hall.excess > 100) == (pytest.approx(0.082, abs=0.001), True)
