"""Knows the city's crews, where they stand and when they are on duty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import shapely

from portal.demo.lanpu.city import City, Place
from portal.demo.lanpu.layers import LOTS
from portal.demo.lanpu.places import depot_places
from portal.demo.lanpu.units import unit_code
from portal.demo.lanpu.write import Feature

# Unit, services or groups, word in both languages, teams.
TEAMS = (("lighting", "lighting", "路灯", "Lamp", 4), ("drains", "water;manhole-cover", "排水", "Drain", 4), ("water", "water", "管网", "Pipe", 4),
         ("parks", "green", "绿化", "Tree", 3), ("signals", "traffic", "信号", "Signal", 2), ("roads", "roads", "道路", "Road", 4),
         ("order", "order;clean", "巡查", "Order", 4), ("gas", "safety", "燃气", "Gas", 2), ("lines", "safety;roads", "管线", "Cable", 2),
         ("river", "water", "河道", "River", 2), ("sanitation", "clean", "保洁", "Cleaning", 3))  # fmt: skip
DIGITS = "一二三四五六"
SHIFTS = (
    ("daily", "08:00", "20:00"),
    ("daily", "20:00", "08:00"),
    ("working", "08:30", "17:30"),
    ("off", "08:30", "17:30"),
)


def crew_rows(city: City, depots: list[Feature], domain: str) -> list[dict[str, Any]]:
    """The rows of crews.csv."""
    rows = [*_depot_crews(city, depots), *_teams(city), *_patrols(city), *_lorries(city)]
    for number, row in enumerate(rows):
        row |= {"email": f"{row['crew_code']}@{domain}", "phone": f"0570-556-{number:04d}"}
    return rows


def roster_rows(crews: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of rosters.csv: teams of one unit share day and night; patrols and lorries keep fixed hours."""
    rows = []
    for crew in crews:
        code = str(crew["crew_code"])
        kind, _, number = code.rpartition("-")
        if kind.startswith("patrol"):
            shifts = [SHIFTS[2]]
        elif kind.startswith("lorry"):
            shifts = [("daily", "05:00", "15:00")]
        else:
            shifts = [SHIFTS[(int(number) - 1) % 2]] if int(number) < 3 else [SHIFTS[2], SHIFTS[3]]
        rows += [{"crew_code": code, "day": day, "from": start, "to": end} for day, start, end in shifts]
    return rows


def _crew(
    code: str, unit: str, zh: str, en: str, services: str, capacity: int, at: shapely.Point
) -> dict[str, Any]:
    return {"crew_code": code, "unit_code": unit, "name_zh_Hans": zh, "name_en": en, "services": services, "capacity": capacity,
            "lon": f"{at.x:.6f}", "lat": f"{at.y:.6f}"}  # fmt: skip


def _depot_crews(city: City, depots: list[Feature]) -> Iterator[dict[str, Any]]:
    for place, depot in zip(depot_places(city), depots, strict=True):
        for number in (1, 2):
            zh, en = place.name.zh.removesuffix("街道"), place.name.en.removesuffix(" Subdistrict")
            yield _crew(
                f"depot-{place.code.lower()}-{number}", f"crew-{place.code.lower()}", f"{zh}抢修{DIGITS[number - 1]}班",
                f"{en} Repair Team {number}", "", 3, depot.geometry,
            )  # fmt: skip


def _teams(city: City) -> Iterator[dict[str, Any]]:
    """Teams of departments stand in the districts by turns."""
    for unit, services, zh, en, teams in TEAMS:
        for number in range(1, teams + 1):
            place = city.districts[(number * 3 + len(unit)) % len(city.districts)]
            yield _crew(
                f"{unit}-{number}",
                unit,
                f"{zh}抢修{DIGITS[number - 1]}班",
                f"{en} Team {number}",
                services,
                4,
                _inside(place),
            )


def _patrols(city: City) -> Iterator[dict[str, Any]]:
    for place in city.streets:
        en = place.name.en.removesuffix(" Subdistrict")
        yield _crew(
            f"patrol-{place.code.lower()}-1",
            unit_code(place),
            f"{place.name.zh}巡查组",
            f"{en} Patrol",
            "",
            6,
            _inside(place),
        )


def _lorries(city: City) -> Iterator[dict[str, Any]]:
    for lot, districts in LOTS.items():
        place = next(each for each in city.districts if each.code in districts)
        for number in (1, 2):
            unit = f"waste-{lot.lower()}"
            yield _crew(
                f"lorry-{lot.lower()}-{number}",
                unit,
                f"{lot[1]}标段清运{DIGITS[number - 1]}队",
                f"Lot {lot[1]} Lorry {number}",
                "clean",
                10,
                _inside(place),
            )


def _inside(place: Place) -> shapely.Point:
    return shapely.point_on_surface(place.geometry)
