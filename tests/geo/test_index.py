"""What a point finds: covering boundaries, edge distances, snapping, neighbours, shares, nearest features."""

import math
import pickle

import numpy as np
import pytest
import shapely
from shapely import LineString, MultiPolygon, Point, Polygon, box

from geo.boundary import Boundary, Hit, Layer, Nearby, repair
from geo.crs import LocalFrame, ground_distance_m
from geo.index import PointIndex

LON, LAT = 114.05, 22.54
EAST, NORTH = (1 / scale for scale in LocalFrame(LON, LAT).metres_per_degree)


def layer(
    name: str = "ward", /, *, snap_m: float = 0.0, tie_order: int = 100, **areas: shapely.Geometry
) -> Layer:
    boundaries = [Boundary(code, code, repair(geometry)) for code, geometry in areas.items()]
    return Layer(name, tuple(boundaries), edition=7, snap_m=snap_m, tie_order=tie_order)


def square(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    """A box in metres from the place that the tests stand at."""
    return box(LON + west * EAST, LAT + south * NORTH, LON + east * EAST, LAT + north * NORTH)


def codes(hits: tuple[Hit, ...] | tuple[Nearby, ...]) -> list[str]:
    return [hit.code for hit in hits]


SEAM = repair(Polygon([(179, 0), (-179, 0), (-179, 1), (179, 1)]))
DONUT = box(0, 0, 3, 3).difference(box(1, 1, 2, 2))


@pytest.mark.parametrize(
    ("areas", "at", "expected"),
    [
        pytest.param({"a": box(0, 0, 1, 1), "b": box(1, 0, 2, 1)}, (1, 0.3), ["a", "b"], id="shared edge"),
        pytest.param({"b": box(0, 0, 1, 1), "a": box(1, 1, 2, 2)}, (1, 1), ["a", "b"], id="shared vertex"),
        pytest.param({"a": DONUT}, (1.5, 1.5), [], id="in a hole"),
        pytest.param({"a": DONUT}, (1, 1.5), ["a"], id="edge of a hole"),
        pytest.param({"a": DONUT, "b": box(1, 1, 2, 2)}, (1.5, 1.5), ["b"], id="enclave"),
        pytest.param(
            {"a": MultiPolygon([box(0, 0, 1, 1), box(5, 5, 6, 6)])}, (5.5, 5.5), ["a"], id="second part"
        ),
        pytest.param({"a": box(0, 0, 2, 2), "b": box(1, 1, 3, 3)}, (1.5, 1.5), ["a", "b"], id="overlap"),
        pytest.param({"a": SEAM}, (179.5, 0.5), ["a"], id="west of the antimeridian"),
        pytest.param({"a": SEAM}, (-179.5, 0.5), ["a"], id="east of the antimeridian"),
        pytest.param({"a": SEAM}, (180.0, 0.5), ["a"], id="on the antimeridian, +180"),
        pytest.param({"a": SEAM}, (-180.0, 0.5), ["a"], id="on the antimeridian, -180"),
        pytest.param({"a": SEAM}, (0.0, 0.5), [], id="the other side of the world"),
        pytest.param({"a": box(0, 0, 1, 1)}, (math.nan, 0.5), [], id="not a number"),
        pytest.param({"a": box(0, 0, 1, 1)}, (math.inf, 0.5), [], id="infinite"),
        pytest.param({}, (0.0, 0.0), [], id="no boundary at all"),
    ],
)
def test_covering(areas: dict[str, shapely.Geometry], at: tuple[float, float], expected: list[str]) -> None:
    index = PointIndex.build([layer(**areas)])
    assert codes(index.covering(*at)) == expected
    assert codes(index.lookup(*at)) == expected
    _, owners = index.covering_many("ward", np.array([at[0]]), np.array([at[1]]))
    assert sorted(index.layers[0].boundaries[owner].code for owner in owners) == expected


def test_hits_come_in_tie_order_then_layer_then_code() -> None:
    area = box(0, 0, 1, 1)
    layers = [layer("z", b=area, a=area), layer("m", c=area), layer("first", tie_order=1, x=area)]
    hits = PointIndex.build(layers).covering(0.5, 0.5)
    assert [(hit.layer, hit.code) for hit in hits] == [("first", "x"), ("m", "c"), ("z", "a"), ("z", "b")]


@pytest.mark.parametrize(
    ("metres_inside", "limit_m", "expected"),
    [
        pytest.param(0.0, 100.0, 0.0, id="on the edge"),
        pytest.param(3.2, 100.0, 3.2, id="near"),
        pytest.param(99.9, 100.0, 99.9, id="just within the limit"),
        pytest.param(100.1, 100.0, None, id="just beyond"),
        pytest.param(40.0, 25.0, None, id="beyond a lower limit"),
        pytest.param(40.0, 0.0, None, id="not measured"),
    ],
)
def test_edge_distance(metres_inside: float, limit_m: float, expected: float | None) -> None:
    index = PointIndex.build([layer(a=square(-metres_inside, -2000, 2000, 2000))])
    [hit] = index.lookup(LON, LAT, edge_limit_m=limit_m)
    assert hit.edge_m == (None if expected is None else pytest.approx(expected, abs=0.001))
    assert hit == Hit("ward", "a", 7, hit.edge_m, snapped=False)


def test_the_edge_of_a_hole_counts_and_each_boundary_has_its_own() -> None:
    holed = square(-500, -500, 500, 500).difference(square(12, -5, 20, 5))
    hits = PointIndex.build([layer(a=holed, b=square(-30, -500, 500, 500))]).lookup(LON, LAT)
    assert [(hit.code, round(hit.edge_m or -1, 3)) for hit in hits] == [("a", 12.0), ("b", 30.0)]


@pytest.mark.parametrize(
    ("snap_m", "areas", "expected"),
    [
        pytest.param(5, {"a": square(4, -9, 50, 9)}, ("a", 4.0), id="within"),
        pytest.param(5, {"a": square(5.1, -9, 50, 9)}, None, id="beyond"),
        pytest.param(0, {"a": square(0.5, -9, 50, 9)}, None, id="no snapping"),
        pytest.param(5, {"a": square(4, -9, 9, 9), "b": square(-9, -9, -3, 9)}, ("b", 3.0), id="the nearer"),
        pytest.param(
            5, {"b": square(2, -9, 9, 9), "a": square(2, -9, 5, 5)}, ("a", 2.0), id="a tie: lower code"
        ),
        pytest.param(500, {"a": square(400, -9, 900, 9)}, ("a", 400.0), id="farther than the edge limit"),
    ],
)
def test_snapping(
    snap_m: float, areas: dict[str, shapely.Geometry], expected: tuple[str, float] | None
) -> None:
    hits = PointIndex.build([layer(snap_m=snap_m, **areas)]).lookup(LON, LAT)
    assert [(hit.code, round(hit.edge_m or 0, 2), hit.snapped) for hit in hits] == (
        [(*expected, True)] if expected else []
    )


def test_a_covered_point_is_never_snapped() -> None:
    index = PointIndex.build([layer(snap_m=50, a=square(-9, -9, 9, 9), b=square(9, -9, 30, 9))])
    assert [(hit.code, hit.snapped) for hit in index.lookup(LON, LAT)] == [("a", False)]


# Some of the few that differ in the last digit when the edge is measured from its other end.
@pytest.mark.parametrize("seed", [277, 608, 828, 840, 1281, 1640, 2075, 2095, 3643])
def test_neighbours_measure_the_same_distance_to_their_common_edge(seed: int) -> None:
    south, north = np.random.default_rng(seed).uniform(0.0001, 0.01, 2)
    border = [(LON + south, LAT - 0.1), (LON + north, LAT + 0.1)]
    west = Polygon([*border, (LON - 0.1, LAT + 0.1), (LON - 0.1, LAT - 0.1)])
    east = Polygon([*reversed(border), (LON + 0.1, LAT - 0.1), (LON + 0.1, LAT + 0.1)])
    index = PointIndex.build([layer(west=west, east=east)])
    [hit] = index.lookup(LON, LAT, edge_limit_m=2000)
    [near] = index.nearby(LON, LAT, 2000)
    assert hit.edge_m == near.distance_m


@pytest.mark.parametrize(
    ("radius_m", "expected"),
    [
        pytest.param(5, [], id="none within"),
        pytest.param(10.1, [("b", 10.0)], id="one"),
        pytest.param(25, [("b", 10.0), ("c", 20.0)], id="nearest first"),
    ],
)
def test_nearby_leaves_out_what_covers(radius_m: float, expected: list[tuple[str, float]]) -> None:
    areas = {"a": square(-50, -50, 10, 50), "c": square(-50, 20, 50, 90), "b": square(10, -50, 50, 50)}
    found = PointIndex.build([layer(**areas)]).nearby(LON, LAT, radius_m)
    assert [(near.code, round(near.distance_m, 3)) for near in found if near.code != "a"] == expected
    assert "a" not in codes(found)


@pytest.mark.parametrize(
    ("radius_m", "edge_limit_m"),
    [
        pytest.param(100, 100, id="as routing asks"),
        pytest.param(30, 100, id="edges farther"),
        pytest.param(450, 20, id="neighbours farther"),
        pytest.param(0, 0, id="nothing measured"),
        pytest.param(5000, 1000, id="far beyond the flat plane"),
    ],
)
@pytest.mark.parametrize("snap_m", [0, 15, 700])
def test_one_pass_finds_what_two_do(radius_m: float, edge_limit_m: float, snap_m: float) -> None:
    areas = {"a": square(-900, -900, 10, 900), "b": square(10, -900, 400, 900), "c": square(60, 60, 90, 90)}
    index = PointIndex.build([layer(snap_m=snap_m, **areas), layer("far", d=square(3000, 0, 4000, 9))])
    for east in (-950.0, -880.0, -300.0, 5.0, 10.0, 75.0, 395.0, 405.0, 900.0, 2990.0):
        at = LON + east * EAST, LAT + 75 * NORTH
        hits, nearby = index.lookup_nearby(*at, radius_m, edge_limit_m)
        assert hits == index.lookup(*at, edge_limit_m=edge_limit_m)
        assert nearby == index.nearby(*at, radius_m)


@pytest.mark.parametrize("at", [(math.nan, LAT), (LON, math.nan), (math.inf, LAT), (LON, -math.inf)])
def test_nowhere_is_in_nothing_and_near_nothing(at: tuple[float, float]) -> None:
    index = PointIndex.build([layer(snap_m=50, a=square(-9, -9, 9, 9))])
    assert index.lookup(*at) == index.nearby(*at, 50) == ()
    assert index.lookup_nearby(*at, 50, 50) == ((), ())


@pytest.mark.parametrize("lon", [0.00001, -0.00001, 179.99999, -179.99999])
def test_edges_are_found_all_round_the_globe(lon: float) -> None:
    """A layer that spans more than half the globe, seen from both of its seams."""
    posts = {"zero": box(-0.00002, 0.0, 0.00002, 1.0), "date": repair(box(179.9999, 0, 180.0001, 1))}
    index = PointIndex.build([layer(**posts)])
    [hit] = index.lookup(lon, 0.5)
    side = 0.00002 if hit.code == "zero" else 0.0001
    expected = ground_distance_m(0.0, 0.5, side - 0.00001, 0.5)
    assert hit.edge_m == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize("lon", [179.9999, -179.9999, 180.0, -180.0])
def test_the_antimeridian_is_no_edge_and_no_barrier(lon: float) -> None:
    index = PointIndex.build(
        [layer(a=SEAM, b=box(-179.0, 0, -178, 1)), layer("far", c=box(-179.9995, 0, -179, 1))]
    )
    [hit] = index.lookup(lon, 0.5)
    assert hit.edge_m is None
    [near] = index.nearby(lon, 0.5, 100)
    assert near.code == "c"
    assert near.distance_m == pytest.approx(ground_distance_m(lon, 0.5, -179.9995, 0.5), abs=0.001)


@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        pytest.param({"a": square(-900, -900, 900, 900)}, {"a": 1.0}, id="well inside"),
        pytest.param({"a": square(200, -900, 900, 900)}, {"": 1.0}, id="well outside"),
        pytest.param(
            {"a": square(-900, -900, 0, 900), "b": square(0, -900, 900, 900)},
            {"a": 0.5, "b": 0.5},
            id="on the border",
        ),
        pytest.param({"a": square(0, 0, 900, 900)}, {"a": 0.25, "": 0.75}, id="on a corner"),
        pytest.param(
            {"a": square(-10, -10, 10, 10)},
            {"a": 400 / (math.pi * 1e4), "": 1 - 400 / (math.pi * 1e4)},
            id="small",
        ),
        pytest.param(
            {"a": square(-900, -900, 900, 900).difference(square(-10, -10, 10, 10))},
            {"a": 1 - 400 / (math.pi * 1e4), "": 400 / (math.pi * 1e4)},
            id="in a hole",
        ),
        pytest.param(
            {"a": square(-900, -900, 50, 900)},
            {"a": 2 / 3 + math.sqrt(3) / 4 / math.pi, "": 1 / 3 - math.sqrt(3) / 4 / math.pi},
            id="cap",
        ),
        pytest.param({}, {"": 1.0}, id="no boundary at all"),
    ],
)
def test_shares_of_a_disc_of_100_m(areas: dict[str, shapely.Geometry], expected: dict[str, float]) -> None:
    shares = PointIndex.build([layer(**areas)]).shares(LON, LAT, 100, "ward")
    assert shares == pytest.approx(expected, abs=1e-5)


