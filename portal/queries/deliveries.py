"""Knows what was sent, to whom in role, and what was given up: pages of rows without an address or a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from portal.models.messaging import message_channel, message_template
from portal.models.report import report
from portal.models.work import message, outbox
from portal.queries.outbox import GIVEN_UP, GivenUp, given_up

PAGE = 50
STATES = ("sent", "suppressed", "gathered", "digested")


@dataclass(frozen=True, slots=True)
class Sought:
    """What a list of deliveries is narrowed to; `before` is the number below which it goes on."""

    state: str = ""
    recipient: str = ""
    token: str = ""
    before: int = 0


def deliveries(tx: Connection, jurisdiction_id: str, sought: Sought) -> list[Row[Any]]:
    """A page of messages, newest first, one more than fits where it goes on; one statement."""
    query = (
        select(
            message.c.id, message.c.template, message.c.recipient, message.c.channel, message.c.state,
            message.c.sent_at, message.c.outbox_id, report.c.token,
        )
        .outerjoin(report, report.c.id == message.c.report_id)
        .where(message.c.jurisdiction_id == jurisdiction_id)
        .order_by(message.c.sent_at.desc(), message.c.id.desc())
        .limit(PAGE + 1)
    )  # fmt: skip
    if sought.state in STATES:
        query = query.where(message.c.state == sought.state)
    if sought.recipient:
        query = query.where(message.c.recipient == sought.recipient)
    if sought.token:
        query = query.where(report.c.token == sought.token)
    if sought.before:
        edge = select(message.c.sent_at).where(message.c.id == sought.before).scalar_subquery()
        query = query.where(message.c.sent_at <= edge, message.c.id < sought.before)
    return list(tx.execute(query))


def count_waiting(tx: Connection, jurisdiction_id: str) -> Any:
    """How many rows of the outbox wait, since when the oldest does, and how many were given up; one statement."""
    mine = outbox.c.jurisdiction_id == jurisdiction_id
    waiting = mine & outbox.c.done_at.is_(None) & outbox.c.failed_at.is_(None)
    counted = select(func.count()).select_from(outbox)
    query = select(
        counted.where(waiting).scalar_subquery().label("waiting"),
        select(func.min(outbox.c.available_at)).where(waiting).scalar_subquery().label("since"),
        counted.where(mine, GIVEN_UP).scalar_subquery().label("given_up"),
    )
    return tx.execute(query).one()


def dead_letters(tx: Connection, jurisdiction_id: str, limit: int = 200) -> Sequence[GivenUp]:
    """What a city's workers gave up, newest first."""
    return given_up(tx, limit, jurisdiction_id)


def unit_channels(tx: Connection, jurisdiction_id: str) -> list[Row[Any]]:
    """The channels of units, without their addresses."""
    mine = (message_channel.c.jurisdiction_id == jurisdiction_id) & message_channel.c.unit_code.is_not(None)
    columns = (message_channel.c.id, message_channel.c.unit_code, message_channel.c.kind)
    query = select(*columns).where(mine).order_by(message_channel.c.unit_code, message_channel.c.id)
    return list(tx.execute(query))


def edited_wordings(tx: Connection, jurisdiction_id: str) -> dict[tuple[str, str, str], tuple[int, datetime]]:
    """Version and time of the newest wording of each message that was ever edited, where it differs from ours."""
    key = (message_template.c.audience, message_template.c.occasion, message_template.c.locale)
    query = (
        select(*key, message_template.c.version, message_template.c.made_at, message_template.c.subject)
        .ext(distinct_on(*key))
        .where(message_template.c.jurisdiction_id == jurisdiction_id)
        .order_by(*key, message_template.c.version.desc())
    )
    return {
        (row.audience, row.occasion, row.locale): (row.version, row.made_at)
        for row in tx.execute(query)
        if row.subject
    }
