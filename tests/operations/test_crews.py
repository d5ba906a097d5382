"""Crews: called in an emergency, sent by hand, lent to a neighbour; one at a time, whoever presses first."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update

from portal import clock
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.models.crews import crew, crew_job, crew_loan, crew_shift
from portal.models.report import report
from portal.operations.context import Actor
from portal.operations.lend_crew import Asked, answer_loan, ask_for_crew, return_crew
from portal.operations.manage_accounts import NewAccount, add_account
from portal.operations.move_checks import Move
from portal.operations.send_crew import Sent, crew_step, send_crew
from portal.operations.sweep_clocks import sweep_clocks
from portal.queries.crews import crews_now, jobs_of
from portal.queries.staff_rights import Grant

HEAD, DESK = Actor("unit_head", "street-cn2"), Actor("dispatcher", "centre")
COLLAPSE = {"service_code": "road-collapse", "answers": {"danger": ("yes",)}, "lon": 121.667, "lat": 29.197}


@pytest.fixture(scope="module")
def worker(linhai: Any) -> Actor:
    """Somebody with an account in the street's office."""
    with linhai.database.transaction() as tx:
        person = NewAccount("cn2@linhai.example", "Wu", "four words make sense")
        number = add_account(tx, linhai.context, person, Grant("handler", "street-cn2"))
    return Actor("handler", "street-cn2", number)


def jobs(linhai: Any, token: str) -> list[tuple[str | None, str]]:
    case_id = linhai.row(token).id
    with linhai.database.reading() as tx:
        rows = tx.execute(select(crew_job).where(crew_job.c.report_id == case_id).order_by(crew_job.c.id))
        return [(row.crew_code, row.state) for row in rows]


def job_id(linhai: Any, token: str) -> int:
    with linhai.database.reading() as tx:
        mine = (crew_job.c.report_id == linhai.row(token).id) & crew_job.c.ended_at.is_(None)
        return tx.scalar(select(crew_job.c.id).where(mine).order_by(crew_job.c.id.desc()))


@pytest.mark.parametrize(
    ("hours", "called"),
    [pytest.param(0, "sea-1", id="Tuesday, 10:00"), pytest.param(15, "sea-1", id="in the night, 01:00")],
)
def test_an_emergency_goes_straight_to_the_crew_on_duty(linhai, at, hours, called):
    with at(hours=hours):
        token = linhai.file(**COLLAPSE)
    row = linhai.row(token)
    assert (row.priority, row.lead_unit) == ("emergency", "crew-sea")
    assert jobs(linhai, token) == [(called, "assigned")]
    event = linhai.events(token)[-1]
    assert event.kind == "crew.called"
    assert called not in str(event.public), "which crew is not for the public"
    assert event.private == {"crew": called}
    assert [each["to"] for each in linhai.messages(token) if each["template"] == "crew_sent"] == [
        f"crew:{called}"
    ]


def test_an_ordinary_report_calls_nobody(linhai, at):
    with at():
        assert jobs(linhai, linhai.file()) == []


def test_at_night_another_team_and_without_any_the_unit_above(linhai, at):
    near_north = COLLAPSE | {"lon": 121.632, "lat": 29.259}
    with at():
        assert jobs(linhai, linhai.file(**near_north)) == [("north-1", "assigned")]
    with at(hours=13):
        assert jobs(linhai, linhai.file(**near_north)) == [("north-2", "assigned")]
    with linhai.database.transaction() as tx:
        kept = [
            dict(row._mapping)
            for row in tx.execute(select(crew_shift).where(crew_shift.c.crew_code.startswith("north")))
        ]
        tx.execute(delete(crew_shift).where(crew_shift.c.crew_code.startswith("north")))
    with at(hours=14):
        token = linhai.file(**near_north)
    with linhai.database.transaction() as tx:
        tx.execute(insert(crew_shift), [{k: v for k, v in row.items() if k != "id"} for row in kept])
    assert (jobs(linhai, token), linhai.kinds(token)[-1]) == ([], "crew.missing")
    told = [each["to"] for each in linhai.messages(token) if each["template"] == "nobody_on_duty"]
    assert told == ["crew-north", "traffic"]


def test_a_handed_over_emergency_calls_the_next_crew(linhai, at):
    with at():
        token = linhai.file(**COLLAPSE)
        linhai.move(token, DESK, "assign", to_unit="crew-south", reason="nearer by road")
    assert jobs(linhai, token) == [("sea-1", "withdrawn"), ("south-1", "assigned")]


