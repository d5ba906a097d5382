"""Knows the boundary layers of the pack: areas of units, parks, zones, waterside, collection lots, main roads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from portal.demo.lanpu.city import City, Place
from portal.demo.lanpu.names import HILLS, WATERS, Name, Names
from portal.demo.lanpu.plane import degrees, polygons, unbent
from portal.demo.lanpu.write import Feature

# Code, name, kind of zone; the rest of the city is in none.
ZONES = {
    "port": ("Z-PORT", Name("澜浦港区", "Lanpu Port")),
    "industry": ("Z-WORKS", Name("临港工业区", "Lingang Works")),
    "scenic": ("Z-HILLS", Name("山林风景区", "Hills and Woods")),
    "beach": ("Z-BEACH", Name("望潮海滩", "Wangchao Beach")),
    "cbd": ("Z-CBD", Name("江南商务区", "South Bank Centre")),
    "hightech": ("Z-TECH", Name("澜南高新园区", "Lannan High-tech Park")),
}
# Districts whose rubbish one contractor collects.
LOTS = {
    "L1": ("GC",),
    "L2": ("BA",),
    "L3": ("CN",),
    "L4": ("WC",),
    "L5": ("LG",),
    "L6": ("YL", "DX"),
    "L7": ("JH",),
}
# Strips along the river that are parks: name, west and east end in kilometres, side.
BANKS = (
    ("北岸滨江公园", "North Bank Park", -5.2, -0.5, 1),
    ("望江公园", "Wangjiang Park", -0.4, 5.0, 1),
    ("鼓溪口公园", "Gu Brook Park", -5.4, -1.0, -1),
    ("江南滨江公园", "South Bank Park", -0.8, 5.2, -1),
)
# Neighbours that are no parts of one whole stay this far apart, in metres: nearer would look like a mistake.
WIDE_M = 26.0
LARGE = (("公园", "Park"), ("植物园", "Garden"))
SMALL = (("绿地", "Green"), ("广场", "Square"), ("游园", "Garden"))
OLD_WALL = (-3400.0, 1180.0, -2290.0, 2620.0)
OLD_WHARF = (3.5, 0.75, 420.0)


def layer_files(city: City, seed: int) -> dict[str, list[Feature]]:
    """Every boundary file of the pack by the layer's name."""
    return {
        "district": [_area(each) for each in city.districts],
        "street": [_area(each) for each in city.streets],
        "community": [_area(each) for each in city.communities],
        "park": park_features(city, seed),
        "zone": list(_zones(city)),
        "heritage": list(_heritage(city)),
        "waterside": list(_waterside(city)),
        "lot": list(_lots(city)),
        "main_road": list(_main_roads(city)),
    }


def _area(place: Place) -> Feature:
    density = place.people / max(place.area_km2, 0.01)
    kind = "urban" if density > 4000 else "suburban" if density > 900 else "rural"
    return Feature(
        {
            "code": place.code,
            **place.name.properties(),
            "parent": place.parent,
            "people": place.people,
            "kind": kind,
        },
        place.geometry,
    )


def park_features(city: City, seed: int) -> list[Feature]:
    """Squares and gardens, the lake, the strips along the river, the hill inside the city; none overlaps."""
    names, chance = Names(np.random.default_rng(seed + 1)), np.random.default_rng(seed + 2)
    found: list[Feature] = []
    taken: list[BaseGeometry] = []

    def add(name: Name, kind: str, shape: BaseGeometry) -> None:
        near = [each for each in taken if each.intersects(shape)]
        left = polygons(shapely.difference(shape, shapely.union_all(near)))
        free = max(left, key=lambda one: one.area, default=None)
        if free is not None and free.area > 8_000:
            taken.append(free.buffer(WIDE_M))
            found.append(
                Feature({"code": f"P{len(found) + 1:02d}", **name.properties(), "kind": kind}, degrees(free))
            )

    for name, kind, shape in (*_large_parks(city), *_small_parks(city, names, chance)):
        add(name, kind, shape)
    return found


def _large_parks(city: City) -> Iterator[tuple[Name, str, BaseGeometry]]:
    yield Name("镜湖公园", "Jing Lake Park"), "lake", city.terrain.lakes["lake"].buffer(170)
    for hill, (zh, en) in zip(city.terrain.hills, HILLS, strict=False):
        if hill.area < 3_000_000 and abs(hill.centroid.x) < 7_500 and abs(hill.centroid.y) < 6_000:
            yield Name(f"{zh}公园", f"{en} Park"), "hill", hill.buffer(-20)
    for zh, en, west, east, side in BANKS:
        yield Name(zh, en), "riverside", _strip(city, west * 1000, east * 1000, side)
    town = city.plan.old_town
    wall = town.buffer(-10).difference(town.buffer(-70)).intersection(shapely.box(*OLD_WALL))
    yield Name("古城墙遗址公园", "City Wall Park"), "garden", wall


def _small_parks(
    city: City, names: Names, chance: np.random.Generator
) -> Iterator[tuple[Name, str, BaseGeometry]]:
    """Blocks of the city that are parks, squares and gardens."""
    for position, use in enumerate(city.ground.use):
        if use == "park":
            block = unbent(city.ground.dry[position]).buffer(-16, join_style="mitre")
            is_large = block.area > 60_000
            word, kinds = names.draw(), LARGE if is_large else SMALL
            name = word.with_kind(*kinds[int(chance.integers(len(kinds)))])
            yield name, "park" if is_large else "green", block


