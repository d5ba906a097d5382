"""The demo city's areas: how many there are, that they touch exactly, nest exactly and leave nothing out."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
import shapely

from geo.crs import ground_area_m2
from geo.files import read_layer
from geo.topology import check_layer
from portal.demo.lanpu.city import City, Place
from portal.demo.lanpu.plane import metres
from portal.pack.model import Pack

AREAS = ("district", "street", "community")


@pytest.mark.parametrize(("level", "least"), [("districts", 6), ("streets", 40), ("communities", 150)])
def test_there_are_enough_areas_and_each_has_people(city: City, level: str, least: int) -> None:
    places: tuple[Place, ...] = getattr(city, level)
    assert len(places) >= least
    assert len({place.code for place in places}) == len({place.name.zh for place in places}) == len(places)
    assert len({place.name.en for place in places}) == len(places)
    assert all(place.people > 0 and place.geometry.geom_type == "Polygon" for place in places)


def test_areas_cover_the_same_ground_without_overlap(city: City) -> None:
    union = shapely.union_all([place.geometry for place in city.districts])
    for places in (city.districts, city.streets, city.communities):
        total = sum(place.geometry.area for place in places)
        assert total == pytest.approx(union.area, rel=1e-12)
        assert shapely.coverage_is_valid([place.geometry for place in places])
        assert (
            shapely.symmetric_difference(union, shapely.union_all([p.geometry for p in places])).area < 1e-13
        )


def test_children_fill_their_parent_corner_by_corner(city: City) -> None:
    for parents, children in ((city.districts, city.streets), (city.streets, city.communities)):
        grouped: defaultdict[str, list[Place]] = defaultdict(list)
        for child in children:
            grouped[child.parent].append(child)
        for parent in parents:
            inside = grouped[parent.code]
            assert len(inside) >= 2
            assert shapely.coverage_union_all([child.geometry for child in inside]).equals(parent.geometry)
            assert sum(child.people for child in inside) == parent.people


def test_every_edge_belongs_to_two_communities_or_to_the_outline(city: City) -> None:
    owners: defaultdict[frozenset[tuple[float, ...]], int] = defaultdict(int)
    for place in city.communities:
        for ring in (place.geometry.exterior, *place.geometry.interiors):
            for edge in pairwise(ring.coords):
                owners[frozenset(edge)] += 1
    assert set(owners.values()) == {1, 2}
    outline = sum(
        ring.length for ring in _rings(shapely.coverage_union_all([p.geometry for p in city.districts]))
    )
    alone = sum(shapely.LineString(list(edge)).length for edge, number in owners.items() if number == 1)
    assert alone == pytest.approx(outline)


def _rings(area: shapely.Polygon) -> list[shapely.LinearRing]:
    return [ring for part in shapely.get_parts(area) for ring in (part.exterior, *part.interiors)]


def test_borders_follow_streets_and_water(city: City) -> None:
    by_class: defaultdict[str, float] = defaultdict(float)
    home = {block: place.code for place in city.communities for block in place.blocks}
    for block, around in enumerate(city.graph.neighbours):
        for other, borders in around.items():
            if home[block] < home[other]:
                for name, length in borders.items():
                    by_class[name] += length
    drawn = sum(length for name, length in by_class.items() if name not in ("field", "limit"))
    assert drawn > 0.7 * sum(by_class.values())
    assert by_class["river"] > 10_000


def test_no_area_is_a_sliver(city: City) -> None:
    for place in city.communities:
        shape = metres(place.geometry)
        assert place.area_km2 > 0.05
        assert 12.57 * shape.area / shape.length**2 > 0.08, f"{place.code} is all border"


@pytest.mark.parametrize("layer", [*AREAS, "park", "zone", "heritage", "waterside", "lot"])
def test_our_own_check_finds_nothing(folder: Path, layer: str) -> None:
    read, findings = read_layer(
        folder / "boundaries" / f"{layer}.geojson", name=layer, code="code", name_column="name"
    )
    assert findings == []
    assert check_layer(read) == []
    assert sum(ground_area_m2(boundary.geometry) for boundary in read.boundaries) > 100_000


def test_layers_and_assets_are_many(pack: Pack) -> None:
    assert {"district", "street", "community", "park", "main_road", "waterside", "heritage", "zone"} <= set(
        pack.city.layers
    )
    counts = {file.name: len(file.features) for file in pack.points}
    assert counts["lamp"] > 2000
    assert counts["service_point"] > 60
    assert counts["depot"] >= 10