def test_sent_accepted_started_finished(linhai, at, do, worker):
    with at():
        token = linhai.file()
        do(send_crew, token, HEAD, Sent("cn2-patrol"))
        assert linhai.row(token).state == "routed"
        for step, state in (("accept", "accepted"), ("start", "in_progress")):
            do(crew_step, worker, job_id(linhai, token), step)
            assert linhai.row(token).state == state
        with pytest.raises(Conflict):
            do(crew_step, worker, job_id(linhai, token), "accept")
        done = Move("resolve", closing_code="fixed", reason="It was dark.", public_text="Filled.")
        do(crew_step, worker, job_id(linhai, token), "finish", done)
    assert linhai.row(token).state == "resolved"
    assert jobs(linhai, token) == [("cn2-patrol", "finished")]
    kinds = [kind for kind in linhai.kinds(token) if kind.startswith("crew.")]
    assert kinds == ["crew.sent", "crew.accepted", "crew.started", "crew.finished"]


def test_a_job_may_be_one_persons(linhai, at, do, worker):
    with at():
        token = linhai.file()
        do(send_crew, token, HEAD, Sent(account_id=worker.account_id))
        with linhai.database.reading() as tx:
            mine = jobs_of(tx, "linhai.example", worker.account_id, frozenset({"street-cn2"}))
        assert token in {row.token for row in mine}
        stranger = Actor("handler", "street-cn2", worker.account_id + 1000)
        with pytest.raises(NotFound):
            do(crew_step, stranger, job_id(linhai, token), "accept")
        do(crew_step, worker, job_id(linhai, token), "accept")
    sent = next(each for each in linhai.events(token) if each.kind == "job.given")
    assert str(worker.account_id) not in str(sent.public)


@pytest.mark.parametrize(
    ("actor", "sent", "refusal"),
    [
        pytest.param(HEAD, Sent("cn1-patrol"), InvalidInput, id="a crew of another unit"),
        pytest.param(HEAD, Sent("none"), InvalidInput, id="no crew at all"),
        pytest.param(HEAD, Sent(account_id=10**9), InvalidInput, id="a stranger"),
        pytest.param(Actor("handler", "street-wh1"), Sent("cn2-patrol"), NotFound, id="another unit's case"),
        pytest.param(Actor("auditor", ""), Sent("cn2-patrol"), Forbidden, id="an auditor"),
        pytest.param(Actor("contractor", "street-cn2"), Sent("cn2-patrol"), Forbidden, id="by link"),
    ],
)
def test_who_may_send_whom(linhai, at, do, actor, sent, refusal):
    with at():
        token = linhai.file()
        with pytest.raises(refusal):
            do(send_crew, token, actor, sent)
    assert jobs(linhai, token) == []


def test_two_who_send_at_once_do_not_undo_each_other(linhai, at):
    with at():
        token = linhai.file()
    seen = len(linhai.events(token))
    with linhai.database.transaction() as tx:
        spare = {
            "jurisdiction_id": "linhai.example", "crew_code": "cn2-spare", "unit_code": "street-cn2",
            "name": {"en": "Spare"}, "services": [], "capacity": 3, "position": 99,
        }  # fmt: skip
        tx.execute(insert(crew).values(spare))
    outcomes: list[str] = []
    gate = threading.Barrier(2)

    def press(code: str) -> None:
        gate.wait()
        try:
            with linhai.database.transaction() as tx:
                send_crew(tx, linhai.context, token, HEAD, Sent(code, seen_seq=seen))
            outcomes.append("sent")
        except Conflict:
            outcomes.append("told")

    both = [threading.Thread(target=press, args=(code,)) for code in ("cn2-patrol", "cn2-spare")]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(outcomes) == ["sent", "told"]
    assert [state for _, state in jobs(linhai, token)] == ["assigned"]


def test_load_and_distance_come_in_one_statement(linhai, at, do, statements):
    with at():
        token = linhai.file()
        do(send_crew, token, HEAD, Sent("cn2-patrol"))
        city = None
        with linhai.database.reading() as tx:
            city = linhai.context.cities.city(tx, "linhai.example")
            statements.clear()
            found = {
                one.code: one for one in crews_now(tx, city, clock.now(), report_id=linhai.row(token).id)
            }
    assert len([each for each in statements if "crew" in each]) == 1
    patrol = found["cn2-patrol"]
    assert patrol.load >= 1
    assert patrol.is_on_duty
    assert patrol.distance_m < 50
    assert found["north-2"].is_on_duty is False
    assert 8_000 < found["north-1"].distance_m < 20_000


