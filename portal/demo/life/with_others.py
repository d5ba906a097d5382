"""Knows how a unit works with others on a case: crews, loans, tasks, communities, contractors without an account."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from portal.demo.life.stage import DESK, Case, Stage, Step
from portal.models.crews import contractor_question, crew_job
from portal.models.custody import task
from portal.operations.context import Actor
from portal.operations.contractor_links import (
    answer_contractor,
    ask_unit,
    issue_link,
    note_use,
    open_link,
    revoke_link,
    send_link,
)
from portal.operations.hand_within import Handing, communities_below, hand_down, hand_up
from portal.operations.keep_tasks import Wanted
from portal.operations.lend_crew import Asked, answer_loan, ask_for_crew, return_crew
from portal.operations.move_tasks import TaskMove, ask_units, move_task, swap_lead
from portal.operations.send_crew import Sent, crew_step, send_crew
from routing.tasks import HOLDING_KINDS, HOLDING_STATES

SAID_WITH = {
    "task_done": "task_done",
    "task_refuse": "task_no",
    "task_withdraw": "task_back",
    "task_rate": "thanks",
}
WORKING = ("accepted", "in_progress")


def send_out(stage: Stage, case: Case) -> None:
    """A crew of the unit is sent; it signs, begins, and the case ends its job."""
    crews = stage.crowd.crews.get(case.lead, ())
    if not crews or case.row.state not in WORKING:
        return
    sent, actor = Sent(stage.one_of(crews)), Actor("handler", case.lead)
    stage.do(send_crew, case.token, actor, sent)
    if stage.maybe(0.5):
        stage.later(case, step_on, stage.after(case, stage.between(0.1, 0.5)), "accept")
        stage.later(case, step_on, stage.after(case, stage.between(0.6, 1.5)), "start")


def give(stage: Stage, case: Case) -> None:
    """The unit's handler takes the case on, or the head gives it to them, or takes it: one begins at once."""
    people = stage.crowd.people.get(case.lead, ())
    if not people or case.row.state not in ("routed", *WORKING):
        return
    giver, taker = stage.one_of(people), stage.one_of(people)
    to = taker if giver is not people[0] else giver
    stage.do(send_crew, case.token, giver, Sent(account_id=to.account_id))


def step_on(stage: Stage, case: Case, step: str) -> None:
    """The crew takes its job one step on, by an account of the desk that enters it."""
    is_open = (crew_job.c.report_id == case.id) & crew_job.c.ended_at.is_(None)
    job = stage.tx.scalar(select(crew_job.c.id).where(is_open, crew_job.c.crew_code.is_not(None)).limit(1))
    if job is None or stage.crowd.desk_account is None or not case.is_open:
        return
    actor = Actor("dispatcher", "", stage.crowd.desk_account)
    stage.do(crew_step, actor, job, step)


def borrow(stage: Stage, case: Case) -> None:
    """The head asks another unit for a crew, which comes or does not."""
    others = [unit for unit in sorted(stage.crowd.crews) if unit != case.lead]
    if not others or case.row.state not in WORKING:
        return
    owner = stage.one_of(others)
    asked = Asked(stage.one_of(stage.crowd.crews[owner]), stage.say("crew", case))
    head = Actor("unit_head", case.lead)
    loan = stage.do(ask_for_crew, case.token, head, asked)
    if loan is not None:
        stage.later(case, lend, stage.after(case, stage.between(0.1, 0.9)), loan, owner)


def lend(stage: Stage, case: Case, loan: int, owner: str) -> None:
    """The owner answers; a crew that was lent begins and goes home again."""
    is_granted = stage.maybe(0.75)
    words = "" if is_granted else stage.say("crew_no", case)
    owner_head = Actor("unit_head", owner)

    answered = stage.do(answer_loan, loan, owner_head, is_granted=is_granted, words=words)
    if answered is None or not is_granted:
        return
    stage.later(case, step_on, stage.now + timedelta(minutes=10), "accept")
    stage.later(case, step_on, stage.now + timedelta(minutes=45), "start")
    home = stage.now + timedelta(hours=stage.between(1.5, 3))
    stage.later(case, send_home, home, loan, owner_head)


def send_home(stage: Stage, case: Case, loan: int, owner: Actor) -> None:
    """The crew is back."""
    stage.do(return_crew, loan, owner)


def ask_help(stage: Stage, case: Case) -> None:
    """Another unit is asked for its part; rarely the case is split, or the helper takes over."""
    units = [unit for unit in ("traffic-police", "lines", "order", "drains", "roads") if unit != case.lead]
    if case.row.state not in WORKING:
        return
    actor, helper = Actor("handler", case.lead), stage.one_of(units)
    wanted = [Wanted(helper, title=stage.say("help", case))]
    action = "ask"
    if stage.maybe(0.15):
        action = "split"
        wanted = [
            Wanted(helper, title=stage.say("part_one", case)),
            Wanted(case.lead, title=stage.say("part_two", case)),
        ]
    if stage.do(ask_units, case.token, actor, action, wanted) is not None:
        be_asked(stage, case)