def _strip(city: City, west: float, east: float, side: int) -> BaseGeometry:
    wet = shapely.union(city.terrain.rivers["river"], city.terrain.rivers["branch"])
    band = shapely.difference(
        wet.buffer(105), shapely.union(wet.buffer(7), city.plan.by_name["axis-east"][1].buffer(15))
    )
    middle = (
        city.terrain.channels["river"]
        if side > 0
        else shapely.union(city.terrain.channels["branch"], city.terrain.channels["river"])
    )
    line = city.terrain.channels["river"]
    corners = shapely.get_coordinates(line)
    beyond = [(corners[-1, 0], side * 20_000.0), (corners[0, 0], side * 20_000.0)]
    half = shapely.Polygon([*corners, *beyond])
    island = shapely.difference(band, half) if side > 0 else shapely.difference(band, _north_of(city))
    chosen = shapely.intersection(band, half) if side > 0 else island
    inside = shapely.intersection(chosen, shapely.box(west, -9000, east, 9000))
    return shapely.difference(inside, middle.buffer(5))


def _north_of(city: City) -> BaseGeometry:
    """Everything north of the southernmost water: the island belongs to it."""
    river, branch = city.terrain.channels["river"], city.terrain.channels["branch"]
    hull = shapely.polygonize([shapely.union_all([river, branch])])
    corners = shapely.get_coordinates(river)
    north = shapely.Polygon([*corners, (corners[-1, 0], 20_000.0), (corners[0, 0], 20_000.0)])
    return shapely.union_all([north, *(face.buffer(1) for face in hull.geoms)])


def _zones(city: City) -> Iterator[Feature]:
    groups: dict[str, list[int]] = {kind: [] for kind in ZONES}
    beach = degrees(
        shapely.intersection(city.terrain.coast.buffer(330), shapely.box(7000, 1500, 16_000, 9800))
    )
    for position, (use, plane) in enumerate(zip(city.ground.use, city.graph.plane, strict=True)):
        middle = plane.representative_point()
        x, y = middle.x / 1000, middle.y / 1000
        if use == "hill":
            groups["scenic"].append(position)
        elif use == "works":
            groups["port" if x > 8.0 and y < -2.6 else "industry"].append(position)
        elif use == "core" and 0.6 < x < 2.9 and -3.0 < y < -0.6:
            groups["cbd"].append(position)
        elif use == "new" and y < -7.0 and -3.2 < x < 0.9:
            groups["hightech"].append(position)
        elif (
            shapely.intersection(city.graph.blocks[position], beach).area
            > 0.7 * city.graph.blocks[position].area
        ):
            groups["beach"].append(position)
    hills = shapely.union_all([city.graph.plane[each] for each in groups["scenic"]])
    shapely.prepare(hills)
    for kind, members in groups.items():
        if kind != "scenic":
            members[:] = [
                each for each in members if not shapely.dwithin(hills, city.graph.plane[each], WIDE_M)
            ]
        _close_holes(city, members)
    for kind, (code, name) in ZONES.items():
        yield Feature({"code": code, **name.properties(), "kind": kind}, _joined(city, groups[kind]))


def _close_holes(city: City, members: list[int]) -> None:
    """Take in the blocks that the members surround, as long as no other zone has them."""
    inside = set(members)
    for face in polygons(_joined(city, members)):
        for ring in face.interiors:
            hole = shapely.Polygon(ring)
            inside |= {
                each
                for each, block in enumerate(city.graph.blocks)
                if hole.contains(block.representative_point())
            }
    members[:] = sorted(inside)


def _heritage(city: City) -> Iterator[Feature]:
    old = [
        position
        for position, block in enumerate(city.graph.blocks)
        if degrees(city.plan.old_town).contains(block.representative_point())
    ]
    yield Feature(
        {"code": "H1", **Name("澜浦古城", "Lanpu Old Town").properties(), "kind": "town"}, _joined(city, old)
    )
    x, y, reach = OLD_WHARF
    wharf = [
        position
        for position, plane in enumerate(city.graph.plane)
        if plane.centroid.distance(shapely.Point(x * 1000, y * 1000)) < reach
        and city.ground.use[position] != "water"
    ]
    yield Feature(
        {"code": "H2", **Name("洲头老码头", "Island Wharf").properties(), "kind": "wharf"},
        _joined(city, wharf),
    )


def _waterside(city: City) -> Iterator[Feature]:
    before: list[BaseGeometry] = []
    terrain = city.terrain
    for number, (key, shape) in enumerate({**terrain.rivers, **terrain.lakes}.items(), start=1):
        reach = 60 if key in ("river", "branch", "lake") else 35
        band = shapely.intersection(shape.buffer(reach), terrain.land)
        free = max(polygons(shapely.difference(band, shapely.union_all(before))), key=lambda one: one.area)
        before.append(free.buffer(WIDE_M))
        kind = "lake" if key in terrain.lakes else "river"
        yield Feature({"code": f"W{number}", **Name(*WATERS[key]).properties(), "kind": kind}, degrees(free))


def _lots(city: City) -> Iterator[Feature]:
    for code, districts in LOTS.items():
        members = [place.geometry for place in city.communities if place.code[:2] in districts]
        name = Name(f"垃圾清运{code[1]}标段", f"Collection Lot {code[1]}")
        yield Feature({"code": code, **name.properties()}, _whole(shapely.coverage_union_all(members)))


def _main_roads(city: City) -> Iterator[Feature]:
    for number, road in enumerate((each for each in city.roads if each.kind in ("main", "express")), start=1):
        yield Feature({"code": f"R{number:02d}", **road.name.properties(), "class": road.kind}, road.line)


def _joined(city: City, positions: Iterable[int]) -> BaseGeometry:
    return _whole(shapely.coverage_union_all([city.graph.blocks[each] for each in positions]))


def _whole(geometry: BaseGeometry) -> BaseGeometry:
    parts = polygons(geometry)
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
