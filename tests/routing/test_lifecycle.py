"""The moves of a case, as rows that a clerk can check."""

import pytest

from routing.closing import CLOSING_CODES, closing_codes_for
from routing.errors import IllegalMove
from routing.lifecycle import (
    CLOSED_STATES,
    OPEN_STATES,
    PARTS,
    ROLES,
    STATES,
    TRANSITIONS,
    available,
    move,
)


def test_the_states_are_those_of_the_domain():
    assert OPEN_STATES == ("submitted", "routed", "accepted", "in_progress", "waiting")
    assert CLOSED_STATES == ("resolved", "confirmed", "closed", "rejected", "duplicate")


@pytest.mark.parametrize(
    ("state", "action", "role", "part", "given", "to_state", "status", "clock"),
    [
        ("submitted", "route", "system", "system", {}, "routed", "open", ()),
        ("submitted", "assign", "dispatcher", "desk", {"reason": "no rule"}, "routed", "open", ("restart",)),
        ("routed", "accept", "handler", "lead", {}, "accepted", "open", ("meets_accept",)),
        ("accepted", "start", "handler", "lead", {}, "in_progress", "open", ()),
        ("in_progress", "update", "handler", "assist", {}, "in_progress", "open", ("meets_first_answer",)),
        ("closed", "note", "handler", "lead", {}, "closed", "closed", ()),
        ("in_progress", "wait", "unit_head", "lead", {"reason": "weather"}, "waiting", "open", ("pause",)),
        ("waiting", "resume", "system", "system", {}, "in_progress", "open", ("resume",)),
        ("routed", "transfer", "handler", "lead", {"reason": "not_our_area"}, "routed", "open", ("restart",)),
        ("resolved", "confirm", "reporter", "reporter", {}, "confirmed", "closed", ()),
        ("resolved", "contest", "reporter", "reporter", {}, "accepted", "open", ("restart",)),
        ("closed", "reopen", "unit_head", "lead", {"reason": "came back"}, "accepted", "open", ("restart",)),
        ("resolved", "close", "system", "system", {}, "closed", "closed", ()),
        ("duplicate", "unmerge", "reporter", "reporter", {}, "routed", "open", ("restart",)),
        (
            "routed",
            "contest_transfer",
            "handler",
            "lead",
            {"reason": "not_our_area"},
            "routed",
            "open",
            ("restart",),
        ),
        ("waiting", "rule", "dispatcher", "desk", {"reason": "§ 4"}, "routed", "open", ("restart",)),
        ("accepted", "ask", "handler", "lead", {}, "accepted", "open", ()),
        ("in_progress", "split", "admin", "desk", {}, "in_progress", "open", ()),
        ("in_progress", "swap", "handler", "assist", {}, "accepted", "open", ("restart",)),
        ("accepted", "order_swap", "dispatcher", "desk", {"reason": "x"}, "routed", "open", ("restart",)),
    ],
)
def test_moves_that_are_allowed(state, action, role, part, given, to_state, status, clock):
    transition = move(state, action, role, part, **given)
    assert (transition.to_state, transition.status, transition.clock) == (to_state, status, clock)


@pytest.mark.parametrize(
    ("code", "kind", "to_state", "meets_resolve"),
    [
        ("fixed", "report", "resolved", True),
        ("partly_fixed", "report", "resolved", True),
        ("not_found", "report", "resolved", True),
        ("not_ours", "report", "routed", False),
        ("merged", "report", "duplicate", True),
        ("declined", "report", "rejected", True),
        ("planned", "report", "in_progress", False),
        ("answered", "enquiry", "resolved", True),
    ],
)
def test_the_closing_code_decides_where_a_case_ends(code, kind, to_state, meets_resolve):
    transition = move("in_progress", "resolve", "handler", "lead", closing_code=code, kind=kind)
    assert transition.to_state == to_state
    assert transition.closing_code == code
    assert ("meets_resolve" in transition.clock) is meets_resolve


