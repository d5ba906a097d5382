"""The life of a dispute, as rows that a clerk can check."""

import pytest

from routing.disputes import DISPUTE_STATES, Held, dispute_state, reasons_in_dispute, who_acts, why_disputed
from routing.errors import IllegalMove


@pytest.mark.parametrize(
    ("state", "action", "part", "to_state"),
    [
        ("open", "name_acting", "desk", "open"),
        ("open", "rule", "desk", "ruled"),
        ("open", "lapse", "lead", "lapsed"),
        ("ruled", "propose_rule", "desk", "ruled"),
    ],
)
def test_what_is_allowed(state, action, part, to_state):
    assert dispute_state(state, action, part) == to_state
    assert to_state in DISPUTE_STATES


@pytest.mark.parametrize(
    ("state", "action", "part", "why"),
    [
        ("ruled", "rule", "desk", "dispute.wrong_state"),
        ("lapsed", "rule", "desk", "dispute.wrong_state"),
        ("ruled", "name_acting", "desk", "dispute.wrong_state"),
        ("open", "propose_rule", "desk", "dispute.wrong_state"),
        ("open", "rule", "lead", "move.not_your_part"),
        ("open", "name_acting", "assist", "move.not_your_part"),
        ("ruled", "propose_rule", "lead", "move.not_your_part"),
    ],
)
def test_what_is_refused(state, action, part, why):
    with pytest.raises(IllegalMove) as refused:
        dispute_state(state, action, part)
    assert refused.value.reason == why


@pytest.mark.parametrize(
    ("holders", "barred", "acts"),
    [
        ([("oak", False), ("elm", False)], (), "oak"),
        ([("oak", True), ("elm", False)], (), "oak"),
        ([("oak", True), ("elm", True), ("pine", False)], (), "elm"),
        ([("oak", False), ("elm", True)], ("elm",), "oak"),
        ([("oak", False)], ("oak",), ""),
        ([], (), ""),
    ],
    ids=[
        "first receiver",
        "who accepted",
        "the last who accepted",
        "not the accused",
        "nobody left",
        "nobody",
    ],
)
def test_who_acts_until_it_is_ruled(holders, barred, acts):
    assert who_acts([Held(*held) for held in holders], barred) == acts


@pytest.mark.parametrize(
    ("action", "code", "given", "why", "reasons"),
    [
        (
            "contest_transfer",
            "",
            ("not_our_area", "no_capacity"),
            "contested",
            ("not_our_area", "no_capacity"),
        ),
        ("contest_transfer", "", ("no_capacity", "no_capacity"), "contested", ("no_capacity",)),
        ("transfer", "", ("shared_boundary",), "third_transfer", ("shared_boundary",)),
        ("resolve", "not_ours", ("",), "not_ours", ("not_ours", "not_our_area", "not_our_service")),
    ],
)
def test_why_it_is_disputed_and_what_a_ruling_settles(action, code, given, why, reasons):
    assert why_disputed(action, code) == why
    assert reasons_in_dispute(why, given) == reasons
