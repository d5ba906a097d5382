"""Knows how figures are put into classes for a map: round limits that part them into groups of like size."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

# Under this many a share or a curve says nothing, and none is shown.
SMALLEST_SAMPLE = 10


def class_of(value: float | None, breaks: Sequence[float]) -> int:
    """The class of a value from 1 on; 0 where nothing is known. A limit belongs to the class above it."""
    return 0 if value is None else bisect_right(breaks, value) + 1


def even_breaks(values: Iterable[float], classes: int) -> list[float]:
    """Rising round limits between classes of about the same number of values; fewer where values are few.

    Zeros are left out: most areas have nothing most of the time, and that is one class anyhow.
    """
    known = sorted(value for value in values if value > 0)
    if not known:
        return []
    wanted = (known[len(known) * part // classes] for part in range(1, classes))
    return sorted({_rounded(value) for value in wanted if _rounded(value) > known[0]})


def _rounded(value: float) -> float:
    """To one figure and a half: 1, 2, 5, 10, 15, 20 …"""
    step = 10 ** math.floor(math.log10(value))
    half = step / 2 if value >= 10 else 1
    return float(round(value / half) * half)
