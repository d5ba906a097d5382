"""Knows what a city calls a likely duplicate and which services are of one family."""

from __future__ import annotations

from portal.queries.city import CityView
from routing.duplicates import DuplicateRules


def duplicate_rules(city: CityView) -> DuplicateRules:
    """The `[duplicates]` of the city's pack."""
    return DuplicateRules(**city.config.get("duplicates", {}))


def family_of(city: CityView, service_code: str, *, is_public: bool = False) -> list[str]:
    """The codes of the services of one group; for the public without those whose places are coarsened."""
    known = city.services.get(service_code)
    if known is None:
        return [service_code]
    return [
        each.code
        for each in city.services.values()
        if (each.code == service_code or (each.group and each.group == known.group))
        and not (is_public and each.is_sensitive)
    ]
