"""Knows what residents may say to a closing, and what follows from it.

The rule: the reporter's word decides. A yes makes the case confirmed; a no opens it again under the same number.
A no of a follower opens it again too, as long as the reporter has not said yes. Neighbours, who are whoever reads
the public page, are counted apart: so many different ones as the city sets open the case again together, and no
number of them confirms or closes anything. A yes of a follower is counted and shown, not more: who works for the
unit can follow its cases as well. Everybody has one word for each closing, may change it, and a second no in the
life of a case brings it under the supervision of the centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from portal.db import insert_together
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.i18n import N_, Message
from portal.masking import mask
from portal.models.voice import voice
from portal.operations.context import FOLLOWER_ROLE, NEIGHBOUR_ROLE, REPORTER_ROLE, Actor, Context
from portal.operations.move_checks import REFUSALS
from portal.operations.move_report import Case, Move, lock_case, move_report
from portal.operations.open_supervision import open_supervision
from portal.operations.record_events import Draft, record
from portal.operations.submission import clean_text, long_faults
from portal.operations.voice_links import Voter
from routing.lifecycle import CONTESTS, TRANSITIONS, available

CONFIRM, CONTEST = "confirm", "contest"
SAID = (CONFIRM, CONTEST)
VOICES = (REPORTER_ROLE, FOLLOWER_ROLE, NEIGHBOUR_ROLE)
MOST_WORDS = 1000
DISSATISFIED = "dissatisfied"
# A closing that its unit or a resident vouches for; what was declined or joined is the reporter's to contest.
ASKED_STATES = ("resolved", "confirmed", "closed")
EARLIER = N_("This was asked about an earlier closing. The case has been opened again since then.")
OPEN_NOW = N_("The case is open: there is nothing to confirm yet.")
TOO_LATE = N_("It is too late to answer this. Please file a new report if something is wrong.")


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a word: where the case stands now, and whether it was opened again by it."""

    token: str
    state: str
    closing_no: int
    is_reopened: bool


def cast_voice(
    tx: Connection,
    context: Context,
    token: str,
    voter: Voter,
    says: str,
    words: str = "",
    closing_no: int | None = None,
) -> Heard:
    """Hear what somebody says to a closing; the same word twice changes nothing.

    `closing_no` is the closing that a link asked about. Raises NotFound, Forbidden for whom the case is none of
    their business, Conflict where that closing is over, InvalidInput for what is no answer.
    """
    case = lock_case(tx, context, token, Actor(voter.role), Move(says, reason=clean_text(words)))
    if says not in SAID:
        raise NotFound(Message(N_("There is no such answer.")))
    if faults := long_faults(MOST_WORDS, reason=case.move.reason):
        raise InvalidInput(faults)
    asked = case.row.closing_count if closing_no is None else closing_no
    earlier = _earlier(tx, case.row.id, asked, voter)
    if earlier == says and _still_stands(case.row, asked, says):
        return Heard(case.row.token, case.row.state, asked, is_reopened=False)
    _require_right(case, voter.role, says, asked)
    _keep(tx, case, voter, says, earlier is not None)
    action = _move_for(tx, case, voter.role, says)
    if not action:
        return _count_only(tx, case, says)
    move = Move(action, reason=case.move.reason, public_text=case.move.reason)
    moved = move_report(tx, context, token, case.actor, move)
    if action in CONTESTS:
        _ask_centre(tx, context, token)
    return Heard(moved.token, moved.state, asked, is_reopened=action in CONTESTS)


def voter_may(state: str, role: str) -> tuple[str, ...]:
    """What somebody of this role may say to a case in this state, for buttons too.

    Of a case that silence has closed, a late yes is still heard; it stays closed.
    """
    if role == REPORTER_ROLE:
        late = (CONFIRM,) if state == "closed" else ()
        return (*late, *(each for each in available(state, role, role) if each in SAID))
    return SAID if role in (FOLLOWER_ROLE, NEIGHBOUR_ROLE) and state in ASKED_STATES else ()


def _earlier(tx: Connection, case_id: int, closing_no: int, voter: Voter) -> str | None:
    """What this person said to this closing before."""
    mine = (voice.c.report_id == case_id) & (voice.c.closing_no == closing_no)
    return tx.scalar(select(voice.c.says).where(mine, voice.c.voter_key == voter.key))


def _still_stands(row: Row[Any], closing_no: int, says: str) -> bool:
    """Whether an earlier word needs no second hearing: it was about this closing, and nothing undid it."""
    return bool(row.closing_count == closing_no and (says == CONTEST or row.closed_at is not None))


def _require_right(case: Case, role: str, says: str, closing_no: int) -> None:
    row = case.row
    if closing_no != row.closing_count:
        raise Conflict(Message(EARLIER))
    if role not in VOICES or (row.is_private and role == NEIGHBOUR_ROLE):
        raise Forbidden(Message(N_("Only the person who filed this report may do that.")))
    if says not in voter_may(row.state, role):
        raise Conflict(Message(OPEN_NOW if row.closed_at is None else REFUSALS["move.wrong_state"]))
    ends = row.closed_at + timedelta(days=case.city.closing.voice_days)
    if role != REPORTER_ROLE and case.now > ends:
        raise Conflict(Message(TOO_LATE))


def _keep(tx: Connection, case: Case, voter: Voter, says: str, is_changed: bool) -> None:
    key = {"report_id": case.row.id, "closing_no": case.row.closing_count, "voter_key": voter.key}
    if is_changed:
        mine = [voice.c[name] == value for name, value in key.items()]
        tx.execute(update(voice).where(*mine).values(says=says, at=case.now))
        return
    row = {"jurisdiction_id": case.row.jurisdiction_id, "role": voter.role, "says": says, "at": case.now}
    insert_together(tx, [(voice, [key | row])])


def _move_for(tx: Connection, case: Case, role: str, says: str) -> str:
    """The move that a word leads to; empty where it is only counted."""
    if role == REPORTER_ROLE:
        return "" if case.row.state == "closed" and says == CONFIRM else says
    by_others = TRANSITIONS["contest_by_others"]
    if says == CONFIRM or case.row.state not in by_others.from_states:
        return ""
    if role == NEIGHBOUR_ROLE and _contesting(tx, case) < case.city.closing.neighbours_to_reopen:
        return ""
    return by_others.action


def _contesting(tx: Connection, case: Case) -> int:
    """How many neighbours contest this closing, the present one included."""
    this = (voice.c.report_id == case.row.id) & (voice.c.closing_no == case.row.closing_count)
    theirs = this & (voice.c.role == NEIGHBOUR_ROLE) & (voice.c.says == CONTEST)
    return int(tx.scalar(select(func.count()).select_from(voice).where(theirs)) or 0)


def _count_only(tx: Connection, case: Case, says: str) -> Heard:
    """A word that moves nothing stands in the history all the same."""
    words = case.move.reason
    public = {"actor": case.actor.in_public(), "says": says, "closing_no": case.row.closing_count}
    if words:
        public["text"] = "" if case.row.is_private else mask(words)
    record(tx, case.head, [Draft("voice.given", public, {"text": words} if words else {})])
    return Heard(case.row.token, case.row.state, case.row.closing_count, is_reopened=False)


def _ask_centre(tx: Connection, context: Context, token: str) -> None:
    """Dissatisfied once: it is done again. Dissatisfied again: the centre supervises how."""
    case = lock_case(tx, context, token, Actor("system"), Move("supervise"))
    if case.row.reopen_count >= case.city.closing.contests_to_supervision:
        open_supervision(tx, case.city, case.row, DISSATISFIED)
