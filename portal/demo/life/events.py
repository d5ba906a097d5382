"""Knows a year of a city's reports as plain data: what, when, where and in which words; no database is touched."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import shapely

from portal.demo.life.rhythm import Service, day_weights, hour_weights, storm_days
from portal.demo.life.words import compose, repeat

FILE = Path(__file__).parent / "demand.csv"
ZONE = ZoneInfo("Asia/Shanghai")
DAYS, REPORTS = 365, 24_000
AGAIN, BAD_PIN, ENGLISH, AT_SPOT = 0.13, 0.025, 0.07, 0.35
# Matters of which a whole neighbourhood speaks within the hour, and how many of them a year has.
CROWDED, CROWDS = ("flooding", "no-water", "gas-smell", "water-leak", "noise", "missed-collection"), 40
CHANNELS = (("web", 0.72), ("phone", 0.2), ("desk", 0.08))
CHANNEL_SHARES = np.cumsum([share for _, share in CHANNELS])
PER_DEGREE = np.array([97_500.0, 110_860.0])


@dataclass(frozen=True, slots=True)
class Event:
    """One report. `again` is the number of the report that it repeats; `is_bad_pin`: the point is far off."""

    number: int
    at: datetime
    service_code: str
    lon: float
    lat: float
    accuracy_m: float
    text: str
    language: str
    channel: str
    again: int | None = None
    is_bad_pin: bool = False


class Town:
    """The drawn city's facts as arrays to draw places from."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = facts
        blocks = [
            (*block[:3], number) for number, one in enumerate(facts["communities"]) for block in one["blocks"]
        ]
        rows = np.array(blocks, dtype=float)
        self.points, self.home = rows[:, :2], rows[:, 3].astype(int)
        self._people = np.cumsum(rows[:, 2] + 6.0) / (rows[:, 2] + 6.0).sum()
        self._along = np.array([at for road in facts["roads"] for at in road["along"]])
        self._road_of = np.repeat(np.arange(len(facts["roads"])), 5)
        self._ways = shapely.STRtree(shapely.points(self._along * PER_DEGREE))
        places = np.array([spot["at"] for spot in facts["spots"]])
        self._places = shapely.STRtree(shapely.points(places * PER_DEGREE))

    @cached_property
    def spots(self) -> dict[str, list[dict[str, Any]]]:
        """Hot spots by kind."""
        found: dict[str, list[dict[str, Any]]] = {}
        for spot in self._facts["spots"]:
            found.setdefault(spot["kind"], []).append(spot)
        return found

    def around(self, at: np.ndarray) -> tuple[Mapping[str, Any], Mapping[str, Any], np.ndarray]:
        """The nearest street, the nearest hot spot and the nearest point on the street."""
        here = shapely.Point(at * PER_DEGREE)
        near, spot = int(self._ways.nearest(here)), int(self._places.nearest(here))
        return self._facts["roads"][self._road_of[near]], self._facts["spots"][spot], self._along[near]

    def somewhere(self, chance: np.random.Generator) -> int:
        """A block, the more likely the more people live on it."""
        return min(int(np.searchsorted(self._people, chance.random())), len(self._people) - 1)

    def community(self, block: int) -> Mapping[str, Any]:
        """The community of a block."""
        return dict(self._facts["communities"][self.home[block]])


def year_of_events(
    facts: Mapping[str, Any],
    services: Mapping[str, Mapping[str, str]],
    until: date,
    seed: int,
    number: int = REPORTS,
) -> list[Event]:
    """Events of the 365 days before `until`, in order of time; the same seed tells the same year.

    `services` are rows of services.csv by code.
    """
    chance, town = np.random.default_rng(seed), Town(facts)
    first = until - timedelta(DAYS)
    storms = storm_days(first, DAYS, chance)
    found: list[Event] = []
    for row in read_demand():
        service, spot = row
        weights = day_weights(service, first, DAYS, storms)
        plain = day_weights(service, first, DAYS, {})
        wanted = number * service.share * (1 - AGAIN) * weights.sum() / plain.sum()
        counts = chance.poisson(weights / weights.sum() * wanted)
        hours = hour_weights(service)
        for offset in np.flatnonzero(counts):
            for _ in range(counts[offset]):
                at = _instant(first + timedelta(int(offset)), hours, chance)
                found.append(_event(town, services[service.code], service.code, spot, at, chance))
    found += list(_repeated(found, services, chance))
    order = sorted(range(len(found)), key=lambda one: (found[one].at, one))
    place = {old: new for new, old in enumerate(order)}
    return [_numbered(found[old], new, place) for new, old in enumerate(order)]


