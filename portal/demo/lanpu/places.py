"""Knows the points of the pack: service points with hours, depots, schools, stations, lamps and other assets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely

from portal.demo.lanpu.city import City, Place
from portal.demo.lanpu.names import Name, Names
from portal.demo.lanpu.plane import Array, degrees, lonlat, metres
from portal.demo.lanpu.write import Feature

OPEN = (
    "Mo-Fr 08:30-12:00,14:00-17:30; Sa 09:00-12:00",
    "Mo-Fr 08:30-17:30; Sa 09:00-12:00",
    "Mo-Su 09:00-20:00",
)
ALWAYS = "Mo-Su 00:00-24:00"
SCHOOLS = (("小学", "Primary School"), ("中学", "Secondary School"), ("幼儿园", "Kindergarten"))
PER_SCHOOL, PER_TOILET, PER_CLINIC = 28_000, 21_000, 150_000
LAMP_STEP = {"express": 300.0, "main": 210.0, "collector": 330.0}
DEPOTS, STATION_STEP = 15, 1500.0
METRO = ("axis-north", "market-road", "south-road", "axis-east")


def point_files(city: City, seed: int) -> dict[str, list[Feature]]:
    """Every file of points/ by its stem."""
    chance = np.random.default_rng(seed + 3)
    names = Names(np.random.default_rng(seed + 4))
    return {
        "service_point": list(_service_points(city, chance)),
        "depot": list(_depots(city)),
        "school": list(_by_people(city, "S", "school", PER_SCHOOL, chance, names)),
        "clinic": list(_by_people(city, "C", "clinic", PER_CLINIC, chance, names)),
        "public_toilet": list(_by_people(city, "T", "public_toilet", PER_TOILET, chance, names)),
        "station": list(_stations(city)),
        "pump_station": list(_pumps(city)),
        "lamp": list(_lamps(city)),
    }


def _point(code: str, name: Name, kind: str, at: Array, **more: str) -> Feature:
    fixed = {"mobile": "no", "accessible": "yes", "languages": "zh_Hans"}
    return Feature(
        {"code": code, **name.properties(), "kind": kind, **fixed, **more}, shapely.Point(np.round(at, 6))
    )


def _service_points(city: City, chance: np.random.Generator) -> Iterator[Feature]:
    """One in the middle of every street office's area, and more where many live."""
    for place in city.streets:
        at = _busiest(city, place, 0)
        name = Name(
            place.name.zh.removesuffix("街道") + "便民服务中心",
            place.name.en.removesuffix(" Subdistrict") + " Service Centre",
        )
        speaks = "zh_Hans;en" if chance.random() < 0.4 else "zh_Hans"
        yield _point(f"SP-{place.code}", name, "service_point", at, hours=OPEN[0], languages=speaks)
    for place in city.communities:
        draw = chance.random()
        if place.people > 13_500 and draw < 0.55:
            name = Name(place.name.zh + "服务站", place.name.en.removesuffix(" Community") + " Service Point")
            accessible = "yes" if chance.random() < 0.8 else "no"
            yield _point(
                f"SP-{place.code}",
                name,
                "service_point",
                _busiest(city, place, 1),
                hours=OPEN[1 + (draw < 0.1)],
                accessible=accessible,
            )
    for number, place in enumerate(
        [each for each in city.streets if each.people / each.area_km2 < 2500], start=1
    ):
        name = Name(f"流动服务车{number}号", f"Service Bus {number}")
        hours = f"{('Mo', 'Tu', 'We', 'Th', 'Fr')[number % 5]} 09:00-11:30"
        yield _point(
            f"SB{number:02d}", name, "service_point", _busiest(city, place, 3), hours=hours, mobile="yes"
        )


def _busiest(city: City, place: Place, rank: int) -> Array:
    blocks = sorted(place.blocks, key=lambda one: -city.ground.people[one])
    block = blocks[min(rank, len(blocks) - 1)]
    return np.asarray(shapely.get_coordinates(city.graph.blocks[block].representative_point())[0])


def depot_places(city: City) -> list[Place]:
    """Street offices' areas that have a depot: spread over the city, the farthest from all others next."""
    chosen = [max(city.streets, key=lambda one: one.people)]
    while len(chosen) < DEPOTS:
        points = [metres(each.geometry.centroid) for each in chosen]
        chosen.append(
            max(
                city.streets,
                key=lambda one: min(metres(one.geometry.centroid).distance(point) for point in points),
            )
        )
    return sorted(chosen, key=lambda one: one.code)


