"""Knows what a move means for the tasks and the dispute of its case: what ends, opens, or holds the move up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from sqlalchemy import Connection, Row, insert, update

from portal.errors import InvalidInput
from portal.i18n import N_, Message
from portal.masking import mask
from portal.models.custody import dispute
from portal.models.report import clock
from portal.operations.context import SYSTEM
from portal.operations.keep_tasks import Followed, Wanted, add_tasks, end_tasks, live
from portal.operations.locked_case import Case
from portal.operations.outbox_rows import letter
from portal.operations.own_clocks import end_clock, own_clock
from portal.operations.record_events import Draft
from portal.queries.custody_parts import hand_over_now, holders, open_dispute, tasks_of
from portal.queries.staff_rights import accused_units
from routing.disputes import CustodyFigures, reasons_in_dispute, who_acts, why_disputed
from routing.lifecycle import STATES, Transition
from routing.tasks import holding_up, superseded

DISPUTE, RULING = "dispute", "rule"
_RULINGS = frozenset({"rule", "assign", "transfer"})  # whatever hands a disputed case on is the desk's ruling


def check_finished(tx: Connection, case: Case, transition: Transition) -> None:
    """Refuse to resolve a case of which a unit has not finished its part, and say which."""
    if transition.to_state != "resolved":
        return
    waiting = holding_up(tasks_of(tx, case.row.id), case.row.lead_unit)
    if waiting:
        names = [Message(N_("no. %(number)s, %(unit)s"), _named(case, each)) for each in waiting]
        listed = reduce(
            lambda left, right: Message("%(left)s; %(right)s", {"left": left, "right": right}), names
        )
        said = N_("Not every part is done or withdrawn yet: %(tasks)s.")
        raise InvalidInput({"closing_code": Message(said, {"tasks": listed})})


def contest_until(case: Case, transition: Transition) -> Mapping[str, str]:
    """By when a hand-over may be contested, for its event; nothing where it may not."""
    if not transition.is_contestable:
        return {}
    figures = CustodyFigures.from_plain(case.city.config.get("custody"))
    unit = figures.time_of(case.row.priority)
    until = case.city.router.city.calendar.add(case.now, figures.contest_hours, unit)
    return {"contest_until": until.isoformat()}


def follow_custody(tx: Connection, case: Case, transition: Transition, lead: str) -> Followed:
    """Do what follows from a move that was made: end tasks, open, rule or lapse a dispute."""
    is_closed = STATES[transition.to_state] == "closed" and case.row.closed_at is None
    is_moved = lead != case.row.lead_unit
    if not (is_closed or is_moved or transition.action in _RULINGS):
        return Followed()
    found = Followed()
    disputed = open_dispute(tx, case.row.id)
    if disputed is not None and (is_closed or transition.action in _RULINGS):
        found += _end_dispute(tx, case, disputed, transition, lead)
    found += _end_needless(tx, case, transition, lead, is_closed=is_closed)
    if transition.to_desk:
        found += _open_dispute(tx, case, transition, lead)
    return found


def name_who_acts(tx: Connection, case: Case, unit_code: str) -> Followed:
    """Ask a unit to act until it is ruled who leads; whoever did until now is let go."""
    acting = [each for each in live(tasks_of(tx, case.row.id)) if each.kind == "interim"]
    found = end_tasks(tx, case, [each for each in acting if each.unit_code != unit_code], "withdrawn")
    is_new = all(each.unit_code != unit_code for each in acting)
    if is_new and unit_code != case.city.coordination_unit:
        found += add_tasks(tx, case, [Wanted(unit_code, "interim")])
    return found


def _end_needless(
    tx: Connection, case: Case, transition: Transition, lead: str, *, is_closed: bool
) -> Followed:
    """Tasks that have no sense any more; the lead's own share of a joint case is done by resolving it."""
    tasks = tasks_of(tx, case.row.id)
    found = Followed()
    if is_closed:
        is_done = transition.to_state == "resolved"
        shares = [each for each in live(tasks) if is_done and each.kind == "joint"]
        found += end_tasks(tx, case, shares, "done", is_closed=True)
        needless = [each for each in live(tasks) if each not in shares]
        found += end_tasks(tx, case, needless, "withdrawn", is_closed=True)
        return found
    ended = [*superseded(tasks, case.row.lead_unit, lead)] if lead != case.row.lead_unit else []
    if transition.action in _RULINGS:
        ended += [each for each in live(tasks) if each.kind == "interim" and each not in ended]
    found += end_tasks(tx, case, ended, "withdrawn")
    return found


