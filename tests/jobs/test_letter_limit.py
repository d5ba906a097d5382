"""Confirmations to one address: five a day, whoever typed it; the reports themselves are all there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from portal.models.people import attempt

VICTIM = "victim@example.org"


def deliver(town, email: str = VICTIM, template: str = "received", to: str = "reporter") -> str:
    """What became of one message: sent or suppressed."""
    outbox_id = town.add_work(template=template, report_id=town.add_case(email=email), to=to)
    assert town.deliver(outbox_id)
    (kept,) = town.messages(outbox_id)
    return kept.state


def test_the_sixth_of_a_day_stays_here(town) -> None:
    assert [deliver(town) for _ in range(7)] == ["sent"] * 5 + ["suppressed"] * 2
    assert len(town.letters()) == 5


@pytest.mark.parametrize(
    ("how", "state"),
    [
        pytest.param({"email": " Victim@Example.org"}, "suppressed", id="the same, written otherwise"),
        pytest.param({"email": "victim+1@example.org"}, "suppressed", id="the same with a tag"),
        pytest.param({"email": "other@example.org"}, "sent", id="somebody else"),
        pytest.param({"template": "resolved"}, "sent", id="another occasion"),
        pytest.param({"to": "roads"}, "sent", id="the unit"),
    ],
)
def test_what_counts_as_one_address(town, how: dict[str, str], state: str) -> None:
    for _ in range(5):
        deliver(town)
    assert deliver(town, **how) == state


def test_tomorrow_there_is_room_again_and_no_address_is_kept(town) -> None:
    for _ in range(6):
        deliver(town)
    with town.database.transaction() as tx:
        assert not any(VICTIM.encode() in row.subject for row in tx.execute(select(attempt)))
        tx.execute(update(attempt).values(at=attempt.c.at - timedelta(days=1, minutes=1)))
    assert deliver(town) == "sent"