def test_not_ours_goes_to_the_desk_unless_an_outside_body_is_named():
    given = {"closing_code": "not_ours", "reason": "private road"}
    back = move("accepted", "resolve", "handler", "lead", **given)
    handed_over = move("accepted", "resolve", "handler", "lead", outside_body="Water Company", **given)
    assert (back.to_state, back.to_desk) == ("routed", True)
    assert (handed_over.to_state, handed_over.to_desk) == ("rejected", False)


@pytest.mark.parametrize(("transfers", "to_desk"), [(0, False), (1, False), (2, True), (5, True)])
def test_the_third_transfer_goes_to_the_desk_by_itself(transfers, to_desk):
    transition = move("routed", "transfer", "handler", "lead", reason="not_our_area", transfers=transfers)
    assert transition.to_desk is to_desk


@pytest.mark.parametrize(
    ("part", "is_with_desk", "to_desk"),
    [("lead", False, True), ("desk", False, False), ("desk", True, False), ("lead", True, False)],
    ids=["a unit", "the desk, of a unit's case", "the desk, of its own", "a handler of the desk"],
)
def test_what_the_desk_hands_over_goes_where_it_says(part, is_with_desk, to_desk):
    given = {"reason": "not_our_area", "transfers": 4, "is_with_desk": is_with_desk}
    role = "dispatcher" if part == "desk" else "handler"
    assert move("routed", "transfer", role, part, **given).to_desk is to_desk


def test_the_desk_cannot_hand_a_case_back_to_itself():
    given = {"closing_code": "not_ours", "reason": "?", "is_with_desk": True}
    with pytest.raises(IllegalMove) as refused:
        move("accepted", "resolve", "dispatcher", "desk", **given)
    assert refused.value.reason == "move.desk_has_it"
    handed = move("accepted", "resolve", "dispatcher", "desk", outside_body="Water Company", **given)
    assert handed.to_state == "rejected"


@pytest.mark.parametrize(
    ("state", "action", "role", "part", "given", "why"),
    [
        ("lost", "accept", "handler", "lead", {}, "move.unknown_state"),
        ("routed", "swallow", "handler", "lead", {}, "move.unknown_action"),
        ("resolved", "accept", "handler", "lead", {}, "move.wrong_state"),
        ("closed", "confirm", "reporter", "reporter", {}, "move.wrong_state"),
        ("routed", "accept", "reporter", "reporter", {}, "move.not_your_role"),
        ("accepted", "wait", "handler", "lead", {"reason": "weather"}, "move.not_your_role"),
        ("routed", "assign", "unit_head", "lead", {"reason": "x"}, "move.not_your_role"),
        ("routed", "accept", "handler", "assist", {}, "move.not_your_part"),
        ("routed", "transfer", "handler", "lead", {}, "move.reason_needed"),
        ("routed", "transfer", "handler", "lead", {"reason": "tired"}, "move.reason_unknown"),
        ("accepted", "reject", "unit_head", "lead", {"reason": "  "}, "move.reason_needed"),
        ("accepted", "resolve", "handler", "lead", {}, "move.closing_code_needed"),
        ("accepted", "resolve", "handler", "lead", {"closing_code": "ok"}, "move.closing_code_unknown"),
        ("accepted", "resolve", "handler", "lead", {"closing_code": "answered"}, "move.closing_code_kind"),
        ("routed", "accept", "handler", "lead", {"closing_code": "fixed"}, "move.closing_code_unexpected"),
        ("routed", "resolve", "handler", "lead", {"closing_code": "fixed"}, "move.wrong_state"),
        ("accepted", "contest_transfer", "handler", "lead", {"reason": "not_our_area"}, "move.wrong_state"),
        ("routed", "contest_transfer", "handler", "assist", {"reason": "not_our_area"}, "move.not_your_part"),
        ("routed", "contest_transfer", "handler", "lead", {"reason": "tired"}, "move.reason_unknown"),
        ("routed", "rule", "unit_head", "lead", {"reason": "x"}, "move.not_your_role"),
        ("routed", "rule", "dispatcher", "desk", {}, "move.reason_needed"),
        ("accepted", "split", "handler", "assist", {}, "move.not_your_part"),
        ("resolved", "ask", "handler", "lead", {}, "move.wrong_state"),
        ("accepted", "swap", "handler", "lead", {}, "move.not_your_part"),
        ("accepted", "order_swap", "unit_head", "lead", {"reason": "x"}, "move.not_your_role"),
    ],
)
def test_moves_that_are_refused(state, action, role, part, given, why):
    with pytest.raises(IllegalMove) as refused:
        move(state, action, role, part, **given)
    assert refused.value.reason == why


