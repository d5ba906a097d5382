"""Knows what is kept about the custody of a case: its tasks, its disputes, and who held it until now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from portal.models.custody import dispute, rule_proposal, task
from portal.models.ledger import event
from portal.models.report import report
from portal.queries.case_filter import not_about
from portal.queries.case_parts import DESK_PARTS, PUBLIC_PARTS, Part
from portal.queries.custody import new_holder
from routing.disputes import Held
from routing.tasks import LIVE

LISTED_AT_MOST = 100

DESK_PARTS["tasks"] = Part(task)
DESK_PARTS["disputes"] = Part(dispute)
DESK_PARTS["rule_proposals"] = Part(rule_proposal)
# Everybody may know which unit was asked and how far it is; what exactly it is asked for stays inside.
PUBLIC_PARTS["tasks"] = Part(task, "kind", "unit_code", "state", "created_at", "due_at", "ended_at")
PUBLIC_PARTS["disputes"] = Part(
    dispute, "why", "from_unit", "acting_unit", "state", "opened_at", "due_at", "ended_at", "ruled_lead",
    "public_words", "basis",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HandOver:
    """The newest event that gave the case to a unit. `contest_until` None: it cannot be contested."""

    kind: str
    from_unit: str
    to_unit: str
    reason: str
    contest_until: datetime | None

    def is_contestable(self, lead: str, now: datetime) -> bool:
        """Whether the unit that leads may still say that it is not theirs."""
        return self.contest_until is not None and self.to_unit == lead and now < self.contest_until


def hand_over_of(kind: str, public: Any) -> HandOver:
    """What an event says of a hand-over."""
    until = public.get("contest_until")
    return HandOver(
        kind,
        str(public.get("from") or ""),
        new_holder(kind, public),
        str(public.get("reason") or ""),
        datetime.fromisoformat(until) if until else None,
    )


def last_hand_over(events: Sequence[Any]) -> HandOver | None:
    """The newest hand-over among events in order; each has `kind` and `public`."""
    found = next((each for each in reversed(events) if new_holder(each.kind, each.public)), None)
    return None if found is None else hand_over_of(found.kind, found.public)


def hand_over_now(tx: Connection, case_id: int) -> HandOver | None:
    """The newest hand-over of a case."""
    query = _holding_events(case_id).order_by(event.c.case_seq.desc()).limit(1)
    row = tx.execute(query).one_or_none()
    return None if row is None else hand_over_of(row.kind, row.public)


def holders(tx: Connection, case_id: int) -> list[Held]:
    """Every unit that held the case, in order, and whether it had accepted it."""
    found: list[Held] = []
    query = _holding_events(case_id, "request.accepted").order_by(event.c.case_seq)
    for row in tx.execute(query):
        unit = new_holder(row.kind, row.public)
        is_accepted = not unit or row.public.get("state") in ("accepted", "in_progress")
        if unit and (not found or found[-1].unit != unit):
            found.append(Held(unit, is_accepted))
        elif is_accepted and found:
            found[-1] = Held(found[-1].unit, True)
    return found


def tasks_of(tx: Connection, case_id: int) -> list[Row[Any]]:
    """All tasks of a case, oldest first."""
    return list(tx.execute(select(task).where(task.c.report_id == case_id).order_by(task.c.number)))


def open_dispute(tx: Connection, case_id: int) -> Row[Any] | None:
    """The dispute of a case that has not been ruled; there is never more than one."""
    mine = (dispute.c.report_id == case_id) & (dispute.c.state == "open")
    return tx.execute(select(dispute).where(mine)).one_or_none()


def last_ruling(tx: Connection, case_id: int) -> Row[Any] | None:
    """The newest ruling about a case."""
    mine = (dispute.c.report_id == case_id) & (dispute.c.state == "ruled")
    return tx.execute(select(dispute).where(mine).order_by(dispute.c.id.desc()).limit(1)).one_or_none()


def ruled_reasons(tx: Connection, case_id: int, lead: str) -> tuple[str, ...]:
    """The reasons for which the unit that leads may not hand the case on, because a ruling settled them."""
    ruling = last_ruling(tx, case_id)
    return tuple(ruling.reasons) if ruling is not None and ruling.ruled_lead == lead else ()


def open_disputes(
    tx: Connection, jurisdiction_id: str, kept_from: Collection[str] = (), most: int = LISTED_AT_MOST
) -> list[Row[Any]]:
    """What waits for a ruling, whatever is due first; one statement."""
    query = (
        select(
            dispute.c.id, dispute.c.why, dispute.c.from_unit, dispute.c.reasons, dispute.c.acting_unit,
            dispute.c.opened_at, dispute.c.due_at, *_CASE,
        )
        .join(report, report.c.id == dispute.c.report_id)
        .where(dispute.c.jurisdiction_id == jurisdiction_id, dispute.c.state == "open", *not_about(kept_from))
        .order_by(dispute.c.due_at, dispute.c.id)
        .limit(most)
    )  # fmt: skip
    return list(tx.execute(query))


def newest_proposals(tx: Connection, jurisdiction_id: str, most: int = 20) -> list[Row[Any]]:
    """The rule lines that rulings proposed last, with their cases; one statement."""
    query = (
        select(rule_proposal, report.c.token)
        .join(report, report.c.id == rule_proposal.c.report_id)
        .where(rule_proposal.c.jurisdiction_id == jurisdiction_id)
        .order_by(rule_proposal.c.id.desc())
        .limit(most)
    )
    return list(tx.execute(query))


def live_tasks(
    tx: Connection,
    jurisdiction_id: str,
    units: Collection[str],
    kept_from: Collection[str] = (),
    most: int = LISTED_AT_MOST,
) -> list[Row[Any]]:
    """What the units were asked for and have not finished, whatever is due first; one statement."""
    mine = (task.c.jurisdiction_id == jurisdiction_id) & task.c.unit_code.in_(sorted(units))
    query = (
        select(
            task.c.number, task.c.kind, task.c.unit_code, task.c.title, task.c.state, task.c.due_at,
            task.c.swap_asked_at, *_CASE,
        )
        .join(report, report.c.id == task.c.report_id)
        .where(mine, task.c.state.in_(LIVE), *not_about(kept_from))
        .order_by(task.c.due_at, task.c.id)
        .limit(most)
    )  # fmt: skip
    return list(tx.execute(query))


_CASE = (report.c.token, report.c.service_code, report.c.lead_unit, report.c.priority)


def _holding_events(case_id: int, *more: str) -> Any:
    gives = event.c.public.has_key("to") & event.c.kind.startswith("request.")
    kinds = event.c.kind.in_(("request.routed", *more))
    return select(event.c.kind, event.c.public).where(event.c.case_id == case_id, or_(gives, kinds))
