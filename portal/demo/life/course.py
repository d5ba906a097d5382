"""Knows the usual course of a case: filed, signed for, worked on and ended, quicker or slower as its unit is."""

from __future__ import annotations

from datetime import timedelta

from portal.demo.life.aftermath import after_closing
from portal.demo.life.endings import ending, ending_of
from portal.demo.life.events import Event
from portal.demo.life.filing import submission_of
from portal.demo.life.stage import Case, Stage
from portal.demo.life.turns import before_work, rule, while_working
from portal.demo.life.with_others import be_asked, let_go
from portal.operations.case_plan import tick_plan_step
from portal.operations.context import Actor
from portal.operations.submit_report import submit_report
from portal.queries.case_parts import case_parts
from portal.queries.case_plan import PlanPart

# Shares of all: repeats that are joined with the first, cases that lie forgotten, first answers given.
JOINED, FORGOTTEN, ANSWERED = 0.72, 0.008, 0.95


def file_report(stage: Stage, event: Event, first: Case | None, about: Case | None) -> Case | None:
    """File one report and put down what follows; None where it was filed before."""
    submission = submission_of(stage, event, about)
    filed = stage.do(submit_report, submission)
    if filed is None or filed.is_repeat:
        return None
    case = stage.enter(event, filed.token)
    temper = stage.temper(case)
    case.plan = float(temper.pace * stage.chance.lognormal(0, temper.spread))
    if first is not None and first.lead == case.lead and stage.maybe(JOINED):
        stage.later(case, join, stage.after(case, stage.between(0.1, 5)), first)
        return case
    be_asked(stage, case)
    if before_work(stage, case, filed.question_code, accept):
        return case
    hours = float(stage.chance.lognormal(0, 0.9)) * temper.accept_hours
    is_urgent = case.row.priority == "emergency"
    stage.later(case, accept, stage.after(case, min(hours, 0.4) if is_urgent else hours))
    return case


def join(stage: Stage, case: Case, first: Case) -> None:
    """The unit joins a repeat with the first report, if nobody has begun."""
    if case.row.state != "routed" or case.lead != first.lead:
        return accept(stage, case)
    actor = Actor("handler", case.lead)
    if not stage.move(case, actor, "mark_duplicate", duplicate_of=first.token):
        return accept(stage, case)
    stage.look(first)
    if stage.maybe(0.02):  # the reporter says that it is another matter
        stage.later(case, part, stage.now + timedelta(hours=stage.between(2, 30)))
    return None


def part(stage: Stage, case: Case) -> None:
    """A report leaves the incident that it was joined with, and goes its own way."""
    if stage.move(case, Actor("reporter"), "unmerge"):
        stage.later(case, accept, stage.after(case, stage.between(0.5, 4)))


def accept(stage: Stage, case: Case) -> None:
    """The unit signs for the case."""
    if case.row.state != "routed" or not case.is_open:
        return
    if stage.maybe(FORGOTTEN):  # nobody looks at it for weeks
        stage.later(case, accept, stage.now + timedelta(days=stage.between(12, 90)))
        return
    if not stage.move(case, Actor("handler", case.lead), "accept"):
        return
    temper, hours = stage.temper(case), max((case.target_at - stage.now).total_seconds() / 3600, 2)
    start = stage.at_work(case, stage.now + timedelta(hours=hours * case.plan * stage.between(0.05, 0.4)))
    stage.later(case, start_work, start)
    if stage.maybe(ANSWERED):
        is_urgent = case.row.priority in ("emergency", "high")
        stage.later(case, tell, stage.after(case, stage.between(0.1, 0.7 if is_urgent else 4)), "accept")
    if stage.maybe(temper.words):
        half_way = stage.at_work(case, stage.now + timedelta(hours=hours * case.plan * 0.5))
        stage.later(case, tell, half_way, "update")
    wanted = case.row.opened_at + (case.target_at - case.row.opened_at) * case.plan
    end = stage.at_work(case, max(wanted, start))
    while_working(stage, case, start, end, accept)
    stage.later(case, finish, max(end, start + timedelta(minutes=stage.between(10, 90))))


