"""Knows how a unit borrows a crew: asked for, granted or refused, arrived within two hours, and given back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from portal.errors import Conflict, InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.models.crews import HELD, UNENDED, crew, crew_job, crew_loan
from portal.models.report import clock, report
from portal.operations.call_crew import job_row
from portal.operations.case_step import open_step
from portal.operations.context import Actor, Context
from portal.operations.move_report import Case, Move, lock_case
from portal.operations.outbox_rows import DELIVER, letter, outbox_row
from portal.operations.own_clocks import end_clock, own_clock
from portal.operations.record_events import Draft, Head, record
from portal.operations.submission import MAX_TEXT, clean_text
from portal.queries.staff_rights import ACCUSED, Grant, accused_units, units_of

CALL_OUT_HOURS = 2
KIND, STAGE = "callout", "arrive"
DECIDERS = frozenset({"unit_head", "dispatcher", "admin"})
NO_LOAN = N_("There is no such request for a crew.")
AWAY = N_("This crew is on loan to another unit already.")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which crew is asked for, and what for."""

    crew_code: str
    words: str = ""
    seen_seq: int | None = None


def ask_for_crew(tx: Connection, context: Context, token: str, actor: Actor, asked: Asked) -> int:
    """Ask another unit for one of its crews; its call-out clock of two hours begins. Answers the loan's number."""
    case, _ = open_step(tx, context, token, actor, "borrow_crew", seen_seq=asked.seen_seq)
    owner = _owner(tx, case, asked.crew_code)
    words = clean_text(asked.words)[:MAX_TEXT]
    due = case.now + timedelta(hours=CALL_OUT_HOURS)
    row = {
        "jurisdiction_id": context.jurisdiction_id, "report_id": case.row.id, "crew_code": asked.crew_code,
        "owner_unit": owner, "borrower_unit": case.row.lead_unit, "state": "requested", "words": words,
        "requested_at": case.now,
    }  # fmt: skip
    made = insert(crew_loan).values(row).on_conflict_do_nothing().returning(crew_loan.c.id)
    loan_id = tx.scalar(made)
    if loan_id is None:
        raise Conflict(Message(N_("This crew was asked for already.")))
    public = {"actor": actor.in_public(), "from": owner, "to": case.row.lead_unit}
    private = actor.in_private() | {"crew": asked.crew_code, "note": words}
    told = [letter("crew_asked", case.row.id, owner, case.row.lead_unit, due)]
    extra = [
        (clock, [own_clock(case.city, case.row.id, KIND, STAGE, owner, case.now, due)]),
        outbox_row(context.jurisdiction_id, case.now, DELIVER, told),
    ]
    record(tx, case.head, [Draft("crew.asked", public, private)], extra)
    return int(loan_id)


def answer_loan(
    tx: Connection, context: Context, loan_id: int, actor: Actor, *, is_granted: bool, words: str = ""
) -> str:
    """The owner lends the crew or says no, with a reason. Raises NotFound, Conflict, InvalidInput."""
    case, loan = _open_loan(tx, context, loan_id, actor, "owner_unit")
    words = clean_text(words)[:MAX_TEXT]
    if not is_granted and not words:
        raise InvalidInput({"words": Message(N_("Please give a reason."))})
    if (
        loan.state != "requested"
        or case.row.closed_at is not None
        or loan.borrower_unit != case.row.lead_unit
    ):
        raise Conflict(Message(N_("This request has been answered or is no longer needed.")))
    if is_granted:
        _lend(tx, context, case, loan)
    else:
        _end(tx, case, loan, "refused")
    kind = "crew.granted" if is_granted else "crew.refused"
    private = actor.in_private() | {"crew": loan.crew_code} | ({"reason": words} if words else {})
    told = _answered_letters(case, loan, is_granted=is_granted)
    extra = [outbox_row(context.jurisdiction_id, case.now, DELIVER, told)]
    record(tx, case.head, [Draft(kind, _public(actor, loan), private)], extra)
    return str(case.row.token)


def _answered_letters(case: Case, loan: Row[Any], *, is_granted: bool) -> list[Any]:
    """The borrower hears the answer, and a crew that was lent where it goes."""
    occasion = "crew_granted" if is_granted else "crew_refused"
    told = [letter(occasion, case.row.id, loan.borrower_unit, loan.owner_unit, None)]
    if is_granted:
        to = f"crew:{loan.crew_code}"
        told.append(letter("crew_sent", case.row.id, to, loan.borrower_unit, None, of=loan.owner_unit))
    return told


