"""Knows what stands around every list of the desk: its filters, and what can be done to many cases at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g

from portal import clock
from portal.queries.answer_texts import ENDING_OF
from portal.queries.case_filter import ANY_STATE, Wanted
from portal.queries.staff_inbox import COUNTED_AT_MOST, Frame
from portal.queries.staff_rights import GIVEN_ROLES, READ_ONLY_ROLES, is_over_everything, units_of
from portal.web import bulk_words, clock_words, staff_words
from portal.web.areas import offered_areas
from portal.web.forms.case_filter import NARROWING, PRIORITIES, CaseFilter, own_units
from portal.web.locale import boundary_name, gettext, service_name, unit_name
from portal.web.services import city
from routing.escalation import COLOURS
from routing.lifecycle import CLOSED_STATES, OPEN_STATES, TRANSFER_REASONS, WAIT_REASONS


def around(chosen: CaseFilter, wanted: Wanted, here: Frame) -> dict[str, Any]:
    """What the templates of a list need beside its rows."""
    view = city()
    mine = units_of(g.staff.grants, view.directory)
    offered = [unit for unit in view.directory if mine is None or unit.code in mine]
    return {
        "chosen": chosen,
        "wanted": wanted,
        "frame": here,
        "counted_at_most": COUNTED_AT_MOST,
        "open_states": OPEN_STATES,
        "closed_states": CLOSED_STATES,
        "any_state": ANY_STATE,
        "colours": COLOURS,
        "colour_words": clock_words.COLOURS,
        "priorities": PRIORITIES,
        "my_units": sorted(mine or ()),
        "offered_units": offered,
        "has_below": any(unit.code not in own_units(g.staff, view) for unit in offered),
        "offered_areas": offered_areas(),
        "in_use": _in_use(chosen, {each["id"]: each["name"] for each in here.people}),
        "lists": bulk_words,
        "transfer_reasons": TRANSFER_REASONS,
        "wait_reasons": WAIT_REASONS,
        "offered_answers": [each for each in view.answers if each.ending == ENDING_OF["update"]],
        "may_change": may_change(),
        "takes_of": _takes_of() if wanted.part == "lead" else frozenset(),
        "city": view,
        "words": staff_words,
        "staff": g.staff,
        "now": clock.now(),
    }


def may_change() -> bool:
    """Whether this person may do anything to a case at all."""
    return bool(g.staff.roles - READ_ONLY_ROLES)


def _takes_of() -> frozenset[str]:
    """The units whose cases this person can take on as their own job."""
    directory = city().directory
    given = [each for each in g.staff.grants if each.role in GIVEN_ROLES]
    above = (
        units_of([each for each in given if not is_over_everything(each, directory)], directory)
        or frozenset()
    )
    return above | {each.unit_code for each in given if each.unit_code in directory}


def _in_use(chosen: CaseFilter, people: Mapping[int, str]) -> list[tuple[str, str]]:
    """What the form of filters chose, in words, each with the address of the list without it."""
    say: Mapping[str, Any] = {
        "q": lambda text: f"“{text}”",
        "unit": unit_name,
        "service": service_name,
        "priority": lambda slug: gettext(staff_words.PRIORITIES[slug]),
        "about": lambda slug: gettext(bulk_words.ABOUT[slug]),
        "who": lambda text: gettext(bulk_words.ONE_PERSON, name=people.get(int(text), text)),
        "colour": lambda slug: gettext(clock_words.COLOURS.get(COLOURS.index(slug), bulk_words.NO_COLOUR)),
        "area": lambda text: boundary_name(*text.split(":", 1)),
        "from": lambda day: gettext(bulk_words.SINCE, day=day),
        "to": lambda day: gettext(bulk_words.UNTIL, day=day),
    }
    return [
        (say[name](chosen.value(name)), chosen.link(**{name: ""})) for name in NARROWING if chosen.value(name)
    ]