def _open_dispute(tx: Connection, case: Case, transition: Transition, lead: str) -> Followed:
    """The desk has the case to rule on; a named unit acts meanwhile, and everybody may see which."""
    why = why_disputed(transition.action, transition.closing_code)
    barred = {lead, *accused_units(case.row.about_unit, case.city.directory)}
    past = holders(tx, case.row.id)
    barred |= {held.unit for held in past if held.unit not in case.city.directory}
    acting = who_acts(past, barred) or lead
    figures = CustodyFigures.from_plain(case.city.config.get("custody"))
    unit = figures.time_of(case.row.priority)
    due_at = case.city.router.city.calendar.add(case.now, figures.ruling_hours, unit)
    values = {
        "jurisdiction_id": case.row.jurisdiction_id, "report_id": case.row.id, "why": why, "state": "open",
        "from_unit": case.row.lead_unit, "acting_unit": acting, "opened_at": case.now, "due_at": due_at,
        "reasons": list(reasons_in_dispute(why, _given_reasons(tx, case, transition))),
    }  # fmt: skip
    tx.execute(insert(dispute).values(values))
    running = own_clock(case.city, case.row.id, DISPUTE, RULING, lead, case.now, due_at)
    tx.execute(insert(clock).values(running))
    public = {
        "actor": SYSTEM.in_public(), "why": why, "unit": case.row.lead_unit, "acting": acting,
        "due_at": due_at.isoformat(),
    }  # fmt: skip
    found = Followed([Draft("dispute.opened", public)])
    found.letters.append(
        letter("disputed", case.row.id, "reporter", acting, case.row.promise_due_at, **_said(case))
    )
    found += name_who_acts(tx, case, acting)
    found.letters.append(letter("dispute_opened", case.row.id, lead, case.row.lead_unit, due_at))
    return found


def _given_reasons(tx: Connection, case: Case, transition: Transition) -> Sequence[str]:
    """The codes on both sides: of the hand-over, and of whoever contests it."""
    if transition.action == "contest_transfer":
        handed = hand_over_now(tx, case.row.id)
        return (handed.reason if handed else "", transition.reason)
    return (transition.reason,) if transition.action == "transfer" else ()


def _end_dispute(
    tx: Connection, case: Case, disputed: Row[Any], transition: Transition, lead: str
) -> Followed:
    """Ruled by whatever hands the case on; lapsed where the case was closed without."""
    is_ruled = transition.action in _RULINGS
    values: dict[str, Any] = {"state": "ruled" if is_ruled else "lapsed", "ended_at": case.now}
    if is_ruled:
        basis = mask(case.move.reason.strip()) if transition.action == "rule" else None
        words = mask(case.move.public_text.strip()) or None
        values |= {"ruled_lead": lead, "public_words": words, "basis": basis}
    tx.execute(update(dispute).where(dispute.c.id == disputed.id).values(values))
    end_clock(tx, case.row.id, DISPUTE, RULING, case.now, is_met=is_ruled)
    told = {case.row.lead_unit, lead, case.city.coordination_unit}
    units = [disputed.from_unit, disputed.acting_unit] if is_ruled else []
    letters = [
        letter("ruled", case.row.id, unit, lead, case.row.promise_due_at, **_said(case))
        for unit in dict.fromkeys(units)
        if unit not in told
    ]
    drafts = [] if is_ruled else [Draft("dispute.lapsed", {"actor": SYSTEM.in_public()})]
    return Followed(drafts, letters)


def _said(case: Case) -> dict[str, str]:
    text = mask(case.move.public_text.strip())
    return {"text": text} if text else {}


def _named(case: Case, each: Row[Any]) -> dict[str, Any]:
    return {"number": each.number, "unit": case.city.unit_names(each.unit_code)}
