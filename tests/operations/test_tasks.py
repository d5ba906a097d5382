"""Tasks of a case: asked for, done, refused, waited for, rated, swapped; on a border each has a share."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql

from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.models.custody import task
from portal.operations.context import REPORTER, Actor
from portal.operations.keep_tasks import Wanted
from portal.operations.move_tasks import TaskMove, ask_units, move_task, swap_lead
from portal.operations.sweep_clocks import sweep_clocks
from portal.queries.custody_parts import live_tasks, tasks_of

LEAD, DESK = Actor("handler", "street-cn2"), Actor("dispatcher")
PARKS, WATER = Actor("handler", "parks"), Actor("handler", "water")
STRANGER, AUDITOR = Actor("handler", "street-wh1"), Actor("auditor")
FIXED = {"closing_code": "fixed", "reason": "dark"}


def ask(
    linhai: Any, token: str, *wanted: Wanted, actor: Actor = LEAD, action: str = "ask", seen: Any = None
) -> int:
    wanted = wanted or (Wanted("parks", title="Cut the roots. Ask 13812345678."),)
    with linhai.database.transaction() as tx:
        return ask_units(tx, linhai.context, token, actor, action, wanted, seen)


def do(linhai: Any, token: str, number: int, actor: Actor, action: str, words: str = "", **more: Any) -> int:
    run = swap_lead if action in ("swap", "order_swap") else move_task
    with linhai.database.transaction() as tx:
        return run(tx, linhai.context, token, number, actor, TaskMove(action, words, **more))


def tasks(linhai: Any, token: str) -> list[tuple[str, str, str]]:
    with linhai.database.reading() as tx:
        return [(one.kind, one.unit_code, one.state) for one in tasks_of(tx, linhai.row(token).id)]


def task_clocks(linhai: Any, token: str) -> list[tuple[int, str, str]]:
    return [(one.task_number, one.stage, one.state) for one in linhai.all_clocks(token) if one.kind == "task"]


def accepted(linhai: Any) -> str:
    token = linhai.file()
    linhai.move(token, LEAD, "accept")
    return token


def test_help_is_asked_for_accepted_done_and_rated(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = accepted(linhai)
        ask(linhai, token)
        assert linhai.row(token).assist_units == ["parks"]
        assert task_clocks(linhai, token) == [(1, "accept", "running"), (1, "resolve", "running")]
    with at(hours=1):
        do(linhai, token, 1, PARKS, "task_accept")
        assert task_clocks(linhai, token) == [(1, "accept", "met"), (1, "resolve", "running")]
        do(linhai, token, 1, PARKS, "task_done", "Roots are cut.")
        assert task_clocks(linhai, token) == [(1, "accept", "met"), (1, "resolve", "met")]
        do(linhai, token, 1, LEAD, "task_rate", "Quick help.", rating=5)
    assert tasks(linhai, token) == [("assist", "parks", "done")]
    assert linhai.kinds(token)[3:] == ["task.added", "task.accepted", "task.done", "task.rated"]
    added, *_, rated = linhai.events(token)[3:]
    assert added.public == {"actor": {"role": "handler", "unit": "street-cn2"}, "task": 1, "kind": "assist",
                            "unit": "parks"}  # fmt: skip
    assert "13812345678" in added.private["text"]
    assert "rating" not in rated.public
    assert (rated.private["rating"], rated.private["text"]) == (5, "Quick help.")
    told = [(one["template"], one["to"]) for one in linhai.messages(token)]
    assert ("task_added", "parks") in told
    assert ("task_done", "street-cn2") in told


def test_the_one_sweeper_watches_tasks(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = accepted(linhai)
        ask(linhai, token)
    with at(days=30), linhai.database.transaction() as tx:
        sweep_clocks(tx)
    told = [(one["template"], one["to"], one.get("stage")) for one in linhai.messages(token)]
    assert ("breached", "parks", "accept") in told
    assert ("breached", "parks", "resolve") in told


def test_who_refuses_says_why_and_no_longer_sees_the_case(linhai: Any) -> None:
    token = accepted(linhai)
    ask(linhai, token)
    with pytest.raises(InvalidInput):
        do(linhai, token, 1, PARKS, "task_refuse")
    do(linhai, token, 1, PARKS, "task_refuse", "No trees of ours.")
    assert tasks(linhai, token) == [("assist", "parks", "refused")]
    assert linhai.row(token).assist_units == []
    assert {state for *_, state in task_clocks(linhai, token)} == {"cancelled"}
    assert ("task_refused", "street-cn2") in [(one["template"], one["to"]) for one in linhai.messages(token)]
    with pytest.raises(NotFound):
        do(linhai, token, 1, PARKS, "task_accept")


def test_a_split_case_waits_for_its_parts_and_says_which(linhai: Any) -> None:
    token = accepted(linhai)
    ask(linhai, token, Wanted("parks", title="Roots"), Wanted("water", title="Pipe"), action="split")
    do(linhai, token, 1, PARKS, "task_done", "Cut.")
    with pytest.raises(InvalidInput) as refused:
        linhai.move(token, LEAD, "resolve", **FIXED)
    assert str(refused.value.fields["closing_code"]) == (
        "Not every part is done or withdrawn yet: no. 2, Water Department."
    )
    do(linhai, token, 2, WATER, "task_refuse", "Not our pipe.")
    with pytest.raises(InvalidInput):
        linhai.move(token, LEAD, "resolve", **FIXED)
    do(linhai, token, 2, LEAD, "task_withdraw", "It is a drain.")
    assert linhai.move(token, LEAD, "resolve", **FIXED).state == "resolved"


def test_closing_lets_go_of_what_was_only_help(linhai: Any) -> None:
    token = accepted(linhai)
    ask(linhai, token)
    linhai.move(token, LEAD, "resolve", **FIXED)
    assert tasks(linhai, token) == [("assist", "parks", "withdrawn")]
    assert {state for *_, state in task_clocks(linhai, token)} == {"cancelled"}
    assert linhai.row(token).assist_units == ["parks"], "they may still see how it ended"


@pytest.mark.parametrize(
    ("action", "wanted", "field"),
    [
        ("ask", (), "to_unit_1"),
        ("ask", (Wanted("nobody", title="x"),), "to_unit_1"),
        ("ask", (Wanted("street-cn2", title="x"),), "to_unit_1"),
        ("ask", (Wanted("parks", title=" "),), "title_1"),
        ("split", (Wanted("parks", title="x"),), "to_unit_1"),
        ("split", (Wanted("parks", title="x"), Wanted("", title="y")), "to_unit_2"),
    ],
    ids=["nobody", "unknown", "the lead", "no words", "one part", "a part for nobody"],
)
def test_what_an_asking_lacks_is_said_by_field(linhai: Any, action: str, wanted: Any, field: str) -> None:
    token = accepted(linhai)
    with pytest.raises(InvalidInput) as refused, linhai.database.transaction() as tx:
        ask_units(tx, linhai.context, token, LEAD, action, wanted)
    assert list(refused.value.fields) == [field]


PEOPLE = {
    "lead handler": LEAD,
    "lead head": Actor("unit_head", "street-cn2"),
    "head above": Actor("unit_head", "district-cn"),
    "assistant": PARKS,
    "other assistant": WATER,
    "desk": DESK,
    "admin": Actor("admin"),
    "stranger": STRANGER,
    "auditor": AUDITOR,
}
# + done, - refused, 0 no such case; one sign for each person above, in that order
RIGHTS = {
    "ask":           "+ + + - - + + 0 -",
    "split":         "+ + + - - + + 0 -",
    "task_accept":   "- - - + - + + 0 -",
    "task_done":     "- - - + - + + 0 -",
    "task_refuse":   "- - - + - - - 0 -",
    "task_withdraw": "+ + + - - + + 0 -",
    "propose_swap":  "+ + + - - - - 0 -",
    "swap":          "- - - + - - - 0 -",
    "order_swap":    "- - - - - + + 0 -",
    "task_rate":     "+ + + - - - - 0 -",
}  # fmt: skip


@pytest.mark.parametrize("action", RIGHTS)
def test_who_may_do_what(linhai: Any, action: str) -> None:
    seen = {}
    for name, actor in PEOPLE.items():
        token = accepted(linhai)
        ask(linhai, token, Wanted("parks", title="a"), Wanted("water", title="b"))
        if action == "swap":
            do(linhai, token, 1, LEAD, "propose_swap")
        if action == "task_rate":
            do(linhai, token, 1, PARKS, "task_done", "x")
        try:
            if action in ("ask", "split"):
                ask(linhai, token, Wanted("traffic", title="c"), Wanted("lighting", title="d"), actor=actor,
                    action=action)  # fmt: skip
            else:
                do(linhai, token, 1, actor, action, "words", rating=3)
            seen[name] = "+"
        except Forbidden:
            seen[name] = "-"
        except NotFound:
            seen[name] = "0"
    assert seen == dict(zip(PEOPLE, RIGHTS[action].split(), strict=True))


def test_lead_and_assistant_swap_with_custody_and_clocks(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = accepted(linhai)
        ask(linhai, token)
        promised = linhai.row(token).promise_due_at
        with pytest.raises(Conflict):
            do(linhai, token, 1, PARKS, "swap")
        do(linhai, token, 1, LEAD, "propose_swap", "It is mostly trees.")
        with pytest.raises(Conflict):
            do(linhai, token, 1, LEAD, "propose_swap")
    with at(hours=2):
        do(linhai, token, 1, PARKS, "swap")
    row = linhai.row(token)
    assert (row.lead_unit, row.state, row.assist_units) == ("parks", "accepted", ["street-cn2"])
    assert row.promise_due_at == promised
    assert linhai.clocks(token)["promise", "resolve"].state == "running"
    running = {
        one.unit_code for one in linhai.all_clocks(token) if (one.kind, one.state) == ("unit", "running")
    }
    assert running == {"parks"}
    assert tasks(linhai, token) == [("assist", "parks", "withdrawn"), ("assist", "street-cn2", "accepted")]
    swapped = next(one for one in linhai.events(token) if one.kind == "request.swapped")
    assert (swapped.public["from"], swapped.public["to"]) == ("street-cn2", "parks")
    assert ("transferred", "reporter") in [(one["template"], one["to"]) for one in linhai.messages(token)]


def test_the_desk_orders_a_swap_that_must_still_be_accepted(linhai: Any) -> None:
    token = accepted(linhai)
    ask(linhai, token)
    with pytest.raises(InvalidInput):
        do(linhai, token, 1, DESK, "order_swap")
    do(linhai, token, 1, DESK, "order_swap", "Trees are theirs.")
    row = linhai.row(token)
    assert (row.lead_unit, row.state) == ("parks", "routed")


def test_on_a_border_each_unit_has_its_share(linhai: Any) -> None:
    token = border_case(linhai)
    row = linhai.row(token)
    (partner,) = row.assist_units
    assert tasks(linhai, token) == [("joint", row.lead_unit, "open"), ("joint", partner, "open")]
    lead = Actor("handler", row.lead_unit)
    linhai.move(token, lead, "accept")
    with pytest.raises(InvalidInput):
        linhai.move(token, lead, "resolve", **FIXED)
    do(linhai, token, 2, Actor("handler", partner), "task_done", "Our half is filled.")
    assert linhai.move(token, lead, "resolve", **FIXED).state == "resolved"
    assert {state for *_, state in tasks(linhai, token)} == {"done"}
    assert linhai.move(token, REPORTER, "contest").state == "accepted"


def border_case(linhai: Any) -> str:
    for step in range(40):
        token = linhai.file(lon=121.53 + step * 0.002, lat=29.15, accuracy_m=200.0)
        if len(tasks(linhai, token)) == 2:
            return token
    raise AssertionError("no place of the demo city lies on a border")


def test_whoever_takes_over_needs_no_help_from_himself(linhai: Any) -> None:
    token = accepted(linhai)
    ask(linhai, token, Wanted("parks", title="a"), Wanted("water", title="b"))
    linhai.move(token, LEAD, "transfer", reason="not_our_service", to_unit="parks")
    assert tasks(linhai, token) == [("assist", "parks", "withdrawn"), ("assist", "water", "open")]
    assert linhai.row(token).assist_units == ["water"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("task_done", PARKS), ("task_withdraw", LEAD)),
        (("task_accept", PARKS), ("task_accept", DESK)),
        (("swap", PARKS), ("order_swap", DESK)),
        (("swap", PARKS), ("task_withdraw", LEAD)),
        (("task_refuse", PARKS), ("task_done", DESK)),
    ],
    ids=[
        "done and withdrawn",
        "accepted twice",
        "swapped twice",
        "swapped and withdrawn",
        "refused and done",
    ],
)
def test_of_two_at_once_one_is_told_of_a_conflict(linhai: Any, first: Any, second: Any) -> None:
    """Two connections, one barrier: one move is made, the other is refused as a conflict, none is lost."""
    for _ in range(3):
        token = accepted(linhai)
        ask(linhai, token)
        do(linhai, token, 1, LEAD, "propose_swap")
        together = Barrier(2)

        def run(what: Any, token: str = token, together: Barrier = together) -> str:
            action, actor = what
            together.wait(10)
            try:
                do(linhai, token, 1, actor, action, "words")
            except (Conflict, NotFound, Forbidden) as refused:
                return type(refused).__name__
            return "done"

        with ThreadPoolExecutor(2) as pool:
            ends = sorted(pool.map(run, (first, second)))
        # Who lost the task in the race may have lost sight of the case with it.
        assert "done" in ends
        assert ends.count("done") == 1
        assert len([kind for kind in linhai.kinds(token) if kind.startswith(("task.", "request.swap"))]) <= 6


def test_what_changed_since_the_page_was_opened_is_a_conflict(linhai: Any) -> None:
    token = accepted(linhai)
    seen = ask(linhai, token)
    ask(linhai, token, Wanted("water", title="b"), seen=seen)
    with pytest.raises(Conflict):
        ask(linhai, token, Wanted("traffic", title="c"), seen=seen)
    do(linhai, token, 1, PARKS, "task_accept", seen_seq=seen)  # another unit's task is nothing to this one
    linhai.move(token, LEAD, "start")
    with pytest.raises(Conflict):
        do(linhai, token, 1, PARKS, "task_done", "x", seen_seq=seen)


def test_my_tasks_are_one_statement_by_an_index(linhai: Any, statements: list[str]) -> None:
    token = accepted(linhai)
    ask(linhai, token)
    statements.clear()
    with linhai.database.reading() as tx:
        found = live_tasks(tx, "linhai.example", {"parks"})
        sent = len(statements)
        tx.exec_driver_sql("SET LOCAL enable_seqscan = off")
        query = select(task.c.id).where(
            task.c.jurisdiction_id == "linhai.example", task.c.unit_code == "parks",
            task.c.state.in_(("open", "accepted")),
        ).order_by(task.c.due_at)  # fmt: skip
        plan = "\n".join(tx.scalars(select_explain(query)))
    assert token in [one.token for one in found]
    assert sent <= 2
    assert "ix_task_live_unit" in plan


def select_explain(query: Any) -> Any:
    compiled = query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    return text(f"EXPLAIN {compiled}")


def test_of_a_sensitive_service_nobody_learns_who_shares_it(linhai: Any) -> None:
    """Who shares a case on a border tells where its place is."""
    token = border_case(linhai)
    with linhai.database.reading() as tx:
        service = linhai.context.cities.city(tx, "linhai.example").services["pothole"]
    object.__setattr__(service, "is_sensitive", True)
    try:
        (partner,) = linhai.row(token).assist_units
        do(linhai, token, 2, Actor("handler", partner), "task_accept")
        accepted_event = linhai.events(token)[-1]
        assert accepted_event.public == {"actor": {"role": "handler"}, "task": 2, "kind": "joint"}
        assert accepted_event.private["unit"] == partner
    finally:
        object.__setattr__(service, "is_sensitive", False)
