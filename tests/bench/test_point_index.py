"""How quick the point index is on the real New York layers, beside shapely and geopandas in the same run.

Seconds are the process's own (user and system), the best of some rounds, so that another program on the machine
changes the figures little and the ratios less. The answers compared are checked to be the same.

    make bench, or: python -m pytest tests/bench/test_point_index.py -s
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from geo.boundary import Layer
from geo.crs import LocalFrame
from geo.edges_many import ManyEdges
from geo.files import read_layer
from geo.index import PointIndex

FILES = {
    "community_districts": "boro_cd", "council_districts": None, "police_precincts": None,
    "police_precincts_old_edition": None, "boroughs": None,
}  # fmt: skip
MANY, SINGLE, ROUNDS = 1_000_000, 5_000, 5
EDGE_M = 100.0
Places = NDArray[np.float64]


@pytest.fixture(scope="module")
def index(wenlu_data: Path) -> PointIndex:
    layers = [
        read_layer(wenlu_data / "nyc" / f"{name}.geojson.gz", name=name, code=code)[0]
        for name, code in FILES.items()
    ]
    return PointIndex.build(layers)


@pytest.fixture(scope="module")
def districts(index: PointIndex) -> PointIndex:
    return PointIndex.build(index.layers[:1])


def requests(index: PointIndex, wenlu_data: Path) -> Places:
    """Places of real requests: many lie on streets that are borders."""
    table = geopandas.pd.read_parquet(wenlu_data / "nyc" / "requests_2026-08-01_04.parquet")
    places = table[["longitude", "latitude"]].dropna().to_numpy(float)
    return places[np.random.default_rng(1).integers(0, len(places), MANY)]


def anywhere(index: PointIndex, wenlu_data: Path) -> Places:
    """Places spread evenly over the city's box, the sea included."""
    box = shapely.total_bounds([each.geometry for each in index.layers[0].boundaries])
    return np.random.default_rng(1).uniform(box[:2], box[2:], (MANY, 2))