def return_crew(tx: Connection, context: Context, loan_id: int, actor: Actor) -> str:
    """The crew is back, or is not needed any more: either unit may say so."""
    case, loan = _open_loan(tx, context, loan_id, actor, "owner_unit", "borrower_unit")
    state = "returned" if loan.state in ("granted", "arrived") else "withdrawn"
    _end(tx, case, loan, state)
    open_job = (crew_job.c.report_id == case.row.id) & (crew_job.c.crew_code == loan.crew_code) & UNENDED
    tx.execute(update(crew_job).where(open_job).values(state="withdrawn", ended_at=case.now))
    private = actor.in_private() | {"crew": loan.crew_code}
    record(tx, case.head, [Draft(f"crew.{state}", _public(actor, loan), private)])
    return str(case.row.token)


def mark_arrived(tx: Connection, case: Case, head: Head, crew_code: str, actor: Actor) -> None:
    """A crew on loan has begun: the call-out clock of its unit is met. Nothing where it is not on loan."""
    lent = (crew_loan.c.report_id == case.row.id) & (crew_loan.c.crew_code == crew_code)
    arrived = update(crew_loan).where(lent, crew_loan.c.state == "granted")
    row = tx.execute(arrived.values(state="arrived", arrived_at=case.now).returning(crew_loan)).one_or_none()
    if row is not None:
        end_clock(tx, case.row.id, KIND, STAGE, case.now, unit_code=row.owner_unit)
        private = actor.in_private() | {"crew": crew_code}
        record(tx, head, [Draft("crew.arrived", _public(actor, row), private)])


def _lend(tx: Connection, context: Context, case: Case, loan: Row[Any]) -> None:
    """The crew is the borrower's for this case; its own unit assists, so that its people see the case."""
    here = (crew.c.jurisdiction_id == context.jurisdiction_id) & (crew.c.crew_code == loan.crew_code)
    tx.execute(select(crew.c.id).where(here).with_for_update())  # two cases may be granted the crew at once
    mine = (crew_loan.c.jurisdiction_id == context.jurisdiction_id) & (
        crew_loan.c.crew_code == loan.crew_code
    )
    if tx.scalar(select(crew_loan.c.id).where(mine, HELD)) is not None:
        raise Conflict(Message(AWAY))
    granted = {"state": "granted", "answered_at": case.now}
    tx.execute(update(crew_loan).where(crew_loan.c.id == loan.id).values(granted))
    job = job_row(context, case.row.id, case.row.lead_unit, case.now, crew_code=loan.crew_code)
    tx.execute(crew_job.insert().values(job))
    assist = list(dict.fromkeys([*case.row.assist_units, loan.owner_unit]))
    tx.execute(update(report).where(report.c.id == case.row.id).values(assist_units=assist))


def _end(tx: Connection, case: Case, loan: Row[Any], state: str) -> None:
    is_met = state == "returned" and loan.arrived_at is not None
    values = {"state": state, "ended_at": case.now}
    if state == "refused":
        values["answered_at"] = case.now
    tx.execute(update(crew_loan).where(crew_loan.c.id == loan.id).values(values))
    end_clock(tx, case.row.id, KIND, STAGE, case.now, unit_code=loan.owner_unit, is_met=is_met)


def _owner(tx: Connection, case: Case, code: str) -> str:
    here = (
        (crew.c.jurisdiction_id == case.row.jurisdiction_id) & (crew.c.crew_code == code) & crew.c.is_active
    )
    owner = tx.scalar(select(crew.c.unit_code).where(here))
    if owner is None or owner == case.row.lead_unit:
        raise InvalidInput({"crew": Message(N_("Please choose a crew of another unit."))})
    if owner in accused_units(case.row.about_unit, case.city.directory):
        raise InvalidInput({"crew": Message(ACCUSED)})
    return str(owner)


def _open_loan(
    tx: Connection, context: Context, loan_id: int, actor: Actor, *sides: str
) -> tuple[Case, Row[Any]]:
    """The loan and its case under lock; NotFound where neither side is this person's to decide for."""
    found = (crew_loan.c.id == loan_id) & (crew_loan.c.jurisdiction_id == context.jurisdiction_id)
    token = tx.scalar(
        select(report.c.token).join(crew_loan, crew_loan.c.report_id == report.c.id).where(found)
    )
    if token is None:
        raise NotFound(Message(NO_LOAN))
    case = lock_case(tx, context, token, actor, Move("lend"))
    loan = tx.execute(select(crew_loan).where(crew_loan.c.id == loan_id)).one()
    reach = units_of([Grant(actor.role, actor.unit_code)], case.city.directory)
    if actor.role not in DECIDERS or not (reach is None or reach & {getattr(loan, side) for side in sides}):
        raise NotFound(Message(NO_LOAN))
    if loan.ended_at is not None:
        raise Conflict(Message(N_("This request has been answered or is no longer needed.")))
    return case, loan


def _public(actor: Actor, loan: Row[Any]) -> dict[str, Any]:
    return {"actor": actor.in_public(), "from": loan.owner_unit, "to": loan.borrower_unit}
