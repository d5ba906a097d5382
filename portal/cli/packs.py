"""Knows how a command gets a router from a pack alone, and tells what is wrong with a pack in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from geo.boundary import Layer
from portal import clock
from portal.pack.city import build_city
from portal.pack.kept_index import pack_index
from portal.pack.layers import point_layers, read_edition
from portal.pack.model import Finding, Pack, PackError
from portal.pack.names import PackNames
from portal.pack.reader import read_pack
from portal.settings import home_folder
from routing.errors import RoutingError
from routing.router import Router

pack_option = click.option(
    "--pack", required=True, type=click.Path(path_type=Path), help="the city's folder; no database is needed"
)


@dataclass(frozen=True, slots=True)
class PackRouter:
    """A router made of a pack. `notes` say what was assumed, for a person to read."""

    pack: Pack
    router: Router
    names: PackNames
    notes: tuple[str, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The city's own time zone."""
        return ZoneInfo(self.pack.city.timezone)


def open_pack(folder: Path) -> Pack:
    """Read a pack that can be used; PackError otherwise."""
    pack = read_pack(folder)
    if pack.errors:
        raise PackError(pack.errors)
    return pack


def router_of(pack: Pack, day: date) -> PackRouter:
    """Build the router with the map in force on a day; PackError, RoutingError.

    Where there is an installation, it keeps the index for the next process.
    """
    cache = home_folder() / "cache"
    index = pack_index(pack, day, cache if cache.is_dir() else None, lambda: layers_on(pack, day)[0])
    city = build_city(pack, index=index)
    return PackRouter(pack, Router(city), PackNames(pack, city), _notes_on(pack, day))


def layers_on(pack: Pack, day: date) -> tuple[tuple[Layer, ...], tuple[str, ...]]:
    """The editions in force on a day; like loading, a layer without one takes its newest, with a note."""
    layers = []
    for config in pack.city.layers.values():
        edition = config.edition_on(day) or config.editions[-1]
        layer, findings = read_edition(config, edition)
        if any(found.severity == "error" for found in findings):
            raise PackError(tuple(findings))
        layers.append(replace(layer, edition=config.editions.index(edition) + 1))
    return (*layers, *point_layers(pack)), _notes_on(pack, day)


def _notes_on(pack: Pack, day: date) -> tuple[str, ...]:
    missing = [config.name for config in pack.city.layers.values() if config.edition_on(day) is None]
    return tuple(f"no edition of {name} is in force on {day}; the newest is used" for name in missing)


def moment(text: str | None, zone: ZoneInfo) -> datetime:
    """An instant as typed, ISO 8601, in the city's zone where it names none; now without a text."""
    if text is None:
        return clock.now()
    try:
        at = datetime.fromisoformat(text)
        aware = at if at.tzinfo else at.replace(tzinfo=zone)
        aware.astimezone(zone)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{text!r} is not a date and time such as 2026-05-01T14:30") from None
    return aware


@contextmanager
def readable() -> Iterator[None]:
    """Turn the refusals of packs and of routing into one line on stderr."""
    try:
        yield
    except PackError as error:
        raise click.ClickException(one_line(error.findings)) from None
    except RoutingError as error:
        raise click.ClickException(str(error)) from None


def one_line(findings: tuple[Finding, ...]) -> str:
    """The first error, and how many more there are."""
    errors = [found for found in findings if found.severity == "error"]
    more = f" (and {len(errors) - 1} more; see `wenlu city check`)" if len(errors) > 1 else ""
    return f"{errors[0]}{more}"
