"""Knows whether an uploaded boundary file is what its name says, and stays small when it is unpacked.

The reader of shapefiles and GeoPackages looks at content, not at names: a text that points at other files or at an
address elsewhere must never reach it.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path

import shapely

from geo.boundary import Layer
from geo.sentences import Sentence
from portal.i18n import N_
from portal.pack.said import said

MOST_BYTES = 30 * 1024 * 1024
MOST_UNPACKED = 300 * 1024 * 1024
MOST_MEMBERS = 50
MOST_BOUNDARIES, MOST_VERTICES = 20_000, 5_000_000
ENDINGS = (".geojson", ".json", ".geojson.gz", ".json.gz", ".csv", ".zip", ".gpkg", ".parquet", ".geoparquet")
# How each begins; text formats have no mark.
MARKS = {".gpkg": b"SQLite format 3\0", ".parquet": b"PAR1", ".geoparquet": b"PAR1", ".zip": b"PK\x03\x04"}
OF_A_SHAPEFILE = frozenset(
    [".shp", ".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".xml", ".qpj", ".qmd"]
)
SHAPE_MARK = b"\x00\x00\x27\x0a"


class Hostile(ValueError):
    """A file that is not read; `said` tells why."""

    def __init__(self, why: Sentence) -> None:
        super().__init__(why)
        self.said = why


def ending_of(name: str) -> str:
    """The ending by which a file is read; Hostile for one that is not."""
    lowered = name.lower()
    found = max((ending for ending in ENDINGS if lowered.endswith(ending)), key=len, default="")
    if not found:
        raise Hostile(
            said(N_("files of this kind are not read; known are: %(list)s"), list=", ".join(ENDINGS))
        )
    return found


def check_upload(path: Path, ending: str) -> None:
    """Raise Hostile where a file is not what its ending says, or grows too large."""
    if path.stat().st_size > MOST_BYTES:
        raise Hostile(said(N_("the file is larger than %(value)s MB"), value=MOST_BYTES // 1024 // 1024))
    with path.open("rb") as stream:
        mark = MARKS.get(ending, b"")
        if stream.read(len(mark)) != mark:
            raise Hostile(said(N_("the content is not what %(ending)s says"), ending=ending))
    if ending.endswith(".gz"):
        _check_gzip(path)
    if ending == ".zip":
        _check_zip(path)


def check_size(layer: Layer) -> None:
    """Raise Hostile for a layer that would hold up everybody."""
    if len(layer.boundaries) > MOST_BOUNDARIES:
        raise Hostile(said(N_("the file has more than %(most)s boundaries"), most=MOST_BOUNDARIES))
    vertices = sum(int(shapely.get_num_coordinates(each.geometry)) for each in layer.boundaries)
    if vertices > MOST_VERTICES:
        raise Hostile(said(N_("the file has more than %(most)s vertices"), most=MOST_VERTICES))


def _check_gzip(path: Path) -> None:
    size = 0
    try:
        with gzip.open(path) as stream:  # as the reader will: one member after another
            while chunk := stream.read(1 << 20):
                size += len(chunk)
                _check_unpacked(size)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise Hostile(said(N_("the content is not what .gz says"))) from None


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MOST_MEMBERS:
                raise Hostile(said(N_("the archive holds more than %(most)s files"), most=MOST_MEMBERS))
            size = 0
            for member in members:
                size = _check_member(archive, member, size)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError):
        raise Hostile(said(N_("the archive cannot be read"))) from None
    if not any(Path(member.filename).suffix.lower() == ".shp" for member in members):
        raise Hostile(said(N_("the archive holds no shapefile")))


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, size: int) -> int:
    """Unpack one member for its size alone, because an archive may lie about it; answers the size so far."""
    name = Path(member.filename)
    if member.is_dir():
        return size
    if name.is_absolute() or ".." in name.parts or name.suffix.lower() not in OF_A_SHAPEFILE:
        raise Hostile(
            said(
                N_("the archive holds '%(filename)s', which is no part of a shapefile"),
                filename=member.filename[:80],
            )
        )
    with archive.open(member) as stream:
        first = stream.read(4)
        if name.suffix.lower() == ".shp" and first != SHAPE_MARK:
            raise Hostile(said(N_("the content is not what .shp says")))
        size += len(first)
        while chunk := stream.read(1 << 20):
            size += len(chunk)
            _check_unpacked(size)
    return size


def _check_unpacked(size: int) -> None:
    if size > MOST_UNPACKED:
        raise Hostile(
            said(N_("unpacked, the file is larger than %(value)s MB"), value=MOST_UNPACKED // 1024 // 1024)
        )
