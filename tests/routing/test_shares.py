"""Classes of a map: which class a value falls into, and limits that part values into groups of like size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from routing.shares import class_of, even_breaks


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, 0), (0.0, 1), (0.59, 1), (0.6, 2), (0.79, 3), (0.8, 4), (1.0, 4)],
)
def test_a_limit_belongs_to_the_class_above_it(value: float | None, expected: int) -> None:
    assert class_of(value, (0.6, 0.7, 0.8)) == expected


@pytest.mark.parametrize(
    ("values", "breaks"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([0, 0, 0], [], id="nothing but zeros"),
        pytest.param([4, 4, 4, 4], [], id="all the same"),
        pytest.param([1, 2, 3, 4, 5], [2, 3, 4, 5], id="a few"),
        pytest.param([0, 12, 23, 31, 44, 57], [25, 30, 45, 55], id="rounded"),
    ],
)
def test_round_limits(values: list[float], breaks: list[float]) -> None:
    assert even_breaks(values, 5) == breaks


@given(some.lists(some.integers(0, 100_000)), some.integers(2, 7))
def test_limits_rise_and_no_class_is_too_many(values: list[int], classes: int) -> None:
    breaks = even_breaks(values, classes)
    assert breaks == sorted(set(breaks))
    assert len(breaks) < classes
    assert all(1 <= class_of(value, breaks) <= classes for value in values)
