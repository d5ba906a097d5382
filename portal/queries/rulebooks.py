"""Knows the published rulebooks of a city, and everything that its rules may speak of."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from geo.tables import boundary, edition, layer
from portal.errors import NotFound, NotReady
from portal.i18n import N_, Message
from portal.models.city import jurisdiction_table, response_plan, rulebook, target
from portal.queries.city_parts import ServiceView, read_directory, read_services
from routing.lint import Known, stopping_answers


@dataclass(frozen=True, slots=True)
class RulebookRow:
    """One version; `state`: draft, active or retired."""

    version: int
    state: str
    digest: str
    published_at: datetime | None
    published_by_role: str | None
    published_by_unit: str | None


class RulebookText(NamedTuple):
    """The rules of one version."""

    version: int
    source: str


def list_rulebooks(tx: Connection, jurisdiction_id: str) -> list[RulebookRow]:
    """Every version, the newest first."""
    found = rulebook.c
    query = (
        select(
            found.version, found.state, found.digest, found.published_at, found.published_by_role,
            found.published_by_unit,
        )
        .where(found.jurisdiction_id == jurisdiction_id)
        .order_by(found.version.desc())
    )  # fmt: skip
    return [RulebookRow(**row._mapping) for row in tx.execute(query)]


def active_rules(tx: Connection, jurisdiction_id: str) -> str:
    """The text of the rulebook in force; NotReady without a city."""
    here = (rulebook.c.jurisdiction_id == jurisdiction_id, rulebook.c.state == "active")
    text = tx.scalar(select(rulebook.c.source).where(*here))
    if text is None:
        raise NotReady(Message(N_("No city is loaded yet.")))
    return str(text)


def rulebook_version(tx: Connection, jurisdiction_id: str, version: int | None) -> RulebookText:
    """The text of one version; None: of the last that was in force before the one that is. NotFound."""
    found = rulebook.c
    query = select(found.version, found.source).where(found.jurisdiction_id == jurisdiction_id)
    if version is None:
        # Versions count up: the one before is the newest whose rules differ from those in force.
        active = select(found.digest).where(found.jurisdiction_id == jurisdiction_id, found.state == "active")
        query = query.where(found.state == "retired", found.digest != active.scalar_subquery())
    else:
        query = query.where(found.version == version)
    row = tx.execute(query.order_by(found.version.desc()).limit(1)).one_or_none()
    if row is None:
        raise NotFound(Message(N_("There is no rulebook version to go back to.")))
    return RulebookText(row.version, row.source)


def known_of_city(tx: Connection, jurisdiction_id: str) -> Known:
    """What a rulebook of this city may speak of, by the editions and the catalogue in force."""
    centre = tx.scalar(
        select(jurisdiction_table.c.coordination_unit).where(jurisdiction_table.c.id == jurisdiction_id)
    )
    if centre is None:
        raise NotReady(Message(N_("No city is loaded yet.")))
    services = read_services(tx, jurisdiction_id)
    plans = select(response_plan.c.code).where(response_plan.c.jurisdiction_id == jurisdiction_id)
    targets = select(target.c.applies_to).where(target.c.jurisdiction_id == jurisdiction_id)
    return Known(
        directory=read_directory(tx, jurisdiction_id, centre),
        # One that is switched off for a while keeps its rules.
        services={code: view.for_routing for code, view in services.items()},
        layers=_boundary_codes(tx, jurisdiction_id),
        questions=_answer_keys(services),
        plans=set(tx.scalars(plans)),
        targets=set(tx.scalars(targets)),
        stops=stopping_answers(
            (asked.code, {value["key"] for value in asked.values}, asked.stop)
            for view in services.values()
            for asked in view.questions
        ),
    )


def _boundary_codes(tx: Connection, jurisdiction_id: str) -> dict[str, set[str]]:
    query = (
        select(layer.c.name, boundary.c.code)
        .join(edition, edition.c.layer_id == layer.c.id)
        .outerjoin(boundary, boundary.c.edition_id == edition.c.id)
        .where(layer.c.jurisdiction_id == jurisdiction_id, edition.c.state == "active")
    )
    codes: defaultdict[str, set[str]] = defaultdict(set)
    for name, code in tx.execute(query):
        codes[name].update(() if code is None else (code,))
    return dict(codes)


def _answer_keys(services: dict[str, ServiceView]) -> dict[str, set[str]]:
    """Answer keys by question over all services; empty as soon as one of them takes any text."""
    questions = [question for view in services.values() for question in view.questions]
    free = {question.code for question in questions if not question.values}
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for question in questions:
        keys[question.code].update(value["key"] for value in question.values)
    return {code: set() if code in free else found for code, found in keys.items()}
