"""Knows the four priorities and how urgency and importance make one."""

from typing import Literal, get_args

Priority = Literal["emergency", "high", "normal", "low"]

# From the most pressing to the least.
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
_RANK = {name: rank for rank, name in enumerate(reversed(PRIORITIES))}

URGENCY_DEFAULT = 2
IMPORTANCE_DEFAULT = 2
# The lowest product of urgency and importance (1 to 3 each) that still earns the priority.
_THRESHOLDS: tuple[tuple[int, Priority], ...] = ((9, "emergency"), (6, "high"), (3, "normal"))


def compute_priority(
    urgency: int = URGENCY_DEFAULT, importance: int = IMPORTANCE_DEFAULT, *, is_vulnerable: bool = False
) -> Priority:
    """Multiply urgency by importance (1 to 3 each, clamped); vulnerable people raise importance by one."""
    score = _clamp(urgency) * _clamp(importance + is_vulnerable)
    return next((name for least, name in _THRESHOLDS if score >= least), "low")


def higher(one: Priority, other: Priority) -> Priority:
    """Return the more pressing of two: a rule may raise a priority, never lower it."""
    return one if _RANK[one] >= _RANK[other] else other


def _clamp(value: int) -> int:
    return min(max(value, 1), 3)
