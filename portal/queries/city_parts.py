"""Knows how the catalogue's rows become services with their questions, and a city that routing can decide for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Row, select

from geo.boundary import Layer
from geo.postgis import load_layers
from portal.models.city import holiday, question, service, target, unit, unit_boundary
from portal.pack.convert import published_days
from portal.queries.index_cache import read_index
from routing.calendar import WorkingCalendar
from routing.decision import AMBIGUOUS_BELOW, GEOCODED_BORDER_M
from routing.escalation import Escalation
from routing.facts import Kind, Service
from routing.router import City
from routing.rules import parse_rulebook
from routing.targets import Target, TargetTable
from routing.units import Directory, Unit


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question of a service, as forms and checks need it."""

    code: str
    datatype: str
    is_required: bool
    texts: Mapping[str, str]
    values: tuple[Mapping[str, Any], ...]
    show_if: tuple[tuple[str, str], ...]
    stop: Mapping[str, str]

    def is_shown(self, answers: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether the answers so far call for this question; notices that only a stop shows are never asked."""
        if self.datatype == "notice":
            return False
        return not self.show_if or any(key in answers.get(code, ()) for code, key in self.show_if)


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service with all that people read about it, and the part of it that routing decides by."""

    for_routing: Service
    names: Mapping[str, str]
    group: str
    group_names: Mapping[str, str]
    kind: str
    descriptions: Mapping[str, str]
    keywords: Mapping[str, list[str]]
    photo: str
    type: str
    is_sensitive: bool
    is_active: bool
    duplicate_radius_m: float
    questions: tuple[QuestionView, ...]

    @property
    def code(self) -> str:
        """The service_code."""
        return self.for_routing.code

    @property
    def is_place_needed(self) -> bool:
        """Only something wrong at a place needs the place."""
        return self.for_routing.is_place_needed

    def notice(self, code: str) -> Mapping[str, str]:
        """The text of a notice question, which a stop shows; the code itself where there is none."""
        return next((q.texts for q in self.questions if q.code == code), {"en": code})


def read_services(tx: Connection, jurisdiction_id: str) -> dict[str, ServiceView]:
    """Every service by code, in the order of the catalogue, those switched off included."""
    questions: defaultdict[str, list[QuestionView]] = defaultdict(list)
    asked = select(question).where(question.c.jurisdiction_id == jurisdiction_id).order_by(question.c.order)
    for row in tx.execute(asked):
        questions[row.service_code].append(_question(row))
    rows = tx.execute(
        select(service).where(service.c.jurisdiction_id == jurisdiction_id).order_by(service.c.position)
    )
    return {row.service_code: _service(row, tuple(questions[row.service_code])) for row in rows}


def _question(row: Row[Any]) -> QuestionView:
    return QuestionView(
        code=row.code,
        datatype=row.datatype,
        is_required=row.is_required,
        texts=row.question,
        values=tuple(row._mapping["values"]),  # `values` is a method of a row
        show_if=tuple((code, key) for code, key in row.show_if),
        stop=row.stop,
    )


def _service(row: Row[Any], questions: tuple[QuestionView, ...]) -> ServiceView:
    for_routing = Service(
        code=row.service_code,
        group=row.group,
        kind=cast(Kind, row.kind),
        names=row.name,
        importance=row.importance,
        is_sensitive=row.is_sensitive,
        duplicate_radius_m=row.duplicate_radius_m,
        photo=row.photo,
        type=row.type,
    )
    return ServiceView(
        for_routing=for_routing,
        names=row.name,
        group=row.group,
        group_names=row.group_name,
        kind=row.kind,
        descriptions=row.description,
        keywords=row.keywords,
        photo=row.photo,
        type=row.type,
        is_sensitive=row.is_sensitive,
        is_active=row.is_active,
        duplicate_radius_m=row.duplicate_radius_m,
        questions=questions,
    )


def read_routing_city(
    tx: Connection,
    row: Row[Any],
    rules: Row[Any],
    services: Mapping[str, ServiceView],
    folder: Path | None = None,
) -> tuple[City, tuple[Layer, ...]]:
    """The city that routing decides for, with the index of the active editions, which `folder` may keep."""
    index = read_index(tx, row.id, folder, lambda: load_layers(tx, row.id))
    directory = read_directory(tx, row.id, row.coordination_unit)
    city = City(
        index=index,
        rulebook=parse_rulebook(rules.source, version=str(rules.version)),
        directory=directory,
        calendar=read_calendar(tx, row.id, row.timezone, row.config["calendar"]),
        targets=_read_targets(tx, row.id, row.config),
        services={code: view.for_routing for code, view in services.items()},
        timezone=row.timezone,
        default_accuracy_m=row.config["default_accuracy_m"],
        locales=tuple(row.locales),
        datum=row.config["datum"],
        published_by=rules.published_by_unit or "",
        # Cities loaded before these keys existed have none.
        ambiguous_below=row.config.get("ambiguous_below", AMBIGUOUS_BELOW),
        geocoded_border_m=row.config.get("geocoded_border_m", GEOCODED_BORDER_M),
    )
    return city, index.layers


def read_directory(tx: Connection, jurisdiction_id: str, coordination_unit: str) -> Directory:
    """The units of a city with the boundaries they answer for; units switched off answer for none."""
    boundaries: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    held = (
        select(unit_boundary)
        .where(unit_boundary.c.jurisdiction_id == jurisdiction_id)
        .order_by(unit_boundary.c.id)
    )
    for row in tx.execute(held):
        boundaries[row.unit_code].append((row.layer, row.boundary_code))
    rows = tx.execute(select(unit).where(unit.c.jurisdiction_id == jurisdiction_id).order_by(unit.c.position))
    units = [
        Unit(
            code=row.unit_code,
            parent=row.parent or "",
            level=row.level,
            names=row.name,
            supervisor=row.supervisor_unit or "",
            boundaries=tuple(boundaries[row.unit_code]) if row.is_active else (),
            contract_from=row.contract_from,
            contract_to=row.contract_to,
        )
        for row in rows
    ]
    return Directory(units, coordination_unit)


def read_calendar(
    tx: Connection, jurisdiction_id: str, timezone: str, config: Mapping[str, Any]
) -> WorkingCalendar:
    """The working calendar: published holidays of the country, overruled day by day by the city's own."""
    days_off, make_up = (set(days) for days in published_days(config["country"], config["subdivision"]))
    for row in tx.execute(select(holiday).where(holiday.c.jurisdiction_id == jurisdiction_id)):
        (make_up if row.is_working else days_off).add(row.date)
        (days_off if row.is_working else make_up).discard(row.date)
    return WorkingCalendar(
        timezone=timezone,
        hours={
            int(day): tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in spans)
            for day, spans in config["hours"].items()
        },
        cutoff=_time(config["cutoff"]),
        after_cutoff_starts=_time(config["after_cutoff_starts"]),
        weekend_start=config["weekend_start"],
        skip_holidays=config["skip_holidays"],
        holidays=frozenset(days_off),
        make_up_days=frozenset(make_up),
    )


def _time(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


def _read_targets(tx: Connection, jurisdiction_id: str, config: Mapping[str, Any]) -> TargetTable:
    rows = tx.execute(select(target).where(target.c.jurisdiction_id == jurisdiction_id))
    shares = Escalation.from_plain(config.get("escalation")).shares
    return TargetTable(
        (Target(row.applies_to, row.priority, row.clock, row.stage, row.amount, row.unit) for row in rows),
        shares,
    )
