"""Knows what the city's own map draws: ground, parks, water, streets by class, railways, and labels."""

from __future__ import annotations

from collections.abc import Iterator

import shapely
from shapely.geometry.base import BaseGeometry

from portal.demo.lanpu.city import City
from portal.demo.lanpu.names import HILLS, WATERS, Name
from portal.demo.lanpu.plane import degrees, polygons
from portal.demo.lanpu.write import Feature

BUILT = {
    "old": "dense",
    "core": "dense",
    "urban": "built",
    "new": "built",
    "works": "works",
    "campus": "campus",
    "wood": "wood",
}
FINE, COARSE = 0.00003, 0.00008
SMALL = 1.5e-6


def basemap_files(city: City, parks: list[Feature]) -> dict[str, list[Feature]]:
    """Every file of basemap/ by its stem; a number says what is drawn first."""
    return {
        "ground": [*_ground(city), *_piers(city)],
        "parks": [*_hills(city), *(_plain(each) for each in parks)],
        "rail": [Feature({"kind": "rail"}, _thin(degrees(line))) for line in city.plan.rail],
        "streets": list(_streets(city)),
        "water": list(_water(city)),
        "labels": list(_labels(city, parks)),
    }


def _thin(geometry: BaseGeometry, tolerance: float = FINE) -> BaseGeometry:
    return shapely.simplify(geometry, tolerance)


def _plain(park: Feature) -> Feature:
    return Feature({"kind": "park"}, _thin(park.geometry))


def _ground(city: City) -> Iterator[Feature]:
    """Built ground by its use, one large shape each; the blocks between streets show through the streets."""
    groups: dict[str, list[BaseGeometry]] = {}
    for use, block in zip(city.ground.use, city.graph.blocks, strict=True):
        if use in BUILT:
            groups.setdefault(BUILT[use], []).append(block)
    groups["built"] += groups.pop("park", [])
    for kind in ("built", "dense", "works", "campus", "wood"):
        for part in polygons(shapely.coverage_union_all(groups.get(kind, []))):
            filled = shapely.Polygon(
                part.exterior, [ring for ring in part.interiors if shapely.Polygon(ring).area > SMALL * 8]
            )
            if part.area > SMALL:
                yield Feature({"kind": kind}, _thin(filled, COARSE))


def _piers(city: City) -> Iterator[Feature]:
    return (Feature({"kind": "works"}, degrees(pier)) for pier in city.terrain.piers)


def _hills(city: City) -> Iterator[Feature]:
    for level, shape in zip(("hill", "hill-middle", "hill-top"), city.terrain.heights, strict=True):
        for part in polygons(shape):
            if part.area > 40_000:
                yield Feature({"kind": level}, _thin(degrees(part), COARSE))


def _water(city: City) -> Iterator[Feature]:
    for part in polygons(shapely.difference(city.terrain.sea, shapely.union_all(city.terrain.piers))):
        yield Feature(_named("sea") | {"kind": "sea"}, _thin(degrees(part, 400), FINE))
    for key, shape in {**city.terrain.rivers, **city.terrain.lakes}.items():
        kind = "lake" if key in city.terrain.lakes else "river" if key in ("river", "branch") else "stream"
        yield Feature(_named(key) | {"kind": kind}, _thin(degrees(shape)))


def _streets(city: City) -> Iterator[Feature]:
    for road in city.roads:
        names = {"name_zh_Hans": road.name.zh, "name_en": road.name.en}
        yield Feature(names | {"kind": road.kind}, _thin(road.line))


def _labels(city: City, parks: list[Feature]) -> Iterator[Feature]:
    for kind, places in (("district", city.districts), ("street", city.streets)):
        for place in places:
            name = Name(place.name.zh, place.name.en.removesuffix(" Subdistrict").removesuffix(" District"))
            yield _label(
                name,
                kind,
                shapely.point_on_surface(place.geometry)
                if kind == "street"
                else _weighted(city, place.blocks),
            )
    for park in parks:
        name = Name(park.properties["name_zh_Hans"], park.properties["name_en"])
        if park.properties["kind"] not in ("lake", "hill"):
            yield _label(name, "park", shapely.point_on_surface(park.geometry))
    for hill, (zh, en) in zip(city.terrain.hills, HILLS, strict=False):
        yield _label(Name(zh, en), "hill", degrees(shapely.point_on_surface(hill)))
    yield _label(Name(*WATERS["sea"]), "sea", degrees(shapely.Point(12_300, 2_200)))
    yield _label(Name(*WATERS["lake"]), "lake", degrees(shapely.point_on_surface(city.terrain.lakes["lake"])))
    for along in (0.22, 0.5, 0.8):
        at = shapely.line_interpolate_point(city.terrain.channels["river"], along, normalized=True)
        yield _label(Name(*WATERS["river"]), "river", degrees(at))


def _weighted(city: City, blocks: tuple[int, ...]) -> shapely.Point:
    """Where the people of a district live, on the average."""
    total = sum(city.ground.people[block] for block in blocks)
    points = [(city.graph.blocks[block].centroid, city.ground.people[block] / total) for block in blocks]
    return shapely.Point(
        sum(point.x * share for point, share in points), sum(point.y * share for point, share in points)
    )


def _label(name: Name, kind: str, at: BaseGeometry) -> Feature:
    return Feature({"name_zh_Hans": name.zh, "name_en": name.en, "kind": kind}, at)


def _named(key: str) -> dict[str, str]:
    zh, en = WATERS[key]
    return {"name_zh_Hans": zh, "name_en": en}
