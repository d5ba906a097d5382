"""Who held a case: handed over by what happens to the request alone, for the desk as for the public."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.queries.custody import new_holder
from portal.queries.staff_case import StaffEvent, custody_chain

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "public", "holder"),
    [
        ("request.routed", {"unit": "oak", "assist": ["lamps"]}, "oak"),
        ("request.transferred", {"from": "oak", "to": "elm"}, "elm"),
        ("request.assigned", {"from": "oak", "to": "elm"}, "elm"),
        ("request.resolved", {"from": "oak", "to": "centre", "closing_code": "not_ours"}, "centre"),
        ("request.accepted", {"actor": {"role": "handler", "unit": "elm"}}, ""),
        ("message.sent", {"template": "received", "to": "lamps"}, ""),
        ("message.sent", {"template": "received", "to": "reporter"}, ""),
        ("clock.breached", {"unit": "oak"}, ""),
        ("receipt.objected", {"unit": "elm", "to": "elm"}, ""),
        ("contact.viewed", {"actor": {"role": "handler", "unit": "oak"}, "unit": "oak"}, ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_hands_a_case_over(kind: str, public: dict[str, object], holder: str) -> None:
    assert new_holder(kind, public) == holder


def test_a_letter_to_an_assisting_unit_is_no_hand_over() -> None:
    story = [
        ("request.routed", {"unit": "oak"}),
        ("message.sent", {"to": "oak"}),
        ("message.sent", {"to": "lamps"}),
        ("message.sent", {"to": "reporter"}),
        ("request.accepted", {}),
        ("request.transferred", {"from": "oak", "to": "elm", "reason": "not_our_area"}),
    ]
    events = [
        StaffEvent(turn, AT + timedelta(hours=turn), kind, public, {}, None)
        for turn, (kind, public) in enumerate(story)
    ]
    held = [(one.unit_code, one.reason, one.accepted_at) for one in custody_chain(events)]
    assert held == [("oak", "", AT + timedelta(hours=4)), ("elm", "not_our_area", None)]
