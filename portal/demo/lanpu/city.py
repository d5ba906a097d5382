"""Knows the whole drawn city: ground, streets, blocks and areas with their names, made from one seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from portal.demo.lanpu.areas import DISTRICTS, Areas, make_areas
from portal.demo.lanpu.graph import Graph, make_graph
from portal.demo.lanpu.names import DISTRICTS as DISTRICT_NAMES
from portal.demo.lanpu.names import Name, Names
from portal.demo.lanpu.network import make_network
from portal.demo.lanpu.people import Ground, make_ground
from portal.demo.lanpu.plane import Array, Numbers, degrees, metres
from portal.demo.lanpu.roads import FILE, Roads, make_roads
from portal.demo.lanpu.terrain import Terrain, make_terrain
from portal.demo.lanpu.write import read_table

SEED = 7
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """A district, a street office's area or a community. `blocks` are positions in the graph."""

    code: str
    name: Name
    parent: str
    geometry: BaseGeometry
    blocks: tuple[int, ...]
    people: int

    @property
    def area_km2(self) -> float:
        """The size in square kilometres."""
        return float(metres(self.geometry).area) / 1e6


@dataclass(frozen=True, slots=True)
class Road:
    """A street with its name and class; the line in degrees."""

    name: Name
    kind: str
    line: BaseGeometry


@dataclass(frozen=True, slots=True)
class City:
    """Everything that the files of the pack are written from."""

    terrain: Terrain
    plan: Roads
    graph: Graph
    ground: Ground
    districts: tuple[Place, ...]
    streets: tuple[Place, ...]
    communities: tuple[Place, ...]
    roads: tuple[Road, ...]


def draw_city(seed: int = SEED, on_step: Progress = lambda _: None) -> City:
    """Draw the city; the same seed draws the same city, to the last digit."""
    chance = np.random.default_rng(seed)
    on_step("coast, river and hills")
    terrain = make_terrain(chance)
    plan = make_roads(terrain)
    on_step("streets")
    network = make_network(terrain, plan, chance)
    graph = make_graph(terrain, network, chance)
    on_step("blocks and people")
    ground = make_ground(graph, terrain, plan, chance)
    on_step("districts, street offices and communities")
    areas = make_areas(graph, ground.people, chance)
    names = Names(chance)
    communities, streets, districts = _places(graph, ground, areas, names)
    roads = _roads(plan, network.by_class, names)
    return City(terrain, plan, graph, ground, districts, streets, communities, roads)


def _places(graph: Graph, ground: Ground, areas: Areas, names: Names) -> tuple[tuple[Place, ...], ...]:
    """Areas as unions of their blocks: neighbours share every corner, children fill their parents."""
    district_codes = [code for code, *_ in DISTRICTS]
    street_codes = _numbered([district_codes[parent] for parent in areas.street_parent], "{}{:02d}")
    community_codes = _numbered([street_codes[parent] for parent in areas.community_parent], "{}-{:02d}")
    parents = (
        [street_codes[parent] for parent in areas.community_parent],
        [district_codes[parent] for parent in areas.street_parent],
        [""] * len(district_codes),
    )
    called = (
        [names.draw().with_kind("社区", "Community") for _ in community_codes],
        [names.draw().with_kind("街道", "Subdistrict") for _ in street_codes],
        [Name(*DISTRICT_NAMES[code]).with_kind("", "District") for code in district_codes],
    )
    labels = (areas.community_of, areas.street_of, areas.district_of)
    groups = zip((community_codes, street_codes, district_codes), called, parents, labels, strict=True)
    return tuple(
        tuple(
            _place(graph, ground.people, code, name, parent, np.flatnonzero(label == position))
            for position, (code, name, parent) in enumerate(zip(codes, said, above, strict=True))
        )
        for codes, said, above, label in groups
    )


def _place(graph: Graph, people: Array, code: str, name: Name, parent: str, blocks: Numbers) -> Place:
    union = shapely.coverage_union_all([graph.blocks[block] for block in blocks])
    parts = shapely.get_parts(union)
    geometry = parts[0] if len(parts) == 1 else shapely.MultiPolygon(list(parts))
    return Place(code, name, parent, geometry, tuple(int(one) for one in blocks), int(people[blocks].sum()))


def _numbered(parents: list[str], pattern: str) -> list[str]:
    seen: dict[str, int] = {}
    codes = []
    for parent in parents:
        seen[parent] = seen.get(parent, 0) + 1
        codes.append(pattern.format(parent, seen[parent]))
    return codes


def _roads(plan: Roads, by_class: dict[str, list[BaseGeometry]], names: Names) -> tuple[Road, ...]:
    rows = read_table(FILE)
    called_main = {row["road"]: Name(row["name_zh_Hans"], row["name_en"]) for row in rows}
    found = [Road(called_main[name], kind, degrees(line)) for name, (kind, line) in plan.by_name.items()]
    known = {line.wkb for kind, whole in plan.by_name.values() for line in shapely.get_parts(whole)}
    for kind in ("collector", "local", "lane"):
        new = [line for line in by_class[kind] if line.wkb not in known]
        called = names.roads(kind, len(new))
        found += [Road(name, kind, degrees(line)) for name, line in zip(called, new, strict=True)]
    return tuple(found)
