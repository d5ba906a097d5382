"""Knows one case as its desk sees it: exact place and words, custody, clocks, photos, and all of its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, ScalarSelect, cast, exists, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from portal.models.ledger import case_file, event, event_private
from portal.models.people import account
from portal.models.report import contact, media, report
from portal.queries.case_parts import DESK_PARTS, Parts, Row, case_parts
from portal.queries.custody import new_holder

# What another person did to a case; warnings of clocks and sent messages change nothing for who is writing.
WEIGHTY_KINDS = ("request.", "question.", "task.", "dispute.")


@dataclass(frozen=True, slots=True)
class StaffEvent:
    """One event with what only the desk may read; `person` is the colleague who acted."""

    seq: int
    at: datetime
    kind: str
    public: Mapping[str, Any]
    private: Mapping[str, Any]
    person: str | None

    @property
    def role(self) -> str:
        """The role that acted."""
        return str(self._actor.get("role", ""))

    @property
    def unit_code(self) -> str:
        """The unit it acted for; empty for residents, the system and the whole city."""
        return str(self._actor.get("unit", ""))

    @property
    def _actor(self) -> Mapping[str, Any]:
        """Who acted, where that is not for everybody."""
        found: Mapping[str, Any] = self.public.get("actor") or self.private.get("actor") or {}
        return found


@dataclass(frozen=True, slots=True)
class Holding:
    """A stretch of time in which one unit held the case, and why it came there."""

    unit_code: str
    since: datetime
    until: datetime | None = None
    accepted_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StaffCase:
    """A case with everything its desk may see. Contact data is not part of it, only whether there is any."""

    row: Any
    lon: float | None
    lat: float | None
    has_contact: bool
    last_seq: int
    events: Sequence[StaffEvent] = field(default_factory=tuple)
    parts: Parts = field(default_factory=dict)

    @property
    def lead_unit(self) -> str:
        """Code of the unit that leads."""
        return str(self.row.lead_unit)

    @property
    def assist_units(self) -> list[str]:
        """Codes of the units that assist."""
        return list(self.row.assist_units)

    @property
    def about_unit(self) -> str | None:
        """Code of the unit that a complaint is about."""
        return None if self.row.about_unit is None else str(self.row.about_unit)

    @property
    def custody(self) -> list[Holding]:
        """Who held the case, in order."""
        return custody_chain(self.events)

    def events_after(self, seq: int) -> list[StaffEvent]:
        """What people did to the case since an event."""
        return [each for each in self.events if each.seq > seq and each.kind.startswith(WEIGHTY_KINDS)]


def staff_case(tx: Connection, jurisdiction_id: str, token: str) -> StaffCase | None:
    """The head of a case, for deciding whether it may be shown; None for an unknown number. One statement."""
    has_contact = exists().where(contact.c.report_id == report.c.id).correlate(report)
    row = tx.execute(
        select(
            *(column for column in report.c if column.name not in ("geom", "public_geom")),
            func.ST_X(report.c.geom).label("lon"),
            func.ST_Y(report.c.geom).label("lat"),
            has_contact.label("has_contact"),
            case_file.c.last_seq,
        )
        .join(case_file, case_file.c.id == report.c.id)
        .where(report.c.jurisdiction_id == jurisdiction_id, report.c.token == token)
    ).one_or_none()
    if row is None:
        return None
    return StaffCase(row, row.lon, row.lat, row.has_contact, row.last_seq)


def with_details(tx: Connection, case: StaffCase) -> StaffCase:
    """The case with its events, and its rows in other tables by name; one statement."""
    parts = case_parts(tx, case.row.id, DESK_PARTS)
    return replace(case, events=[_event(row) for row in parts["events"]], parts=parts)


def photo_of_case(tx: Connection, report_id: int, media_token: str) -> str | None:
    """The state of a photo of this case; None when it belongs to another."""
    mine = (media.c.report_id == report_id) & (media.c.token == media_token)
    return tx.scalar(select(media.c.state).where(mine))


def custody_chain(events: Iterable[StaffEvent]) -> list[Holding]:
    """Who held a case and when it was signed for, from its events in order."""
    chain: list[Holding] = []
    for each in events:
        to_unit = new_holder(each.kind, each.public)
        if to_unit and (not chain or chain[-1].unit_code != to_unit):
            if chain:
                chain[-1] = replace(chain[-1], until=each.at)
            chain.append(Holding(to_unit, each.at, reason=str(each.public.get("reason", ""))))
        elif each.kind == "request.accepted" and chain:
            chain[-1] = replace(chain[-1], accepted_at=each.at)
    return chain


class _EventsPart:
    """All events with their private parts and the colleague's name, oldest first."""

    def of(self, case_id: int) -> ScalarSelect[Any]:
        """The events as one JSON value."""
        private = (event_private.c.case_id == event.c.case_id) & (
            event_private.c.case_seq == event.c.case_seq
        )
        person = cast(event_private.c.private["account_id"].astext, BigInteger) == account.c.id
        shown = (
            event.c.case_seq,
            event.c.at,
            event.c.kind,
            event.c.public,
            event_private.c.private,
            account.c.name,
        )
        rows = aggregate_order_by(func.json_build_array(*shown), event.c.case_seq)
        told = event.outerjoin(event_private, private).outerjoin(account, person)
        return (
            select(func.json_agg(rows)).select_from(told).where(event.c.case_id == case_id).scalar_subquery()
        )

    def read(self, rows: list[Any] | None) -> list[Row]:
        """Their columns by name."""
        return [
            dict(zip(("seq", "at", "kind", "public", "private", "person"), row, strict=True))
            for row in rows or []
        ]


DESK_PARTS["events"] = _EventsPart()


def _event(row: Row) -> StaffEvent:
    at = datetime.fromisoformat(row["at"])
    return StaffEvent(row["seq"], at, row["kind"], row["public"], row["private"] or {}, row["person"])
