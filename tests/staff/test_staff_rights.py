"""Who sees which case, and what they may do with it: as tables a unit head can check."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from portal.queries.staff_rights import Grant, Standing, part_of, units_of
from routing.lifecycle import TRANSITIONS, available
from routing.units import Directory

# A case led by oak, a street of north, with lamps assisting.
CASE = SimpleNamespace(lead_unit="oak", assist_units=["lamps"], about_unit=None)

SEES = [
    # role, unit, part ("" = not on the desk)
    ("handler", "oak", "lead"),
    ("handler", "lamps", "assist"),
    ("handler", "elm", ""),
    ("handler", "north", ""),  # a handler of the district does not reach down
    ("handler", "centre", ""),
    ("handler", "", ""),
    ("unit_head", "oak", "lead"),
    ("unit_head", "lamps", "assist"),
    ("unit_head", "north", "lead"),  # the street stands below
    ("unit_head", "south", ""),
    ("unit_head", "elm", ""),
    ("unit_head", "", ""),
    ("dispatcher", "", "desk"),
    ("dispatcher", "centre", "desk"),
    ("dispatcher", "north", "lead"),
    ("dispatcher", "south", ""),
    ("admin", "", "desk"),
    ("admin", "pine", "desk"),
    ("auditor", "", "read"),
    ("auditor", "north", "read"),
    ("auditor", "lamps", "read"),
    ("auditor", "south", ""),
    ("janitor", "", ""),
]


@pytest.mark.parametrize(("role", "unit", "part"), SEES, ids=[f"{r}-of-{u or 'city'}" for r, u, _ in SEES])
def test_what_a_grant_makes_of_a_case(role: str, unit: str, part: str, directory: Directory):
    found = part_of([Grant(role, unit)], CASE, directory)
    assert (found.part if found else "") == part


@pytest.mark.parametrize(
    ("grants", "standing"),
    [
        pytest.param([], None, id="no grants"),
        pytest.param(
            [Grant("handler", "oak"), Grant("unit_head", "lamps")],
            Standing("handler", "oak", "lead"),
            id="leading goes before assisting",
        ),
        pytest.param(
            [Grant("handler", "oak"), Grant("unit_head", "north")],
            Standing("unit_head", "north", "lead"),
            id="the head of the two",
        ),
        pytest.param(
            [Grant("auditor"), Grant("handler", "lamps")],
            Standing("handler", "lamps", "assist"),
            id="reading adds nothing to acting",
        ),
        pytest.param(
            [Grant("handler", "oak"), Grant("dispatcher", "centre")],
            Standing("dispatcher", "centre", "desk"),
            id="the desk above all",
        ),
    ],
)
def test_the_strongest_of_several_grants_counts(grants, standing, directory: Directory):
    assert part_of(grants, CASE, directory) == standing
    assert part_of(grants[::-1], CASE, directory) == standing


@pytest.mark.parametrize(
    ("grants", "part"),
    [
        ([Grant("handler", "oak")], ""),
        ([Grant("unit_head", "oak")], ""),
        ([Grant("auditor", "oak")], ""),
        ([Grant("unit_head", "north")], ""),
        ([Grant("dispatcher", "north")], ""),
        ([Grant("handler", "lamps")], "assist"),
        ([Grant("handler", "lamps"), Grant("handler", "elm")], ""),  # works for the accused all the same
        ([Grant("dispatcher", "centre")], "desk"),
        ([Grant("unit_head", "elm"), Grant("dispatcher", "")], "desk"),
        ([Grant("admin", "oak")], "desk"),
        ([Grant("auditor", "")], "read"),
    ],
    ids=str,
)
def test_a_complaint_is_kept_from_the_unit_it_is_about_and_those_below(grants, part, directory: Directory):
    about_north = SimpleNamespace(lead_unit="oak", assist_units=["lamps"], about_unit="north")
    found = part_of(grants, about_north, directory)
    assert (found.part if found else "") == part


def test_who_stands_above_the_accused_unit_may_deal_with_it(directory: Directory):
    about_oak = SimpleNamespace(lead_unit="north", assist_units=[], about_unit="oak")
    assert part_of([Grant("unit_head", "north")], about_oak, directory) is not None
    assert part_of([Grant("unit_head", "oak")], about_oak, directory) is None


def test_a_unit_that_no_longer_exists_is_nobodys_desk(directory: Directory):
    gone = SimpleNamespace(lead_unit="closed-office", assist_units=[], about_unit=None)
    assert part_of([Grant("unit_head", "centre")], gone, directory) is None
    assert part_of([Grant("unit_head", "closed-office")], CASE, directory) is None
    assert part_of([Grant("dispatcher", "")], gone, directory) == Standing("dispatcher", "", "desk")


@pytest.mark.parametrize(
    ("grant", "units"),
    [
        (Grant("handler", "oak"), {"oak"}),
        (Grant("handler", "north"), {"north"}),
        (Grant("unit_head", "north"), {"north", "oak", "elm"}),
        (Grant("dispatcher", "south"), {"south", "pine"}),
        (Grant("dispatcher", "centre"), None),
        (Grant("dispatcher", ""), None),
        (Grant("admin", "oak"), None),
        (Grant("auditor", ""), None),
        (Grant("auditor", "south"), {"south", "pine"}),
        (Grant("handler", ""), set()),
    ],
    ids=lambda each: " ".join(sorted(each)) if isinstance(each, set) else str(each),
)
def test_whose_cases_stand_in_the_inbox(grant: Grant, units: set[str] | None, directory: Directory):
    assert units_of([grant], directory) == units


# role, unit -> every action that is offered in a state; anything not listed is refused.
OFFERED = {
    ("handler", "oak", "routed"): {"accept", "update", "note", "transfer", "mark_duplicate"},
    ("handler", "oak", "accepted"): {"start", "update", "note", "transfer", "resolve", "mark_duplicate"},
    ("handler", "lamps", "accepted"): {"update", "note"},
    ("handler", "elm", "accepted"): set(),
    ("unit_head", "oak", "accepted"): {
        *("start", "update", "note", "wait", "transfer", "extend", "resolve", "reject", "mark_duplicate"),
    },
    ("unit_head", "north", "accepted"): {
        *("start", "update", "note", "wait", "transfer", "extend", "resolve", "reject", "mark_duplicate"),
    },
    ("unit_head", "lamps", "accepted"): {"update", "note"},
    ("unit_head", "south", "accepted"): set(),
    ("dispatcher", "centre", "accepted"): {
        *("assign", "start", "update", "note", "wait", "transfer", "extend", "resolve", "reject"),
        "mark_duplicate",
    },
    ("dispatcher", "south", "accepted"): set(),
    ("admin", "", "routed"): {
        *("assign", "accept", "update", "note", "transfer", "extend", "reject", "mark_duplicate"),
    },
    ("admin", "", "resolved"): {"note", "reopen", "close"},
    ("auditor", "", "routed"): set(),
    ("auditor", "", "accepted"): set(),
    ("auditor", "oak", "resolved"): set(),
}


@pytest.mark.parametrize(("who", "actions"), OFFERED.items(), ids=["-".join(key) for key in OFFERED])
def test_each_action_for_each_role_and_unit(who, actions: set[str], directory: Directory):
    role, unit, state = who
    standing = part_of([Grant(role, unit)], CASE, directory)
    offered = set(available(state, standing.role, standing.part)) if standing else set()
    assert offered == actions
    assert offered <= set(TRANSITIONS)
