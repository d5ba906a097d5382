"""Knows the words of the desk's lists, and of what can be done to many cases at once."""

from __future__ import annotations

from collections.abc import Mapping

from portal.i18n import N_
from portal.web.staff_words import ACTIONS as CASE_ACTIONS

VIEWS: Mapping[str, str] = {"": N_("List"), "board": N_("Board"), "map": N_("Map")}
WHOSE: Mapping[str, str] = {
    "": N_("All of mine"),
    "mine": N_("Given to me"),
    "unit": N_("My unit"),
    "below": N_("Below my unit"),
}
# What open cases can be chosen for: the words of the numbers on the page of a unit's head.
ABOUT: Mapping[str, str] = {
    "late": N_("Overdue"),
    "risk": N_("At risk"),
    "unaccepted": N_("Not accepted yet"),
    "reopened": N_("Open again after a closing"),
    "asked": N_("More time asked for"),
}
ONE_PERSON = N_("Jobs of %(name)s")
NO_COLOUR = N_("No colour")
SINCE = N_("since %(day)s")
UNTIL = N_("until %(day)s")
# What can be done to many cases at once, in the order of the form, and the fields that each asks for.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "accept": (),
    "start": (),
    "take": (),
    "person": ("person",),
    "crew": ("crew",),
    "transfer": ("to_unit", "code", "note"),
    "assign": ("to_unit", "reason"),
    "wait": ("pause", "public_text"),
    "resume": (),
    "update": ("answer", "public_text"),
    "note": ("note",),
}
_SENDING = {
    "take": N_("Take it on myself"),
    "person": N_("Give to one person"),
    "crew": N_("Send a crew"),
}
ACTIONS: Mapping[str, str] = {action: _SENDING.get(action) or CASE_ACTIONS[action] for action in FIELDS}
KEYS: Mapping[str, str] = {
    "j": N_("next case"),
    "k": N_("previous case"),
    N_("Enter"): N_("open the case"),
    "x": N_("tick the case"),
    "/": N_("search"),
    "?": N_("show or hide this list"),
}
