"""A contractor's link: what it opens, when it ends, and that nothing is done by it that a unit could not do."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from portal.crypto import Keyring
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.models.city import unit
from portal.models.crews import contractor_link, contractor_question
from portal.models.report import report
from portal.operations.context import REPORTER, Actor, Context
from portal.operations.contractor_links import (
    answer_contractor,
    ask_unit,
    issue_link,
    open_link,
    revoke_link,
    send_link,
)
from portal.operations.move_checks import Move
from portal.operations.move_report import move_report

from .conftest import TUESDAY

DESK, HEAD = Actor("dispatcher", "centre"), Actor("unit_head", "sanitation")
RUBBISH = {
    "service_code": "missed-collection",
    "lon": 121.6091,
    "lat": 29.2018,
    "answers": {"waste-type": ("bulky",)},
}


@pytest.fixture
def work(linhai: Any, at: Any, do: Any) -> tuple[str, str]:
    """A case that the contractor leads, and the code of its link."""
    with at():
        token = linhai.file(**RUBBISH)
        if linhai.row(token).lead_unit != "haiqing":
            linhai.move(token, DESK, "assign", to_unit="haiqing", reason="their round")
        return token, do(issue_link, linhai.row(token).id, "haiqing")


def test_one_link_for_one_hand_over(linhai, at, do, work):
    token, code = work
    with at(hours=1):
        assert do(issue_link, linhai.row(token).id, "haiqing") == code
        linhai.move(token, DESK, "assign", to_unit="sanitation", reason="own lorry")
        with pytest.raises(Forbidden):
            do(open_link, code)
        linhai.move(token, DESK, "assign", to_unit="haiqing", reason="after all")
        with pytest.raises(Forbidden):
            do(issue_link, linhai.row(token).id, "haiqing") and do(open_link, code)
        fresh = do(issue_link, linhai.row(token).id, "haiqing")
    assert fresh != code
    with at(hours=2):
        assert do(open_link, fresh).token == token
    with linhai.database.reading() as tx:
        of_case = contractor_link.c.report_id == linhai.row(token).id
        standing = tx.execute(
            select(contractor_link).where(of_case, contractor_link.c.revoked_at.is_(None))
        ).all()
    assert len(standing) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda code: "", id="nothing"),
        pytest.param(lambda code: "x" * 300, id="rubbish"),
        pytest.param(lambda code: code[:-1], id="cut off"),
        pytest.param(lambda code: code[:-1] + ("0" if code[-1] != "0" else "1"), id="one digit"),
        pytest.param(
            lambda code: re.sub(r"-(\d+)-", lambda m: f"-{int(m[1]) + 86400}-", code), id="a later end"
        ),
        pytest.param(lambda code: re.sub(r"^\d+", "999999", code), id="another number"),
        pytest.param(lambda code: f"{2**70}-1-{code[-32:]}", id="a number beyond all"),
        pytest.param(lambda code: "١-٢-" + code[-32:], id="digits of another script"),
    ],
)
def test_a_spoilt_link_opens_nothing(at, do, work, spoil):
    with at(), pytest.raises(Forbidden):
        do(open_link, spoil(work[1]))


def test_it_is_bound_to_key_case_and_unit(linhai, at, do, work):
    token, code = work
    with at():
        other = Context("linhai.example", Keyring("another secret"), linhai.context.store)
        with linhai.database.reading() as tx, pytest.raises(Forbidden):
            open_link(tx, other, code)
        second = linhai.file(**RUBBISH)
        with linhai.database.transaction() as tx:
            moved = update(contractor_link).where(contractor_link.c.report_id == linhai.row(token).id)
            tx.execute(update(report).where(report.c.token == second).values(lead_unit="haiqing"))
            tx.execute(moved.values(report_id=linhai.row(second).id))
        with pytest.raises(Forbidden):
            do(open_link, code)


@pytest.mark.parametrize(("days", "opens"), [(13.9, True), (14.1, False)])
def test_it_ends(at, do, work, days, opens):
    with at(days=days):
        if opens:
            assert do(open_link, work[1]).unit_code == "haiqing"
        else:
            with pytest.raises(Forbidden):
                do(open_link, work[1])


@pytest.mark.parametrize(
    ("days", "opens"), [pytest.param(0, True, id="the last day"), pytest.param(-1, False, id="over")]
)
def test_it_ends_with_the_contract(linhai, at, do, work, days, opens):
    mine = (unit.c.jurisdiction_id == "linhai.example") & (unit.c.unit_code == "haiqing")
    with linhai.database.transaction() as tx:
        before = tx.scalar(select(unit.c.contract_to).where(mine))
        tx.execute(update(unit).where(mine).values(contract_to=TUESDAY.date() + timedelta(days=days)))
    try:
        with at():
            if opens:
                assert do(open_link, work[1]).unit_code == "haiqing"
            else:
                with pytest.raises(Forbidden):
                    do(open_link, work[1])
    finally:
        with linhai.database.transaction() as tx:
            tx.execute(update(unit).where(mine).values(contract_to=before))


def test_it_ends_with_the_case_and_comes_back_with_it(linhai, at, do, work):
    token, code = work
    with at():
        actor = do(open_link, code).actor
        done = Move("resolve", closing_code="fixed", reason="The camera broke.", public_text="Taken away.")
        do(move_report, token, actor, Move("accept"))
        do(move_report, token, actor, done)
        assert do(open_link, code).token == token, "what was just done may be read"
        linhai.move(token, REPORTER, "confirm")
        with pytest.raises(Forbidden):
            do(open_link, code)
        linhai.move(token, REPORTER, "contest")
        assert do(open_link, code).token == token


def test_the_unit_ends_it_and_sends_another(linhai, at, do, work):
    token, code = work
    with at():
        do(revoke_link, token, HEAD)
        with pytest.raises(Forbidden):
            do(open_link, code)
        with pytest.raises(Conflict):
            do(revoke_link, token, HEAD)
        do(send_link, token, HEAD)
    assert linhai.messages(token)[-1]["to"] == "haiqing"
    assert linhai.kinds(token)[-2:] == ["contractor.unlinked", "contractor.linked"]


@pytest.mark.parametrize(
    ("actor", "refusal"),
    [
        (Actor("handler", "haiqing"), Forbidden),
        (Actor("contractor", "haiqing"), Forbidden),
        (Actor("unit_head", "street-wh1"), NotFound),
        (Actor("auditor", ""), Forbidden),
    ],
    ids=str,
)
def test_who_may_end_it(do, at, work, actor, refusal):
    with at(), pytest.raises(refusal):
        do(revoke_link, work[0], actor)


def test_accept_start_resolve_as_the_contractors_unit(linhai, at, do, work):
    token, code = work
    with at():
        actor = do(open_link, code).actor
        for action in ("accept", "start"):
            do(move_report, token, actor, Move(action))
        done = Move("resolve", closing_code="fixed", reason="The camera broke.", public_text="Taken away.")
        do(move_report, token, actor, done)
    row = linhai.row(token)
    assert (row.state, row.closing_code, row.lead_unit) == ("resolved", "fixed", "haiqing")
    accepted = next(each for each in linhai.events(token) if each.kind == "request.accepted")
    assert accepted.public["actor"] == {"role": "contractor", "unit": "haiqing"}
    assert accepted.private == {"link": actor.link_id}


@pytest.mark.parametrize(
    "action", ["transfer", "wait", "extend", "reject", "assign", "note", "mark_duplicate", "hand_up"]
)
def test_it_does_no_more_than_it_says(linhai, at, do, work, action):
    with at():
        actor = do(open_link, work[1]).actor
        given = Move(
            action,
            reason="weather" if action == "wait" else "no_capacity",
            to_unit="water",
            note="x",
            public_text="x",
        )
        with pytest.raises((Forbidden, InvalidInput, Conflict)):
            do(move_report, work[0], actor, given)
    assert linhai.row(work[0]).lead_unit == "haiqing"


def test_a_question_is_answered_on_the_page(linhai, at, do, work):
    token, code = work
    with at():
        opened = do(open_link, code)
        with pytest.raises(InvalidInput):
            do(ask_unit, opened, "  ")
        do(ask_unit, opened, "Which gate is open? Call 13912345678.")
        assert (linhai.messages(token)[-1]["template"], linhai.messages(token)[-1]["to"]) == (
            "contractor_asked",
            "sanitation",
        )
        with linhai.database.reading() as tx:
            mine = contractor_question.c.report_id == linhai.row(token).id
            number = tx.scalar(select(contractor_question.c.id).where(mine))
        with pytest.raises(NotFound):
            do(answer_contractor, token, HEAD, number + 1000, "The south gate.")
        do(answer_contractor, token, HEAD, number, "The south gate.")
        with pytest.raises(Conflict):
            do(answer_contractor, token, HEAD, number, "The north gate.")
    asked = next(each for each in linhai.events(token) if each.kind == "contractor.asked")
    assert "gate" not in str(asked.public)
    assert linhai.messages(token)[-1]["to"] == "haiqing"


def test_its_own_targets_run_its_clocks(linhai, at, work):
    resolve = linhai.clocks(work[0], "running")["unit", "resolve"]
    assert resolve.unit_code == "haiqing"
    assert resolve.due_at - resolve.started_at == timedelta(hours=24)
