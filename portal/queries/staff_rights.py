"""Knows what a member of staff is to a case: which role and part their grants give them, or none.

Decided: a case that is none of a person's business answers "not found" on the desk, exactly like a number that
does not exist, because a private case must not be found by trying; an action that a person may not take on a
case they do see answers "forbidden".

| grant | unit | part in a case |
|---|---|---|
| admin | any | desk everywhere |
| dispatcher | whole city, or the coordination unit | desk everywhere |
| dispatcher, unit_head | another unit | lead or assist of it and of the units below it |
| handler | a unit | lead or assist of that unit only |
| auditor | whole city, or a unit and those below | reads, changes nothing |

A complaint is kept from the unit it is about: whoever works for that unit, or for one below it, has no part in
it by any grant but one over every unit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from portal.i18n import N_
from routing.escalation import stands_above
from routing.units import Directory

StaffPart = Literal["lead", "assist", "desk", "read"]
WHOLE_CITY = ""
ACCUSED = N_("A complaint never goes to the unit it is about, or to one below it.")
STAFF_ROLES = ("handler", "unit_head", "dispatcher", "admin", "auditor")
# Who may hold a role for the whole city; the others work for a unit.
READ_ONLY_ROLES = frozenset({"auditor"})
CITY_ROLES = frozenset({"dispatcher", "admin", "auditor"})
# To whose holders a unit's cases can be given one by one.
GIVEN_ROLES = frozenset({"handler", "unit_head", "dispatcher"})
REACHES_DOWN = frozenset({"unit_head", "dispatcher", "auditor"})
_PARTS: tuple[StaffPart, ...] = ("read", "assist", "lead", "desk")  # from the weakest to the strongest
_RANK = {
    role: rank
    for rank, role in enumerate(("auditor", "contractor", "handler", "unit_head", "dispatcher", "admin"))
}


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A role in a unit; an empty unit is the whole city."""

    role: str
    unit_code: str = WHOLE_CITY


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is to one case: the role and unit they act as, and their part in it."""

    role: str
    unit_code: str
    part: StaffPart


@dataclass(frozen=True, slots=True)
class Staff:
    """A signed-in member of staff with everything that was granted."""

    account_id: int
    name: str
    email: str
    grants: tuple[Grant, ...]
    locale: str | None = None
    is_demo: bool = False

    @property
    def roles(self) -> frozenset[str]:
        """The roles held anywhere."""
        return frozenset(grant.role for grant in self.grants)


class OwnedCase(Protocol):
    """What must be known of a case: who leads and who assists."""

    @property
    def lead_unit(self) -> str:
        """Code of the unit that leads."""

    @property
    def assist_units(self) -> Collection[str]:
        """Codes of the units that assist."""

    @property
    def about_unit(self) -> str | None:
        """Code of the unit that a complaint is about."""


def part_of(grants: Collection[Grant], case: OwnedCase, directory: Directory) -> Standing | None:
    """The strongest standing that the grants give in a case; None when it is not on this person's desk."""
    if case.about_unit in kept_from(grants, directory):
        grants = [grant for grant in grants if is_over_everything(grant, directory)]
    found = [
        Standing(grant.role, grant.unit_code, part)
        for grant in grants
        if (part := _part(grant, case, directory)) is not None
    ]
    return max(found, key=lambda one: (_PARTS.index(one.part), _RANK[one.role]), default=None)


def units_of(grants: Iterable[Grant], directory: Directory) -> frozenset[str] | None:
    """The units whose cases stand on a person's desk; None: those of every unit."""
    units: set[str] = set()
    for grant in grants:
        if is_over_everything(grant, directory):
            return None
        units.update(_reach(grant, directory))
    return frozenset(units)


def kept_from(grants: Iterable[Grant], directory: Directory) -> frozenset[str]:
    """The units about whom a complaint is kept from this person: their own and those above it."""
    units: set[str] = set()
    for grant in grants:
        if grant.unit_code in directory:
            units.update((grant.unit_code, *directory.ancestors(grant.unit_code)))
    return frozenset(units)


def accused_units(about_unit: str | None, directory: Directory) -> frozenset[str]:
    """The units that a complaint must not be handed to: the one it is about, and those below it."""
    if about_unit is None or about_unit not in directory:
        return frozenset()
    below = (unit.code for unit in directory if directory.is_below(unit.code, about_unit))
    return frozenset({about_unit, *below})


def is_over_everything(grant: Grant, directory: Directory) -> bool:
    """Whether a grant covers the cases of every unit."""
    return (
        grant.role == "admin"
        or (grant.role in CITY_ROLES and grant.unit_code == WHOLE_CITY)
        or (grant.role == "dispatcher" and grant.unit_code == directory.coordination_unit)
    )


def may_extend(part: str, unit: str, lead: str, directory: Directory) -> bool:
    """Whether somebody may give the lead more time: the desk, or a unit that stands above it; never the lead itself."""
    return part == "desk" or stands_above(unit, lead, directory)


def _part(grant: Grant, case: OwnedCase, directory: Directory) -> StaffPart | None:
    if is_over_everything(grant, directory):
        return "read" if grant.role in READ_ONLY_ROLES else "desk"
    reach = _reach(grant, directory)
    if case.lead_unit in reach:
        return "read" if grant.role in READ_ONLY_ROLES else "lead"
    if reach.intersection(case.assist_units):
        return "read" if grant.role in READ_ONLY_ROLES else "assist"
    return None


def _reach(grant: Grant, directory: Directory) -> frozenset[str]:
    """The unit of a grant, with those below it where the role commands them."""
    own = grant.unit_code
    if own == WHOLE_CITY:  # a handler or head without a unit answers for nothing
        return frozenset()
    if grant.role not in REACHES_DOWN or own not in directory:
        return frozenset({own})
    return frozenset({own, *(unit.code for unit in directory if directory.is_below(unit.code, own))})
