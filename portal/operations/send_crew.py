"""Knows how a case is given to a crew or a person of a unit, and how they sign for it, begin and finish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.models.crews import HELD, crew, crew_job, crew_loan, crew_member
from portal.models.ledger import event
from portal.models.people import account
from portal.models.report import report
from portal.operations.call_crew import job_row
from portal.operations.case_step import open_step
from portal.operations.context import Actor, Context
from portal.operations.lend_crew import mark_arrived
from portal.operations.move_report import Case, Move, lock_case, move_report, refuse_stale
from portal.operations.outbox_rows import DELIVER, letter, outbox_row
from portal.operations.own_clocks import end_clock
from portal.operations.record_events import Draft, lock_head, record
from portal.queries.accounts import grants_of
from portal.queries.staff_rights import GIVEN_ROLES, Grant, accused_units, part_of, units_of

STEPS = {
    "accept": ("assigned", "accepted"),
    "start": ("accepted", "started"),
    "finish": ("started", "finished"),
}
SENDINGS = ("crew.sent", "crew.called", "job.given", "job.taken")
NO_CREW = N_("Please choose a crew of your unit, or one that was lent to it.")
NO_PERSON = N_("Please choose somebody who works for this unit.")
NO_JOB = N_("There is no such job for you.")
TAKEN = N_("Somebody else has sent a crew in the meantime. Please look again.")


@dataclass(frozen=True, slots=True)
class Sent:
    """Whom a case is given to: a crew, or one person by account. `seen_seq`: the newest event that was seen."""

    crew_code: str = ""
    account_id: int | None = None
    seen_seq: int | None = None


def send_crew(tx: Connection, context: Context, token: str, actor: Actor, sent: Sent) -> None:
    """Give a case to a crew or a person; whoever of the unit had it before is relieved.

    Who takes it oneself has signed for it with that. Raises NotFound, Forbidden, InvalidInput by field,
    Conflict where another has sent somebody meanwhile.
    """
    case, _ = open_step(tx, context, token, actor, "send_crew", seen_seq=sent.seen_seq)
    _refuse_newer(tx, case, sent.seen_seq)
    if not (_crew_of(tx, case, sent.crew_code) if sent.crew_code else _works_on(tx, case, sent.account_id)):
        raise InvalidInput({"crew": Message(NO_CREW)} if sent.crew_code else {"person": Message(NO_PERSON)})
    _relieve(tx, case, sent)
    unit, is_own = case.row.lead_unit, sent.account_id is not None and sent.account_id == actor.account_id
    job = job_row(
        context, case.row.id, unit, case.now, crew_code=sent.crew_code or None, account_id=sent.account_id
    )
    if is_own:
        job |= {"state": "accepted", "accepted_at": case.now}
        end_clock(tx, case.row.id, "unit", "dispatch", case.now)
        _move_case(tx, context, case, unit, actor, "accept", None)
    kind = "crew.sent" if sent.crew_code else "job.taken" if is_own else "job.given"
    who = {"crew": sent.crew_code} if sent.crew_code else {"person": sent.account_id}
    told = [] if is_own else [_told(case, sent)]
    extra = [(crew_job, [job]), outbox_row(context.jurisdiction_id, case.now, DELIVER, told)]
    draft = Draft(kind, {"actor": actor.in_public(), "unit": unit}, actor.in_private() | who)
    record(tx, lock_head(tx, case.row.id), [draft], extra)


def crew_step(
    tx: Connection, context: Context, actor: Actor, job_id: int, step: str, move: Move | None = None
) -> str:
    """Take a job one step on; the case follows where the crew's own unit leads it. Answers the case's number.

    `move` brings the words, photos and ending of a finished job: it resolves the case of one's own unit, and
    tells the public about that of another. Raises NotFound, Forbidden, Conflict, InvalidInput.
    """
    job, token = _job(tx, context, job_id)
    case = lock_case(tx, context, token, actor, move or Move(step))
    refuse_stale(tx, case)
    job = tx.execute(
        select(crew_job).where(crew_job.c.id == job_id)
    ).one()  # read again under the case's lock
    owner = _owner_of(tx, context, job)
    if not _is_theirs(tx, case, job, owner, actor):
        raise NotFound(Message(NO_JOB))
    if step not in STEPS or job.state != STEPS[step][0]:
        raise Conflict(Message(N_("This job is at another step now. Please look again.")))
    _move_case(tx, context, case, owner, actor, step, move)
    changed = {"accept": "accepted_at", "start": "started_at", "finish": "ended_at"}[step]
    values = {"state": STEPS[step][1], changed: case.now}
    tx.execute(update(crew_job).where(crew_job.c.id == job_id).values(values))
    if step == "accept":
        end_clock(tx, case.row.id, "unit", "dispatch", case.now)
    public = {"actor": actor.in_public(), "unit": owner}
    kind, private = ("crew", {"crew": job.crew_code}) if job.crew_code else ("job", {})
    draft = Draft(f"{kind}.{STEPS[step][1]}", public, actor.in_private() | private)
    head = record(tx, lock_head(tx, case.row.id), [draft])
    if step == "start" and job.crew_code:
        mark_arrived(tx, case, head, job.crew_code, actor)
    return token


def _move_case(
    tx: Connection, context: Context, case: Case, owner: str, actor: Actor, step: str, move: Move | None
) -> None:
    standing = part_of([Grant(actor.role, actor.unit_code)], case.row, case.city.directory)
    leads = standing is not None and standing.part in ("lead", "desk") and owner == case.row.lead_unit
    if step == "finish" and move is not None:
        wanted = (
            move if leads else Move("update", public_text=move.public_text, note=move.note, media=move.media)
        )
        if leads or (wanted.public_text.strip() and standing is not None):
            move_report(tx, context, case.row.token, actor, wanted)
    elif leads and (step, case.row.state) in {("accept", "routed"), ("start", "accepted")}:
        move_report(tx, context, case.row.token, actor, Move(step))


def _refuse_newer(tx: Connection, case: Case, seen_seq: int | None) -> None:
    """Two who send a crew at once: the second is told."""
    if seen_seq is None or seen_seq >= case.head.last_seq:
        return
    newer = (event.c.case_id == case.head.case_id) & (event.c.case_seq > seen_seq)
    if tx.scalar(select(event.c.id).where(newer, event.c.kind.in_(SENDINGS)).limit(1)):
        raise Conflict(Message(TAKEN))


def _crew_of(tx: Connection, case: Case, code: str) -> Any:
    """The crew where it is the leading unit's, or lent to it, and not one of those complained about."""
    row = tx.execute(
        select(crew.c.crew_code, crew.c.unit_code).where(
            crew.c.jurisdiction_id == case.row.jurisdiction_id, crew.c.crew_code == code, crew.c.is_active
        )
    ).one_or_none()
    if row is None or row.unit_code in accused_units(case.row.about_unit, case.city.directory):
        return None
    if row.unit_code == case.row.lead_unit:
        return row
    lent = crew_loan.c.borrower_unit == case.row.lead_unit
    mine = (crew_loan.c.jurisdiction_id == case.row.jurisdiction_id) & (crew_loan.c.crew_code == code)
    return row if tx.scalar(select(crew_loan.c.id).where(mine, lent, HELD)) is not None else None


