"""Knows how differently units behave: quick ones, slow ones, careless ones, and two neighbours who quarrel."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import numpy as np

# Share of its time that half of the cases need, and how far the others lie apart.
USUAL_PACE, SPREAD = 0.33, 0.85
# Departments known for one or the other; everybody else is as the dice of the code fall.
KNOWN = {"gas": 0.55, "fire": 0.6, "water": 0.75, "lighting": 0.8, "traffic-police": 0.7, "market": 0.8,
         "order": 1.35, "housing": 1.7, "environment": 1.4, "transport": 1.25, "heritage": 1.3}  # fmt: skip
AROUND_THE_CLOCK = frozenset({"gas", "fire", "water", "drains", "traffic-police", "lines"})


@dataclass(frozen=True, slots=True)
class Temper:
    """`pace`: of the promise; `care`: share of good work; `words`: how likely it tells what it does."""

    pace: float
    spread: float
    care: float
    words: float
    accept_hours: float


@cache
def temper_of(unit_code: str) -> Temper:
    """The habits of a unit: the same in every year."""
    chance = np.random.default_rng(zlib.crc32(unit_code.encode()))
    slowness = KNOWN.get(unit_code) or float(np.exp(chance.normal(0, 0.28)))
    return Temper(
        pace=USUAL_PACE * slowness,
        spread=SPREAD,
        care=float(np.clip(chance.normal(0.945, 0.03) - 0.03 * (slowness > 1.3), 0.8, 0.99)),
        words=float(np.clip(chance.normal(0.45, 0.15), 0.1, 0.85)),
        accept_hours=float(0.3 * slowness * np.exp(chance.normal(0, 0.25))),
    )


def quarrel_of(streets: Collection[str]) -> tuple[str, str]:
    """Two street offices that do not agree on where one ends and the other begins."""
    first, second, *_ = sorted(streets)
    return first, second