def be_asked(stage: Stage, case: Case) -> None:
    """Whoever was asked for a part will answer; the lead's own share of a joint case is its ending."""
    of_case = (task.c.report_id == case.id) & (task.c.state == "open")
    for row in stage.tx.execute(select(task.c.number, task.c.unit_code, task.c.kind).where(of_case)).all():
        if row.kind != "joint" or row.unit_code != case.lead:
            at = stage.after(case, float(stage.chance.lognormal(0.3, 0.9)))
            stage.later(case, take_part, at, row.number, row.unit_code)


def take_part(stage: Stage, case: Case, number: int, unit: str) -> None:
    """The helper says yes and does it, or says no."""
    actor, roll = Actor("handler", unit), stage.chance.random()
    state = stage.tx.scalar(select(task.c.state).where(task.c.report_id == case.id, task.c.number == number))
    if state != "open":
        return
    if not case.is_open or not step_task(
        stage, case, number, actor, "task_refuse" if roll < 0.03 else "task_accept"
    ):
        return
    if roll < 0.03:
        stage.later(case, take_back, stage.after(case, 1), number)
    elif roll < 0.12:
        step_task(stage, case, number, Actor("handler", case.lead), "propose_swap")
        stage.later(case, swap, stage.after(case, stage.between(0.3, 2)), number, unit)
    else:
        stage.later(case, done, stage.after(case, stage.between(0.5, 5)), number, unit)


def let_go(stage: Stage, case: Case) -> None:
    """The lead goes on without the parts that hold the case up."""
    holding = task.c.kind.in_(HOLDING_KINDS) & task.c.state.in_(HOLDING_STATES)
    for number in stage.tx.scalars(select(task.c.number).where(task.c.report_id == case.id, holding)).all():
        take_back(stage, case, number)


def take_back(stage: Stage, case: Case, number: int) -> None:
    """The lead does without the help that was refused."""
    step_task(stage, case, number, Actor("handler", case.lead), "task_withdraw")


def done(stage: Stage, case: Case, number: int, unit: str) -> None:
    """The part is done, and the lead says how it was done."""
    if (
        case.is_open
        and step_task(stage, case, number, Actor("handler", unit), "task_done")
        and stage.maybe(0.4)
    ):
        step_task(stage, case, number, Actor("handler", case.lead), "task_rate")


def swap(stage: Stage, case: Case, number: int, unit: str) -> None:
    """The helper takes the lead."""
    move, actor = TaskMove("swap"), Actor("handler", unit)
    if case.is_open:
        stage.do(swap_lead, case.token, number, actor, move)


def step_task(stage: Stage, case: Case, number: int, actor: Actor, action: str) -> bool:
    """One step of a task; False where it was refused."""
    words = SAID_WITH.get(action)
    rating = int(stage.chance.integers(3, 6)) if action == "task_rate" else 0
    move = TaskMove(action, stage.say(words, case) if words else "", rating)
    return stage.do(move_task, case.token, number, actor, move) is not None


def hand_to_community(stage: Stage, case: Case, accept: Step) -> None:
    """A street gives a case to one of its communities, which solves it, or hands it up again."""
    below = communities_below(stage.city, case.lead)
    if not below or case.row.state not in WORKING:
        return
    reason, until = stage.one_of(("to_solve", "to_verify")), stage.now + timedelta(days=stage.between(1, 4))
    handing = Handing(reason, stage.one_of(below), until)
    street = Actor("handler", case.lead)
    if not stage.do(hand_down, case.token, street, handing):
        return
    if reason == "to_solve" and stage.maybe(0.7):
        stage.later(case, accept, stage.after(case, stage.between(0.2, 3)))
    else:
        stage.later(case, up_again, stage.after(case, stage.between(1, 8)), reason, accept)


def up_again(stage: Stage, case: Case, reason: str, accept: Step) -> None:
    """The community has looked, or cannot do it."""
    if not case.is_open or not case.lead.startswith("community-"):
        return
    options = (
        ("verified", "not_confirmed")
        if reason == "to_verify"
        else ("beyond_our_means", "needs_authority", "no_time")
    )
    handing, actor = Handing(stage.one_of(options)), Actor("handler", case.lead)
    if stage.do(hand_up, case.token, actor, handing):
        stage.later(case, accept, stage.after(case, stage.between(0.2, 2)))


def write_contractor(stage: Stage, case: Case) -> None:
    """A contractor without an account has a link to the case; some ask by it, few links are ended."""
    directory = stage.city.directory
    if not case.is_open or directory.unit(case.lead).level != "contractor":
        return
    head = Actor("unit_head", directory.supervisor_of(case.lead) or "")
    if not stage.do(send_link, case.token, head):
        return
    code = issue_link(stage.tx, stage.context, case.id, case.lead)
    if stage.maybe(0.3):
        opened = stage.do(open_link, code)
        if opened and stage.do(ask_unit, opened, stage.say("contractor_asks", case)):
            note_use(stage.tx, opened)
            stage.later(case, answer_question, stage.after(case, stage.between(0.3, 3)))
    elif stage.maybe(0.15):
        stage.do(revoke_link, case.token, head)


def answer_question(stage: Stage, case: Case) -> None:
    """The unit that supervises answers."""
    mine = (contractor_question.c.report_id == case.id) & contractor_question.c.answer.is_(None)
    number = stage.tx.scalar(select(contractor_question.c.id).where(mine).limit(1))
    words = stage.say("contractor_answer", case)
    if number is not None and case.is_open:
        stage.do(answer_contractor, case.token, DESK, number, words)
