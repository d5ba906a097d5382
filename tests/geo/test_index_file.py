"""An index written to a file answers as before, and a file that is not whole is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely import LineString, Point, box

from geo.boundary import Boundary, Layer, repair
from geo.index import PointIndex
from geo.index_file import IndexFileError

WARDS = Layer(
    "ward",
    (
        Boundary("b", "北", repair(box(114.0, 22.5, 114.1, 22.6)), {"size": "large"}),
        Boundary("a", "南", repair(box(114.0, 22.4, 114.1, 22.5).difference(box(114.02, 22.42, 114.04, 22.44)))),
    ),
    edition=3, tie_order=5, snap_m=40.0, required=True,
)  # fmt: skip
ASSETS = Layer(
    "asset",
    (Boundary("lamp", "", Point(114.05, 22.45)), Boundary("road", "", LineString([(114, 22.4), (114.1, 22.6)]))),
    is_area=False,
)  # fmt: skip
EMPTY = Layer("empty", ())


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "city.index"
    PointIndex.build([WARDS, ASSETS, EMPTY]).save(path)
    return path


def test_a_loaded_index_is_the_same(saved: Path) -> None:
    built, loaded = PointIndex.build([WARDS, ASSETS, EMPTY]), PointIndex.load(saved)
    assert (loaded.layers, loaded.version) == (built.layers, built.version)
    rng = np.random.default_rng(1)
    places = rng.uniform((113.99, 22.39), (114.11, 22.61), (300, 2))
    places = np.vstack((places, shapely.get_coordinates([each.geometry for each in WARDS.boundaries])))
    for lon, lat in places.tolist():
        assert loaded.covering(lon, lat) == built.covering(lon, lat)
        assert loaded.lookup_nearby(lon, lat, 300, 100) == built.lookup_nearby(lon, lat, 300, 100)
        assert loaded.shares(lon, lat, 80, "ward") == built.shares(lon, lat, 80, "ward")
        assert loaded.nearest_feature("asset", lon, lat) == built.nearest_feature("asset", lon, lat)
    many = [index.covering_many("ward", *places.T) for index in (loaded, built)]
    np.testing.assert_array_equal(many[0], many[1])


def test_a_loaded_index_can_be_saved_again(saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.index"
    PointIndex.load(saved).save(again)
    assert again.read_bytes() == saved.read_bytes()


def flip(at: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(flip(-2), "damaged", id="one bit near the end"),
        pytest.param(flip(200), "damaged", id="one bit of the description"),
        pytest.param(flip(20), "damaged", id="one bit of the digest"),
        pytest.param(lambda content: content[:-64], "damaged", id="cut short"),
        pytest.param(lambda content: content + b"more", "damaged", id="something added"),
        pytest.param(lambda content: content[:10], "too short", id="hardly anything"),
        pytest.param(lambda content: b"", "too short", id="empty"),
        pytest.param(lambda content: b"PK" + content[2:], "no index", id="another kind of file"),
        pytest.param(flip(8), "version", id="another version of the format"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(
    saved: Path, damage: Callable[[bytes], bytes], message: str
) -> None:
    saved.write_bytes(damage(saved.read_bytes()))
    with pytest.raises(IndexFileError, match=message):
        PointIndex.load(saved)


def test_a_failed_save_leaves_the_old_file(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def full_disk(self: Path, target: Path) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        PointIndex.build([EMPTY]).save(saved)
    assert saved.read_bytes() == before
    assert [each.name for each in saved.parent.iterdir()] == [saved.name]
