"""Disputes: a hand-over contested in time, who acts meanwhile, what the desk rules and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.operations.context import Actor
from portal.operations.draft_rules import draft_of_offers, offered_rules
from portal.operations.move_report import Move
from portal.operations.propose_from_ruling import propose_from_ruling
from portal.operations.publish_rulebook import publish_rulebook
from portal.operations.rule_disputes import Ruling, contest_transfer, name_acting, rule_dispute
from portal.operations.sweep_clocks import sweep_clocks
from portal.queries.custody_parts import open_dispute, open_disputes
from portal.queries.rulebooks import active_rules

LEAD, NEXT, THIRD = (Actor("handler", f"street-cn{number}") for number in (2, 1, 3))
DESK, ADMIN = Actor("dispatcher"), Actor("admin")
STRANGER = Actor("handler", "street-wh1")
CITY = "linhai.example"
TUESDAY = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


def contest(linhai: Any, token: str, actor: Actor = NEXT, reason: str = "not_our_area", **more: Any) -> Any:
    with linhai.database.transaction() as tx:
        return contest_transfer(tx, linhai.context, token, actor, Move("", reason=reason, **more))


def rule(linhai: Any, token: str, lead: str = "street-cn1", actor: Actor = DESK, **more: Any) -> Any:
    given = {"words": "The road is theirs. Call 13812345678.", "basis": "Catalogue line 7"} | more
    with linhai.database.transaction() as tx:
        return rule_dispute(tx, linhai.context, token, actor, Ruling(lead, **given))


def name(linhai: Any, token: str, unit: str, actor: Actor = DESK, **more: Any) -> Any:
    with linhai.database.transaction() as tx:
        return name_acting(tx, linhai.context, token, actor, Move("", to_unit=unit, **more))


def disputed(linhai: Any, token: str) -> Any:
    with linhai.database.reading() as tx:
        return open_dispute(tx, linhai.row(token).id)


def handed(linhai: Any) -> str:
    token = linhai.file()
    linhai.move(token, LEAD, "transfer", reason="not_our_area", to_unit="street-cn1")
    return token


def contested(linhai: Any) -> str:
    token = handed(linhai)
    contest(linhai, token, public_text="Our street ends at the bridge.")
    return token


def third(linhai: Any) -> str:
    token = handed(linhai)
    linhai.move(token, NEXT, "transfer", reason="not_our_area", to_unit="street-cn3")
    linhai.move(token, THIRD, "transfer", reason="no_capacity", to_unit="street-cn2")
    return token


def not_ours(linhai: Any) -> str:
    token = linhai.file()
    linhai.moved(token, (LEAD, "accept"), (LEAD, "resolve", {"closing_code": "not_ours", "reason": "whose?"}))
    return token


@pytest.mark.parametrize(
    ("make", "why", "from_unit", "reasons"),
    [
        (contested, "contested", "street-cn1", ["not_our_area"]),
        (third, "third_transfer", "street-cn3", ["no_capacity"]),
        (not_ours, "not_ours", "street-cn2", ["not_ours", "not_our_area", "not_our_service"]),
    ],
)
def test_a_dispute_lies_with_the_desk_while_a_named_unit_acts(
    linhai: Any, make: Callable[[Any], str], why: str, from_unit: str, reasons: list[str]
) -> None:
    token = make(linhai)
    row, found = linhai.row(token), disputed(linhai, token)
    assert (row.lead_unit, row.state) == ("centre", "routed")
    assert (found.why, found.from_unit, found.reasons, found.acting_unit) == (
        why, from_unit, reasons, "street-cn2",
    )  # fmt: skip
    assert row.assist_units == ["street-cn2"], "who acts sees the case"
    clocks = {
        (one.kind, one.stage): one.unit_code for one in linhai.all_clocks(token) if one.state == "running"
    }
    assert clocks["dispute", "rule"] == "centre"
    assert clocks["task", "resolve"] == "street-cn2"
    told = [(one["template"], one["to"], one["unit"]) for one in linhai.messages(token)]
    assert ("disputed", "reporter", "street-cn2") in told
    assert ("act_meanwhile", "street-cn2", "street-cn2") in told
    assert told[-1] == ("dispute_opened", "centre", from_unit)
    opened = next(one for one in linhai.events(token) if one.kind == "dispute.opened")
    assert (opened.public["why"], opened.public["acting"]) == (why, "street-cn2")


def test_only_who_received_it_contests_and_only_in_time(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token, late, signed = handed(linhai), handed(linhai), handed(linhai)
        until = linhai.events(token)[-1].public["contest_until"]
        assert timedelta(days=3) < datetime.fromisoformat(until) - TUESDAY < timedelta(days=4), (
            "working hours"
        )
        fresh = linhai.file()
        linhai.move(signed, NEXT, "accept")
        for what, actor in ((fresh, LEAD), (signed, NEXT)):
            with pytest.raises(Conflict):
                contest(linhai, what, actor)
        with pytest.raises(InvalidInput) as refused:
            contest(linhai, token, reason="tired")
        assert list(refused.value.fields) == ["reason"]
        for actor, refusal in ((LEAD, NotFound), (STRANGER, NotFound), (Actor("auditor"), Forbidden)):
            with pytest.raises(refusal):
                contest(linhai, token, actor)
        contest(linhai, token)
        with pytest.raises((NotFound, Conflict)):
            contest(linhai, token)
    with at(days=4), pytest.raises(Conflict):
        contest(linhai, late)


def test_what_the_desk_assigned_cannot_be_contested(linhai: Any) -> None:
    token = linhai.file()
    linhai.move(token, DESK, "assign", reason="theirs", to_unit="street-cn1")
    with pytest.raises(Conflict):
        contest(linhai, token)


def test_the_ruling_names_lead_and_assistants_and_keeps_the_promise(linhai: Any) -> None:
    token = contested(linhai)
    promised = linhai.row(token).promise_due_at
    rule(linhai, token, assist=("parks",))
    row = linhai.row(token)
    assert (row.lead_unit, row.state, row.assist_units) == ("street-cn1", "routed", ["parks"])
    assert row.promise_due_at == promised
    running = {(one.kind, one.unit_code) for one in linhai.all_clocks(token) if one.state == "running"}
    assert running == {("promise", None), ("unit", "street-cn1"), ("task", "parks")}
    assert disputed(linhai, token) is None
    ruled = next(one for one in linhai.events(token) if one.kind == "request.ruled")
    assert ruled.public["text"] == "The road is theirs. Call ▇▇▇."
    assert (ruled.public["basis"], ruled.public["assist"]) == ("Catalogue line 7", ["parks"])
    told = [(one["template"], one["to"]) for one in linhai.messages(token)]
    for letter in (("transferred", "reporter"), ("transferred_to_you", "street-cn1"), ("task_added", "parks"),
                   ("ruled", "street-cn2")):  # fmt: skip
        assert letter in told


@pytest.mark.parametrize(
    ("action", "typed", "is_refused"),
    [
        ("transfer", {"reason": "not_our_area", "to_unit": "street-cn3"}, True),
        ("transfer", {"reason": "no_capacity", "to_unit": "street-cn3"}, False),
        ("resolve", {"closing_code": "not_ours", "reason": "really not"}, False),
    ],
)
def test_a_ruling_is_not_undone_for_the_same_reason(
    linhai: Any, action: str, typed: dict[str, str], is_refused: bool
) -> None:
    token = contested(linhai)
    rule(linhai, token)
    with pytest.raises(Conflict):
        contest(linhai, token)
    linhai.move(token, NEXT, "accept")
    if not is_refused:
        linhai.move(token, NEXT, action, **typed)
        return
    with pytest.raises(InvalidInput) as refused:
        linhai.move(token, NEXT, action, **typed)
    assert "has ruled on just this" in str(refused.value.fields["reason"])


def test_after_a_ruling_on_not_ours_it_stays_theirs(linhai: Any) -> None:
    token = not_ours(linhai)
    rule(linhai, token, "street-cn2")
    linhai.move(token, LEAD, "accept")
    with pytest.raises(InvalidInput):
        linhai.move(token, LEAD, "resolve", closing_code="not_ours", reason="still not")
    with pytest.raises(InvalidInput):
        linhai.move(token, LEAD, "transfer", reason="not_our_area", to_unit="street-cn1")


def test_the_desk_names_another_unit_to_act(linhai: Any) -> None:
    token = contested(linhai)
    name(linhai, token, "parks")
    assert disputed(linhai, token).acting_unit == "parks"
    assert linhai.row(token).assist_units == ["parks"]
    assert linhai.kinds(token)[-3:] == ["dispute.acting_named", "task.withdrawn", "task.added"]
    with pytest.raises(InvalidInput):
        name(linhai, token, "parks")
    with pytest.raises(InvalidInput):
        name(linhai, token, "nobody")


def test_whatever_the_desk_does_with_the_case_ends_the_dispute(linhai: Any) -> None:
    assigned, closed = contested(linhai), contested(linhai)
    linhai.move(assigned, DESK, "assign", reason="theirs", to_unit="street-cn3")
    linhai.move(closed, DESK, "reject", reason="rule 4", public_text="Private ground.")
    for token in (assigned, closed):
        assert disputed(linhai, token) is None
        left = {one.kind for one in linhai.all_clocks(token) if one.state == "running"}
        assert not left & {"dispute", "task"}
    assert "dispute.lapsed" in linhai.kinds(closed)
    with pytest.raises(Conflict):
        rule(linhai, assigned)


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"lead": "nobody"}, ["to_unit"]),
        ({"words": " "}, ["public_text"]),
        ({"basis": ""}, ["reason"]),
        ({"assist": ("nobody",)}, ["assist"]),
    ],
)
def test_what_a_ruling_lacks_is_said_by_field(linhai: Any, given: dict[str, Any], fields: list[str]) -> None:
    token = contested(linhai)
    with pytest.raises(InvalidInput) as refused:
        rule(linhai, token, **given)
    assert list(refused.value.fields) == fields


PEOPLE = {
    "handed it on": (LEAD, Forbidden),  # acts meanwhile, so sees it
    "contested it": (NEXT, NotFound),
    "head of who acts": (Actor("unit_head", "street-cn2"), Forbidden),
    "handler of the centre": (Actor("handler", "centre"), Forbidden),
    "dispatcher": (DESK, None),
    "admin": (ADMIN, None),
    "stranger": (STRANGER, NotFound),
    "auditor": (Actor("auditor"), Forbidden),
}


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("act", [rule, name], ids=["rule", "name who acts"])
def test_the_desk_alone_rules(linhai: Any, act: Any, who: str) -> None:
    actor, refusal = PEOPLE[who]
    token = contested(linhai)
    if refusal is None:
        act(linhai, token, "parks", actor=actor)
        return
    with pytest.raises(refusal):
        act(linhai, token, "parks", actor=actor)


def test_a_ruling_becomes_a_rule_only_when_a_person_publishes_it(linhai: Any) -> None:
    token = contested(linhai)
    with pytest.raises(Conflict):
        propose(linhai, token)
    rule(linhai, token, "parks")
    with pytest.raises(NotFound):
        propose(linhai, token, LEAD)
    source = propose(linhai, token)
    with pytest.raises(Conflict):
        propose(linhai, token)
    assert "# ruled by the coordination desk: The road is theirs. Call ▇▇▇. · Catalogue line 7" in source
    assert "# 1 of 1 cases were handed to parks" in source
    assert linhai.row(linhai.file()).lead_unit == "street-cn2", "a proposal changes nothing"
    with linhai.database.transaction() as tx:
        book = active_rules(tx, CITY)
        (offer,) = offered_rules(tx, linhai.context, TUESDAY)
        assert (offer.origin, offer.unit, offer.source, offer.examples) == (
            "ruled",
            "parks",
            source,
            (token,),
        )
        draft = draft_of_offers(tx, linhai.context, TUESDAY, {offer.rule_id})
        publish_rulebook(tx, linhai.context, draft, ADMIN)
    assert linhai.row(linhai.file()).lead_unit == "parks"
    with linhai.database.transaction() as tx:
        assert [one.is_there for one in offered_rules(tx, linhai.context, TUESDAY)] == [True]
        with pytest.raises(InvalidInput):
            draft_of_offers(tx, linhai.context, TUESDAY, {offer.rule_id})
        publish_rulebook(tx, linhai.context, book, ADMIN)


def propose(linhai: Any, token: str, actor: Actor = DESK) -> str:
    with linhai.database.transaction() as tx:
        return propose_from_ruling(tx, linhai.context, token, actor)


def test_the_sweeper_chases_the_ruling(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = contested(linhai)
    with at(days=3), linhai.database.transaction() as tx:
        sweep_clocks(tx)
    told = [(one["template"], one["to"], one.get("stage")) for one in linhai.messages(token)]
    assert ("breached", "centre", "rule") in told


@pytest.mark.parametrize("act", ["contest", "rule", "name", "propose"])
def test_of_two_at_once_one_is_told_of_a_conflict(linhai: Any, act: str) -> None:
    for _ in range(3):
        token = handed(linhai) if act == "contest" else contested(linhai)
        if act == "propose":
            rule(linhai, token)
        together, last = Barrier(2), linhai.events(token)[-1].case_seq

        def run(unit: str, token: str = token, together: Barrier = together, last: int = last) -> str:
            together.wait(10)
            try:
                if act == "contest":
                    contest(linhai, token)
                elif act == "propose":
                    propose(linhai, token)
                else:
                    (rule if act == "rule" else name)(linhai, token, unit, seen_seq=last)
            except (Conflict, NotFound):
                return "refused"
            return "done"

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(run, ("parks", "water"))) == ["done", "refused"]


def test_the_list_of_disputes_is_one_statement_by_an_index(linhai: Any, statements: list[str]) -> None:
    token = contested(linhai)
    statements.clear()
    with linhai.database.reading() as tx:
        found = open_disputes(tx, CITY)
        sent = list(statements)
        tx.exec_driver_sql("SET LOCAL enable_seqscan = off")
        sql = "EXPLAIN SELECT id FROM dispute WHERE jurisdiction_id = 'linhai.example' AND state = 'open'"
        plan = "\n".join(tx.scalars(text(f"{sql} ORDER BY due_at, id LIMIT 100")))
    assert token in [one.token for one in found]
    assert [one.due_at for one in found] == sorted(one.due_at for one in found)
    assert len([one for one in sent if "FROM dispute" in one]) == 1
    assert "ix_dispute_open_due" in plan
