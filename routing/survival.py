"""Knows how long things take when some are not over yet: the Kaplan-Meier curve, and what share ended by when."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """`count` cases that lasted `length` (any unit of time) until they ended, or until one last looked."""

    length: float
    is_ended: bool
    count: int = 1


@dataclass(frozen=True, slots=True)
class Step:
    """From `length` on, this `share` of all cases is estimated to be still open."""

    length: float
    share: float


def survival(spans: Iterable[Span]) -> list[Step]:
    """The curve of what is still open, a step for each length at which something ended.

    A case that is not over counts as open for as long as it was seen, and says nothing of later.
    """
    ended: defaultdict[float, int] = defaultdict(int)
    leaving: defaultdict[float, int] = defaultdict(int)
    for span in spans:
        if span.count < 0 or span.length < 0:
            raise ValueError("a span lasts at least no time and is there at least no times")
        leaving[span.length] += span.count
        ended[span.length] += span.count if span.is_ended else 0
    at_risk, share, steps = sum(leaving.values()), 1.0, []
    for length in sorted(leaving):
        if ended[length]:
            share *= 1 - ended[length] / at_risk
            steps.append(Step(length, share))
        at_risk -= leaving[length]
    return steps


def ended_by(steps: Sequence[Step], share: float) -> float | None:
    """By when this share of all cases had ended; None where so many have not ended yet."""
    # What is left after many multiplications misses its round number by a hair.
    return next((step.length for step in steps if step.share <= 1 - share + 1e-9), None)
