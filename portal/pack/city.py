"""How a pack alone, without a database, becomes the City that a Router decides for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar, cast

from geo.boundary import Layer
from geo.crs import Datum
from geo.index import PointIndex
from portal.pack.convert import calendar_of, directory_of, services_of, targets_of
from portal.pack.layers import read_layers
from portal.pack.model import Finding, Pack, PackError
from routing.errors import RoutingError
from routing.router import City
from routing.rules import Rulebook, parse_rulebook

Part = TypeVar("Part")


def build_city(
    pack: Pack,
    on: date | None = None,
    *,
    layers: Sequence[Layer] | None = None,
    index: PointIndex | None = None,
    rulebook: Rulebook | None = None,
) -> City:
    """Build a City from a pack: the editions in force `on` a day (None: the newest), or the `layers` or
    the `index` given; the pack's rulebook, or the one given.

    Raises PackError with everything that stands in the way. Cross-references are left to `check`, except
    where routing itself cannot do without them.
    """
    if pack.config is None or pack.errors:
        raise PackError(pack.findings)
    if layers is None and index is None:
        layers, findings = read_layers(pack, on)
        if any(finding.severity == "error" for finding in findings):
            raise PackError(tuple(findings))
    config = pack.city
    return City(
        index=index or PointIndex.build(layers or ()),
        rulebook=rulebook or _part("rules.toml", lambda: parse_rulebook(pack.rules_text)),
        directory=_part("units.csv", lambda: directory_of(pack)),
        calendar=_part("city.toml", lambda: calendar_of(pack)),
        targets=_part("targets.csv", lambda: targets_of(pack)),
        services=services_of(pack),
        timezone=config.timezone,
        default_accuracy_m=config.default_accuracy_m,
        locales=config.locales,
        datum=cast("Datum", config.datum),
        ambiguous_below=config.ambiguous_below,
        geocoded_border_m=config.geocoded_border_m,
    )


def _part(file: str, build: Callable[[], Part]) -> Part:
    """Build one part; what is wrong with it is told like every other fault of a pack."""
    try:
        return build()
    except (RoutingError, NotImplementedError) as fault:
        raise PackError((Finding(file, 0, "", "error", str(fault)),)) from fault
