"""Knows the areas that can be chosen from a list instead of a map."""

from __future__ import annotations

from geo.boundary import Boundary, Layer
from portal.web.locale import boundary_name
from portal.web.services import city

MOST_AREAS = 600


def offered_areas() -> list[tuple[Layer, list[Boundary]]]:
    """The layers of the city with their areas by name, the largest areas first, as many as a list can hold."""
    found: list[tuple[Layer, list[Boundary]]] = []
    room = MOST_AREAS
    for layer in sorted(city().router.city.index.layers, key=lambda each: each.tie_order):
        if layer.is_area and len(layer.boundaries) <= room:
            ordered = sorted(layer.boundaries, key=lambda each: boundary_name(layer.name, each.code))
            found.append((layer, ordered))
            room -= len(layer.boundaries)
    return found
