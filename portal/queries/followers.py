"""Knows who follows an incident: the reporters of what was joined with it, and everybody who said "me too"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, ScalarSelect, and_, cast, func, literal, null, select

from portal.models.incident import follower
from portal.models.report import contact, report
from portal.queries.messages import can_be_told

COUNTED, ASKED, CONFIRMED, LEFT = "counted", "asked", "confirmed", "left"


@dataclass(frozen=True, slots=True)
class Follower:
    """Somebody who is told what becomes of an incident. `report_id` is the report that their letters are about.

    The reporter of a joined report has no `follower_id`: they keep their own report's link. Others have one,
    and `token` is then that of their own link.
    """

    report_id: int
    token: str
    locale: str
    follower_id: int | None = None

    @property
    def to(self) -> str:
        """Whom a letter names as its reader."""
        return "reporter" if self.follower_id is None else f"follower:{self.follower_id}"


def followers_of(tx: Connection, report_id: int) -> list[Follower]:
    """Everybody besides the report's own reporter who can be written to about it; one statement.

    Of what was joined with it: reporters who left an address. Of all of these: followers who proved theirs.
    """
    members = (
        select(
            report.c.id, report.c.token, contact.c.locale,
            cast(null(), BigInteger).label("follower_id"),
        )
        .join(contact, and_(contact.c.report_id == report.c.id, can_be_told()))
        .where(report.c.primary_id == report_id)
    )  # fmt: skip
    others = select(
        follower.c.report_id, follower.c.token, follower.c.locale, follower.c.id.label("follower_id")
    ).where(follower.c.report_id.in_(_cases(report_id)), follower.c.state == CONFIRMED)
    rows = tx.execute(members.union_all(others).order_by("id", "follower_id"))
    return [Follower(*row) for row in rows]


def _cases(report_id: int) -> ScalarSelect[int]:
    """A report and everything that was joined with it."""
    own = select(literal(report_id, BigInteger))
    return own.union_all(select(report.c.id).where(report.c.primary_id == report_id)).scalar_subquery()


def voices_of(tx: Connection, report_id: int) -> int:
    """How many people say so: reporters, joined reporters, and whoever said "me too"."""
    members = select(func.count()).where(report.c.primary_id == report_id).scalar_subquery()
    others = (
        select(func.count())
        .where(follower.c.report_id.in_(_cases(report_id)), follower.c.state.in_([COUNTED, CONFIRMED]))
        .scalar_subquery()
    )
    return int(tx.execute(select(members + others)).scalar_one()) + 1


def follower_by_id(tx: Connection, number: int) -> Any:
    """A follower's own link, sealed address, language and state."""
    query = select(follower.c.token, follower.c.sealed, follower.c.locale, follower.c.state)
    return tx.execute(query.where(follower.c.id == number)).one_or_none()
