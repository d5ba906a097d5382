"""A case is given to one person, or taken on by oneself: who may have it, what the ledger says, and what follows."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from portal.errors import Conflict, Forbidden, InvalidInput
from portal.models.crews import crew_job
from portal.models.people import account
from portal.operations.context import Actor
from portal.operations.manage_accounts import NewAccount, add_account
from portal.operations.send_crew import Sent, crew_step, send_crew
from portal.queries.many_cases import many_cases
from portal.queries.staff_rights import Grant

HEAD = Actor("unit_head", "street-cn2")
GRANTS = {
    "wu": Grant("handler", "street-cn2"),
    "he": Grant("handler", "street-cn2"),
    "district": Grant("unit_head", "district-cn"),
    "stranger": Grant("handler", "street-cn1"),
    "reader": Grant("auditor", "street-cn2"),
    "city": Grant("dispatcher", ""),
}


@pytest.fixture(scope="module")
def people(linhai: Any) -> dict[str, Actor]:
    """Accounts with one grant each."""
    found = {}
    with linhai.database.transaction() as tx:
        for name, grant in GRANTS.items():
            person = NewAccount(f"{name}@linhai.example", name.title(), "four words make sense")
            number = add_account(tx, linhai.context, person, grant)
            found[name] = Actor(grant.role, grant.unit_code, number)
    return found


def jobs(linhai: Any, token: str) -> list[tuple[int, str]]:
    query = select(crew_job.c.account_id, crew_job.c.state).where(
        crew_job.c.report_id == linhai.row(token).id
    )
    with linhai.database.reading() as tx:
        return [tuple(row) for row in tx.execute(query.order_by(crew_job.c.id))]


def test_given_to_a_person_who_is_told_and_does_it(linhai, at, do, people):
    wu = people["wu"]
    with at():
        token = linhai.file()
        do(send_crew, token, HEAD, Sent(account_id=wu.account_id))
        assert linhai.row(token).state == "routed", "they have not signed for it"
        with linhai.database.reading() as tx:
            job = tx.scalar(select(crew_job.c.id).where(crew_job.c.report_id == linhai.row(token).id))
        for step in ("accept", "start"):
            do(crew_step, wu, job, step)
    kinds = [kind for kind in linhai.kinds(token) if kind.startswith(("job.", "crew."))]
    assert kinds == ["job.given", "job.accepted", "job.started"]
    assert linhai.row(token).state == "in_progress"
    told = [each["to"] for each in linhai.messages(token) if each["template"] == "crew_sent"]
    assert told == [f"account:{wu.account_id}"]
    for event in linhai.events(token):
        if event.kind.startswith("job."):
            assert set(event.public) == {"actor", "unit"}
            assert set(event.public["actor"]) <= {"role", "unit"}, "the public reads no person"


def test_who_takes_it_has_signed_for_it_and_relieves_who_had_it(linhai, at, do, people):
    wu, he = people["wu"], people["he"]
    with at():
        token = linhai.file()
        do(send_crew, token, HEAD, Sent(account_id=he.account_id))
        do(send_crew, token, wu, Sent(account_id=wu.account_id))
        with pytest.raises(Conflict):
            do(send_crew, token, wu, Sent(account_id=wu.account_id))
    assert linhai.row(token).state == "accepted"
    assert jobs(linhai, token) == [(he.account_id, "withdrawn"), (wu.account_id, "accepted")]
    assert linhai.kinds(token)[-2:] == ["request.accepted", "job.taken"]
    told = [each["to"] for each in linhai.messages(token) if each["template"] == "crew_sent"]
    assert told == [f"account:{he.account_id}"], "nobody is written to about what they did"


@pytest.mark.parametrize(
    ("actor", "to", "refusal"),
    [
        pytest.param("wu", "he", None, id="a colleague"),
        pytest.param("district", "wu", None, id="from above"),
        pytest.param("district", "district", None, id="the head above takes it"),
        pytest.param("wu", "district", InvalidInput, id="nobody gives it to whom stands above"),
        pytest.param("wu", "stranger", InvalidInput, id="of another unit"),
        pytest.param("wu", "reader", InvalidInput, id="who only reads"),
        pytest.param("city", "city", InvalidInput, id="the desk has no jobs"),
        pytest.param("reader", "wu", Forbidden, id="a reader gives nothing"),
    ],
)
def test_who_may_give_it_to_whom(actor, to, refusal, linhai, at, do, people):
    sent = Sent(account_id=people[to].account_id)
    with at():
        token = linhai.file()
        if refusal:
            with pytest.raises(refusal):
                do(send_crew, token, people[actor], sent)
        else:
            do(send_crew, token, people[actor], sent)
    assert len(jobs(linhai, token)) == (0 if refusal else 1)


def test_nobody_who_has_left_and_nobody_at_all(linhai, at, do, people):
    gone = people["he"].account_id
    with at():
        token = linhai.file()
        with linhai.database.transaction() as tx:
            tx.execute(update(account).where(account.c.id == gone).values(is_active=False))
        for number in (gone, None, 10**12):
            with pytest.raises(InvalidInput) as refused:
                do(send_crew, token, HEAD, Sent(account_id=number))
            assert set(refused.value.fields) == {"person"}
        with linhai.database.transaction() as tx:
            tx.execute(update(account).where(account.c.id == gone).values(is_active=True))


def test_two_who_take_the_same_case_are_not_both_told_yes(linhai, at, do, people):
    with at():
        token = linhai.file()
        with linhai.database.reading() as tx:
            seen = many_cases(tx, "linhai.example", [token])[token].last_seq
        do(send_crew, token, people["wu"], Sent(account_id=people["wu"].account_id, seen_seq=seen))
        with pytest.raises(Conflict):
            do(send_crew, token, people["he"], Sent(account_id=people["he"].account_id, seen_seq=seen))
    assert [number for number, _ in jobs(linhai, token)] == [people["wu"].account_id]
