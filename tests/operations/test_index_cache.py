"""The point index is kept between starts: loaded when the editions are the same, and never trusted when damaged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from geo.index import PointIndex
from portal.db import Database
from portal.operations.load_city import load_city_folder
from portal.queries.city import CityCache
from portal.queries.index_cache import editions_digest

DEMO = Path(__file__).resolve().parents[2] / "portal" / "demo" / "linhai"
CITY = "linhai.example"
PLACE = (121.59, 29.2611)


@pytest.fixture
def loaded(new_database: Callable[..., str], migrated_template: str) -> Iterator[Database]:
    made = Database(new_database(migrated_template))
    load_city_folder(made, DEMO)
    yield made
    made.dispose()


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one whenever an index is built."""
    counted: list[int] = []
    build = PointIndex.build
    monkeypatch.setattr(PointIndex, "build", lambda layers: (counted.append(1), build(layers))[1])
    return counted


def start(database: Database, folder: Path | None) -> PointIndex:
    """What a new process reads."""
    with database.reading() as tx:
        return CityCache(folder).city(tx, CITY).router.city.index


def kept(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_the_second_start_builds_nothing(loaded: Database, tmp_path: Path, builds: list[int]) -> None:
    first, second = start(loaded, tmp_path), start(loaded, tmp_path)
    assert builds == [1]
    assert (second.version, second.layers) == (first.version, first.layers)
    assert second.lookup(*PLACE) == first.lookup(*PLACE) != ()
    assert len(kept(tmp_path)) == 1


def test_without_a_folder_every_start_builds(loaded: Database, builds: list[int]) -> None:
    start(loaded, None), start(loaded, None)
    assert builds == [1, 1]


CHANGES = {
    "a layer's setting": "UPDATE layer SET snap_m = snap_m + 1",
    "another content under the same number": "UPDATE edition SET source_digest = 'other'",
    "an edition made anew": "UPDATE edition SET created_at = created_at - interval '1 second'",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_another_edition_replaces_the_file(
    loaded: Database, tmp_path: Path, builds: list[int], change: str
) -> None:
    start(loaded, tmp_path)
    before = kept(tmp_path)
    (tmp_path / "index-of-somebody-else").touch()
    with loaded.transaction() as tx:
        tx.execute(text(change))
    start(loaded, tmp_path)
    assert builds == [1, 1]
    assert before[0] not in kept(tmp_path)
    assert len(kept(tmp_path)) == 2, "the file of somebody else stays"


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut short": lambda content: content[:-100],
    "one bit": lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
    "something else": lambda content: b"PK" + content[2:],
    "another version": lambda content: content[:8] + b"\xff" + content[9:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_built_anew(
    loaded: Database, tmp_path: Path, builds: list[int], damage: Callable[[bytes], bytes]
) -> None:
    wanted = start(loaded, tmp_path).lookup(*PLACE)
    (path,) = kept(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert start(loaded, tmp_path).lookup(*PLACE) == wanted
    assert builds == [1, 1]
    assert path.read_bytes() == whole


def test_a_folder_that_cannot_be_used_is_done_without(
    loaded: Database, tmp_path: Path, builds: list[int]
) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder in (tmp_path / "missing", file):
        assert start(loaded, folder).lookup(*PLACE)
    assert builds == [1, 1]


def test_several_at_once_leave_one_whole_file(loaded: Database, tmp_path: Path) -> None:
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(start(loaded, tmp_path).lookup(*PLACE)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(one == found[0] != () for one in found)
    (path,) = kept(tmp_path)
    assert PointIndex.load(path).lookup(*PLACE) == found[0]


def test_an_edition_activated_while_building_is_not_kept_under_the_old_name(
    loaded: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = PointIndex.build

    def build_slowly(layers: Any) -> PointIndex:
        with loaded.transaction() as other:
            other.execute(text("UPDATE edition SET source_digest = 'other'"))
        return build(layers)

    monkeypatch.setattr(PointIndex, "build", build_slowly)
    with loaded.engine.connect() as tx:
        before = editions_digest(tx, CITY)
        CityCache(tmp_path).city(tx, CITY)
        assert editions_digest(tx, CITY) != before
    assert kept(tmp_path) == []
