"""Files lie where they belong, whole, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.storage import FileStore

NAME = "abcdefgh_-12/original"


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "abcdefgh/../secret",
        "../abcdefgh/original",
        "/etc/passwd",
        "abcdefgh",
        "abcdefgh/",
        "/original",
        "abc/original",
        "abcdefgh/a/b",
        "abcdefgh/original\n",
        "abcdefgh/orig\x00inal",
        "abcdefgh/original.jpg.sh",
        "abcdefgh\\original",
        "a" * 41 + "/original",
        "abcdefgh/ORIGINAL",
        "äbcdefgh/original",
        "",
    ],
)
def test_a_strange_name_is_refused_by_every_call(tmp_path: Path, name: str) -> None:
    store = FileStore(tmp_path)
    for call in (store.path, store.get, store.has, store.delete):
        with pytest.raises(ValueError, match="not a file name"):
            call(name)
    with pytest.raises(ValueError, match="not a file name"):
        store.put(name, b"x")
    assert list(tmp_path.iterdir()) == []


def test_what_is_put_is_there_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.put(NAME, b"first")
    store.put(NAME, b"second")
    assert store.get(NAME) == b"second"
    assert store.has(NAME)
    assert [path.name for path in store.path(NAME).parent.iterdir()] == ["original"]
    assert store.path(NAME).stat().st_mode & 0o777 == 0o600
    assert store.path(NAME).parent.stat().st_mode & 0o777 == 0o700


def test_deleting_twice_is_no_error(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.put(NAME, b"x")
    store.delete(NAME)
    store.delete(NAME)
    assert not store.has(NAME)
    with pytest.raises(FileNotFoundError):
        store.get(NAME)


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.put(NAME, b"whole")
    with pytest.raises(TypeError):
        store.put(NAME, "not bytes")
    assert store.get(NAME) == b"whole"
    assert [path.name for path in store.path(NAME).parent.iterdir()] == ["original"]