FEATURES = Layer(
    "asset",
    (
        Boundary("light", "", Point(LON + 30 * EAST, LAT)),
        Boundary(
            "road",
            "",
            LineString([(LON - 900 * EAST, LAT + 60 * NORTH), (LON + 900 * EAST, LAT + 60 * NORTH)]),
        ),
        Boundary("park", "", square(2000, -50, 3000, 50)),
        Boundary("a-twin", "", Point(LON + 30 * EAST, LAT)),
    ),
    is_area=False,
)


@pytest.mark.parametrize(
    ("east", "limit_m", "expected"),
    [
        pytest.param(0, 5000, ("a-twin", 30.0), id="a point, the lower code of two"),
        pytest.param(-300, 5000, ("road", 60.0), id="a line"),
        pytest.param(1500, 5000, ("park", 500.0), id="an area"),
        pytest.param(2500, 5000, ("park", 0.0), id="inside an area"),
        pytest.param(1500, 400, None, id="nothing within the limit"),
        pytest.param(-4000, 5000, ("road", 3100.6), id="far, still found"),
        pytest.param(-60_000, 100_000, ("road", 59_100.0), id="very far"),
    ],
)
def test_nearest_feature(east: float, limit_m: float, expected: tuple[str, float] | None) -> None:
    found = PointIndex.build([FEATURES]).nearest_feature("asset", LON + east * EAST, LAT, limit_m)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.layer, found.code) == ("asset", expected[0])
        assert found.distance_m == pytest.approx(expected[1], rel=1e-3, abs=0.01)