def _depots(city: City) -> Iterator[Feature]:
    for place in depot_places(city):
        word = Name(place.name.zh.removesuffix("街道"), place.name.en.removesuffix(" Subdistrict"))
        yield _point(
            f"D-{place.code}",
            word.with_kind("抢修站", "Repair Depot"),
            "depot",
            _busiest(city, place, 4),
            hours=ALWAYS,
            accessible="no",
        )


def _by_people(
    city: City, letter: str, kind: str, per: int, chance: np.random.Generator, names: Names
) -> Iterator[Feature]:
    """One for so many people, drawn by where they live."""
    people = city.ground.people * np.array([use not in ("works", "hill", "water") for use in city.ground.use])
    number = int(people.sum() / per)
    blocks = chance.choice(len(people), size=number, replace=False, p=people / people.sum())
    called = {
        "clinic": (("医院", "Hospital"),),
        "public_toilet": (("公厕", "Public Toilet"),),
        "school": SCHOOLS,
    }[kind]
    hours = {"clinic": ALWAYS, "public_toilet": "Mo-Su 05:30-22:30", "school": "Mo-Fr 07:30-17:30"}[kind]
    for count, block in enumerate(sorted(blocks), start=1):
        name = names.draw().with_kind(*called[int(chance.integers(len(called)))])
        at = shapely.get_coordinates(city.graph.blocks[block].representative_point())[0]
        yield _point(f"{letter}{count:03d}", name, kind, at, hours=hours)


def _stations(city: City) -> Iterator[Feature]:
    """Stations of the underground along four main roads."""
    by_name = dict(zip(city.plan.by_name, city.roads, strict=False))
    number = 0
    for line, key in enumerate(METRO, start=1):
        road = by_name[key]
        longest = max(shapely.get_parts(metres(road.line)), key=lambda one: one.length)
        for along in np.arange(STATION_STEP / 2, longest.length, STATION_STEP):
            at = shapely.line_interpolate_point(longest, along)
            if np.hypot(at.x, at.y) < 8000:
                number += 1
                name = Name(f"{_crossing(city, at, road.name.zh)}站", f"Line {line} Station {number}")
                yield _point(f"M{number:02d}", name, "station", _degrees(at), hours="Mo-Su 06:00-23:30")


def _crossing(city: City, at: shapely.Point, not_this: str) -> str:
    """The nearest other street that is worth naming a station after."""
    point = shapely.Point(_degrees(at))
    others = [road for road in city.roads if road.kind in ("main", "collector") and road.name.zh != not_this]
    return min(others, key=lambda road: road.line.distance(point)).name.zh


def _degrees(at: shapely.Point) -> Array:
    return lonlat(np.array([at.x, at.y]))


def _pumps(city: City) -> Iterator[Feature]:
    channels = [
        metres(degrees(city.terrain.channels[key])) for key in ("river", "branch", "tributary", "creek")
    ]
    number = 0
    for channel in channels:
        for along in np.arange(1800, channel.length - 600, 3100.0):
            number += 1
            at = shapely.get_coordinates(shapely.line_interpolate_point(channel, along))[0] + (
                0,
                230.0 * (-1) ** number,
            )
            name = Name(f"{number}号泵站", f"Pumping Station {number}")
            yield _point(
                f"PS{number:02d}",
                name,
                "pump_station",
                _degrees(shapely.Point(at)),
                hours=ALWAYS,
                accessible="no",
            )


def _lamps(city: City) -> Iterator[Feature]:
    """Lamp posts along the larger streets, on alternate sides, numbered by street."""
    number = 0
    for road in city.roads:
        step = LAMP_STEP.get(road.kind)
        if not step:
            continue
        count = 0
        for part in shapely.get_parts(metres(road.line)):
            for place, along in enumerate(np.arange(step / 2, part.length, step)):
                here, ahead = (
                    shapely.get_coordinates(shapely.line_interpolate_point(part, along + more))[0]
                    for more in (0, 2)
                )
                way = (ahead - here) / max(np.hypot(*(ahead - here)), 1e-6)
                side = np.array([-way[1], way[0]]) * (11.0 if place % 2 else -11.0)
                number, count = number + 1, count + 1
                name = Name(f"{road.name.zh}{count}号灯杆", f"{road.name.en} lamp post {count}")
                yield _point(f"LP{number:05d}", name, "lamp", _degrees(shapely.Point(here + side)))
