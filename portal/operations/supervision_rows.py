"""Knows the rows that opening supervision of a case consists of: the order, its clock, its event and its letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Table

from portal.db import Rows
from portal.masking import mask
from portal.models.oversight import supervision
from portal.models.report import clock
from portal.operations.context import SYSTEM, Actor
from portal.operations.outbox_rows import letter
from portal.operations.own_clocks import started_clock
from portal.operations.record_events import Draft
from routing.escalation import Shares

KIND, STAGE = "supervision", "answer"


@dataclass(frozen=True, slots=True)
class CaseKey:
    """As much of a case as these rows need."""

    report_id: int
    jurisdiction_id: str
    lead_unit: str
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """What is to be recorded, stored and sent."""

    draft: Draft
    rows: Sequence[tuple[Table, Rows]]
    letters: Sequence[Mapping[str, Any]]


def supervision_rows(
    case: CaseKey | Row[Any],
    cause: str,
    shares: Shares,
    hours: float,
    now: datetime,
    words: str = "",
    actor: Actor = SYSTEM,
    *,
    centre: str = "",
) -> Opened:
    """Supervision of the unit that leads the case; `centre` is told, too, where it did not order it itself."""
    due_at, lead = now + timedelta(hours=hours), case.lead_unit
    order = {
        "jurisdiction_id": case.jurisdiction_id, "report_id": case.report_id, "state": "open", "cause": cause,
        "unit_code": lead, "words": words, "public_words": mask(words), "opened_at": now, "due_at": due_at,
    }  # fmt: skip
    public = {"actor": actor.in_public(), "cause": cause, "unit": lead, "due_at": due_at.isoformat()}
    if words and not case.is_private:
        public["text"] = mask(words)
    private = actor.in_private() | ({"text": words} if words else {})
    told = [
        letter("supervised", case.report_id, to, lead, due_at, text=words)
        for to in dict.fromkeys([lead, centre or lead])
    ]
    running = started_clock(case.jurisdiction_id, case.report_id, KIND, STAGE, lead, now, due_at, shares)
    return Opened(
        Draft("supervision.opened", public, private), [(supervision, [order]), (clock, [running])], told
    )
