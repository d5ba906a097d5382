"""Knows the planned works: stretches of roads, parks and places where somebody digs, before, around and after today."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from portal.demo.lanpu.city import City, Road
from portal.demo.lanpu.plane import LAT, LON, PER_DEGREE, metres
from portal.demo.lanpu.write import Feature

# Services that it explains, classes of road, what is said; {road} and {day} are filled in.
KINDS = (
    ("pothole;pavement;road-marking", ("main", "express"), "{zh}正在大修路面，预计{day}完工。", "{en} is being resurfaced; the work should end on {iso}."),
    ("no-water;water-leak", ("collector", "local"), "{zh}更换供水管道，{day}前夜间可能停水。", "Water pipes in {en} are being replaced; the water may be off at night until {iso}."),
    ("blocked-drain;flooding;manhole-cover", ("main", "collector"), "{zh}雨污分流改造，{day}完工。", "Drains in {en} are being separated until {iso}."),
    ("street-light;dark-crossing", ("main", "collector"), "{zh}更换路灯，部分灯具不亮，{day}恢复。", "Lamps in {en} are being replaced; some stay dark until {iso}."),
    ("traffic-signal;traffic-sign", ("main",), "{zh}信号灯升级，{day}前配时会有调整。", "Signals on {en} are being renewed; timings change until {iso}."),
    ("tree-pruning;fallen-tree", ("main", "collector"), "{zh}行道树修剪，{day}结束。", "Street trees in {en} are being pruned until {iso}."),
    ("noise;construction-dust", ("main",), "{zh}地铁施工，夜间作业已获许可，至{day}。", "Underground works in {en}; night work is permitted until {iso}."),
    ("gas-smell;pavement", ("local",), "{zh}燃气管道改造，{day}完工。", "Gas pipes in {en} are being renewed until {iso}."),
)  # fmt: skip
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
    for number in range(1, NUMBER + 1):
        services, classes, zh, en = KINDS[number % len(KINDS)]
        among = [road for kind in classes for road in roads[kind]]
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
            "services": services,
            "from": start.isoformat(),
            "to": end.isoformat(),
            "message_zh_Hans": zh.format(**said),
            "message_en": en.format(**said),
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
    return shapely.transform(
        part.buffer(WIDTH, quad_segs=3), lambda xy: np.round(xy / PER_DEGREE + (LON, LAT), 6)
    )
