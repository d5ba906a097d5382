"""Knows when people report: the curves of hour, weekday and season, and the storms of a year."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

# Share of a day's reports by the hour, of working people with telephones.
HOURS = (6, 4, 3, 2, 3, 8, 20, 42, 62, 70, 66, 55, 44, 48, 60, 62, 58, 60, 62, 58, 50, 40, 22, 9)
WEEKDAYS = (1.17, 1.12, 1.09, 1.07, 1.08, 0.76, 0.71)
# Middle of the storm season as a day of the year, and how many storms there are.
STORM_DAY, STORM_SPREAD, STORMS = 235, 32, 6
# What a storm brings, and by how much more of it.
STORM_FACTOR = {"fallen-tree": 55.0, "flooding": 70.0, "blocked-drain": 14.0, "shop-sign": 16.0, "exposed-wires": 10.0,
                "street-light": 3.0, "river-danger": 6.0}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Service:
    """How often something is reported: share of all, day of the year with the most, how much the season sways it."""

    code: str
    share: float
    peak_day: int = 1
    sway: float = 0.0
    night: float = 0.0

    def season(self, day: date) -> float:
        """How much of it there is on a day, 1 on the average."""
        turn = 2 * math.pi * (day.timetuple().tm_yday - self.peak_day) / 365.25
        return 1 + self.sway * math.cos(turn)


def storm_days(first: date, days: int, chance: np.random.Generator) -> dict[date, float]:
    """Days of storm with their strength, mostly in late summer; each lasts a day and a half."""
    found: dict[date, float] = {}
    for _ in range(STORMS):
        wanted = int(np.clip(chance.normal(STORM_DAY, STORM_SPREAD), 1, 365))
        offset = (wanted - first.timetuple().tm_yday) % days
        day, strength = first + timedelta(offset), float(chance.uniform(0.4, 1.0))
        found[day] = max(found.get(day, 0.0), strength)
        found[day + timedelta(1)] = max(found.get(day + timedelta(1), 0.0), strength * 0.4)
    return found


def day_weights(service: Service, first: date, days: int, storms: dict[date, float]) -> np.ndarray:
    """The weight of every day for one service."""
    weights = []
    for offset in range(days):
        day = first + timedelta(offset)
        weight = service.season(day) * WEEKDAYS[day.weekday()]
        weights.append(weight * (1 + STORM_FACTOR.get(service.code, 0.0) * storms.get(day, 0.0)))
    return np.array(weights)


def hour_weights(service: Service) -> np.ndarray:
    """The share of each hour; what is heard at night is reported at night."""
    usual = np.array(HOURS, dtype=float)
    nightly = np.array([20, 12, 6, 3, 2, 4, *[2] * 13, 6, 14, 30, 44, 36], dtype=float)
    return np.asarray((1 - service.night) * usual / usual.sum() + service.night * nightly / nightly.sum())
