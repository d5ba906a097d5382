"""Knows the city's crews, where they stand and when they are on duty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shapely

from portal.demo.lanpu.city import City, Place
from portal.demo.lanpu.layers import LOTS
from portal.demo.lanpu.names import Name
from portal.demo.lanpu.places import depot_places
from portal.demo.lanpu.units import unit_code
from portal.demo.lanpu.write import Feature, read_table

FILE = Path(__file__).parent / "catalogue" / "teams.csv"
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
    code: str, unit: str, said: Name, services: str, capacity: int, at: shapely.Point
) -> dict[str, Any]:
    place = {"lon": f"{at.x:.6f}", "lat": f"{at.y:.6f}"}
    names = {"name_zh_Hans": said.zh, "name_en": said.en}
    return {
        "crew_code": code,
        "unit_code": unit,
        **names,
        "services": services,
        "capacity": capacity,
        **place,
    }


def _depot_crews(city: City, depots: list[Feature]) -> Iterator[dict[str, Any]]:
    for place, depot in zip(depot_places(city), depots, strict=True):
        zh, en = place.name.zh.removesuffix("街道"), place.name.en.removesuffix(" Subdistrict")
        unit = f"crew-{place.code.lower()}"
        for number in (1, 2):
            said = Name(f"{zh}抢修{DIGITS[number - 1]}班", f"{en} Repair Team {number}")
            yield _crew(f"depot-{place.code.lower()}-{number}", unit, said, "", 3, depot.geometry)


def _teams(city: City) -> Iterator[dict[str, Any]]:
    """Teams of departments stand in the districts by turns."""
    for row in read_table(FILE):
        unit, zh, en = row["unit_code"], row["name_zh_Hans"], row["name_en"]
        for number in range(1, int(row["teams"]) + 1):
            place = city.districts[(number * 3 + len(unit)) % len(city.districts)]
            said = Name(f"{zh}抢修{DIGITS[number - 1]}班", f"{en} Team {number}")
            yield _crew(f"{unit}-{number}", unit, said, row["services"], 4, _inside(place))


def _patrols(city: City) -> Iterator[dict[str, Any]]:
    for place in city.streets:
        said = Name(f"{place.name.zh}巡查组", place.name.en.replace("Subdistrict", "Patrol"))
        yield _crew(f"patrol-{place.code.lower()}-1", unit_code(place), said, "", 6, _inside(place))


def _lorries(city: City) -> Iterator[dict[str, Any]]:
    for lot, districts in LOTS.items():
        place = next(each for each in city.districts if each.code in districts)
        for number in (1, 2):
            said = Name(f"{lot[1]}标段清运{DIGITS[number - 1]}队", f"Lot {lot[1]} Lorry {number}")
            code = f"lorry-{lot.lower()}-{number}"
            yield _crew(code, f"waste-{lot.lower()}", said, "clean", 10, _inside(place))


def _inside(place: Place) -> shapely.Point:
    return shapely.point_on_surface(place.geometry)
