"""Knows the loaded city: services, units, rules and boundaries, kept in memory until something changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from geo.tables import layer as layer_table
from portal.errors import NotReady
from portal.i18n import N_, Message
from portal.models.city import jurisdiction_table, rulebook
from portal.pack.names import Names, names_in_layers
from portal.queries.answer_texts import AnswerText, read_answer_texts
from portal.queries.city_parts import QuestionView, ServiceView, read_routing_city, read_services
from routing.closing import ClosingFigures
from routing.escalation import Escalation
from routing.router import Router
from routing.units import Directory

__all__ = ["CityCache", "CityView", "QuestionView", "ServiceView", "the_only_city"]


# How long a process shows the boundaries, rules and services that it knows before it asks for newer ones; a
# decision asks at once.
ASKS_AGAIN_AFTER_S = 1.0


@dataclass(frozen=True, slots=True)
class CityView:
    """A loaded city as every process sees it, at one `version` of its routing."""

    jurisdiction_id: str
    version: int
    names: Mapping[str, str]
    config: Mapping[str, Any]
    timezone: str
    locales: tuple[str, ...]
    coordination_unit: str
    is_demo: bool
    directory: Directory
    services: Mapping[str, ServiceView]
    router: Router = field(repr=False)
    rulebook_version: int
    layer_titles: Mapping[str, Mapping[str, str]]
    boundary_names: Mapping[tuple[str, str], Names] = field(repr=False)
    answers: tuple[AnswerText, ...] = ()

    @property
    def closing(self) -> ClosingFigures:
        """What the city sets for its closings; the usual figures where it was loaded before there were any."""
        return ClosingFigures(**self.config.get("closing", {}))

    @property
    def escalation(self) -> Escalation:
        """What the city sets for warnings, the ladder above a unit, and supervision."""
        return Escalation.from_plain(self.config.get("escalation"))

    def layer_title(self, name: str) -> Mapping[str, str]:
        """The layer's title in each language; its name where it has none."""
        return self.layer_titles.get(name) or {"en": name}

    def boundary_name(self, layer: str, code: str) -> Names:
        """The name of a boundary in force, by language where it has several; its code where it is gone."""
        return self.boundary_names.get((layer, code)) or code

    def unit_names(self, code: str) -> Mapping[str, str]:
        """The unit's name in each language; its code where it has gone."""
        return self.directory.unit(code).names if code in self.directory else {"en": code}


class CityCache:
    """One `CityView` per city and process, rebuilt by whoever first sees a newer version.

    `folder` keeps point indexes from one start to the next; without it each process builds its own.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._views: dict[str, CityView] = {}
        self._seen_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def city(self, tx: Connection, jurisdiction_id: str, version: int | None = None) -> CityView:
        """The city as of `version`, or of now; a caller that has just read the version saves the question."""
        if version is None:
            version = routing_version(tx, jurisdiction_id)
        self._seen_at[jurisdiction_id] = time.monotonic()
        view = self._views.get(jurisdiction_id)
        if view is not None and view.version >= version:
            return view
        with self._lock:  # one thread builds, the others wait for its result
            view = self._views.get(jurisdiction_id)
            if view is None or view.version < version:
                view = self._views[jurisdiction_id] = read_city(tx, jurisdiction_id, self._folder)
            return view

    def look_again(self, jurisdiction_id: str) -> None:
        """Show what was just changed in this very process at once, not within the second."""
        self._seen_at.pop(jurisdiction_id, None)

    def recent(self, jurisdiction_id: str) -> CityView | None:
        """The city where it was looked at within the last second: good enough to show, never to decide by."""
        is_fresh = (
            time.monotonic() - self._seen_at.get(jurisdiction_id, -ASKS_AGAIN_AFTER_S) < ASKS_AGAIN_AFTER_S
        )
        return self._views.get(jurisdiction_id) if is_fresh else None


def routing_version(tx: Connection, jurisdiction_id: str) -> int:
    """The number that moves whenever a decision may come out differently."""
    query = select(jurisdiction_table.c.routing_version).where(jurisdiction_table.c.id == jurisdiction_id)
    version = tx.scalar(query)
    if version is None:
        raise NotReady(Message(N_("No city is loaded yet.")))
    return int(version)


def the_only_city(tx: Connection, wanted: str = "") -> str:
    """The city that an installation serves: the one that was asked for, else the only one loaded."""
    found = list(tx.scalars(select(jurisdiction_table.c.id).order_by(jurisdiction_table.c.loaded_at)))
    if wanted in found:
        return wanted
    if wanted or not found:
        raise NotReady(Message(N_("No city is loaded yet.")))
    return str(found[0])


def read_city(tx: Connection, jurisdiction_id: str, folder: Path | None = None) -> CityView:
    """Read everything about a city from the database, its boundary index from `folder` where that keeps it."""
    row = tx.execute(
        select(jurisdiction_table).where(jurisdiction_table.c.id == jurisdiction_id)
    ).one_or_none()
    if row is None:
        raise NotReady(Message(N_("No city is loaded yet.")))
    rules = tx.execute(
        select(rulebook).where(rulebook.c.jurisdiction_id == jurisdiction_id, rulebook.c.state == "active")
    ).one()
    services = read_services(tx, jurisdiction_id)
    city, layers = read_routing_city(tx, row, rules, services, folder)
    titles = select(layer_table.c.name, layer_table.c.title).where(
        layer_table.c.jurisdiction_id == jurisdiction_id
    )
    return CityView(
        jurisdiction_id=jurisdiction_id,
        version=row.routing_version,
        names=row.name,
        config=row.config,
        timezone=row.timezone,
        locales=tuple(row.locales),
        coordination_unit=row.coordination_unit,
        is_demo=row.is_demo,
        directory=city.directory,
        services=services,
        router=Router(city),
        rulebook_version=rules.version,
        layer_titles={found.name: found.title for found in tx.execute(titles)},
        boundary_names=names_in_layers(layers, row.locales[0]),
        answers=read_answer_texts(tx, jurisdiction_id),
    )