def _works_on(tx: Connection, case: Case, account_id: int | None) -> bool:
    """Whether somebody may have a case: of the unit that leads it, or who leads it oneself from above."""
    here = account.c.jurisdiction_id == case.row.jurisdiction_id
    active = select(account.c.id).where(here, account.c.id == account_id, account.c.is_active)
    if account_id is None or tx.scalar(active) is None:
        return False
    grants = [each for each in grants_of(tx, account_id) if each.role in GIVEN_ROLES]
    standing = part_of(grants, case.row, case.city.directory)
    if standing is None:
        return False
    is_own = account_id == case.actor.account_id and standing.part == "lead"
    return is_own or any(each.unit_code == case.row.lead_unit for each in grants)


def _relieve(tx: Connection, case: Case, sent: Sent) -> None:
    """Call back whoever of the unit had the case; Conflict where those who get it have it already."""
    is_same = (
        (crew_job.c.crew_code == sent.crew_code)
        if sent.crew_code
        else (crew_job.c.account_id == sent.account_id)
    )
    is_open = (crew_job.c.report_id == case.row.id) & crew_job.c.ended_at.is_(None)
    if tx.scalar(select(crew_job.c.id).where(is_open, is_same)) is not None:
        raise Conflict(Message(N_("They have this case already.")))
    own = crew_job.c.crew_code.is_(None) | crew_job.c.crew_code.not_in(_borrowed(case))
    tx.execute(update(crew_job).where(is_open, own).values(state="withdrawn", ended_at=case.now))


def _told(case: Case, sent: Sent) -> Mapping[str, Any]:
    """The letter to whoever gets the case."""
    to = f"crew:{sent.crew_code}" if sent.crew_code else f"account:{sent.account_id}"
    unit = case.row.lead_unit
    return letter("crew_sent", case.row.id, to, unit, case.row.promise_due_at, of=unit)


def _borrowed(case: Case) -> Any:
    return select(crew_loan.c.crew_code).where(crew_loan.c.report_id == case.row.id, HELD)


def _job(tx: Connection, context: Context, job_id: int) -> tuple[Row[Any], str]:
    here = (crew_job.c.id == job_id) & (crew_job.c.jurisdiction_id == context.jurisdiction_id)
    query = select(crew_job, report.c.token).join(report, report.c.id == crew_job.c.report_id).where(here)
    row = tx.execute(query).one_or_none()
    if row is None:
        raise NotFound(Message(NO_JOB))
    return row, str(row.token)


def _owner_of(tx: Connection, context: Context, job: Row[Any]) -> str:
    """The unit whose crew it is; of a person's job, the unit that sent them."""
    here = (crew.c.jurisdiction_id == context.jurisdiction_id) & (crew.c.crew_code == job.crew_code)
    return str((job.crew_code and tx.scalar(select(crew.c.unit_code).where(here))) or job.unit_code)


def _is_theirs(tx: Connection, case: Case, job: Row[Any], owner: str, actor: Actor) -> bool:
    """Whether somebody works in this crew, or for the unit that it belongs to."""
    if actor.account_id is None:
        raise Forbidden(Message(NO_JOB))
    if case.row.about_unit and owner in accused_units(case.row.about_unit, case.city.directory):
        return False
    if job.account_id is not None:
        return bool(job.account_id == actor.account_id)
    reach = units_of([Grant(actor.role, actor.unit_code)], case.city.directory)
    member = (crew_member.c.account_id == actor.account_id) & (crew_member.c.crew_code == job.crew_code)
    return reach is None or owner in reach or tx.scalar(select(crew_member.c.id).where(member)) is not None