def start_work(stage: Stage, case: Case) -> None:
    """Somebody begins."""
    if case.row.state == "accepted" and stage.move(case, Actor("handler", case.lead), "start"):
        follow_plan(stage, case)


def follow_plan(stage: Stage, case: Case) -> None:
    """The steps of the plan that its rule opened are done one after another."""
    at = stage.now
    for plan in case_parts(stage.tx, case.id, {"plan": PlanPart()})["plan"]:
        for step in plan["steps"]:
            at += timedelta(minutes=stage.between(10, 50))
            stage.later(case, tick, at, step["position"])


def tick(stage: Stage, case: Case, position: int) -> None:
    """One step of the plan is done."""
    if case.is_open:
        stage.do(tick_plan_step, case.token, Actor("handler", case.lead), position)


def tell(stage: Stage, case: Case, occasion: str) -> None:
    """The unit says publicly that it comes, or how it goes."""
    if case.is_open:
        stage.move(case, Actor("handler", case.lead), "update", public_text=stage.say(occasion, case))


def finish(stage: Stage, case: Case) -> None:
    """The unit says how it ended; what is still asked of others or waits is put off for a while."""
    if case.row.state == "routed":  # it was handed on meanwhile, and the new unit has not signed yet
        return
    if not case.is_open:
        return
    if case.row.state == "waiting":
        stage.later(case, finish, stage.now + timedelta(days=stage.between(1, 3)))
        return
    code = ending_of(stage, case)
    if code == "declined" and stage.maybe(0.5):
        refuse(stage, case)
        return
    words = ending(stage, case, code)
    if not stage.move(case, closer(stage, case), "resolve", **words):
        let_go(stage, case)  # a part of it is not done yet
        stage.later(case, finish, stage.after(case, stage.between(1, 6)))
        return
    stage.look(case)
    if case.proofs:
        stage.work_off(case)
    if case.is_open:
        follow_open(stage, case, code)
    else:
        after_closing(stage, case, finish_again)
        if code == "partly_fixed":
            stage.later(case, finish_rest, words["until"] + timedelta(hours=stage.between(0.5, 3)))


def finish_rest(stage: Stage, case: Case) -> None:
    """The date for the rest has come, and the case with it."""
    if case.is_open and case.row.state == "accepted":
        finish_again(stage, case)


def refuse(stage: Stage, case: Case) -> None:
    """The head of the unit says that it is nothing the city deals with, and by which rule."""
    head, rule_ = Actor("unit_head", case.lead), stage.say("declined", case)
    if stage.move(case, head, "reject", reason="by rule", public_text=rule_):
        stage.look(case)
        after_closing(stage, case, finish_again)


def follow_open(stage: Stage, case: Case, code: str) -> None:
    """A plan keeps a case open until its date; one that is nobody's goes to the desk, which names somebody."""
    if code == "planned":
        case.plan = 0.0
        stage.later(case, finish, stage.now + timedelta(days=stage.between(8, 40)))
    else:
        stage.later(case, name_unit, stage.after(case, stage.between(0.5, 5)))


def name_unit(stage: Stage, case: Case) -> None:
    """The coordination desk rules who has a case that its unit gave back."""
    rule(stage, case, accept)


def closer(stage: Stage, case: Case) -> Actor:
    """Who writes the ending: mostly whoever did the work."""
    return Actor("unit_head" if stage.maybe(0.08) else "handler", case.lead)


def finish_again(stage: Stage, case: Case) -> None:
    """A case that was opened again is done again, sooner than the first time."""
    stage.later(case, tell, stage.after(case, stage.between(0.2, 3)), "accept")
    stage.later(case, start_work, stage.after(case, stage.between(0.5, 5)))
    stage.later(case, finish, stage.after(case, stage.between(3, 18)))
