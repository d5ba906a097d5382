"""When many reports are a group, and when they are a busy place."""

import pytest

from routing.incidents import GroupRules, at_least, judge_burst


@pytest.mark.parametrize(
    ("reporters", "usual", "is_group"),
    [
        pytest.param(4, 0, False, id="one too few"),
        pytest.param(5, 0, True, id="five where nothing ever is"),
        pytest.param(5, 5, True, id="five at a place with one a week"),
        pytest.param(5, 40, False, id="five at a busy place"),
        pytest.param(9, 40, True, id="nine at a busy place"),
        pytest.param(15, 400, False, id="fifteen at a station"),
        pytest.param(40, 400, True, id="forty at a station"),
    ],
)
def test_bursts(reporters, usual, is_group):
    assert judge_burst(reporters, usual).is_group is is_group


@pytest.mark.parametrize(
    ("count", "expected", "probability"),
    [(0, 1.0, 1.0), (1, 1.0, 0.632121), (5, 0.05, 2.5e-9), (3, 3.0, 0.576810)],
)
def test_how_probable(count, expected, probability):
    assert at_least(count, expected) == pytest.approx(probability, rel=0.01)


def test_a_city_may_ask_for_more():
    assert not judge_burst(5, 0, GroupRules(reporters=8)).is_group
