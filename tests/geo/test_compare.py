"""What changed between two editions: ground by code, from whom to whom, with areas."""

from pathlib import Path

import pytest
import shapely

from geo.boundary import Boundary, Layer
from geo.compare import compare_layers
from geo.files import read_layer

# One thousandth of a hundredth of a degree at the equator is 1.1132 m by 1.1057 m.
M = 1e-5
M2 = 1.1131949 * 1.1057428


def square(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    return shapely.box(west * M, south * M, east * M, north * M)


def layer(**areas: shapely.Geometry) -> Layer:
    return Layer("ward", tuple(Boundary(code, code.upper(), geometry) for code, geometry in areas.items()))


A, B = square(0, 0, 100, 100), square(100, 0, 200, 100)
OLD = layer(a=A, b=B)
# (new, {code: (kind, gained, lost)}, {(from, to): area}), areas in squares of M
CASES = {
    "nothing": (OLD, {"a": ("same", 0, 0), "b": ("same", 0, 0)}, {}),
    "the line between them moved": (
        layer(a=square(0, 0, 120, 100), b=square(120, 0, 200, 100)),
        {"a": ("moved", 2000, 0), "b": ("moved", 0, 2000)},
        {("b", "a"): 2000},
    ),
    "redrawn": (
        layer(a=square(0, 0, 100.5, 100), b=square(100.5, 0, 200, 100)),
        {"a": ("redrawn", 50, 0), "b": ("redrawn", 0, 50)},
        {},
    ),
    "a new one of two": (
        layer(a=square(0, 0, 100, 60), b=square(100, 0, 200, 60), c=square(0, 60, 200, 100)),
        {"a": ("moved", 0, 4000), "b": ("moved", 0, 4000), "c": ("new", 8000, 0)},
        {("a", "c"): 4000, ("b", "c"): 4000},
    ),
    "united": (
        layer(a=square(0, 0, 200, 100)),
        {"a": ("moved", 10000, 0), "b": ("gone", 0, 10000)},
        {("b", "a"): 10000},
    ),
    "another code on the same ground": (
        layer(a=A, z=B),
        {"a": ("same", 0, 0), "z": ("recoded", 0, 0)},
        {},
    ),
    "exchanged": (
        layer(a=B, b=A),
        {"a": ("moved", 10000, 10000), "b": ("moved", 10000, 10000)},
        {("a", "b"): 10000, ("b", "a"): 10000},
    ),
    "ground of nobody taken, and given up": (
        layer(a=square(-50, 0, 100, 100), b=square(100, 0, 180, 100)),
        {"a": ("moved", 5000, 0), "b": ("moved", 0, 2000)},
        {("", "a"): 5000, ("b", ""): 2000},
    ),
    "all gone": (
        layer(),
        {"a": ("gone", 0, 10000), "b": ("gone", 0, 10000)},
        {("a", ""): 10000, ("b", ""): 10000},
    ),
}


@pytest.mark.parametrize(("new", "changes", "transfers"), CASES.values(), ids=CASES)
def test_changes(
    new: Layer,
    changes: dict[str, tuple[str, float, float]],
    transfers: dict[tuple[str, str], float],
) -> None:
    found = compare_layers(OLD, new)
    assert {each.code: each.kind for each in found.changes} == {
        code: kind for code, (kind, *_) in changes.items()
    }
    for each in found.changes:
        _, gained, lost = changes[each.code]
        assert (each.gained_m2, each.lost_m2) == (
            pytest.approx(gained * M2, rel=1e-3, abs=1e-3),
            pytest.approx(lost * M2, rel=1e-3, abs=1e-3),
        )
    assert {(each.from_code, each.to_code): each.area_m2 for each in found.transfers} == {
        pair: pytest.approx(area * M2, rel=1e-3) for pair, area in transfers.items()
    }


def test_a_name_alone() -> None:
    new = Layer("ward", (Boundary("a", "Old Town", A), OLD.boundaries[1]))
    [change] = compare_layers(OLD, new).of_kind("renamed")
    assert (change.code, change.old_name, change.new_name) == ("a", "A", "Old Town")


def test_points_are_compared_by_where_they_are() -> None:
    def posts(x: float) -> Layer:
        return Layer(
            "post",
            (Boundary("1", "", shapely.Point(0, 0)), Boundary("2", "", shapely.Point(x, 0))),
            is_area=False,
        )

    found = compare_layers(posts(1), posts(2))
    assert [(each.code, each.kind) for each in found.changes] == [("1", "same"), ("2", "moved")]
    assert found.transfers == ()


def test_precinct_121_of_new_york_came_from_two_others(wenlu_data: Path) -> None:
    def read(file: str, code: str) -> Layer:
        return read_layer(wenlu_data / "nyc" / file, name="precinct", code=code)[0]

    found = compare_layers(
        read("police_precincts_old_edition.geojson.gz", "Precinct"),
        read("police_precincts.geojson.gz", "precinct"),
    )
    [new] = found.of_kind("new")
    assert (new.code, new.gained_m2) == ("121", pytest.approx(44_193_111, abs=1000))
    assert found.of_kind("gone", "recoded") == ()
    came = {
        each.from_code: each.area_m2 for each in found.transfers if each.to_code == "121" and each.from_code
    }
    assert came == {"122": pytest.approx(30_371_666, abs=1000), "120": pytest.approx(13_820_852, abs=1000)}
    assert [each.to_code for each in found.transfers[:2]] == ["121", "121"]
