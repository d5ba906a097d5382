"""Knows which boundaries a point belongs to, how near the next ones are, and the nearest feature."""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from geo.boundary import Hit, Layer, Nearby
from geo.crs import Array, LocalFrame
from geo.edges import Edges
from geo.index_file import read_index, write_index
from geo.lattice import Ints
from geo.layer_index import Arrays, LayerIndex


class PointIndex:
    """Answers "what is here?" from memory for the active editions of a city's layers.

    The predicate is shapely `covers` on the stored polygon, planar in EPSG:4326 degrees: a point on an edge
    or a vertex belongs to every boundary that has it. Distances are metres in a plane at the point.
    An index never changes, so threads may share it; build another when an edition changes.
    """

    __slots__ = ("_areas", "_by_name", "layers", "version")

    layers: tuple[Layer, ...]
    version: str

    def __init__(self, layers: Sequence[Layer]) -> None:
        """Index the layers; their names must differ (ValueError)."""
        self._take(layers, [LayerIndex(layer) for layer in layers], _digest(layers))

    @classmethod
    def build(cls, layers: Sequence[Layer]) -> "PointIndex":
        """Index the layers; their names must differ (ValueError)."""
        return cls(layers)

    @classmethod
    def load(cls, path: str | Path) -> "PointIndex":
        """Read what `save` wrote. Raises IndexFileError for anything else, and for a damaged file."""
        return cls._restore(*read_index(path))

    def save(self, path: str | Path) -> None:
        """Write the index to one file that `load` reads; the file appears whole or not at all."""
        write_index(path, self.layers, self._arrays(), self.version)

    @classmethod
    def _restore(cls, layers: Sequence[Layer], arrays: Sequence[Arrays], version: str) -> "PointIndex":
        index = cls.__new__(cls)
        parts = [LayerIndex(layer, kept) for layer, kept in zip(layers, arrays, strict=True)]
        index._take(layers, parts, version)
        return index

    def _take(self, layers: Sequence[Layer], parts: Sequence[LayerIndex], version: str) -> None:
        self.layers = tuple(layers)
        self.version = version
        self._by_name = {layer.name: part for layer, part in zip(self.layers, parts, strict=True)}
        if len(self._by_name) != len(self.layers):
            raise ValueError("two layers have the same name")
        in_order = sorted(self.layers, key=lambda layer: (layer.tie_order, layer.name))
        self._areas = tuple(self._by_name[layer.name] for layer in in_order if layer.is_area)

    def __reduce__(self) -> tuple[Any, ...]:
        """Send what took time to work out to another process, too."""
        return PointIndex._restore, (self.layers, self._arrays(), self.version)

    def _arrays(self) -> list[Arrays]:
        return [self._by_name[layer.name].arrays for layer in self.layers]

    def edges(self, layer: str) -> Edges:
        """Return the edges of a layer; owners are positions in its boundaries."""
        return self._by_name[layer].edges

    @property
    def memory(self) -> dict[str, int]:
        """The bytes of each layer's tables; the geometries come on top."""
        return {
            layer.name: sum(array.nbytes for array in kept.values())
            for layer, kept in zip(self.layers, self._arrays(), strict=True)
        }

    def covering(self, lon: float, lat: float) -> tuple[Hit, ...]:
        """Return every boundary that covers the point: tie order of the layers, then code. No distances."""
        return tuple([hit for area in self._areas for hit in area.covering(lon, lat)])

    def lookup(self, lon: float, lat: float, *, edge_limit_m: float = 100.0) -> tuple[Hit, ...]:
        """Return the covering boundaries with their edge distances, in the order of `covering`.

        `edge_m` is exact up to `edge_limit_m` and None beyond. A layer without a hit gives its nearest
        boundary within its `snap_m`, marked snapped; equal distances go to the lower code.
        """
        if not _is_place(lon, lat):
            return ()
        frame = LocalFrame(lon, lat)
        return tuple([hit for area in self._areas for hit in area.lookup(frame, edge_limit_m)])

    def nearby(self, lon: float, lat: float, radius_m: float) -> tuple[Nearby, ...]:
        """Return the areas that do not cover the point but lie within `radius_m`: by layer, nearest first."""
        if not _is_place(lon, lat):
            return ()
        frame = LocalFrame(lon, lat)
        return tuple([near for area in self._areas for near in area.nearby(frame, radius_m)])

    def lookup_nearby(
        self, lon: float, lat: float, radius_m: float, edge_limit_m: float = 100.0
    ) -> tuple[tuple[Hit, ...], tuple[Nearby, ...]]:
        """Return (`lookup` up to `edge_limit_m`, `nearby` within `radius_m`), measuring each layer once."""
        if not _is_place(lon, lat):
            return (), ()
        frame = LocalFrame(lon, lat)
        found = [area.around(frame, radius_m, edge_limit_m) for area in self._areas]
        hits = tuple([hit for some, _ in found for hit in some])
        return hits, tuple([near for _, some in found for near in some])

    def shares(self, lon: float, lat: float, radius_m: float, layer: str) -> dict[str, float]:
        """Return which share (0 to 1) of the disc around the point lies in each boundary of the layer.

        '' stands for the share in none. Where boundaries overlap, the shares may add up to more than 1.
        """
        return self._by_name[layer].shares(lon, lat, radius_m)

    def nearest_feature(self, layer: str, lon: float, lat: float, limit_m: float = 5000.0) -> Nearby | None:
        """Return the nearest boundary or feature of any layer within `limit_m`; 0 m where it covers.

        Equal distances go to the lower code. Raises KeyError for a layer that is not indexed.
        """
        return self._by_name[layer].nearest(lon, lat, limit_m)

    def covering_many(self, layer: str, lon: Array, lat: Array) -> tuple[Ints, Ints]:
        """Return pairs (position of the point, position in `layer.boundaries`) that cover, sorted.

        `lon` and `lat` are arrays of one length; points that are not finite are in nothing.
        """
        return self._by_name[layer].covering_many(np.asarray(lon, float), np.asarray(lat, float))


def _is_place(lon: float, lat: float) -> bool:
    return math.isfinite(lon) and math.isfinite(lat)


def _digest(layers: Sequence[Layer]) -> str:
    """Identify the content: an edition number vouches for stored layers, the geometry for those of a file."""
    digest = hashlib.sha256()
    for layer in sorted(layers, key=lambda layer: layer.name):
        facts = (layer.name, layer.edition, layer.tie_order, layer.snap_m, layer.required, layer.is_area)
        digest.update(repr(facts).encode())
        for boundary in layer.boundaries if layer.edition == 0 else ():
            digest.update(repr((boundary.code, boundary.name, sorted(boundary.attributes.items()))).encode())
            digest.update(shapely.to_wkb(boundary.geometry))
    return digest.hexdigest()[:16]