def seconds(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def each(ask: Callable[[float, float], Any], places: Iterable[list[float]]) -> Callable[[], Any]:
    def work() -> None:
        for lon, lat in places:
            ask(lon, lat)

    return work


@pytest.fixture(scope="module")
def together(index: PointIndex) -> PointIndex:
    """All five layers as one: everywhere in the city five areas lie on each other."""
    areas = [
        replace(each, code=f"{layer.name} {each.code}") for layer in index.layers for each in layer.boundaries
    ]
    return PointIndex.build([Layer("together", tuple(areas))])


@pytest.mark.parametrize("draw", [requests, anywhere])
@pytest.mark.parametrize("name", ["districts", "together"])
def test_bulk(
    request: pytest.FixtureRequest, wenlu_data: Path, name: str, draw: Callable[..., Places]
) -> None:
    """A million points against one layer; goal: 10 million a second, warm."""
    index: PointIndex = request.getfixturevalue(name)
    lon, lat = np.ascontiguousarray(draw(index, wenlu_data).T)
    layer = index.layers[0]
    areas = geopandas.GeoDataFrame(geometry=[each.geometry for each in layer.boundaries], crs=4326)
    points = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(lon, lat), crs=4326)
    joined = areas.sjoin(points, predicate="covers")
    found = index.covering_many(layer.name, lon, lat)
    order = np.lexsort((joined.index, joined.index_right))
    np.testing.assert_array_equal(found, np.stack((joined.index_right, joined.index))[:, order])
    peer = seconds(lambda: areas.sjoin(points, predicate="covers"), rounds=2)
    some = points[: MANY // 10]
    naive = seconds(lambda: some.sjoin(areas, predicate="covered_by"), rounds=1) * 10
    ours = seconds(lambda: index.covering_many(layer.name, lon, lat))
    corners = int(shapely.get_num_coordinates(areas.geometry.array).sum())
    print(
        f"\nbulk, {draw.__name__}, {len(areas)} areas, {corners:,} corners: {MANY / ours / 1e6:.1f} M points/s"
    )
    for what, took in (("areas.sjoin(points)", peer), ("points.sjoin(areas)", naive)):
        print(f"  geopandas {what}: {MANY / took / 1e6:.2f} M/s, {took / ours:.0f}x")
    assert peer / ours > 10


def test_bulk_edge_distance(districts: PointIndex, wenlu_data: Path) -> None:
    """Metres from a million points to the edge of the district that holds each, exact up to 100 m."""
    lon, lat = np.ascontiguousarray(requests(districts, wenlu_data).T)
    points, owners = districts.covering_many(districts.layers[0].name, lon, lat)
    edges = ManyEdges(districts.edges(districts.layers[0].name))
    few = slice(0, MANY // 50)
    lines = shapely.boundary([each.geometry for each in districts.layers[0].boundaries])
    shapely.prepare(lines)
    own, places = lines[owners[few]], shapely.points(lon[points[few]], lat[points[few]])
    peer = seconds(lambda: shapely.distance(own, places), rounds=1) * 50
    ours = seconds(lambda: edges.nearest(lon[points], lat[points], owners, EDGE_M), rounds=3)
    near = np.isfinite(edges.nearest(lon[points], lat[points], owners, EDGE_M)).mean()
    print(
        f"\nbulk edge distance: {points.size / ours / 1e6:.2f} M points/s, {near:.0%} within {EDGE_M:.0f} m"
    )
    print(
        f"  shapely.distance to the prepared edge (degrees): {points.size / peer / 1e6:.3f} M/s, {peer / ours:.0f}x"
    )
    assert peer / ours > 2


def test_single(districts: PointIndex, wenlu_data: Path) -> None:
    """One layer, one point; goals: 5 µs, with edge distance 20 µs."""
    places = requests(districts, wenlu_data)[:SINGLE].tolist()
    plain = Plain([each.geometry for each in districts.layers[0].boundaries])
    near = [place for place in places if districts.nearby(*place, EDGE_M)]
    rows = [
        ("covering", districts.covering, plain.covering, places, 4),
        ("lookup, no distance", lambda x, y: districts.lookup(x, y, edge_limit_m=0), plain.covering, places, 2),
        ("lookup, edge distance", districts.lookup, plain.lookup, places, 1),
        ("  those near another", districts.lookup, plain.lookup, near, 1),
        ("lookup and neighbours", lambda x, y: districts.lookup_nearby(x, y, EDGE_M), plain.lookup, places, 1),
    ]  # fmt: skip
    print(f"\n{len(near) / SINGLE:.0%} of the requests lie within {EDGE_M:.0f} m of another district")
    for name, ours, theirs, at, least in rows:
        mine, peer = (seconds(each(ask, at)) / len(at) * 1e6 for ask in (ours, theirs))
        print(f"{name:26} {mine:6.1f} µs; shapely {peer:6.1f} µs; {peer / mine:.1f}x")
        assert peer / mine > least


def test_build_save_load(index: PointIndex, tmp_path: Path) -> None:
    """All five layers; goals: build 10 s, load 0.5 s."""
    path = tmp_path / "newyork.index"
    built = seconds(lambda: PointIndex.build(index.layers), rounds=2)
    saved = seconds(lambda: index.save(path), rounds=2)
    loaded = seconds(lambda: PointIndex.load(path), rounds=3)
    print(
        f"\nbuild {built:.2f} s, save {saved:.2f} s, load {loaded:.2f} s, {path.stat().st_size / 1e6:.0f} MB on disk"
    )
    for layer in index.layers:
        corners = int(shapely.get_num_coordinates([each.geometry for each in layer.boundaries]).sum())
        megabytes = index.memory[layer.name] / 1e6
        print(f"  {layer.name:30} {len(layer.boundaries):3} areas {corners:7,} corners {megabytes:5.1f} MB")
    assert loaded < built


class Plain:
    """The same questions to shapely: a tree of prepared areas, and the distance to the area's own edge."""

    def __init__(self, areas: list[Any]) -> None:
        shapely.prepare(areas)
        self.tree = shapely.STRtree(areas)
        self.edges = shapely.boundary(areas)
        shapely.prepare(self.edges)

    def covering(self, lon: float, lat: float) -> Any:
        return self.tree.query(shapely.Point(lon, lat), predicate="intersects")

    def lookup(self, lon: float, lat: float) -> Any:
        point = shapely.Point(lon, lat)
        frame = LocalFrame(lon, lat)
        found = self.tree.query(point, predicate="intersects")
        return [shapely.distance(self.edges[at], point) * frame.metres_per_degree[1] for at in found]
