"""Knows how a desk makes and changes a crew: its base, room, skills, roster and people."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from portal.errors import InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.models.crews import crew, crew_member, crew_shift
from portal.models.people import account, role_grant
from portal.operations.context import Actor, Context
from portal.operations.record_events import Draft, city_head, record
from portal.operations.submission import clean_text
from portal.queries.staff_rights import Grant, units_of
from routing.errors import RoutingError
from routing.rosters import read_shift

CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")
MOST_SHIFTS, MOST_CAPACITY, LONGEST_NAME = 100, 1000, 100
NO_CREW = N_("There is no such crew in your unit.")
HEADS = frozenset({"unit_head", "dispatcher", "admin"})
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+")


@dataclass(frozen=True, slots=True)
class CrewForm:
    """A crew as it was typed. `roster` has one shift a line: day, from, to. `base` is lon, lat in degrees."""

    code: str
    unit_code: str
    name: str
    services: tuple[str, ...] = ()
    capacity: int | None = None
    base: tuple[float, float] | None = None
    email: str = ""
    phone: str = ""
    roster: str = ""
    members: tuple[int, ...] = ()
    is_active: bool = True


def save_crew(tx: Connection, context: Context, actor: Actor, form: CrewForm) -> None:
    """Make or change a crew of a unit that one leads. Raises NotFound and InvalidInput by field."""
    city = context.cities.city(tx, context.jurisdiction_id)
    reach = units_of([Grant(actor.role, actor.unit_code)], city.directory)
    known = tx.execute(
        select(crew).where(crew.c.jurisdiction_id == context.jurisdiction_id, crew.c.crew_code == form.code)
    ).one_or_none()
    unit = known.unit_code if known is not None else form.unit_code
    if actor.role not in HEADS or unit not in city.directory or not (reach is None or unit in reach):
        raise NotFound(Message(NO_CREW))
    skills = {service.code for service in city.services.values()} | {s.group for s in city.services.values()}
    shifts = _shifts(form.roster)
    if faults := _faults(form, skills) | ({} if isinstance(shifts, list) else {"roster": shifts}):
        raise InvalidInput(faults)
    locale = city.locales[0]
    values = {
        "jurisdiction_id": context.jurisdiction_id, "crew_code": form.code, "unit_code": unit,
        "name": (known.name if known is not None else {}) | {locale: clean_text(form.name)},
        "services": list(form.services), "capacity": form.capacity,
        "geom": f"SRID=4326;POINT({form.base[0]!r} {form.base[1]!r})" if form.base else None,
        "email": form.email.strip() or None, "phone": form.phone.strip() or None, "is_active": form.is_active,
        "position": known.position if known is not None else _next(tx, context),
    }  # fmt: skip
    row = insert(crew).values(values)
    tx.execute(row.on_conflict_do_update(index_elements=["jurisdiction_id", "crew_code"], set_=values))
    _replace(
        tx, context, form.code, shifts if isinstance(shifts, list) else [], _people(tx, context, unit, form)
    )
    public = {"actor": actor.in_public(), "unit": unit}
    draft = Draft("crew.changed", public, actor.in_private() | {"crew": form.code})
    record(tx, city_head(tx, context.jurisdiction_id), [draft])


def _replace(
    tx: Connection, context: Context, code: str, shifts: list[tuple[str, str, str]], people: list[int]
) -> None:
    for table in (crew_shift, crew_member):
        here = (table.c.jurisdiction_id == context.jurisdiction_id) & (table.c.crew_code == code)
        tx.execute(delete(table).where(here))
    key = {"jurisdiction_id": context.jurisdiction_id, "crew_code": code}
    if shifts:
        rows = [key | {"day": day, "from_time": start, "to_time": end} for day, start, end in shifts]
        tx.execute(crew_shift.insert(), rows)
    if people:
        tx.execute(crew_member.insert(), [key | {"account_id": number} for number in people])


def _people(tx: Connection, context: Context, unit: str, form: CrewForm) -> list[int]:
    """Only who works for the unit can be in its crew."""
    query = (
        select(account.c.id)
        .join(role_grant, role_grant.c.account_id == account.c.id)
        .where(account.c.jurisdiction_id == context.jurisdiction_id, role_grant.c.unit_code == unit)
        .where(account.c.id.in_(form.members))
    )
    return sorted(set(tx.scalars(query)))


def _next(tx: Connection, context: Context) -> Any:
    here = crew.c.jurisdiction_id == context.jurisdiction_id
    return tx.scalar(select(func.coalesce(func.max(crew.c.position), 0) + 1).where(here))


def _shifts(roster: str) -> list[tuple[str, str, str]] | Message:
    """The lines of a roster, or what is wrong with the first that does not hold."""
    found = []
    for line in filter(None, (line.strip() for line in clean_text(roster).splitlines())):
        day, _, times = line.replace("\t", " ").partition(" ")
        start, _, end = times.replace("–", "-").replace(" ", "").partition("-")
        try:
            read_shift(day, start, end)
        except (RoutingError, ValueError):
            return Message(N_("This line cannot be read: %(line)s"), {"line": line[:80]})
        found.append((day.lower(), start, end))
    if len(found) > MOST_SHIFTS:
        return Message(N_("Please write at most %(most)s lines."), {"most": MOST_SHIFTS})
    return found


def _faults(form: CrewForm, skills: Collection[str]) -> dict[str, Message]:
    faults: dict[str, Message] = {}
    if not CODE.fullmatch(form.code):
        faults["code"] = Message(N_("Please use letters, digits, _ and - only."))
    if not clean_text(form.name) or len(form.name) > LONGEST_NAME:
        faults["name"] = Message(N_("Please give a short name."))
    if form.capacity is None or not 1 <= form.capacity <= MOST_CAPACITY:
        faults["capacity"] = Message(N_("Please say how many jobs it can have at once."))
    if form.base is not None and not (abs(form.base[0]) <= 180 and abs(form.base[1]) <= 90):
        faults["base"] = Message(N_("Please write the base as longitude and latitude."))
    if form.email.strip() and not _EMAIL.fullmatch(form.email.strip()):
        faults["email"] = Message(N_("This e-mail address does not look right."))
    if strangers := [each for each in form.services if each not in skills]:
        faults["services"] = Message(
            N_("There is no service or group %(name)s."), {"name": strangers[0][:80]}
        )
    return faults
