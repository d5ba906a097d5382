"""Knows what a year of reports needs to know of the city: people, hot spots and names, as one JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import shapely

from portal.demo.lanpu.city import City
from portal.demo.lanpu.units import unit_code
from portal.demo.lanpu.write import Feature
from portal.operations.load_city import DEMO_MARK

# Points around which more is reported, with how much and over how many metres.
SPOTS = {
    "station": (3.0, 260.0),
    "school": (1.2, 180.0),
    "clinic": (1.6, 220.0),
    "service_point": (0.8, 200.0),
    "pump_station": (0.9, 300.0),
}


def write_facts(
    folder: Path, city: City, points: Mapping[str, list[Feature]], today: date, seed: int
) -> None:
    """Write facts.json: it also marks the folder as a demo."""
    document = {
        "seed": seed,
        "drawn_for": today.isoformat(),
        "communities": [_community(city, position) for position in range(len(city.communities))],
        "spots": [_spot(kind, feature) for kind in SPOTS for feature in points[kind]],
        "roads": [_road(each) for each in city.roads],
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    (folder / DEMO_MARK).write_text(text + "\n", encoding="utf-8")


def read_facts(folder: Path) -> dict[str, Any]:
    """The facts of a city that was drawn."""
    return dict(json.loads((folder / DEMO_MARK).read_text(encoding="utf-8")))


def _community(city: City, position: int) -> dict[str, Any]:
    """A community with the middles of its blocks and how many live on each."""
    place = city.communities[position]
    middles = [
        [
            *_degrees(city.graph.blocks[block].representative_point()),
            int(city.ground.people[block]),
            city.ground.use[block],
        ]
        for block in place.blocks
        if city.ground.use[block] != "water"
    ]
    return {
        "code": place.code,
        "unit": unit_code(place),
        "name": list(place.name),
        "people": place.people,
        "km2": round(place.area_km2, 3),
        "blocks": middles,
    }


def _spot(kind: str, feature: Feature) -> dict[str, Any]:
    weight, reach = SPOTS[kind]
    name = [feature.properties["name_zh_Hans"], feature.properties["name_en"]]
    return {"kind": kind, "at": _degrees(feature.geometry), "weight": weight, "reach_m": reach, "name": name}


def _road(road: Any) -> dict[str, Any]:
    line = max(shapely.get_parts(road.line), key=lambda one: one.length)
    ways = [
        _degrees(shapely.line_interpolate_point(line, share, normalized=True))
        for share in (0.1, 0.3, 0.5, 0.7, 0.9)
    ]
    return {"name": list(road.name), "kind": road.kind, "along": ways}


def _degrees(point: Any) -> list[float]:
    return [round(point.x, 6), round(point.y, 6)]
