"""Knows the turns that a case may take before it ends: handed on, disputed, asked for help, waiting, extended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from portal.demo.life.stage import DESK, Case, Stage, Step
from portal.demo.life.tempers import quarrel_of
from portal.demo.life.with_others import (
    WORKING,
    ask_help,
    borrow,
    give,
    hand_to_community,
    send_out,
    write_contractor,
)
from portal.models.report import contact
from portal.operations.answer_question import answer_question
from portal.operations.context import Actor
from portal.operations.extend_promise import GRANT, REFUSE, Answer, answer_extension, ask_extension
from portal.operations.follow_report import follow_report
from portal.operations.move_report import Move
from portal.operations.object_to_route import Objection, object_to_route
from portal.operations.propose_from_ruling import propose_from_ruling
from portal.operations.relay_words import reply_to_unit, write_to_resident
from portal.operations.rule_disputes import Ruling, contest_transfer, name_acting, rule_dispute
from portal.operations.rule_objection import keep_unit
from portal.operations.supervise import mark_serious, supervise_case
from portal.operations.view_contact import view_contact

WAITS = (
    "awaiting_parts",
    "awaiting_access",
    "awaiting_permit",
    "awaiting_reporter",
    "weather",
    "awaiting_other_unit",
)
# Who is thought to have what a department gives back, by its service's group.
OTHERS = {"roads": "lines", "lighting": "parks", "water": "drains", "traffic": "traffic-police", "clean": "sanitation",
          "green": "parks", "order": "order", "environment": "environment", "safety": "housing"}  # fmt: skip


def before_work(stage: Stage, case: Case, question: str | None, accept: Step) -> bool:
    """What happens to some cases before anybody has signed for them; whether the unit will hand it on instead."""
    if question and stage.may_turn(0.6):
        stage.later(case, answer_border, stage.now + timedelta(minutes=stage.between(3, 240)))
    elif case.row.is_ambiguous and stage.may_turn(0.3):
        stage.later(case, assign, stage.after(case, stage.between(0.1, 0.5)))
    if stage.may_turn(0.004):
        stage.later(case, object_, stage.now + timedelta(hours=stage.between(0.2, 20)))
    if stage.may_turn(0.035) and not case.row.is_private:
        for number in range(1 + int(stage.chance.geometric(0.5))):
            at = stage.now + timedelta(hours=float(stage.chance.exponential(20)))
            stage.later(case, follow, at, number)
    if case.row.priority in ("emergency", "high") and stage.may_turn(0.01):
        stage.later(case, serious, stage.after(case, stage.between(0.1, 0.4)))
    is_handed = stage.maybe(handed_share(stage, case))
    if is_handed:
        stage.later(case, transfer, stage.after(case, stage.between(0.2, 1.6)), accept)
    return is_handed


def while_working(stage: Stage, case: Case, start: datetime, end: datetime, accept: Step) -> None:
    """What happens to some cases after the unit has signed, between two instants."""

    def between(low: float, high: float) -> datetime:
        return stage.at_work(case, start + (end - start) * stage.between(low, high))

    turns: tuple[tuple[float, Step, float, float], ...] = (
        (0.055, wait, 0.1, 0.4), (0.16, send_out, 0.0, 0.2), (0.03, ask_help, 0.0, 0.3), (0.004, borrow, 0.0, 0.3),
        (0.05, look_up, 0.0, 0.5), (0.03, ask_resident, 0.0, 0.4), (0.05, note, 0.0, 0.8),
        (0.05, write_contractor, 0.0, 0.2),
        (0.14 if case.lead.startswith("street-") else 0.0, hand_to_community, 0.0, 0.2),
        (0.4 if case.plan > 0.8 else 0.01, lengthen, 0.3, 0.6), (0.003, by_hand, 0.4, 0.8),
        (0.002, give_time, 0.2, 0.7),
    )  # fmt: skip
    if stage.may_turn(0.35 * len(stage.crowd.people.get(case.lead, ()))):
        stage.later(case, give, between(0.0, 0.1))
    for share, step, low, high in turns:
        if stage.may_turn(share):
            more = (accept,) if step is hand_to_community else ()
            stage.later(case, step, between(low, high), *more)


def handed_share(stage: Stage, case: Case) -> float:
    """How likely the unit says that it is not its own: more often near a bad pin, and between two who quarrel."""
    if case.row.kind != "report":
        return 0.0
    if case.lead in quarrel_of(stage.crowd.streets):
        return 0.16
    return 0.3 if case.event.is_bad_pin else 0.025


def answer_border(stage: Stage, case: Case) -> None:
    """The resident answers the question that settles a border."""
    code = case.row.question_code
    service = stage.city.services[case.event.service_code]
    asked = next((one for one in service.questions if one.code == code), None)
    if asked is None or not case.is_open:
        return
    keys = [value["key"] for value in asked.values if value["key"] not in asked.stop]
    answers = {str(code): (stage.one_of(keys),)}
    stage.do(answer_question, case.token, answers)


def assign(stage: Stage, case: Case) -> None:
    """The desk confirms by hand who has a case on a border."""
    others = [unit for unit in case.row.assist_units if unit != case.lead]
    if case.row.state == "routed" and others:
        stage.move(case, DESK, "assign", to_unit=others[0], reason=stage.say("rule_basis", case))


def transfer(stage: Stage, case: Case, accept: Step) -> None:
    """Handed on to a neighbour or another department, who takes it, or does not."""
    to, occasion = receiver_of(stage, case)
    if not to or case.row.state != "routed" or not case.is_open:
        accept(stage, case)
        return
    actor, is_quarrel = Actor("handler", case.lead), {case.lead, to} == set(quarrel_of(stage.crowd.streets))
    if not stage.move(case, actor, "transfer", to_unit=to, reason=occasion):
        accept(stage, case)
        return
    stage.look(case)
    hours = stage.between(0.2, 2.5)
    if stage.maybe(0.6 if is_quarrel else 0.08):
        stage.later(case, contest, stage.after(case, hours), accept)
    else:
        stage.later(case, accept, stage.after(case, hours))


def receiver_of(stage: Stage, case: Case) -> tuple[str, str]:
    """Whom a unit hands a case to, and why; nobody where it has no idea."""
    quarrel = quarrel_of(stage.crowd.streets)
    if case.lead in quarrel:
        return next(unit for unit in quarrel if unit != case.lead), "not_our_area"
    if case.lead in stage.crowd.streets:
        near = [
            unit for unit in sorted(stage.crowd.streets) if unit[:-2] == case.lead[:-2] and unit != case.lead
        ]
        return (stage.one_of(near), "not_our_area") if near else ("", "")
    service = stage.city.services[case.event.service_code]
    other = OTHERS.get(service.group, "")
    return (other, "not_our_service") if other not in ("", case.lead) else ("", "")


def contest(stage: Stage, case: Case, accept: Step) -> None:
    """The receiver brings the hand-over before the desk, which rules."""
    actor = Actor("handler", case.lead)
    move = Move("contest_transfer", reason="not_our_area", public_text=stage.say("contest", case))
    done = stage.do(contest_transfer, case.token, actor, move)
    if done is None:
        stage.later(case, accept, stage.after(case, stage.between(0.2, 2)))
        return
    if stage.maybe(0.2):
        stage.later(case, let_act, stage.after(case, stage.between(0.1, 0.5)))
    stage.later(case, rule, stage.after(case, stage.between(0.8, 5.5)), accept)


def let_act(stage: Stage, case: Case) -> None:
    """The desk names another unit that acts until it is ruled."""
    move = Move("name_acting", to_unit=stage.one_of(sorted(stage.crowd.streets)))
    stage.do(name_acting, case.token, DESK, move)


def rule(stage: Stage, case: Case, accept: Step) -> None:
    """The desk rules; some rulings become a proposed rule."""
    if not case.is_open:
        return
    lead, _ = receiver_of(stage, case)
    first = str(case.row.public_receipt["lead"]) if stage.maybe(0.65) else ""
    to = first or lead or stage.one_of(quarrel_of(stage.crowd.streets))
    helpers = (stage.one_of(sorted(stage.crowd.streets)),) if stage.maybe(0.25) else ()
    ruling = Ruling(to, helpers, stage.say("rule_words", case), stage.say("rule_basis", case))
    done = stage.do(rule_dispute, case.token, DESK, ruling)
    if done is None:
        return
    if stage.maybe(0.2):
        stage.do(propose_from_ruling, case.token, DESK)
    stage.look(case)
    stage.later(case, accept, stage.after(case, stage.between(0.2, 2.5)))


def wait(stage: Stage, case: Case) -> None:
    """The head of the unit lets its clock stand still for a while."""
    reasons: Any = WAITS
    if case.row.state not in WORKING:
        return
    if stage.move(case, Actor("unit_head", case.lead), "wait", reason=stage.one_of(reasons)):
        stage.later(case, resume, stage.after(case, stage.between(3, 18)))


def resume(stage: Stage, case: Case) -> None:
    """It goes on."""
    if case.row.state == "waiting":
        stage.move(case, Actor("handler", case.lead), "resume")


def lengthen(stage: Stage, case: Case) -> None:
    """The unit sees that it will be late and applies for more time."""
    if not case.is_open or case.due_at <= stage.now:
        return
    wished = case.due_at + timedelta(days=int(stage.chance.integers(3, 12)))
    actor, why = Actor("handler", case.lead), stage.say("extend", case)
    if stage.do(ask_extension, case.token, actor, wished, why):
        stage.later(case, answer_wish, stage.after(case, stage.between(1, 9)), wished)


def give_time(stage: Stage, case: Case) -> None:
    """The desk grants more time of its own accord."""
    if case.is_open:
        until = max(case.due_at, stage.now) + timedelta(days=int(stage.chance.integers(2, 9)))
        stage.move(case, DESK, "extend", until=until, reason=stage.say("extend", case))


def answer_wish(stage: Stage, case: Case, wished: datetime) -> None:
    """Whoever stands above grants, grants less, or refuses."""
    if not case.is_open:
        return
    roll, answer = stage.chance.random(), Answer(GRANT)
    if roll < 0.2:
        answer = Answer(REFUSE, None, stage.say("extend_no", case))
    elif roll < 0.4:
        answer = Answer(GRANT, wished - timedelta(days=1), stage.say("extend_less", case))
    directory = stage.city.directory
    above = directory.supervisor_of(case.lead) if case.lead in directory else None
    actor = Actor("unit_head", above) if above and above != stage.city.coordination_unit else DESK
    stage.do(answer_extension, case.token, actor, answer)


def follow(stage: Stage, case: Case, number: int) -> None:
    """A neighbour says "me too"."""
    who, address = f"follower {case.event.number} {number}", f"203.0.113.{number}"
    if case.is_open:
        stage.do(follow_report, case.token, who, address, "", "zh_Hans")


def object_(stage: Stage, case: Case) -> None:
    """Somebody thinks that it went to the wrong unit."""
    words = Objection(stage.say("objection", case), "203.0.113.9", is_reporter=bool(case.row.is_private))
    if stage.do(object_to_route, case.token, words):
        stage.later(case, rule_objection, stage.after(case, stage.between(0.2, 3)))


def rule_objection(stage: Stage, case: Case) -> None:
    """The desk looks: mostly it stays, and the reason is written down; else another unit gets it."""
    if not case.is_open:
        return
    if stage.maybe(0.75):
        stage.do(keep_unit, case.token, DESK, stage.say("keep_unit", case))
    elif case.row.state == "routed":
        assign(stage, case)


def serious(stage: Stage, case: Case) -> None:
    """The desk marks a serious incident."""
    if case.is_open:
        stage.do(mark_serious, case.token, DESK, "serious_incident")


def by_hand(stage: Stage, case: Case) -> None:
    """The desk takes a case under supervision before any clock does."""
    words, until = stage.say("supervise", case), stage.now + timedelta(days=3)
    if case.is_open:
        stage.do(supervise_case, case.token, DESK, words, until)


def look_up(stage: Stage, case: Case) -> None:
    """Somebody of the unit opens the contact to call the resident."""
    has_contact = stage.tx.scalar(select(contact.c.report_id).where(contact.c.report_id == case.id))
    if has_contact and case.row.state in WORKING:
        actor, why = Actor("handler", case.lead), stage.say("view", case)
        stage.do(view_contact, case.token, actor, "ask_back", why)


def ask_resident(stage: Stage, case: Case) -> None:
    """The unit writes to the resident, who answers or does not; neither sees the other's address."""
    actor = Actor("handler", case.lead)
    if case.row.state not in WORKING:
        return
    if stage.do(write_to_resident, case.token, actor, stage.say("ask", case)) and stage.maybe(0.7):
        stage.later(case, reply, stage.now + timedelta(hours=stage.between(0.1, 12)))


def reply(stage: Stage, case: Case) -> None:
    """The resident's answer."""
    if case.is_open:
        stage.do(reply_to_unit, case.token, stage.say("reply", case))


def note(stage: Stage, case: Case) -> None:
    """A note for the desk."""
    stage.move(case, Actor("handler", case.lead), "note", note=stage.say("note", case))
