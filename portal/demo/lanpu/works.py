"""Knows the planned works: stretches of roads, parks and places where somebody digs, before, around and after today."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from portal.demo.lanpu.city import City, Road
from portal.demo.lanpu.plane import lonlat, metres
from portal.demo.lanpu.write import Feature, read_table

# Services that it explains, classes of road, what is said; {zh}, {en}, {day} and {iso} are filled in.
FILE = Path(__file__).parent / "catalogue" / "works.csv"
NUMBER = 34
LENGTH, WIDTH = 800.0, 24.0


def works_features(city: City, today: date, seed: int) -> list[Feature]:
    """Works around a day: two thirds of them in force on it, some over, some to come."""
    chance = np.random.default_rng(seed + 5)
    roads = {
        kind: [road for road in city.roads if road.kind == kind]
        for kind in ("express", "main", "collector", "local")
    }
    return list(_works(roads, today, chance))


def _works(roads: dict[str, list[Road]], today: date, chance: np.random.Generator) -> Iterator[Feature]:
    kinds = read_table(FILE)
    for number in range(1, NUMBER + 1):
        row = kinds[number % len(kinds)]
        among = [road for kind in row["classes"].split(";") for road in roads[kind]]
        road = among[int(chance.integers(len(among)))]
        start, end = _span(number, today, chance)
        said = {
            "zh": road.name.zh,
            "en": road.name.en,
            "day": f"{end.year}年{end.month}月{end.day}日",
            "iso": end.isoformat(),
        }
        properties = {
            "code": f"K{number:02d}",
            "services": row["services"],
            "from": start.isoformat(),
            "to": end.isoformat(),
            "message_zh_Hans": row["message_zh_Hans"].format(**said),
            "message_en": row["message_en"].format(**said),
        }
        yield Feature(properties, _stretch(road, chance))


def _span(number: int, today: date, chance: np.random.Generator) -> tuple[date, date]:
    length = int(chance.integers(14, 90))
    if number % 6 == 0:
        begins = -length - int(chance.integers(3, 60))  # over
    elif number % 6 == 3:
        begins = int(chance.integers(4, 50))  # to come
    else:
        begins = -int(chance.integers(1, length - 3))
    return today + timedelta(begins), today + timedelta(begins + length)


def _stretch(road: Road, chance: np.random.Generator) -> BaseGeometry:
    line = max(shapely.get_parts(metres(road.line)), key=lambda one: one.length)
    start = float(chance.uniform(0, max(line.length - LENGTH, 1.0)))
    ends = np.linspace(start, min(start + LENGTH, line.length), 12)
    part = shapely.LineString(shapely.get_coordinates(shapely.line_interpolate_point(line, ends)))
    return shapely.transform(part.buffer(WIDTH, quad_segs=3), lambda xy: np.round(lonlat(xy), 6))
