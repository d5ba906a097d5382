"""How a pack names things to people where there is no database: units, layers, boundaries and services."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from geo.boundary import Layer
from portal.pack.model import Pack
from routing.facts import Service
from routing.router import City

# Locale to text; a plain text where there is only one.
Names = Mapping[str, str] | str
_NAME_COLUMN = re.compile(r"name_[a-z]{2,3}(_[A-Z][a-z]{3})?(_[A-Z]{2})?")


@dataclass(frozen=True)
class PackNames:
    """Answers what sentences about a decision ask of a city (see `portal.queries.receipt_words`)."""

    pack: Pack
    city: City = field(repr=False)

    @property
    def services(self) -> Mapping[str, Service]:
        """The services by code."""
        return self.city.services

    def unit_names(self, code: str) -> Mapping[str, str]:
        """The unit's name in each language; its code where the pack has no such unit."""
        directory = self.city.directory
        return directory.unit(code).names if code in directory else {"en": code}

    def layer_title(self, name: str) -> Mapping[str, str]:
        """The layer's title in each language; its name where it has none."""
        layer = self.pack.city.layers.get(name)
        return (layer.titles if layer else None) or {"en": name}

    def boundary_name(self, layer: str, code: str, /) -> Names:
        """The boundary's name, in each language where it has several; its code where it has none."""
        return self._boundaries.get((layer, code)) or code

    @cached_property
    def _boundaries(self) -> dict[tuple[str, str], Names]:
        return names_in_layers(self.city.index.layers, self.pack.city.locales[0])


def names_in_layers(layers: Iterable[Layer], locale: str) -> dict[tuple[str, str], Names]:
    """The names of all boundaries by layer and code; `locale` is the language of the plain name."""
    return {
        (layer.name, each.code): boundary_names(each.name, each.attributes, locale)
        for layer in layers
        for each in layer.boundaries
    }


def boundary_names(name: str, attributes: Mapping[str, Any], locale: str) -> Names:
    """The name of a boundary in every language that its file has a column for: name_en, name_zh_Hans."""
    found = {
        key[5:]: str(value) for key, value in attributes.items() if value and _NAME_COLUMN.fullmatch(key)
    }
    return {locale: name} | found if found else name