@pytest.mark.parametrize(
    ("action", "part", "given", "is_refused"),
    [
        ("transfer", "lead", {"reason": "not_our_area"}, True),
        ("transfer", "lead", {"reason": "no_capacity"}, False),
        ("transfer", "desk", {"reason": "not_our_area"}, False),
        ("resolve", "lead", {"closing_code": "not_ours", "reason": "?"}, True),
        ("resolve", "lead", {"closing_code": "not_ours", "outside_body": "Rail", "reason": "?"}, False),
    ],
)
def test_what_was_ruled_is_no_reason_to_hand_on(action, part, given, is_refused):
    role, ruled = ("dispatcher" if part == "desk" else "handler"), {"not_our_area", "not_ours"}
    if not is_refused:
        move("accepted", action, role, part, ruled=ruled, **given)
        return
    with pytest.raises(IllegalMove) as refused:
        move("accepted", action, role, part, ruled=ruled, **given)
    assert refused.value.reason == "move.ruled"


@pytest.mark.parametrize(
    ("part", "transfers", "is_with_desk", "is_contestable"),
    [
        ("lead", 0, False, True),
        ("lead", 2, False, False),
        ("desk", 0, False, False),
        ("lead", 0, True, False),
    ],
    ids=["a unit's", "the third, which goes to the desk", "the desk's", "the desk's own case"],
)
def test_only_a_units_hand_over_can_be_contested(part, transfers, is_with_desk, is_contestable):
    given = {"reason": "no_capacity", "transfers": transfers, "is_with_desk": is_with_desk}
    role = "dispatcher" if part == "desk" else "handler"
    assert move("routed", "transfer", role, part, **given).is_contestable is is_contestable


def test_an_open_case_is_closed_only_with_a_closing_code():
    """Walks every open state, action, role, part and closing code: nothing slips out without one."""
    reasons = {"transfer": "not_our_area", "contest_transfer": "not_our_area", "wait": "weather"}
    closings = 0
    for state in OPEN_STATES:
        for action in TRANSITIONS:
            for role in ROLES:
                for part in PARTS:
                    for code in ("", *CLOSING_CODES):
                        try:
                            reason = reasons.get(action, "why")
                            transition = move(state, action, role, part, reason=reason, closing_code=code)
                        except IllegalMove:
                            continue
                        if transition.status == "closed":
                            closings += 1
                            assert transition.closing_code in CLOSING_CODES
    assert closings > 50


def test_the_tables_agree_with_each_other():
    for row in TRANSITIONS.values():
        assert set(row.from_states) <= set(STATES)
        assert row.to_state in {"", "*", *STATES}
        assert set(row.roles) <= set(ROLES)
        assert set(row.parts) <= set(PARTS)
        assert row.closing_code in {"", *CLOSING_CODES}
        if row.closing_code:
            assert CLOSING_CODES[row.closing_code].to_state == row.to_state


def test_every_state_can_be_left():
    assert all(
        any(state in row.from_states and row.to_state for row in TRANSITIONS.values()) for state in STATES
    )


@pytest.mark.parametrize(
    ("state", "role", "part", "actions"),
    [
        ("routed", "handler", "lead", ("accept", "update", "note", "transfer", "mark_duplicate")),
        ("routed", "handler", "assist", ("update", "note")),
        ("resolved", "reporter", "reporter", ("confirm", "contest")),
        ("waiting", "system", "system", ("note", "resume", "mark_duplicate")),
    ],
)
def test_buttons_follow_from_the_table(state, role, part, actions):
    assert available(state, role, part) == actions


def test_a_report_is_fixed_and_a_question_answered():
    assert "answered" not in [code.code for code in closing_codes_for("report")]
    assert "answered" in [code.code for code in closing_codes_for("enquiry")]
