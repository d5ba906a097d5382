"""What the reporter is told of each ending, in a letter and on the page: never more than is true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal import clock
from portal.operations.context import Actor
from portal.operations.sweep_clocks import sweep_clocks
from portal.operations.write_letter import REPORTER, Order, write_letter
from portal.queries.messages import case_of_message

LEAD = Actor("handler", "street-cn2")
LATER = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
PHOTO = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
CLAIMS = ("is dealt with", "Is it solved?", "已办理完毕")


def letter_of(linhai: Any, token: str, payload: dict[str, Any]) -> str:
    """The letter of an outbox row, as its reader gets it."""
    with linhai.database.reading() as tx:
        case = case_of_message(tx, linhai.row(token).id)
    second = payload.get("second_due_at")
    order = Order(
        REPORTER, payload["template"], "en", "https://x.example/r/x#y", payload.get("text", ""),
        second_due_at=datetime.fromisoformat(second) if second else None,
        outside_body=payload.get("outside_body", ""),
    )  # fmt: skip
    return " ".join("\n".join(write_letter(order, case)).split())


@pytest.mark.parametrize(
    ("typed", "template", "says", "is_claimed"),
    [
        pytest.param({"closing_code": "fixed", "reason": "dark"}, "resolved", "one press of a button", True, id="fix"),
        pytest.param(
            {
                "closing_code": "partly_fixed", "photos": (PHOTO,), "public_text": "The kerb comes in May.",
                "until": LATER,
            },
            "partly_fixed",
            "The kerb comes in May. The rest is to follow by Tue 1 Sep 2026, 17:00. Please confirm",
            False,
            id="partly fixed",
        ),
        pytest.param(
            {"closing_code": "not_found", "photos": (PHOTO,)}, "not_found", "does not count as solved", False, id="gone"
        ),
        pytest.param(
            {"closing_code": "planned", "until": LATER}, "planned", "stays open until it is done. The planned date is "
            "Tue 1 Sep 2026, 17:00.", False, id="planned",
        ),
        pytest.param(
            {"closing_code": "not_ours", "public_text": "A state road."}, "disputed",
            "The units do not agree which of them answers. The coordination desk rules on it.", False, id="handed back",
        ),
        pytest.param(
            {"closing_code": "not_ours", "public_text": "Rails.", "outside_body": "Railway Bureau, 13812345678"},
            "outside", "It now lies with: Railway Bureau, ▇▇▇. Rails.", False, id="handed outside",
        ),
        pytest.param(
            {"closing_code": "declined", "public_text": "Rule 4: private ground."}, "rejected",
            "The rule, in the words of the unit: Rule 4: private ground.", False, id="declined",
        ),
    ],
)  # fmt: skip
def test_the_letter_of_each_ending(
    linhai: Any, at: Any, typed: dict[str, Any], template: str, says: str, is_claimed: bool
) -> None:
    with at():
        token = linhai.file()
        linhai.moved(token, (LEAD, "accept"), (LEAD, "resolve", typed))
        told = [payload for payload in linhai.messages(token) if payload["to"] == "reporter"][-1]
        letter = letter_of(linhai, token, told)
    assert told["template"] == template
    assert says in letter
    assert any(claim in letter for claim in CLAIMS) is is_claimed


def test_a_plan_is_told_with_its_own_date_even_when_another_followed(linhai: Any, at: Any) -> None:
    with at():
        token = linhai.file()
        planned = {"closing_code": "planned", "until": LATER}
        linhai.moved(token, (LEAD, "accept"), (LEAD, "resolve", planned))
        linhai.move(token, LEAD, "resolve", **planned | {"until": LATER + timedelta(days=30)})
        first, second = (one for one in linhai.messages(token) if one["template"] == "planned")
        assert "1 Sep 2026" in letter_of(linhai, token, first)
        assert "1 Oct 2026" in letter_of(linhai, token, second)
        assert clock.now() < LATER


def test_what_a_letter_needs_is_kept_as_it_was_at_the_event(linhai: Any, at: Any) -> None:
    with at():
        token = linhai.file()
        promised = linhai.row(token).promise_due_at.isoformat()
        linhai.move(token, LEAD, "accept")
        linhai.move(token, LEAD, "transfer", reason="not_our_area", to_unit="street-cn1")
    told = [(one["template"], one["to"], one["unit"]) for one in linhai.messages(token)]
    assert told == [
        ("received", "street-cn2", "street-cn2"), ("received", "reporter", "street-cn2"),
        ("accepted", "reporter", "street-cn2"), ("transferred", "reporter", "street-cn1"),
        ("transferred_to_you", "street-cn1", "street-cn1"),
    ]  # fmt: skip
    assert {one["due_at"] for one in linhai.messages(token)} == {promised}


def test_a_warning_names_the_unit_whose_clock_it_is(linhai: Any, at: Any) -> None:
    with at():
        token = linhai.file()
    with at(days=60), linhai.database.transaction() as tx:
        sweep_clocks(tx)
    breached = [one for one in linhai.messages(token) if one["template"] == "breached"]
    assert {(one["to"], one["unit"]) for one in breached} == {
        ("street-cn2", "street-cn2"), ("reporter", "street-cn2"),
    }  # fmt: skip