def read_demand() -> list[tuple[Service, str]]:
    """How often each service is asked for, shares adding up to one, and the hot spots it gathers at."""
    with FILE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    total = sum(float(row["share"]) for row in rows)
    return [
        (
            Service(
                row["service_code"],
                float(row["share"]) / total,
                int(row["peak_day"]),
                float(row["sway"]),
                float(row["night"]),
            ),
            row["spot"],
        )
        for row in rows
    ]


def _instant(day: date, hours: np.ndarray, chance: np.random.Generator) -> datetime:
    hour = _drawn(np.cumsum(hours) / hours.sum(), chance)
    return datetime.combine(day, time(hour, int(chance.integers(60)), int(chance.integers(60))), ZONE)


def _drawn(sums: np.ndarray, chance: np.random.Generator) -> int:
    """One of several, by their running shares."""
    return min(int(np.searchsorted(sums, chance.random())), len(sums) - 1)


def _event(
    town: Town, row: Mapping[str, str], code: str, kind: str, at: datetime, chance: np.random.Generator
) -> Event:
    block = town.somewhere(chance)
    point = town.points[block] + chance.normal(0, 45, 2) / PER_DEGREE
    if kind and chance.random() < AT_SPOT:
        hot = town.spots[kind][int(len(town.spots[kind]) * chance.random() ** 2)]  # few spots have most of it
        point = np.array(hot["at"]) + chance.normal(0, hot["reach_m"] / 2, 2) / PER_DEGREE
    road, spot, on_road = town.around(point)
    point = (
        point + (on_road - point) * 0.6
        if row["group"] in ("roads", "traffic", "lighting", "water")
        else point
    )
    language = "en" if chance.random() < ENGLISH else "zh_Hans"
    side = 1 if language == "en" else 0
    filling = {
        "road": road["name"][side],
        "spot": spot["name"][side],
        "community": town.community(block)["name"][side],
    }
    text = compose(language, code, row["kind"], filling, chance)
    is_bad = bool(chance.random() < BAD_PIN)
    off = chance.normal(0, 4000, 2) / PER_DEGREE if is_bad else 0.0
    lon, lat = np.round(point + off, 6)
    accuracy = float(np.round(chance.lognormal(2.9, 0.7), 1))
    channel = CHANNELS[_drawn(CHANNEL_SHARES, chance)][0]
    return Event(0, at, code, float(lon), float(lat), accuracy, text, language, channel, None, is_bad)


def _repeated(
    found: list[Event], services: Mapping[str, Mapping[str, str]], chance: np.random.Generator
) -> Iterator[Event]:
    """Neighbours who report the same thing within two days and a few steps; at times a crowd within the hour."""
    can = [number for number, one in enumerate(found) if services[one.service_code]["kind"] == "report"]
    for number in sorted(chance.choice(can, size=int(len(found) * AGAIN / (1 - AGAIN)))):
        yield _again(found[number], int(number), float(chance.exponential(14)) + 0.1, chance)
    crowded = [number for number in can if found[number].service_code in CROWDED]
    many = min(len(crowded), max(1, CROWDS * len(found) // REPORTS))
    for number in sorted(chance.choice(crowded, size=many, replace=False)) if crowded else ():
        for _ in range(int(chance.integers(5, 10))):
            yield _again(found[number], int(number), float(chance.uniform(0.05, 1.4)), chance)


def _again(first: Event, number: int, hours: float, chance: np.random.Generator) -> Event:
    lon, lat = np.round(np.array([first.lon, first.lat]) + chance.normal(0, 18, 2) / PER_DEGREE, 6)
    return replace(
        first, at=first.at + timedelta(hours=hours), lon=float(lon), lat=float(lat), channel="web", again=number,
        text=repeat(first.language, first.service_code, chance),
    )  # fmt: skip


def _numbered(event: Event, number: int, place: Mapping[int, int]) -> Event:
    return replace(event, number=number, again=None if event.again is None else place[event.again])
