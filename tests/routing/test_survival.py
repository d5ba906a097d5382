"""How long things take, with those counted that are not over: the Kaplan-Meier curve on worked examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.survival import Span, Step, ended_by, survival


@pytest.mark.parametrize(
    ("ended", "still_open", "half", "nine_tenths"),
    [
        pytest.param([], [], None, None, id="nothing"),
        pytest.param([5], [], 5, 5, id="one"),
        pytest.param([1, 2, 3, 4], [], 2, 4, id="all over: the plain quantiles"),
        pytest.param(list(range(1, 11)), [], 5, 9, id="ten, all over"),
        pytest.param([1, 2, 3, 4], [100] * 4, 4, None, id="half of them still open"),
        pytest.param([1, 2, 3], [100] * 4, None, None, id="more than half still open"),
        pytest.param([1, 2, 3, 4], [0, 0, 0, 0], 2, 4, id="open for no time yet: they say nothing"),
        pytest.param([2, 2, 2, 9], [2], 2, 9, id="open as long as others took: still at risk then"),
    ],
)
def test_quantiles(
    ended: list[float], still_open: list[float], half: float | None, nine_tenths: float | None
) -> None:
    steps = survival([Span(each, True) for each in ended] + [Span(each, False) for each in still_open])
    assert (ended_by(steps, 0.5), ended_by(steps, 0.9)) == (half, nine_tenths)


def test_the_example_of_the_textbooks() -> None:
    """Remission of leukaemia under 6-MP (Freireich 1963), 21 patients, 9 of them relapsed."""
    relapsed = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    watched = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    steps = survival([Span(each, True) for each in relapsed] + [Span(each, False) for each in watched])
    expected = [(6, 0.857), (7, 0.807), (10, 0.753), (13, 0.690), (16, 0.627), (22, 0.538), (23, 0.448)]
    assert [(step.length, round(step.share, 3)) for step in steps] == expected
    assert ended_by(steps, 0.5) == 23


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans(), st.integers(1, 4)), max_size=40))
def test_counts_are_the_same_as_single_cases(rows: list[tuple[int, bool, int]]) -> None:
    together = survival([Span(*row) for row in rows])
    single = survival([Span(length, ended) for length, ended, count in rows for _ in range(count)])
    assert together == single
    shares = [step.share for step in together]
    assert shares == sorted(shares, reverse=True)
    assert all(-1e-9 <= share < 1 for share in shares)


@given(st.lists(st.integers(0, 50), min_size=1), st.sampled_from([0.1, 0.5, 0.9]))
def test_where_all_is_over_it_is_the_share(lengths: list[int], share: float) -> None:
    found = ended_by(survival([Span(each, True) for each in lengths]), share)
    assert found == next(
        each for each in sorted(lengths) if sum(n <= each for n in lengths) >= share * len(lengths) - 1e-9
    )


def test_a_curve_that_never_falls_says_nothing() -> None:
    assert ended_by([Step(3, 0.7)], 0.5) is None
    with pytest.raises(ValueError, match="at least"):
        survival([Span(-1, True)])