def test_features_never_cover() -> None:
    index = PointIndex.build([FEATURES])
    assert index.covering(LON + 30 * EAST, LAT) == index.lookup(LON + 30 * EAST, LAT) == ()
    assert index.nearby(LON, LAT, 100) == ()


def test_an_unknown_layer_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        PointIndex.build([FEATURES]).nearest_feature("nope", LON, LAT)


def test_two_layers_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        PointIndex.build([layer("x"), layer("x")])


def test_the_version_follows_what_is_indexed() -> None:
    base = Layer("w", (Boundary("1", "", box(0, 0, 1, 1)),))
    moved = Layer("w", (Boundary("1", "", box(0, 0, 1, 1.1)),))
    stored = [Layer("w", base.boundaries, edition=edition) for edition in (7, 8)]
    versions = [PointIndex.build([each]).version for each in (base, moved, *stored)]
    assert len(set(versions)) == 4
    assert PointIndex.build([base]).version == versions[0]


def test_an_index_travels_to_another_process() -> None:
    index = PointIndex.build([layer(a=box(0, 0, 1, 1))])
    sent = pickle.loads(pickle.dumps(index))
    assert sent.version == index.version
    assert sent.lookup(0.5, 0.5) == index.lookup(0.5, 0.5)


@pytest.mark.parametrize("limit_m", [30.0, 150.0, 900.0])
def test_few_edges_and_many_are_measured_alike(monkeypatch: pytest.MonkeyPatch, limit_m: float) -> None:
    """One edge at a time, or all at once: the same digits."""
    rng = np.random.default_rng(4)
    corners = shapely.multipoints(rng.uniform((LON, LAT), (LON + 0.02, LAT + 0.02), (300, 2)))
    areas = {f"{at:03d}": each for at, each in enumerate(shapely.voronoi_polygons(corners).geoms)}
    index = PointIndex.build([layer(**areas)])
    places = rng.uniform((LON, LAT), (LON + 0.02, LAT + 0.02), (100, 2)).tolist()
    found = []
    for few in (0, 10**6):
        monkeypatch.setattr("geo.edges._FEW", few)
        found.append([index.lookup_nearby(lon, lat, limit_m, limit_m) for lon, lat in places])
    assert found[0] == found[1]


