"""Priority is urgency times importance."""

import pytest

from routing.priority import compute_priority, higher


@pytest.mark.parametrize(
    ("urgency", "importance", "is_vulnerable", "priority"),
    [
        (1, 1, False, "low"),
        (2, 1, False, "low"),
        (1, 3, False, "normal"),
        (2, 2, False, "normal"),
        (2, 3, False, "high"),
        (3, 2, False, "high"),
        (3, 3, False, "emergency"),
        (3, 2, True, "emergency"),
        (2, 3, True, "high"),
        (9, -4, False, "normal"),
    ],
)
def test_urgency_times_importance(urgency, importance, is_vulnerable, priority):
    assert compute_priority(urgency, importance, is_vulnerable=is_vulnerable) == priority


@pytest.mark.parametrize(
    ("one", "other", "result"),
    [("low", "high", "high"), ("emergency", "normal", "emergency"), ("low", "low", "low")],
)
def test_a_rule_only_raises(one, other, result):
    assert higher(one, other) == result