def test_a_crews_load_is_counted_by_its_index(linhai):
    with linhai.database.transaction() as tx:
        tx.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(tx.scalars(text(
            "EXPLAIN SELECT count(*) FROM crew_job WHERE jurisdiction_id = 'x' AND crew_code = 'y' AND ended_at IS NULL"
        )))  # fmt: skip
    assert "ix_crew_job_load" in plan


def test_a_crew_is_lent_arrives_and_goes_back(linhai, at, do):
    owner = Actor("unit_head", "street-cn1", 77)
    with at():
        token = linhai.file()
        loan = do(ask_for_crew, token, HEAD, Asked("cn1-patrol", "Two are ill."))
        callout = linhai.clocks(token)["callout", "arrive"]
        assert (callout.unit_code, callout.due_at - callout.started_at) == ("street-cn1", timedelta(hours=2))
        with pytest.raises(NotFound):
            do(answer_loan, loan, HEAD, is_granted=True)
        with pytest.raises(InvalidInput):
            do(answer_loan, loan, owner, is_granted=False)
        do(answer_loan, loan, owner, is_granted=True)
        assert jobs(linhai, token) == [("cn1-patrol", "assigned")]
        assert linhai.row(token).assist_units == ["street-cn1"]
        other = linhai.file()
        second = do(ask_for_crew, other, HEAD, Asked("cn1-patrol"))
        with pytest.raises(Conflict):
            do(answer_loan, second, owner, is_granted=True)
        number = job_id(linhai, token)
        do(crew_step, owner, number, "accept")
        assert linhai.row(token).state == "routed", "the borrower leads: its case is its own to accept"
        do(crew_step, owner, number, "start")
        assert linhai.clocks(token)["callout", "arrive"].state == "met"
        do(return_crew, loan, HEAD)
        do(answer_loan, second, owner, is_granted=True)
    kinds = [kind for kind in linhai.kinds(token) if kind.startswith("crew.")]
    assert kinds == [
        "crew.asked",
        "crew.granted",
        "crew.accepted",
        "crew.started",
        "crew.arrived",
        "crew.returned",
    ]


def test_a_call_out_that_nobody_answers_runs_out(linhai, at, do):
    with at():
        token = linhai.file()
        do(ask_for_crew, token, HEAD, Asked("lamps-day"))
    with at(hours=2, minutes=1):
        for _ in range(20):
            with linhai.database.transaction() as tx:
                if not sweep_clocks(tx):
                    break
    late = [each for each in linhai.events(token) if each.kind == "clock.breached"]
    assert [each.public["clock"] for each in late if each.public["clock"] == "callout"] == ["callout"]


@pytest.mark.parametrize("code", ["cn2-patrol", "none"])
def test_only_a_crew_of_another_unit_is_borrowed(linhai, at, do, code):
    with at(), pytest.raises(InvalidInput):
        do(ask_for_crew, linhai.file(), HEAD, Asked(code))


def test_a_refused_crew_leaves_nothing_running(linhai, at, do):
    with at():
        token = linhai.file()
        loan = do(ask_for_crew, token, HEAD, Asked("south-1"))
        do(answer_loan, loan, Actor("unit_head", "crew-south", 5), is_granted=False, words="All are out.")
    assert linhai.clocks(token)["callout", "arrive"].state == "cancelled"
    with linhai.database.reading() as tx:
        assert tx.scalar(select(crew_loan.c.state).where(crew_loan.c.id == loan)) == "refused"


def test_a_complaint_reaches_no_crew_of_the_accused(linhai, at, do):
    with at():
        token = linhai.file(
            service_code="unit-complaint", about_unit="district-cn", answers={"about-unit": ("x",)}
        )
        with pytest.raises(InvalidInput, match="never goes"):
            do(ask_for_crew, token, DESK, Asked("cn1-patrol"))
        with linhai.database.transaction() as tx:
            tx.execute(update(report).where(report.c.token == token).values(lead_unit="street-cn2"))
        with pytest.raises(InvalidInput):
            do(send_crew, token, DESK, Sent("cn2-patrol"))
