"""Knows what a message about a case needs to say, without building the whole city's index for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, and_, select

from geo.tables import boundary, edition, layer
from portal.i18n import Message
from portal.models.city import jurisdiction_table, service, unit
from portal.models.report import contact, report
from portal.pack.names import Names, boundary_names
from portal.queries.city import CityView
from portal.queries.receipt_words import reason_message


@dataclass(frozen=True, slots=True)
class CaseOfMessage:
    """A case as its messages tell of it; names are {locale: text} maps, `sealed` is the reporter's contact."""

    report_id: int
    jurisdiction_id: str
    token: str
    locale: str
    channel: str
    priority: str
    lead_unit: str
    service_names: Mapping[str, str]
    unit_names: Mapping[str, str]
    city_names: Mapping[str, str]
    timezone: str
    city_locale: str
    opened_at: datetime
    promise_due_at: datetime | None
    second_due_at: datetime | None
    receipt: Mapping[str, Any]
    sealed: bytes | None
    contact_locale: str | None


@dataclass(frozen=True, slots=True)
class UnitOfMessage:
    """A unit that is written to."""

    names: Mapping[str, str]
    email: str


def case_of_message(tx: Connection, report_id: int) -> CaseOfMessage | None:
    """The case of a message, in one statement; None where it does not exist."""
    query = (
        select(
            report.c.id.label("report_id"), report.c.jurisdiction_id, report.c.token, report.c.locale,
            report.c.channel, report.c.priority, report.c.lead_unit, report.c.opened_at, report.c.promise_due_at,
            report.c.second_due_at, report.c.receipt, service.c.name.label("service_names"),
            unit.c.name.label("unit_names"), jurisdiction_table.c.name.label("city_names"),
            jurisdiction_table.c.timezone, jurisdiction_table.c.locales, contact.c.sealed,
            contact.c.locale.label("contact_locale"),
        )
        .join(jurisdiction_table, jurisdiction_table.c.id == report.c.jurisdiction_id)
        .outerjoin(contact, contact.c.report_id == report.c.id)
        .outerjoin(service, and_(service.c.jurisdiction_id == report.c.jurisdiction_id,
                                 service.c.service_code == report.c.service_code))
        .outerjoin(unit, and_(unit.c.jurisdiction_id == report.c.jurisdiction_id,
                              unit.c.unit_code == report.c.lead_unit))
        .where(report.c.id == report_id)
    )  # fmt: skip
    row = tx.execute(query).mappings().first()
    if row is None:
        return None
    known = dict(row)
    locales = known.pop("locales")
    known["service_names"], known["unit_names"] = known["service_names"] or {}, known["unit_names"] or {}
    return CaseOfMessage(**known, city_locale=locales[0])


def unit_of_message(tx: Connection, jurisdiction_id: str, code: str) -> UnitOfMessage | None:
    """A unit's names and address; None for a code nobody has."""
    query = select(unit.c.name, unit.c.email).where(
        unit.c.jurisdiction_id == jurisdiction_id, unit.c.unit_code == code
    )
    row = tx.execute(query).first()
    return None if row is None else UnitOfMessage(row.name, row.email or "")


def reason_of_message(tx: Connection, case: CaseOfMessage) -> Message:
    """The sentence that says why this unit answers, from the receipt and the names that it mentions."""
    # A worker would need seconds and much memory to build the city that this sentence takes three names from.
    return reason_message(case.receipt, cast(CityView, _Names(tx, case)))


@dataclass(frozen=True, slots=True)
class _Names:
    """Answers what `reason_message` asks of a city, name by name."""

    tx: Connection
    case: CaseOfMessage

    @property
    def services(self) -> Mapping[str, Any]:
        return {self.case.receipt["service"]: _ServiceNames(self.case.service_names)}

    def unit_names(self, code: str) -> Mapping[str, str]:
        found = unit_of_message(self.tx, self.case.jurisdiction_id, code)
        return found.names if found else {"en": code}

    def layer_title(self, name: str) -> Mapping[str, str]:
        here = (layer.c.jurisdiction_id == self.case.jurisdiction_id) & (layer.c.name == name)
        return self.tx.scalar(select(layer.c.title).where(here)) or {"en": name}

    def boundary_name(self, name: str, code: str) -> Names:
        """From the edition that the decision looked at."""
        query = (
            select(boundary.c.name, boundary.c.attributes)
            .join(edition, edition.c.id == boundary.c.edition_id)
            .join(layer, layer.c.id == edition.c.layer_id)
            .where(layer.c.jurisdiction_id == self.case.jurisdiction_id, layer.c.name == name)
            .where(boundary.c.code == code, edition.c.id == self.case.receipt["editions"].get(name))
        )
        found = self.tx.execute(query).one_or_none()
        return boundary_names(found.name, found.attributes, self.case.city_locale) if found else code


@dataclass(frozen=True, slots=True)
class _ServiceNames:
    names: Mapping[str, str]
