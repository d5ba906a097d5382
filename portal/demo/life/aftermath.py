"""Knows what follows when a unit has closed a case: a yes, a no, a rating, silence, and the centre's finding."""

from __future__ import annotations

from datetime import timedelta

from portal.demo.life.stage import DESK, Case, Stage, Step
from portal.demo.life.tempers import temper_of
from portal.operations.cast_voice import CONFIRM, CONTEST, cast_voice
from portal.operations.close_silent import close_silent
from portal.operations.context import NEIGHBOUR_ROLE, REPORTER_ROLE, Actor
from portal.operations.erase_personal import erase_case, erase_closed
from portal.operations.open_supervision import open_supervision_id
from portal.operations.rate_closing import Rating, rate_closing
from portal.operations.supervise import close_supervision
from portal.operations.voice_links import Voter, voter_of
from portal.pack.privacy import PrivacyFigures

CONFIRMED, RATED, CONTENT = 0.2, 0.55, 0.03
FINDINGS = ("put_right", "put_right", "delay_justified", "unit_at_fault", "other_unit_needed")


def after_closing(stage: Stage, case: Case, again: Step) -> None:
    """Put down what residents and the centre will say; `again` is how the unit starts over."""
    find(stage, case)
    kept = timedelta(days=PrivacyFigures.of(stage.city.config.get("privacy")).contact_days)
    stage.later(case, forget, stage.now + kept + timedelta(minutes=stage.between(0, 60)))
    if case.row.state != "resolved":
        return
    closed_at, care = stage.now, temper_of(case.row.closing_unit or case.lead).care
    is_bad = stage.may_turn((1 - care) * (1.6 if case.row.closing_code == "not_found" else 1.0) * 0.75)
    heard = closed_at + timedelta(hours=float(min(stage.chance.lognormal(2.2, 1.2), 160)))
    if is_bad:
        stage.later(case, contest, heard, again)
    elif stage.maybe(CONFIRMED):
        stage.later(case, confirm, heard)
    elif stage.may_turn(CONTENT):
        stage.later(case, speak_by, heard, 0, CONFIRM)
    silent = closed_at + timedelta(days=stage.city.closing.silent_days, minutes=stage.between(0, 15))
    stage.later(case, fall_silent, silent, again)


def forget(stage: Stage, case: Case) -> None:
    """The contact is forgotten when the city says so."""
    if not case.is_open:
        kept = timedelta(days=PrivacyFigures.of(stage.city.config.get("privacy")).contact_days)
        erase_closed(stage.tx, stage.context, stage.now - kept, "contact", only=[case.id])


def find(stage: Stage, case: Case) -> None:
    """A case that the centre supervises and that has ended gets its finding."""
    if open_supervision_id(stage.tx, case.id) is not None:
        stage.later(case, conclude, stage.after(case, stage.between(2, 16)))


def conclude(stage: Stage, case: Case) -> None:
    """The centre says what it found."""
    finding, words = stage.one_of(FINDINGS), stage.say("finding", case)
    if open_supervision_id(stage.tx, case.id) is not None and not case.is_open:
        stage.do(close_supervision, case.token, DESK, finding, words)


def reporter_of(stage: Stage, case: Case) -> Voter:
    """The reporter as a voter."""
    return voter_of(stage.context.keyring, case.token, REPORTER_ROLE)


def confirm(stage: Stage, case: Case) -> None:
    """The reporter says yes, and half of those say how good it was."""
    if case.row.state != "resolved":
        return
    me = reporter_of(stage, case)
    said = stage.do(cast_voice, case.token, me, CONFIRM)
    if said is not None and stage.maybe(RATED):
        late = (case.row.closed_at > case.due_at) if case.row.closed_at else False
        rate(stage, case, me, 3.4 if late else 4.4)


def rate(stage: Stage, case: Case, voter: Voter, middle: float) -> None:
    """Speed, result and manner around a middle, some with a word."""
    scores = {
        aspect: int(min(5, max(1, round(stage.chance.normal(middle, 0.8)))))
        for aspect in ("speed", "result", "manner")
    }
    words = stage.say("thanks" if middle > 3.2 else "rating_low", case) if stage.maybe(0.35) else ""
    stage.do(rate_closing, case.token, voter, Rating(scores, words))


def contest(stage: Stage, case: Case, again: Step) -> None:
    """The reporter says no, and it is done again; sometimes neighbours say it together."""
    if case.row.state not in ("resolved", "closed") or case.row.reopen_count >= 3:
        return
    if not case.row.is_private and stage.maybe(0.08):
        for number in range(1, stage.city.closing.neighbours_to_reopen + 1):
            speak_by(stage, case, number, CONTEST)
    else:
        words, me = stage.say("contest_closing", case), reporter_of(stage, case)
        if stage.maybe(0.3):
            rate(stage, case, me, 2.0)
        stage.do(cast_voice, case.token, me, CONTEST, words)
    stage.look(case)
    if case.is_open:
        again(stage, case)


def speak_by(stage: Stage, case: Case, number: int, says: str) -> None:
    """A neighbour has a word."""
    if case.row.is_private or case.is_open:
        return
    neighbour = voter_of(stage.context.keyring, case.token, NEIGHBOUR_ROLE, f"n{number}")
    stage.do(cast_voice, case.token, neighbour, says)


def fall_silent(stage: Stage, case: Case, again: Step) -> None:
    """Nobody said anything: closed as unverified. A few are opened again by their unit, a few forgotten on request."""
    if case.row.state != "resolved":
        return
    close_silent(stage.tx, only=[case.id])
    stage.look(case)
    if stage.may_turn(0.002):
        stage.later(case, look_again, stage.after(case, stage.between(4, 40)), again)
    elif stage.may_turn(0.0015):
        stage.later(case, forget_all, stage.now + timedelta(days=3))


def forget_all(stage: Stage, case: Case) -> None:
    """The reporter asked to be forgotten, words and place too."""
    stage.do(erase_case, case.token, Actor(REPORTER_ROLE), "asked")


def look_again(stage: Stage, case: Case, again: Step) -> None:
    """The head of the unit is not content with its own work."""
    head = Actor("unit_head", case.lead)
    if not case.is_open and stage.move(case, head, "reopen", reason=stage.say("why", case)):
        stage.look(case)
        again(stage, case)
