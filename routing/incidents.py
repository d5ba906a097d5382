"""Knows when many reports at once are a group: many distinct people, far more than chance brings on a usual day."""

from __future__ import annotations

import math
from dataclasses import dataclass

# The busiest hours of a usual day bring about three times its mean, evenings and Mondays more than nights.
PEAK_FACTOR = 3.0
# A place where nothing was reported for weeks is not one where nothing ever is.
NEVER_LESS = 0.5


@dataclass(frozen=True, slots=True)
class GroupRules:
    """What a city calls a group: so many distinct people within so many hours and metres.

    `alarm_rate`: how probable so many may be at that place on a usual day; the smaller, the fewer false alarms.
    """

    reporters: int = 5
    within_hours: float = 2.0
    within_m: float = 300.0
    baseline_days: float = 28.0
    alarm_rate: float = 1e-7


DEFAULT_RULES = GroupRules()


@dataclass(frozen=True, slots=True)
class Burst:
    """What was counted: `reporters` distinct people now, where `expected` are usual in that time at its busiest."""

    reporters: int
    expected: float
    probability: float
    is_group: bool


def judge_burst(reporters: int, usual: int, rules: GroupRules = DEFAULT_RULES) -> Burst:
    """Judge a number of distinct reporters against how many reports the weeks before brought there (`usual`)."""
    windows = rules.baseline_days * 24.0 / rules.within_hours
    expected = PEAK_FACTOR * (usual + NEVER_LESS) / windows
    probability = at_least(reporters, expected)
    is_group = reporters >= rules.reporters and probability <= rules.alarm_rate
    return Burst(reporters, round(expected, 4), probability, is_group)


def at_least(count: int, expected: float) -> float:
    """Return how probable `count` or more are where `expected` come by chance (Poisson)."""
    if count <= 0:
        return 1.0
    term = math.exp(count * math.log(expected) - expected - math.lgamma(count + 1))
    total = 0.0
    while term > total * 1e-15 or count < expected:
        total += term
        count += 1
        term *= expected / count
    return min(1.0, total)
