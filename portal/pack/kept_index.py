"""Knows how a point index is kept in a file, so that the next process need not build it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from pathlib import Path

import geo.index
from geo.boundary import Layer
from geo.index import PointIndex
from geo.index_file import IndexFileError
from portal.pack.model import Pack

log = logging.getLogger("wenlu.index")
# So many indexes of packs are kept: some cities, on some days.
MOST_KEPT = 8


def load_or_build(path: Path, load: Callable[[], Sequence[Layer]]) -> tuple[PointIndex, bool]:
    """The index that `path` keeps, or one built of the layers that `load` reads; and whether it was built.

    A file that is damaged, or cannot be read, never stands in the way.
    """
    try:
        return PointIndex.load(path), False
    except FileNotFoundError:
        pass
    except (IndexFileError, OSError) as error:
        log.warning("the kept index is built anew: %s", error)
    return PointIndex.build(load()), True


def keep(index: PointIndex, path: Path, older: str, most: int = 1) -> None:
    """Keep an index, and of the files beside it that match `older` only the newest; no error stands in the way."""
    try:
        index.save(path)
        found = sorted(path.parent.glob(older), key=lambda file: file.stat().st_mtime, reverse=True)
        for old in [file for file in found if file != path][most - 1 :]:
            old.unlink(missing_ok=True)  # another process may be doing the same
    except OSError as error:
        log.warning("the index cannot be kept: %s", error)


def pack_index(pack: Pack, day: date, folder: Path | None, load: Callable[[], Sequence[Layer]]) -> PointIndex:
    """The index of a pack's map on a day: kept in `folder` under the digest of all that it depends on."""
    if folder is None:
        return PointIndex.build(load())
    path = folder / f"pack-{_digest(pack, day)}.wenlu"
    index, is_built = load_or_build(path, load)
    if is_built:
        keep(index, path, "pack-*.wenlu", MOST_KEPT)
    return index


def _digest(pack: Pack, day: date) -> str:
    editions = [(layer.name, layer.edition_on(day)) for layer in pack.city.layers.values()]
    return hashlib.sha256(repr((pack.digest, editions, _code_digest())).encode()).hexdigest()[:16]


@cache
def _code_digest() -> str:
    """Identify the code that reads and indexes boundaries: another version of it may read a file otherwise."""
    files = sorted(Path(geo.index.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
