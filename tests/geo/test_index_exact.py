"""The index against shapely where cells could go wrong: dense, tiny, wide and real layers, on and beside edges."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.boundary import Boundary, Layer, repair
from geo.cover import Cover
from geo.exact import ExactCover
from geo.files import read_layer
from geo.index import PointIndex

Places = NDArray[np.float64]
Shapes = Callable[[np.random.Generator], list[BaseGeometry]]


def star(rng: np.random.Generator, lon: float, lat: float, corners: int, radius: float) -> BaseGeometry:
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = radius * rng.uniform(0.05, 1.0, corners)
    return shapely.Polygon(np.column_stack((lon + reach * np.cos(angles), lat + reach * np.sin(angles))))


def stars(rng: np.random.Generator) -> list[BaseGeometry]:
    return [star(rng, 114.0 + rng.normal() / 10, 22.5, 2500, 0.3) for _ in range(3)]


def star_and_its_outside(rng: np.random.Generator) -> list[BaseGeometry]:
    inner = star(rng, -73.9, 40.7, 3000, 0.1)
    return [inner, shapely.box(-74.1, 40.5, -73.7, 40.9).difference(inner)]


def partition(rng: np.random.Generator) -> list[BaseGeometry]:
    seeds = shapely.multipoints(rng.uniform((113.9, 22.4), (114.1, 22.6), (400, 2)))
    return list(shapely.voronoi_polygons(seeds).geoms)


def fan(rng: np.random.Generator) -> list[BaseGeometry]:
    angles = np.linspace(0, 2 * np.pi, 200)
    rim = np.column_stack((0.1 + np.cos(angles), 0.2 + np.sin(angles)))
    return [shapely.Polygon([(0.1, 0.2), *pair]) for pair in pairwise(rim)]


def comb_of_slivers(rng: np.random.Generator) -> list[BaseGeometry]:
    widths = rng.choice([1e-3, 5e-4, 1e-9], 200)
    return [shapely.box(i / 1e3, 50.0, i / 1e3 + width, 50.1) for i, width in enumerate(widths)]


def holed_squares(rng: np.random.Generator) -> list[BaseGeometry]:
    squares = [shapely.box(x / 10, y / 10, (x + 1) / 10, (y + 1) / 10) for x in range(12) for y in range(12)]
    return [each.difference(each.buffer(-0.03)) if rng.random() < 0.4 else each for each in squares]


def overlapping_heaps(rng: np.random.Generator) -> list[BaseGeometry]:
    heaps = [shapely.multipoints(rng.uniform(0, 1, (20, 2))).buffer(0.07) for _ in range(5)]
    return [shapely.union_all(heap) for heap in heaps]


def across_the_antimeridian(rng: np.random.Generator) -> list[BaseGeometry]:
    west = star(rng, 180.0, -17.0, 1500, 1.5)
    return [west, shapely.box(177.0, -19.0, 183.0, -15.0).difference(west)]


def within_a_millimetre(rng: np.random.Generator) -> list[BaseGeometry]:
    return [star(rng, 1e-7, 1e-7, 500, 1e-8), shapely.box(0, 0, 2e-7, 1e-7)]


def buildings_in_zones(rng: np.random.Generator) -> list[BaseGeometry]:
    corners = rng.uniform(0, 1, (1500, 2))
    return [
        shapely.box(0, 0, 1, 0.5),
        shapely.box(0, 0.5, 1, 1),
        *shapely.box(*corners.T, *(corners.T + 1e-3)),
    ]


def places_around(geometries: list[BaseGeometry], rng: np.random.Generator, count: int = 700) -> Places:
    """Vertices, places on edges, both a rounding or a little away, level with vertices, and anywhere."""
    vertices = shapely.get_coordinates(geometries)
    at = rng.integers(0, len(vertices) - 1, count)
    share = rng.choice([0.0, 0.25, 1 / 3, 0.5], (count, 1))
    on = vertices[at] + share * (vertices[at + 1] - vertices[at])
    rounded = np.nextafter(on, on + rng.choice([-1.0, 1.0], on.shape))
    beside = on + rng.normal(0, 1, on.shape) * 10.0 ** rng.integers(-17, -4, (count, 1))
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    anywhere = rng.uniform(low, high, (count, 2))
    level = np.column_stack((anywhere[:, 0], vertices[at, 1]))
    plumb = np.column_stack((vertices[at, 0], anywhere[:, 1]))
    # Where cells meet: halves, quarters ... of the layer's box.
    lattice = low + (high - low) * rng.integers(0, 2**12 + 1, (count, 2)) / 2**12
    return np.vstack((on, rounded, beside, anywhere, level, plumb, lattice, [low, high]))


def assert_as_shapely(geometries: list[BaseGeometry], places: Places) -> None:
    layer = Layer("area", tuple(Boundary(f"{at:05d}", "", each) for at, each in enumerate(geometries)))
    index = PointIndex.build([layer])
    trees = shapely.STRtree(geometries)
    # Unprepared covers, the definition itself.
    points, owners = trees.query(shapely.points(places), predicate="covered_by")
    expected = sorted(zip(points.tolist(), owners.tolist(), strict=True))
    found = index.covering_many("area", *places.T)
    assert list(zip(*(each.tolist() for each in found), strict=True)) == expected
    by_place: dict[int, list[str]] = {}
    for point, owner in expected:
        by_place.setdefault(point, []).append(f"{owner:05d}")
    for at in range(0, len(places), 7):
        hits = index.covering(*places[at].tolist())
        assert [hit.code for hit in hits] == by_place.get(at, []), places[at].tolist()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    "shapes",
    [stars, star_and_its_outside, partition, fan, comb_of_slivers, holed_squares, overlapping_heaps,
     across_the_antimeridian, within_a_millimetre, buildings_in_zones],
    ids=lambda shapes: shapes.__name__,
)  # fmt: skip
def test_covering_many_is_what_shapely_covers(shapes: Shapes, seed: int) -> None:
    rng = np.random.default_rng(seed)
    geometries = [repair(each) for each in shapes(rng)]
    assert_as_shapely(geometries, places_around(geometries, rng))


@pytest.mark.parametrize(
    "file",
    [
        pytest.param("nyc/community_districts.geojson.gz", id="shores and neighbours"),
        pytest.param("nyc/boroughs.geojson.gz", id="many parts"),
        pytest.param("boston/neighborhoods.geojson.gz", id="gaps and overlaps"),
        pytest.param("shenzhen/streets_74.geojson.gz", id="another datum's borders"),
        pytest.param("messy/neighborhoods_chicago.geojson.gz", id="drawn by hand"),
    ],
)
def test_real_layers(wenlu_data: Path, file: str) -> None:
    layer, _ = read_layer(wenlu_data / file, name="area", code=None)
    geometries = [each.geometry for each in layer.boundaries]
    assert_as_shapely(geometries, places_around(geometries, np.random.default_rng(3), 1500))


@pytest.mark.parametrize(
    "shapes", [partition, buildings_in_zones, overlapping_heaps], ids=lambda s: s.__name__
)
def test_cells_seldom_need_shapely(shapes: Shapes) -> None:
    rng = np.random.default_rng(5)
    geometries = [repair(each) for each in shapes(rng)]
    cover = Cover.build(geometries, ExactCover(geometries))
    west, south, east, north = shapely.total_bounds(geometries)
    places = rng.uniform((west, south), (east, north), (4000, 2)).tolist()
    assert sum(cover.find(lon, lat) < 0 for lon, lat in places) < 40


@pytest.mark.parametrize(
    "shapes", [stars, comb_of_slivers, within_a_millimetre, across_the_antimeridian], ids=lambda s: s.__name__
)
def test_tables_stay_small(shapes: Shapes) -> None:
    """At most 600 bytes an edge and 3 MB: 64 cells, 32 references to edges, and the edges themselves twice."""
    geometries = [repair(each) for each in shapes(np.random.default_rng(6))]
    layer = Layer("area", tuple(Boundary(str(at), "", each) for at, each in enumerate(geometries)))
    edges = int(shapely.get_num_coordinates(geometries).sum())
    assert PointIndex.build([layer]).memory["area"] < 600 * edges + 3_000_000
