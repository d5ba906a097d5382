"""Knows the file that keeps a point index: layers and tables behind a version and a digest."""

import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from geo.boundary import Boundary, Layer

_MAGIC = b"WENLUIDX"
# Raise it whenever the tables change their meaning; an older file is then built anew.
_VERSION = 2
# Magic, version, digest of all that follows it, and the length of the description.
_START = struct.Struct("<8sI32sQ")
_ALIGN = 64
_GEOMETRY = "geometry"
_KINDS = frozenset("biuf")


class IndexFileError(ValueError):
    """A file that holds no usable index: another format or version, cut short, or changed."""


def write_index(
    path: str | Path, layers: Sequence[Layer], tables: Sequence[Mapping[str, Any]], version: str
) -> None:
    """Write layers and the arrays of each; `version` identifies the content. Replaces the file at once."""
    arrays: dict[str, Any] = {}
    for at, (layer, kept) in enumerate(zip(layers, tables, strict=True)):
        wkb = [shapely.to_wkb(boundary.geometry) for boundary in layer.boundaries]
        arrays[f"{at}.{_GEOMETRY}"] = np.frombuffer(b"".join(wkb), np.uint8)
        arrays[f"{at}.{_GEOMETRY}_sizes"] = np.array([len(each) for each in wkb], np.int64)
        arrays |= {f"{at}.{name}": array for name, array in kept.items()}
    places, chunks = _laid_out(arrays)
    about = {"version": version, "layers": [_description(layer) for layer in layers], "arrays": places}
    text = json.dumps(about, ensure_ascii=False).encode()
    text += b" " * (-(len(text) + _START.size) % _ALIGN)
    digest = hashlib.sha256(text)
    for chunk in chunks:
        digest.update(chunk)
    start = _START.pack(_MAGIC, _VERSION, digest.digest(), len(text))
    _write_whole(Path(path), [start, text, *chunks])


def read_index(path: str | Path) -> tuple[list[Layer], list[dict[str, Any]], str]:
    """Return layers, the arrays of each (read-only) and the version given to `write_index`.

    Raises IndexFileError for any other file, OSError for one that cannot be read.
    """
    content = memoryview(Path(path).read_bytes())
    about, data = _checked(content, str(path))
    arrays = {name: _array(data, place) for name, place in about["arrays"].items()}
    layers: list[Layer] = []
    tables: list[dict[str, Any]] = []
    for at, description in enumerate(about["layers"]):
        own = {name.partition(".")[2]: each for name, each in arrays.items() if name.startswith(f"{at}.")}
        sizes = own.pop(f"{_GEOMETRY}_sizes")
        layers.append(_layer(description, own.pop(_GEOMETRY), sizes))
        tables.append(own)
    return layers, tables, str(about["version"])


def _checked(content: memoryview, name: str) -> tuple[dict[str, Any], memoryview]:
    if len(content) < _START.size:
        raise IndexFileError(f"{name} is no index: too short")
    magic, version, digest, length = _START.unpack_from(content)
    if magic != _MAGIC:
        raise IndexFileError(f"{name} is no index")
    if version != _VERSION:
        raise IndexFileError(f"{name} has version {version} of the format, not {_VERSION}")
    if hashlib.sha256(content[_START.size :]).digest() != digest:
        raise IndexFileError(f"{name} is damaged: the digest does not fit the content")
    start = _START.size + length
    return json.loads(bytes(content[_START.size : start])), content[start:]


def _laid_out(arrays: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """Return where each array will stand after the description, and the bytes to write."""
    places: dict[str, Any] = {}
    chunks: list[bytes] = []
    offset = 0
    for name, array in arrays.items():
        if array.dtype.kind not in _KINDS:
            raise TypeError(f"{name} holds {array.dtype}, not numbers")
        content = np.ascontiguousarray(array).tobytes()
        content += bytes(-len(content) % _ALIGN)
        places[name] = [array.dtype.str, list(array.shape), offset]
        chunks.append(content)
        offset += len(content)
    return places, chunks


def _array(data: memoryview, place: list[Any]) -> Any:
    kind, shape, offset = place
    dtype = np.dtype(kind)
    count = int(np.prod(shape))
    return np.frombuffer(data, dtype, count, offset).reshape(shape)


def _description(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "edition": layer.edition,
        "tie_order": layer.tie_order,
        "snap_m": layer.snap_m,
        "required": layer.required,
        "is_area": layer.is_area,
        "boundaries": [[each.code, each.name, dict(each.attributes)] for each in layer.boundaries],
    }


def _layer(description: dict[str, Any], wkb: Any, sizes: Any) -> Layer:
    facts = dict(description)
    content, ends = wkb.tobytes(), np.cumsum(sizes).tolist()
    geometries = shapely.from_wkb(
        [content[end - size : end] for end, size in zip(ends, sizes.tolist(), strict=True)]
    )
    boundaries = tuple(
        Boundary(code, name, geometry, attributes)
        for (code, name, attributes), geometry in zip(facts.pop("boundaries"), geometries, strict=True)
    )
    return Layer(boundaries=boundaries, **facts)


def _write_whole(path: Path, chunks: Sequence[bytes]) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
