"""A default point is found by its share and its loneliness; a busy real place is not one."""

import random

import pytest

from routing.default_points import PlaceCounts, find_default_points

HALL = (-71.0587, 42.3594)


def _spread(places, rows_each=4):
    """Places some hundred metres apart with a few rows each, busier ones among them."""
    chance = random.Random(7)
    return {
        (round(-71.2 + chance.random() / 5, 5), round(42.2 + chance.random() / 5, 5)): chance.randint(
            1, 2 * rows_each
        )
        for _ in range(places)
    }


@pytest.mark.parametrize(
    ("more", "found"),
    [
        pytest.param({HALL: 400}, [HALL], id="one lonely point with 8 percent"),
        pytest.param({HALL: 400, (0.0, 0.0): 90}, [HALL, (0.0, 0.0)], id="two of them"),
        pytest.param({}, [], id="none"),
        pytest.param({HALL: 29}, [], id="too few rows to tell"),
        pytest.param({HALL: 38}, [], id="busy, but others are nearly so"),
        pytest.param(
            {HALL: 400} | {(HALL[0] + n / 10_000, HALL[1]): 15 for n in range(1, 11)}, [], id="a busy square"
        ),
        pytest.param(
            {HALL: 400} | {(HALL[0] + n / 50, HALL[1]): 300 for n in range(1, 30)}, [], id="many such places"
        ),
    ],
)
def test_which_points_are_defaults(more, found):
    points = find_default_points(_spread(1000) | more)
    assert [(point.lon, point.lat) for point in points] == found
    assert all(point.share >= 0.005 and point.excess >= 6 for point in points)


def test_a_share_is_of_all_rows():
    (point,) = find_default_points({HALL: 50, (0.0, 0.0): 1}, rows=5000)
    assert (point.count, point.share, point.neighbours) == (50, 0.01, 0)


def test_counting_forgets_single_places_when_they_are_too_many(monkeypatch):
    monkeypatch.setattr("routing.default_points._MOST_PLACES", 50)
    places = [*_spread(500)]
    counts = PlaceCounts(point for place in places for point in (place, HALL))
    (point,) = counts.default_points()
    assert (point.lon, point.lat, point.count) == (*HALL, 500)
    assert point.share == pytest.approx(0.5)
    assert len(counts._counts) <= 51
