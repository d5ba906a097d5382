"""Knows what a message about a case needs to say, without building the whole city's index for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from typing import cast as assume

from sqlalchemy import ColumnElement, Connection, Row, Text, and_, cast, func, literal, select, union

from geo.tables import boundary, edition, layer
from portal.i18n import Message
from portal.models.city import jurisdiction_table, response_plan, service, unit
from portal.models.ledger import event_private
from portal.models.messaging import message_channel, message_preference, message_template
from portal.models.people import account, role_grant
from portal.models.report import contact, report
from portal.models.work import message
from portal.pack.names import Names, boundary_names
from portal.queries.city import CityView
from portal.queries.receipt_words import reason_message
from portal.queries.staff_rights import READ_ONLY_ROLES

AT_ONCE = "at_once"


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
    wishes: Mapping[str, Any] | None
    plan_title: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A member of staff who wants to be told; `channel` is None where that is by e-mail at their account."""

    account_id: int
    email: str
    locale: str | None
    is_active: bool
    pace: str
    quiet_from: int | None
    quiet_until: int | None
    channel: str | None
    sealed: bytes | None


@dataclass(frozen=True, slots=True)
class UnitOfMessage:
    """A unit that is written to."""

    names: Mapping[str, str]
    email: str


def can_be_told() -> ColumnElement[bool]:
    """Whether a reporter left something by which letters may reach them; a telephone, where there is SMS."""
    return contact.c.has_email | contact.c.has_phone


def case_of_message(tx: Connection, report_id: int) -> CaseOfMessage | None:
    """The case of a message, in one statement; None where it does not exist."""
    query = (
        select(
            report.c.id.label("report_id"), report.c.jurisdiction_id, report.c.token, report.c.locale,
            report.c.channel, report.c.priority, report.c.lead_unit, report.c.opened_at, report.c.promise_due_at,
            report.c.second_due_at, report.c.receipt, service.c.name.label("service_names"),
            unit.c.name.label("unit_names"), jurisdiction_table.c.name.label("city_names"),
            jurisdiction_table.c.timezone, jurisdiction_table.c.locales, contact.c.sealed,
            contact.c.locale.label("contact_locale"), contact.c.wishes,
            response_plan.c.title.label("plan_title"),
        )
        .join(jurisdiction_table, jurisdiction_table.c.id == report.c.jurisdiction_id)
        .outerjoin(contact, contact.c.report_id == report.c.id)
        .outerjoin(service, and_(service.c.jurisdiction_id == report.c.jurisdiction_id,
                                 service.c.service_code == report.c.service_code))
        .outerjoin(unit, and_(unit.c.jurisdiction_id == report.c.jurisdiction_id,
                              unit.c.unit_code == report.c.lead_unit))
        .outerjoin(response_plan, and_(response_plan.c.jurisdiction_id == report.c.jurisdiction_id,
                                       response_plan.c.code == report.c.receipt["plan"].astext))
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


def person_of_message(tx: Connection, jurisdiction_id: str, account_id: int) -> Person | None:
    """A member of staff with their wishes and their channel, at once and by e-mail without any; None for nobody."""
    query = (
        select(
            account.c.id, account.c.email, account.c.locale, account.c.is_active,
            func.coalesce(message_preference.c.pace, AT_ONCE),
            message_preference.c.quiet_from, message_preference.c.quiet_until, message_channel.c.kind,
            message_channel.c.sealed,
        )
        .outerjoin(message_preference, message_preference.c.account_id == account.c.id)
        .outerjoin(message_channel, (message_channel.c.account_id == account.c.id) & message_channel.c.is_active)
        .where(account.c.id == account_id, account.c.jurisdiction_id == jurisdiction_id)
    )  # fmt: skip
    row = tx.execute(query).first()
    return Person(*row) if row else None


def others_of_unit(tx: Connection, jurisdiction_id: str, code: str, occasion: str) -> Sequence[str]:
    """Who hears of a unit's message beside its e-mail: its channels, and its people who asked for the occasion."""
    channels = select(literal("channel:") + cast(message_channel.c.id, Text)).where(
        message_channel.c.jurisdiction_id == jurisdiction_id,
        message_channel.c.unit_code == code,
        message_channel.c.is_active,
    )
    people = (
        select(literal("account:") + cast(account.c.id, Text))
        .join(message_preference, message_preference.c.account_id == account.c.id)
        .join(role_grant, role_grant.c.account_id == account.c.id)
        .where(
            account.c.jurisdiction_id == jurisdiction_id,
            account.c.is_active,
            role_grant.c.unit_code == code,
            role_grant.c.role.not_in(READ_ONLY_ROLES),
            message_preference.c.occasions.contains([occasion]),
        )
    )
    return sorted(tx.scalars(union(channels, people)))


def channel_of_message(tx: Connection, jurisdiction_id: str, channel_id: int) -> Row[Any] | None:
    """A unit's channel that is in use."""
    mine = (message_channel.c.id == channel_id) & (message_channel.c.jurisdiction_id == jurisdiction_id)
    return tx.execute(select(message_channel).where(mine, message_channel.c.is_active)).first()


def words_of_message(tx: Connection, report_id: int, seq: int) -> str:
    """What was written between resident and unit, from the private part of its event; empty once forgotten."""
    here = (event_private.c.case_id == report_id) & (event_private.c.case_seq == seq)
    return tx.scalar(select(event_private.c.private["text"].astext).where(here)) or ""


def wording_of(
    tx: Connection, jurisdiction_id: str, audience: str, occasion: str, locale: str
) -> tuple[str, str] | None:
    """Subject and body as the city has edited them; None where the wording that came with us holds."""
    query = (
        select(message_template.c.subject, message_template.c.body)
        .where(
            message_template.c.jurisdiction_id == jurisdiction_id,
            message_template.c.audience == audience,
            message_template.c.occasion == occasion,
            message_template.c.locale == locale,
        )
        .order_by(message_template.c.version.desc())
        .limit(1)
    )
    row = tx.execute(query).first()
    return (row.subject, row.body) if row and row.subject else None


def gathered_of_digest(tx: Connection, digest_id: int) -> list[Row[Any]]:
    """What a digest tells, oldest first: occasion, case and service."""
    query = (
        select(message.c.template, message.c.sent_at, report.c.token, service.c.name)
        .join(report, report.c.id == message.c.report_id)
        .outerjoin(
            service,
            and_(
                service.c.jurisdiction_id == report.c.jurisdiction_id,
                service.c.service_code == report.c.service_code,
            ),
        )
        .where(message.c.digest_id == digest_id)
        .order_by(message.c.sent_at, message.c.id)
    )
    return list(tx.execute(query))


def reason_of_message(tx: Connection, case: CaseOfMessage) -> Message:
    """The sentence that says why this unit answers, from the receipt and the names that it mentions."""
    # A worker would need seconds and much memory to build the city that this sentence takes three names from.
    return reason_message(case.receipt, assume(CityView, _Names(tx, case)))


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
