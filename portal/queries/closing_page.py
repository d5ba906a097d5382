"""Knows a closing as those see it who are asked about it: how it ended, and what this person said of it already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text

from portal.models.ledger import event
from portal.models.report import media, report
from portal.models.voice import rating, voice
from portal.queries.case_parts import DESK_PARTS, PUBLIC_PARTS, Part, Row

DESK_PARTS["voices"] = PUBLIC_PARTS["voices"] = Part(voice, "closing_no", "role", "says")
DESK_PARTS["ratings"] = PUBLIC_PARTS["ratings"] = Part(
    rating, "closing_no", "role", "speed", "result", "manner", "words", "at"
)


@dataclass(frozen=True, slots=True)
class ClosingView:
    """The newest closing of a case. `said` and `is_rated` are of the person who looks; `ended` is its public event."""

    token: str
    service_code: str
    state: str
    is_private: bool
    closing_no: int
    closing_code: str | None
    unit_code: str
    closed_at: datetime | None
    said: str | None
    is_rated: bool
    ended: Mapping[str, Any]
    photos: tuple[Mapping[str, Any], ...]


def closing_view(
    tx: Connection, jurisdiction_id: str, token: str, closing_no: int | None, voter_key: bytes
) -> ClosingView | None:
    """The closing that somebody is asked about, in one statement; None for an unknown number."""
    asked = report.c.closing_count if closing_no is None else closing_no
    said, rated = (
        select(what)
        .where(kept.c.report_id == report.c.id, kept.c.closing_no == asked, kept.c.voter_key == voter_key)
        .scalar_subquery()
        for kept, what in ((voice, voice.c.says), (rating, rating.c.id))
    )
    ended = (
        select(event.c.public)
        .where(event.c.case_id == report.c.id, event.c.public.has_key("closing_code"))
        .order_by(event.c.case_seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    shape = func.json_agg(
        text("json_build_object('token', media.token, 'purpose', media.purpose) ORDER BY media.id")
    )
    photos = select(shape).where(media.c.report_id == report.c.id, media.c.state == "ready").scalar_subquery()
    query = select(
        report.c.token, report.c.service_code, report.c.state, report.c.is_private, report.c.closing_count,
        report.c.closing_code, func.coalesce(report.c.closing_unit, report.c.lead_unit), report.c.closed_at,
        said, rated.is_not(None), ended, photos,
    ).where(report.c.token == token, report.c.jurisdiction_id == jurisdiction_id)  # fmt: skip
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    values: list[Any] = list(row)
    values[-2:] = [values[-2] or {}, tuple(values[-1] or ())]
    return ClosingView(*values)


def voices_counted(rows: Sequence[Row], closing_no: int) -> dict[str, dict[str, int]]:
    """How many of each role say yes and no to one closing."""
    counted: dict[str, dict[str, int]] = {}
    for row in rows:
        if row["closing_no"] == closing_no:
            of_role = counted.setdefault(row["role"], {"confirm": 0, "contest": 0})
            of_role[row["says"]] += 1
    return counted
