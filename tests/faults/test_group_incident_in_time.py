"""A group incident stands within a minute of the report that makes it one, though letters pile up before it."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import clock
from portal.db import insert_together
from portal.models.incident import incident
from portal.models.ledger import event
from portal.models.report import report
from portal.models.work import outbox
from portal.operations.outbox_rows import DELIVER, WATCH, letter, outbox_row
from portal.operations.submission import Contact, Submission
from portal.operations.submit_report import submit_report
from portal.operations.verify_ledger import verify_ledger

from .conftest import wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]
BOUND = timedelta(seconds=60)


def speak(house, number: int) -> str:
    """One more person who says that a tree lies there."""
    tree = Submission(
        "fallen-tree", 121.5549, 29.1500, 8.0, description="A tree lies across the street.",
        contact=Contact(email=f"neighbour{number}@example.org"), client_request_id=uuid.uuid4(),
    )  # fmt: skip
    with house.database.transaction() as tx:
        return submit_report(tx, house.context, tree).token


def when(house, token: str, kind: str):
    """The instant that an event of a case carries."""
    with house.database.reading() as tx:
        case_id = tx.scalar(select(report.c.id).where(report.c.token == token))
        return tx.scalar(select(event.c.at).where(event.c.case_id == case_id, event.c.kind == kind))


def pile_up_letters(house, token: str, count: int) -> None:
    """Work that is not urgent and was there before."""
    with house.database.transaction() as tx:
        case_id, unit = tx.execute(
            select(report.c.id, report.c.lead_unit).where(report.c.token == token)
        ).one()
        asked = letter("received", case_id, unit, unit, clock.now())
        rows = outbox_row(house.context.jurisdiction_id, clock.now(), DELIVER, [asked] * count)
        insert_together(tx, [rows])


def incidents(house) -> list[str]:
    with house.database.reading() as tx:
        return list(tx.scalars(select(incident.c.token)))


def test_it_is_declared_within_a_minute_and_everybody_is_told(house) -> None:
    tokens = [speak(house, number) for number in range(4)]
    pile_up_letters(house, tokens[0], 400)
    house.start("relay", "worker")
    wait_for(lambda: house.count(outbox.c.job == WATCH, outbox.c.done_at.is_(None)) == 0, 60)
    assert incidents(house) == [], "four are no group"
    crossing = speak(house, 4)
    wait_for(lambda: incidents(house), BOUND.total_seconds(), house.logs)
    declared, crossed = (
        when(house, tokens[0], "incident.declared"),
        when(house, crossing, "request.submitted"),
    )
    print(
        f"a group incident stood {(declared - crossed).total_seconds():.2f} s after the report that made it"
    )
    assert timedelta(0) <= declared - crossed <= BOUND
    assert when(house, crossing, "incident.gathered") - crossed <= BOUND
    told = outbox.c.payload["template"].astext == "group_incident"
    assert house.count(told) >= 2, "the unit and the centre"
    with house.database.reading() as tx:
        assert verify_ledger(tx).faults == []