def test_few_edges_and_many_cut_the_same_off_a_disc(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(9)
    corners = shapely.multipoints(rng.uniform((LON, LAT), (LON + 0.02, LAT + 0.02), (300, 2)))
    areas = {f"{at:03d}": each for at, each in enumerate(shapely.voronoi_polygons(corners).geoms)}
    index = PointIndex.build([layer(**areas)])
    places = rng.uniform((LON, LAT), (LON + 0.02, LAT + 0.02), (200, 2)).tolist()
    found = []
    for few in (0, 10**6):
        monkeypatch.setattr("geo.edges._FEW_LENSES", few)
        found.append([index.shares(lon, lat, 60.0, "ward") for lon, lat in places])
    for one, other in zip(*found, strict=True):
        assert one == pytest.approx(other, abs=1e-9)


def test_a_border_on_the_antimeridian_is_none_of_the_seam() -> None:
    """One owner stands west of 180° and, further north, east of it: only what lies on both sides is no border."""
    east = repair(shapely.box(180.0, 0.0, 180.1, 0.1))
    both = repair(
        shapely.union_all([shapely.box(180.0, 0.1, 180.1, 0.2), shapely.box(179.9, 0.0, 180.0, 0.1)])
    )
    index = PointIndex.build([Layer("area", (Boundary("a", "A", east), Boundary("b", "B", both)))])
    assert index.shares(180.0, 0.0, 1.0, "area") == {
        "": pytest.approx(0.5, abs=1e-3), "a": pytest.approx(0.25, abs=1e-3), "b": pytest.approx(0.25, abs=1e-3),
    }  # fmt: skip
    nearby = index.nearby(-179.9999, 0.05, 50.0)
    assert [(near.code, round(near.distance_m, 1)) for near in nearby] == [("b", 11.1)]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_an_edge_that_many_have_is_measured_for_each(count: int) -> None:
    """Two owners share what is kept of an edge; a third has it again."""
    areas = {str(number): box(LON, LAT, LON + 0.01, LAT + 0.01) for number in range(count)}
    index = PointIndex.build([layer(**areas)])
    hits = index.lookup(LON + 0.0001, LAT + 0.005)
    assert [hit.code for hit in hits] == sorted(areas)
    assert len({hit.edge_m for hit in hits}) == 1
    assert index.edges("ward").arrays.lines.shape == (4 * -(-count // 2), 4)
    assert index.shares(LON, LAT + 0.005, 20.0, "ward")["0"] == pytest.approx(0.5, abs=1e-3)
