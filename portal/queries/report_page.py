"""Knows one report as its tracking page shows it: state, receipt, clocks, photos, and its events in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text

from portal.models.ledger import case_file, event
from portal.models.report import clock, media, report
from routing.lifecycle import STATES

# What a resident has no use for: the seal of a message, the unit's own warnings, notes of the desk.
INNER_KINDS = (
    "request.noted", "message.sent", "clock.at_risk", "media.ready", "media.refused",
    "contact.viewed", "relay.asked", "relay.replied",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report with its public parts; `own` holds what only its reporter and the desk may see."""

    token: str
    kind: str
    service_code: str
    state: str
    channel: str
    is_private: bool
    place_flag: str | None
    public_text: str
    lead_unit: str
    assist_units: Sequence[str]
    is_ambiguous: bool
    question_code: str | None
    public_receipt: Mapping[str, Any]
    closing_code: str | None
    transfer_count: int
    opened_at: datetime
    updated_at: datetime
    accepted_at: datetime | None
    closed_at: datetime | None
    promise_due_at: datetime | None
    second_due_at: datetime | None
    closing_count: int
    confirmed_at: datetime | None
    lon: float | None
    lat: float | None
    photos: Sequence[Mapping[str, Any]]
    clocks: Sequence[Mapping[str, Any]]
    case_id: int
    own: Mapping[str, Any]

    @property
    def status(self) -> str:
        """Open or closed."""
        return STATES[self.state]

    def is_late(self, now: datetime) -> bool:
        """Whether the original promise was missed."""
        return self.promise_due_at is not None and (self.closed_at or now) > self.promise_due_at


@dataclass(frozen=True, slots=True)
class PublicEvent:
    """One entry of the public history."""

    seq: int
    at: datetime
    kind: str
    public: Mapping[str, Any]


_OWN = ("description", "answers", "accuracy_m", "receipt")
_PLAIN = (
    "token", "kind", "service_code", "state", "channel", "is_private", "place_flag", "public_text", "lead_unit",
    "assist_units", "is_ambiguous", "question_code", "public_receipt", "closing_code", "transfer_count",
    "opened_at", "updated_at", "accepted_at", "closed_at", "promise_due_at",
    "second_due_at", "closing_count", "confirmed_at",
)  # fmt: skip


def report_view(tx: Connection, jurisdiction_id: str, token: str) -> ReportView | None:
    """The report of a token with its photos and clocks, in one statement; None where there is none."""
    query = select(
        report.c.id,
        *(report.c[name] for name in (*_PLAIN, *_OWN)),
        func.ST_X(report.c.public_geom).label("lon"),
        func.ST_Y(report.c.public_geom).label("lat"),
        func.ST_X(report.c.geom).label("own_lon"),
        func.ST_Y(report.c.geom).label("own_lat"),
        _photos().label("photos"),
        _clocks().label("clocks"),
    ).where(report.c.token == token, report.c.jurisdiction_id == jurisdiction_id)
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    found = row._mapping
    own = {name: found[name] for name in _OWN} | {"lon": row.own_lon, "lat": row.own_lat}
    return ReportView(
        **{name: found[name] for name in _PLAIN},
        lon=row.lon,
        lat=row.lat,
        photos=row.photos or [],
        clocks=[_clock(each) for each in row.clocks or []],
        case_id=row.id,
        own=own,
    )


def is_report(tx: Connection, jurisdiction_id: str, token: str) -> bool:
    """Whether a report has this number."""
    mine = (report.c.token == token) & (report.c.jurisdiction_id == jurisdiction_id)
    return tx.scalar(select(report.c.id).where(mine)) is not None


def newest_seq(tx: Connection, jurisdiction_id: str, token: str) -> int | None:
    """The number of a report's newest event; None where no report has this number."""
    mine = (case_file.c.token == token) & (case_file.c.jurisdiction_id == jurisdiction_id)
    return tx.scalar(select(case_file.c.last_seq).where(mine, case_file.c.subject == "report"))


def public_history(tx: Connection, case_id: int) -> list[PublicEvent]:
    """The events that anybody may follow, oldest first."""
    query = (
        select(event.c.case_seq, event.c.at, event.c.kind, event.c.public)
        .where(event.c.case_id == case_id, event.c.kind.not_in(INNER_KINDS))
        .order_by(event.c.case_seq)
    )
    return [PublicEvent(*row) for row in tx.execute(query)]


def _photos() -> Any:
    """Only photos that were made safe."""
    shape = func.json_agg(
        text("json_build_object('token', media.token, 'purpose', media.purpose, "
             "'width', media.width, 'height', media.height) ORDER BY media.id")
    )  # fmt: skip
    return select(shape).where(media.c.report_id == report.c.id, media.c.state == "ready").scalar_subquery()


def _clocks() -> Any:
    shape = func.json_agg(
        text("json_build_object('kind', clock.kind, 'stage', clock.stage, 'state', clock.state, "
             "'due_at', clock.due_at, 'met_at', clock.met_at, 'unit', clock.unit_code) ORDER BY clock.id")
    )  # fmt: skip
    return select(shape).where(clock.c.report_id == report.c.id).scalar_subquery()


def _clock(row: Mapping[str, Any]) -> dict[str, Any]:
    instants = {
        name: datetime.fromisoformat(row[name]) if row[name] else None for name in ("due_at", "met_at")
    }
    return {**row, **instants}
