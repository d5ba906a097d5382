"""Knows how the address of a desk's list says which cases it shows: whose, in which state, and what was chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from portal import clock
from portal.queries.case_filter import ANY_STATE, Part, Wanted
from portal.queries.city import CityView
from portal.queries.matters import OPEN_MATTERS
from portal.queries.staff_rights import Staff, kept_from, units_of
from portal.web.forms.staff_move import read_account
from routing.escalation import COLOURS
from routing.lifecycle import STATES

WHOSE = ("mine", "unit", "below")
PRIORITIES = ("emergency", "high", "normal", "low")
VIEWS = ("", "board", "map")
# What the form of filters asks for; the others are links above a list.
NARROWING = ("q", "unit", "about", "who", "service", "priority", "colour", "area", "from", "to")
NAMES = ("view", "whose", "part", "state", *NARROWING)
LONGEST_TEXT = 80
ADDRESS = "/desk/"


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What stands in an address; anything unknown was left out of it."""

    values: Mapping[str, str]

    def value(self, name: str) -> str:
        """What was chosen under a name; "" for nothing."""
        return self.values.get(name, "")

    @property
    def is_narrowed(self) -> bool:
        """Whether anything was chosen in the form of filters."""
        return any(self.values.get(name) for name in NARROWING)

    @property
    def is_worth_keeping(self) -> bool:
        """Whether more was chosen than how the cases are shown."""
        return any(name != "view" for name in self.values)

    def query(self, **changed: str) -> str:
        """The same choice as it stands in an address, with some of it changed; "" leaves something out."""
        chosen = {**self.values, **changed}
        return urlencode([(name, chosen[name]) for name in NAMES if chosen.get(name)])

    def link(self, **changed: str) -> str:
        """The address of the list with this choice."""
        query = self.query(**changed)
        return ADDRESS + (f"?{query}" if query else "")

    @property
    def cleared(self) -> str:
        """The address of the list without what the form of filters chose."""
        return self.link(**dict.fromkeys(NARROWING, ""))


def read_filter(given: MultiDict[str, str], view: CityView) -> CaseFilter:
    """What an address or a form brought, as far as the city knows it."""
    is_known: Mapping[str, Callable[[str], bool]] = {
        "view": VIEWS.__contains__,
        "whose": WHOSE.__contains__,
        "part": lambda text: text == "assist",
        "state": lambda text: text in STATES or text == ANY_STATE,
        "unit": view.directory.__contains__,
        "about": OPEN_MATTERS.__contains__,
        "who": lambda text: read_account(text) is not None,
        "service": view.services.__contains__,
        "priority": PRIORITIES.__contains__,
        "colour": COLOURS.__contains__,
        "area": lambda text: _is_area(text, view),
        "from": lambda text: _day(text) is not None,
        "to": lambda text: _day(text) is not None,
    }
    values = {name: given[name] for name, knows in is_known.items() if given.get(name) and knows(given[name])}
    words = " ".join(given.get("q", "").replace("\x00", "").split())[:LONGEST_TEXT]
    return CaseFilter(values | ({"q": words} if words else {}))


def wanted_of(chosen: CaseFilter, staff: Staff, view: CityView) -> Wanted:
    """The cases that are meant, never more than those on the person's desk."""
    units = _units(chosen, staff, view)
    colour, last = chosen.value("colour"), _day(chosen.value("to"))
    part: Part = "assist" if chosen.value("part") == "assist" and units is not None else "lead"
    return Wanted(
        units,
        part,
        chosen.value("state"),
        kept_from(staff.grants, view.directory),
        service=chosen.value("service"),
        priority=chosen.value("priority"),
        colour=COLOURS.index(colour) if colour else None,
        words=chosen.value("q"),
        holder=staff.account_id if chosen.value("whose") == "mine" else None,
        person=read_account(chosen.value("who")),
        area=chosen.value("area"),
        opened_from=_begin(_day(chosen.value("from")), view),
        opened_before=_begin(last + timedelta(days=1) if last else None, view),
        about=chosen.value("about"),
        now=clock.now(),
    )


def own_units(staff: Staff, view: CityView) -> frozenset[str]:
    """The units that somebody works for themselves; for the whole city, the coordination unit."""
    own = frozenset(grant.unit_code for grant in staff.grants if grant.unit_code in view.directory)
    return own or frozenset({view.coordination_unit})


def _units(chosen: CaseFilter, staff: Staff, view: CityView) -> frozenset[str] | None:
    mine, own = units_of(staff.grants, view.directory), own_units(staff, view)
    unit, whose = chosen.value("unit"), chosen.value("whose")
    if unit and (mine is None or unit in mine):
        return frozenset({unit})
    if whose == "unit":
        return own if mine is None else own & mine
    if whose == "below":
        return (frozenset(each.code for each in view.directory) if mine is None else mine) - own
    return mine


def _is_area(text: str, view: CityView) -> bool:
    layer, _, code = text.partition(":")
    return (layer, code) in view.boundary_names


def _day(text: str) -> date | None:
    """A day of this century or the last; None for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1900 < day.year < 2200 and len(text) == 10 else None


def _begin(day: date | None, view: CityView) -> datetime | None:
    return datetime.combine(day, time(), ZoneInfo(view.timezone)) if day else None
