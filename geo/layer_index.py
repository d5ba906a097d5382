"""Knows how one layer answers: what covers a point, how far its edges are, and what is nearest."""

import math
from typing import Any

from geo.boundary import Hit, Layer, Nearby
from geo.cover import Cover
from geo.cover_build import CoverTables
from geo.crs import Array, LocalFrame
from geo.edge_grid import EdgeTables
from geo.edges import EdgeArrays, Edges
from geo.exact import ExactCover
from geo.lattice import Ints

# Radii in metres of the widening search for the nearest feature.
_RINGS = (100.0, 800.0, 5000.0, 40000.0)
# A disc whose centre lies nearer than this to an edge is moved off it by this much.
_ON_EDGE_M = 1e-5
_NOTHING = 1e-9
_AREAS = frozenset({"Polygon", "MultiPolygon"})

# What can be written to a file: arrays by name.
Arrays = dict[str, Any]


class LayerIndex:
    """One layer: cells for what covers a point, and edges for distances.

    Owners are positions in `layer.boundaries`.
    """

    __slots__ = ("_by_set", "_cover", "_exact", "_hits_by_set", "_layer", "_ranks", "edges", "hits")

    def __init__(self, layer: Layer, arrays: Arrays | None = None) -> None:
        """Index a layer, or take up `arrays` that an equal index gave."""
        boundaries = layer.boundaries
        geometries = [boundary.geometry for boundary in boundaries]
        self._layer = layer
        self._exact = ExactCover(geometries)
        self.edges = Edges(geometries) if arrays is None else _edges_of(arrays)
        self._cover: Cover | None = None
        # Cells know areas only; points and lines are found by shapely alone.
        if geometries and all(each.geom_type in _AREAS and not each.is_empty for each in geometries):
            built = Cover.build(geometries, self._exact) if arrays is None else None
            self._cover = built or Cover(_cover_tables_of(arrays or {}), self._exact)
        by_code = sorted(range(len(boundaries)), key=lambda owner: boundaries[owner].code)
        self._ranks = {owner: rank for rank, owner in enumerate(by_code)}
        self.hits = tuple(Hit(layer.name, each.code, layer.edition, None, False) for each in boundaries)
        sets = self._cover.sets if self._cover else ()
        self._by_set = tuple(tuple(sorted(each, key=self._ranks.__getitem__)) for each in sets)
        self._hits_by_set = tuple(tuple(self.hits[owner] for owner in each) for each in self._by_set)

    @property
    def arrays(self) -> Arrays:
        """Everything that took time to work out."""
        parts: list[tuple[str, Any]] = [("edges", self.edges.arrays), ("edge_cells", self.edges.tables)]
        if self._cover:
            parts.append(("cover", self._cover.tables))
        return {f"{part}.{name}": array for part, kept in parts for name, array in kept._asdict().items()}

    def covering(self, lon: float, lat: float) -> tuple[Hit, ...]:
        """Return the hits of the boundaries that cover the point, by code."""
        number = self._cover.find(lon, lat) if self._cover else -1
        if number >= 0:
            return self._hits_by_set[number]
        return tuple(self.hits[owner] for owner in self._judged(lon, lat))

    def owners(self, lon: float, lat: float) -> tuple[int, ...]:
        """Return the owners that cover the point, by code."""
        number = self._cover.find(lon, lat) if self._cover else -1
        return self._by_set[number] if number >= 0 else self._judged(lon, lat)

    def lookup(self, frame: LocalFrame, edge_limit_m: float) -> list[Hit]:
        """Return the hits at the frame's centre with their edge distances, or the one it snaps to."""
        owners = self.owners(frame.lon, frame.lat)
        return self._hits(owners, self._distances(frame, self._reach(owners, edge_limit_m)), edge_limit_m)

    def nearby(self, frame: LocalFrame, radius_m: float) -> list[Nearby]:
        """Return the boundaries within the radius that do not cover the frame's centre, nearest first."""
        owners = self.owners(frame.lon, frame.lat)
        return self._others(owners, self.edges.distances_from(frame, radius_m), radius_m)

    def around(
        self, frame: LocalFrame, radius_m: float, edge_limit_m: float
    ) -> tuple[list[Hit], list[Nearby]]:
        """Return what `lookup` and `nearby` do, measuring once."""
        owners = self.owners(frame.lon, frame.lat)
        distances = self._distances(frame, max(radius_m, self._reach(owners, edge_limit_m)))
        return self._hits(owners, distances, edge_limit_m), self._others(owners, distances, radius_m)

    def nearest(self, lon: float, lat: float, limit_m: float) -> Nearby | None:
        """Return the nearest boundary or feature within the limit, 0 m where one covers the point."""
        covering = self.owners(lon, lat)
        if covering:
            return self._nearby(covering[0], 0.0)
        frame = LocalFrame(lon, lat)
        for ring_m in _RINGS:
            found = self._nearest_edge(self._distances(frame, min(ring_m, limit_m)), limit_m)
            if found or ring_m >= limit_m:
                return self._nearby(*found) if found else None
        found = self._nearest_edge(self._distances(frame, limit_m), limit_m)
        return self._nearby(*found) if found else None

    def shares(self, lon: float, lat: float, radius_m: float) -> dict[str, float]:
        """Return the share of the disc in each boundary, by code; '' for the share in none."""
        if self.edges.distances(lon, lat, _ON_EDGE_M):
            # South-west is as good as any other way off the edge, as long as it stays on the map.
            x_scale, y_scale = LocalFrame(lon, lat).metres_per_degree
            lon, lat = lon - 7 * _ON_EDGE_M / x_scale, lat - 5 * _ON_EDGE_M / y_scale
            lon = lon if lon >= -180.0 else lon + 360.0
        disc = math.pi * radius_m * radius_m
        areas = self.edges.disc_corrections(lon, lat, radius_m)
        for owner in self.owners(lon, lat):
            areas[owner] = areas.get(owner, 0.0) + disc
        shares = {self.hits[owner].code: min(area / disc, 1.0) for owner, area in sorted(areas.items())}
        shares[""] = 1.0 - sum(shares.values())
        return {code: share for code, share in shares.items() if share > _NOTHING}

    def covering_many(self, lon: Array, lat: Array) -> tuple[Ints, Ints]:
        """Return pairs (position of the point, owner) that cover, sorted."""
        return (self._cover or self._exact).covering_many(lon, lat)

    def _judged(self, lon: float, lat: float) -> tuple[int, ...]:
        return tuple(sorted(self._exact.covering(lon, lat).tolist(), key=self._ranks.__getitem__))

    def _reach(self, owners: tuple[int, ...], edge_limit_m: float) -> float:
        """Return how far hits have to be measured: to snap, where nothing covers the point."""
        return edge_limit_m if owners else self._layer.snap_m

    def _distances(self, frame: LocalFrame, limit_m: float) -> dict[int, float]:
        return self.edges.distances_from(frame, limit_m) if limit_m > 0 else {}

    def _hits(self, owners: tuple[int, ...], distances: dict[int, float], edge_limit_m: float) -> list[Hit]:
        if owners:
            return [self._hit(owner, distances.get(owner), edge_limit_m) for owner in owners]
        nearest = self._nearest_edge(distances, self._layer.snap_m)
        if nearest is None:
            return []
        owner, metres = nearest
        return [Hit(self._layer.name, self.hits[owner].code, self._layer.edition, metres, True)]

    def _hit(self, owner: int, edge_m: float | None, edge_limit_m: float) -> Hit:
        plain = self.hits[owner]
        if edge_m is None or not 0.0 <= edge_m <= edge_limit_m or edge_limit_m <= 0.0:
            return plain
        return Hit(plain.layer, plain.code, plain.edition, edge_m, False)

    def _others(self, owners: tuple[int, ...], distances: dict[int, float], radius_m: float) -> list[Nearby]:
        found = [
            (m, self._ranks[at], at) for at, m in distances.items() if m <= radius_m and at not in owners
        ]
        return [self._nearby(owner, metres) for metres, _, owner in sorted(found)]

    def _nearest_edge(self, distances: dict[int, float], limit_m: float) -> tuple[int, float] | None:
        near = [(metres, self._ranks[at], at) for at, metres in distances.items() if metres <= limit_m]
        if not near or limit_m <= 0.0:
            return None
        metres, _, owner = min(near)
        return owner, metres

    def _nearby(self, owner: int, distance_m: float) -> Nearby:
        return Nearby(self._layer.name, self.hits[owner].code, distance_m)


def _edges_of(arrays: Arrays) -> Edges:
    kept = EdgeArrays(*(arrays[f"edges.{name}"] for name in EdgeArrays._fields))
    return Edges.restore(kept, EdgeTables(*(arrays[f"edge_cells.{name}"] for name in EdgeTables._fields)))


def _cover_tables_of(arrays: Arrays) -> CoverTables:
    return CoverTables(*(arrays[f"cover.{name}"] for name in CoverTables._fields))
