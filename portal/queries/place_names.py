"""Knows the places of a city by name: its areas and points from memory, streets and waters from the basemap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, cast, func, select
from sqlalchemy.dialects.postgresql import TSQUERY

from geo.crs import LonLat
from portal.models.city import basemap_feature
from portal.queries.city import CityView
from portal.queries.duties import middle_of
from routing.place_words import Sought, place_query

MOST_FEATURES, MOST_PLACES = 400, 30
NAME = "name_"
Names = Mapping[str, str] | str


@dataclass(frozen=True, slots=True)
class Place:
    """One place: its names, a point of it, and the areas around it (layer, code) from the largest.

    `area` is "layer:code" where it is itself an area, `layer` where it belongs to one; `near` says how well its
    name meets what was typed (routing.place_words.Sought).
    """

    names: Names
    point: LonLat
    near: int
    area: str = ""
    layer: str = ""
    within: tuple[tuple[str, str], ...] = ()


def names_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """The names that a feature of the basemap carries, by language."""
    return {key[len(NAME) :]: str(text) for key, text in properties.items() if key.startswith(NAME) and text}


def find_places(tx: Connection, city: CityView, typed: str) -> list[Place]:
    """The places of that name, the best first; where a name is exactly the typed one, only those. One statement."""
    wanted = place_query(typed)
    if not wanted:
        return []
    sought = Sought.of(typed)
    known = list(_known(city, sought))
    same = {(_key(each.names), each.within) for each in known}
    for place in _drawn(tx, city, sought, wanted):
        if not _is_known(place, known) and (key := (_key(place.names), place.within)) not in same:
            same.add(key)
            known.append(place)
    exact = [each for each in known if each.near == 0]
    ordered = sorted(exact or known, key=lambda each: (each.near, not each.area, _order(each.names)))
    return ordered[:MOST_PLACES]


def _known(city: CityView, sought: Sought) -> Iterable[Place]:
    """Areas and points of the layers in force, from memory."""
    for layer in city.router.city.index.layers:
        for boundary in layer.boundaries:
            names = city.boundary_name(layer.name, boundary.code)
            near = sought.closeness(_texts(names))
            if near is None:
                continue
            area = f"{layer.name}:{boundary.code}" if layer.is_area else ""
            point = middle_of(boundary)
            around = tuple(each for each in _within(city, point) if each != (layer.name, boundary.code))
            yield Place(names, point, near, area, layer.name, around)


def _drawn(tx: Connection, city: CityView, sought: Sought, wanted: str) -> Iterable[Place]:
    """What the basemap draws with a name: each piece of a street for itself."""
    spot = func.ST_PointOnSurface(basemap_feature.c.geom)
    query = (
        select(basemap_feature.c.properties, func.ST_X(spot).label("lon"), func.ST_Y(spot).label("lat"))
        .where(
            basemap_feature.c.jurisdiction_id == city.jurisdiction_id,
            basemap_feature.c.words.bool_op("@@")(cast(wanted, TSQUERY)),
        )
        .order_by(func.ST_Length(basemap_feature.c.geom).desc(), basemap_feature.c.id)
        .limit(MOST_FEATURES)
    )
    for row in tx.execute(query):
        names, point = names_of(row.properties), LonLat(round(row.lon, 6), round(row.lat, 6))
        near = sought.closeness(names.values())
        if near is not None:
            yield Place(names, point, near, within=_within(city, point))


def _within(city: CityView, point: LonLat) -> tuple[tuple[str, str], ...]:
    """The areas around a point, of those layers that every place of the city lies in."""
    index = city.router.city.index
    required = {layer.name for layer in index.layers if layer.required}
    return tuple((hit.layer, hit.code) for hit in index.covering(*point) if hit.layer in required)


def _is_known(place: Place, known: Sequence[Place]) -> bool:
    """Whether a label of the basemap only repeats an area or a point that is listed already."""
    texts = set(_texts(place.names))
    return any(each.layer and texts & set(_texts(each.names)) for each in known)


def _texts(names: Names) -> Iterable[str]:
    return [names] if isinstance(names, str) else names.values()


def _order(names: Names) -> tuple[int, tuple[str, ...]]:
    """Short names first, then by what they are."""
    texts = _key(names)
    return max(map(len, texts)), texts


def _key(names: Names) -> tuple[str, ...]:
    return tuple(sorted(_texts(names)))
