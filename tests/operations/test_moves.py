"""How a case moves on: who may, what it does to state, clocks and promise, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import update

from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.models.report import report
from portal.operations.context import REPORTER, SYSTEM, Actor
from routing.lifecycle import STATES

LEAD, HEAD, DESK = Actor("handler", "street-cn2"), Actor("unit_head", "street-cn2"), Actor("dispatcher")
NEXT, THIRD = Actor("handler", "street-cn1"), Actor("handler", "street-cn3")
STRANGER, AUDITOR = Actor("handler", "street-wh1"), Actor("auditor")
TOMORROW = datetime(2027, 3, 11, 9, 0, tzinfo=UTC)
PHOTO = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
ACCEPTED = [(LEAD, "accept")]
FIXED = {"closing_code": "fixed", "photos": (PHOTO,), "public_text": "Filled."}


def state_of(linhai: Any, token: str) -> tuple[str, str]:
    row = linhai.row(token)
    return row.state, row.lead_unit


def test_the_usual_course(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = linhai.file()
    with at(hours=1):
        linhai.move(token, LEAD, "accept")
        assert linhai.row(token).accepted_at is not None
        assert linhai.clocks(token)["unit", "accept"].state == "met"
    with at(hours=2):
        linhai.move(token, LEAD, "start")
        linhai.move(token, LEAD, "update", public_text="A crew comes on Monday. Ask 13812345678.")
        assert linhai.clocks(token)["unit", "first_answer"].state == "met"
    with at(hours=3) as now:
        linhai.move(token, LEAD, "resolve", **FIXED)
        row = linhai.row(token)
        assert (row.state, row.closing_code, row.closed_at) == ("resolved", "fixed", now.at)
        assert {one.state for one in linhai.clocks(token).values()} == {"met"}
        linhai.move(token, REPORTER, "confirm")
        linhai.move(token, SYSTEM, "close")
    assert linhai.row(token).closed_at == now.at, "closed since the unit said so"
    assert linhai.kinds(token)[2:] == [
        "request.accepted", "request.started", "request.updated", "request.resolved", "request.confirmed",
        "request.closed",
    ]  # fmt: skip
    updated = linhai.events(token)[4]
    assert updated.public == {
        "actor": {"role": "handler", "unit": "street-cn2"}, "state": "in_progress",
        "text": "A crew comes on Monday. Ask ▇▇▇.",
    }  # fmt: skip
    assert updated.private["text"].endswith("13812345678.")
    told = [message["template"] for message in linhai.messages(token) if message["to"] == "reporter"]
    assert told == ["received", "accepted", "updated", "resolved"]


@pytest.mark.parametrize(
    ("typed", "state", "clocks"),
    [
        pytest.param({"closing_code": "fixed", "photos": (PHOTO,)}, "resolved", "met", id="fixed, with a photo"),
        pytest.param({"closing_code": "fixed", "reason": "too dark"}, "resolved", "met", id="fixed, why no photo"),
        pytest.param({"closing_code": "not_found", "photos": (PHOTO,)}, "resolved", "met", id="not found"),
        pytest.param(
            {"closing_code": "partly_fixed", "photos": (PHOTO,), "public_text": "Kerb by May.", "until": TOMORROW},
            "resolved", "met", id="partly fixed",
        ),
        pytest.param({"closing_code": "declined", "public_text": "private"}, "rejected", "met", id="declined"),
        pytest.param(
            {"closing_code": "not_ours", "reason": "railway", "outside_body": "Railway Bureau"},
            "rejected", "met", id="handed to an outside body",
        ),
    ],
)  # fmt: skip
def test_every_ending_closes_with_its_proof(
    linhai: Any, typed: dict[str, Any], state: str, clocks: str
) -> None:
    token = linhai.file()
    result = linhai.moved(token, *ACCEPTED, (LEAD, "resolve", typed))
    row = linhai.row(token)
    assert (result.state, row.state, row.closing_code) == (state, state, typed["closing_code"])
    assert row.closed_at is not None
    assert {one.state for one in linhai.clocks(token).values() if one.kind != "rest"} == {clocks}
    assert linhai.events(token)[-1].public["closing_code"] == typed["closing_code"]


def test_not_ours_without_a_taker_goes_to_the_desk(linhai: Any) -> None:
    token = linhai.file()
    linhai.moved(token, *ACCEPTED, (LEAD, "resolve", {"closing_code": "not_ours", "reason": "no idea whose"}))
    row = linhai.row(token)
    assert (row.state, row.lead_unit, row.closed_at) == ("routed", "centre", None)
    running = linhai.clocks(token, "running")
    assert {one.unit_code for kind, one in running.items() if kind[0] == "unit"} == {"centre"}
    assert linhai.messages(token)[-1]["to"] == "centre"


def test_planned_stays_open_with_a_second_date_beside_the_promise(linhai: Any) -> None:
    token = linhai.file()
    promised = linhai.row(token).promise_due_at
    linhai.moved(token, *ACCEPTED, (LEAD, "resolve", {"closing_code": "planned", "until": TOMORROW}))
    row = linhai.row(token)
    assert (row.state, row.closed_at, row.second_due_at, row.promise_due_at) == (
        "accepted", None, TOMORROW, promised,
    )  # fmt: skip
    assert linhai.clocks(token)["promise", "resolve"].due_at == promised


@pytest.mark.parametrize(
    ("action", "typed", "field"),
    [
        pytest.param("resolve", {}, "closing_code", id="no ending"),
        pytest.param("resolve", {"closing_code": "gone"}, "closing_code", id="unknown ending"),
        pytest.param("resolve", {"closing_code": "answered", "public_text": "x"}, "closing_code", id="of questions"),
        pytest.param("resolve", {"closing_code": "fixed"}, "media", id="fixed without proof"),
        pytest.param("resolve", {"closing_code": "fixed", "public_text": "done"}, "media", id="words are no proof"),
        pytest.param("resolve", {"closing_code": "not_found"}, "media", id="not found without proof"),
        pytest.param("resolve", {"closing_code": "not_found", "reason": "dark"}, "media", id="not found needs a photo"),
        pytest.param(
            "resolve", {"closing_code": "partly_fixed", "photos": (PHOTO,), "until": TOMORROW}, "public_text",
            id="what remains",
        ),
        pytest.param(
            "resolve", {"closing_code": "partly_fixed", "photos": (PHOTO,), "public_text": "The kerb."}, "until",
            id="by when",
        ),
        pytest.param("resolve", {"closing_code": "not_ours"}, "public_text", id="not ours, but whose"),
        pytest.param("resolve", {"closing_code": "declined"}, "public_text", id="declined, but why"),
        pytest.param("resolve", {"closing_code": "declined", "reason": "rule 4"}, "public_text", id="a secret rule"),
        pytest.param("resolve", {"closing_code": "merged"}, "duplicate_of", id="merged, but with what"),
        pytest.param("mark_duplicate", {"public_text": "the same"}, "duplicate_of", id="a duplicate of nothing"),
        pytest.param("mark_duplicate", {"duplicate_of": "7K2M9QX4T8B3WC"}, "duplicate_of", id="of a stranger"),
        pytest.param("resolve", {"closing_code": "planned"}, "until", id="planned, but when"),
        pytest.param(
            "resolve", {"closing_code": "planned", "until": datetime(2026, 1, 1, tzinfo=UTC)}, "until", id="past"
        ),
        pytest.param("transfer", {"to_unit": "street-cn1"}, "reason", id="transfer without a reason"),
        pytest.param("transfer", {"to_unit": "street-cn1", "reason": "lazy"}, "reason", id="a reason not offered"),
        pytest.param("transfer", {"reason": "not_our_area"}, "to_unit", id="transfer to nobody"),
        pytest.param("transfer", {"reason": "not_our_area", "to_unit": "moon"}, "to_unit", id="to a stranger"),
        pytest.param("transfer", {"reason": "not_our_area", "to_unit": "street-cn2"}, "to_unit", id="to oneself"),
        pytest.param("update", {"public_text": " \x00"}, "public_text", id="an update that says nothing"),
        pytest.param("note", {}, "note", id="an empty note"),
        pytest.param("note", {"note": "x" * 4001}, "note", id="a very long note"),
        pytest.param("update", {"public_text": "x", "media": ("7K2M9QX4T8B3WC",)}, "media", id="a photo of nowhere"),
        pytest.param("update", {"public_text": "x", "closing_code": "fixed"}, "closing_code", id="an ending too many"),
        pytest.param("dance", {}, "reason", id="an action nobody knows"),
    ],
)  # fmt: skip
def test_what_a_move_lacks_is_said_by_field(
    linhai: Any, action: str, typed: dict[str, Any], field: str
) -> None:
    token = linhai.file()
    linhai.move(token, LEAD, "accept")
    before = linhai.row(token), linhai.kinds(token)
    with pytest.raises(InvalidInput) as caught:
        linhai.move(token, LEAD, action, **typed)
    assert list(caught.value.fields) == [field]
    assert (linhai.row(token), linhai.kinds(token)) == before


@pytest.mark.parametrize(
    ("moves", "actor", "action", "typed", "error"),
    [
        pytest.param([], LEAD, "start", {}, Conflict, id="start before accepting"),
        pytest.param(ACCEPTED, LEAD, "accept", {}, Conflict, id="accept twice"),
        pytest.param([], LEAD, "resolve", FIXED, Conflict, id="resolve before accepting"),
        pytest.param([], REPORTER, "confirm", {}, Conflict, id="confirm an open case"),
        pytest.param([], REPORTER, "accept", {}, Forbidden, id="a resident accepts"),
        pytest.param([], LEAD, "assign", {"reason": "x", "to_unit": "parks"}, Forbidden, id="a handler assigns"),
        pytest.param(ACCEPTED, LEAD, "wait", {"reason": "weather"}, Forbidden, id="a handler grants a pause"),
        pytest.param([], LEAD, "reject", {"reason": "x"}, Forbidden, id="a handler rejects"),
        pytest.param([], AUDITOR, "accept", {}, Forbidden, id="an auditor acts"),
        pytest.param([], STRANGER, "accept", {}, NotFound, id="another street"),
        pytest.param([], Actor("handler"), "accept", {}, NotFound, id="a handler of nothing"),
        pytest.param(
            [(HEAD, "reject", {"reason": "x", "public_text": "x"})],
            LEAD, "accept", {}, Conflict, id="accept what was rejected",
        ),
    ],
)  # fmt: skip
def test_who_may_not(
    linhai: Any, moves: list[Any], actor: Actor, action: str, typed: dict[str, Any], error: type[Exception]
) -> None:
    token = linhai.file()
    linhai.moved(token, *moves) if moves else None
    before = linhai.row(token), linhai.kinds(token)
    with pytest.raises(error):
        linhai.move(token, actor, action, **typed)
    assert (linhai.row(token), linhai.kinds(token)) == before


@pytest.mark.parametrize("token", ["7K2M9QX4T8B3WC", "", "'; --", "a\x00b", "CITY-linhai.example"])
def test_a_number_that_is_none_is_not_found(linhai: Any, token: str) -> None:
    with pytest.raises(NotFound):
        linhai.move(token, DESK, "accept")


@pytest.mark.parametrize("words", ["a\x00b", "x\ud800y", "\x1b[31m", "<b>&amp;</b>", "🕳️" * 100])
def test_hostile_words_in_a_move(linhai: Any, words: str) -> None:
    token = linhai.file()
    linhai.move(token, LEAD, "accept", note=words)
    linhai.move(token, LEAD, "update", public_text=f"says {words}.", note=words)
    shown = linhai.events(token)[-1].public["text"]
    assert shown == f"says {''.join(c for c in words if c not in chr(0) + chr(0x1B) + chr(0xD800))}."


def transfer(to: str) -> tuple[str, dict[str, str]]:
    return "transfer", {"reason": "not_our_area", "to_unit": to}


def test_a_transfer_restarts_the_units_clocks_and_never_the_promise(
    linhai: Any, at: Callable[..., Any]
) -> None:
    with at():
        token = linhai.file()
    before = linhai.clocks(token)
    with at(hours=5) as now:
        linhai.moved(token, (LEAD, *transfer("street-cn1")))
        after = linhai.clocks(token, "running")
    assert state_of(linhai, token) == ("routed", "street-cn1")
    assert linhai.row(token).transfer_count == 1
    assert after["promise", "resolve"].due_at == before["promise", "resolve"].due_at
    assert after["promise", "resolve"].id == before["promise", "resolve"].id
    for key in (("unit", "accept"), ("unit", "resolve")):
        assert (after[key].unit_code, after[key].started_at) == ("street-cn1", now.at)
        assert after[key].due_at > before[key].due_at
    old = [one.state for one in linhai.all_clocks(token) if one.unit_code == "street-cn2"]
    assert old == ["cancelled"] * 3
    event = linhai.events(token)[-1]
    assert (event.public["from"], event.public["to"], event.public["reason"]) == (
        "street-cn2", "street-cn1", "not_our_area",
    )  # fmt: skip
    assert [(m["template"], m["to"]) for m in linhai.messages(token)[-2:]] == [
        ("transferred", "reporter"), ("transferred_to_you", "street-cn1"),
    ]  # fmt: skip
    with pytest.raises(NotFound):
        linhai.move(token, LEAD, "accept")


def test_the_class_of_targets_goes_with_the_case(linhai: Any, at: Callable[..., Any]) -> None:
    with at(hours=10):  # a lamp near a school, in the evening
        token = linhai.file(
            service_code="street-light", lon=121.588144, lat=29.265138, answers={"lamp-fault": ("dark",)}
        )
        linhai.moved(token, (Actor("handler", "lighting"), *transfer("traffic")))
        after = linhai.clocks(token, "running")
    assert linhai.row(token).receipt["targets"] == "near-schools"
    assert (after["unit", "resolve"].unit_code, after["unit", "resolve"].span_unit) == (
        "traffic",
        "working_hours",
    )


def test_the_third_transfer_goes_to_the_desk_by_itself(linhai: Any) -> None:
    token = linhai.file()
    linhai.moved(
        token, (LEAD, *transfer("street-cn1")), (NEXT, *transfer("street-cn3")), (THIRD, *transfer("street-cn2"))
    )  # fmt: skip
    assert state_of(linhai, token) == ("routed", "centre")
    assert linhai.row(token).transfer_count == 3
    linhai.move(token, DESK, "assign", reason="ruled by the desk", to_unit="street-cn2")
    assert state_of(linhai, token) == ("routed", "street-cn2")


@pytest.mark.parametrize(
    "actor",
    [DESK, Actor("dispatcher", "centre"), Actor("handler", "centre"), Actor("unit_head", "centre")],
    ids=str,
)
def test_the_centre_hands_over_what_came_to_it(linhai: Any, actor: Actor) -> None:
    token = linhai.file()
    linhai.moved(
        token, (LEAD, *transfer("street-cn1")), (NEXT, *transfer("street-cn3")), (THIRD, *transfer("street-cn2"))
    )  # fmt: skip
    assert state_of(linhai, token) == ("routed", "centre")
    linhai.moved(token, (actor, *transfer("street-wh1")))
    assert state_of(linhai, token) == ("routed", "street-wh1")
    assert {one.unit_code for one in linhai.clocks(token, "running").values()} == {None, "street-wh1"}


def test_the_centre_cannot_win_time_by_handing_a_case_to_itself(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = linhai.file()
        linhai.moved(token, *ACCEPTED, (LEAD, "resolve", {"closing_code": "not_ours", "reason": "whose?"}))
        linhai.move(token, DESK, "accept")
    before = linhai.all_clocks(token)
    with at(hours=5), pytest.raises(InvalidInput, match="has this case already") as caught:
        linhai.move(token, DESK, "resolve", closing_code="not_ours", reason="whose?")
    assert list(caught.value.fields) == ["outside_body"]
    assert linhai.all_clocks(token) == before


def test_waiting_stops_the_units_clocks_and_gives_the_time_back(linhai: Any, at: Callable[..., Any]) -> None:
    with at():
        token = linhai.file()
        linhai.move(token, LEAD, "accept")
    before = linhai.clocks(token)
    with at(hours=1):
        linhai.move(token, HEAD, "wait", reason="awaiting_parts")
        paused = linhai.clocks(token)
    assert linhai.row(token).state == "waiting"
    assert (paused["unit", "resolve"].state, paused["unit", "resolve"].next_at) == ("paused", None)
    assert paused["promise", "resolve"] == before["promise", "resolve"], "the promise goes on"
    with at(days=7, hours=1):
        linhai.move(token, LEAD, "resume")
        after = linhai.clocks(token)
    assert linhai.row(token).state == "in_progress"
    assert after["unit", "resolve"].state == "running"
    assert after["unit", "resolve"].due_at - before["unit", "resolve"].due_at == timedelta(days=7)
    assert after["unit", "resolve"].next_at == after["unit", "resolve"].remind_at
    assert after["promise", "resolve"] == before["promise", "resolve"]


def test_a_contested_closing_reopens_under_the_same_number_with_the_same_promise(
    linhai: Any, at: Callable[..., Any]
) -> None:
    with at():
        token = linhai.file()
        linhai.moved(token, *ACCEPTED, (LEAD, "resolve", FIXED))
    before = linhai.row(token)
    with at(days=1) as now:
        linhai.move(token, REPORTER, "contest")
    row, running = linhai.row(token), linhai.clocks(token, "running")
    assert (row.state, row.lead_unit, row.closed_at, row.closing_code) == (
        "accepted",
        "street-cn2",
        None,
        None,
    )
    assert row.promise_due_at == before.promise_due_at == running["promise", "resolve"].due_at
    assert running["promise", "resolve"].met_at is None
    assert set(running) == {("promise", "resolve"), ("unit", "first_answer"), ("unit", "resolve")}
    assert running["unit", "resolve"].started_at == now.at
    assert linhai.messages(token)[-1]["template"] == "contested"


def test_reject_closes_with_its_reason_private(linhai: Any) -> None:
    token = linhai.file()
    linhai.move(token, HEAD, "reject", reason="Mrs Li has no case", public_text="Rule 4: private ground.")
    row, event = linhai.row(token), linhai.events(token)[-1]
    assert (row.state, row.closing_code) == ("rejected", "declined")
    assert "Mrs Li" not in str(event.public)
    assert event.private["reason"] == "Mrs Li has no case"
    assert event.public["text"] == "Rule 4: private ground."


def test_a_refusal_names_its_rule_to_the_public(linhai: Any) -> None:
    token = linhai.file()
    with pytest.raises(InvalidInput) as caught:
        linhai.move(token, HEAD, "reject", reason="rule 4")
    assert list(caught.value.fields) == ["public_text"]


def test_the_second_writer_is_told_of_the_first(linhai: Any) -> None:
    token = linhai.file()
    seen = len(linhai.kinds(token))
    linhai.move(token, LEAD, "accept", seen_seq=seen)
    with pytest.raises(Conflict, match="in the meantime"):
        linhai.move(token, DESK, "transfer", seen_seq=seen, to_unit="parks", reason="no_capacity")
    linhai.move(token, LEAD, "note", note="only a note", seen_seq=seen + 1)
    assert linhai.move(token, LEAD, "start", seen_seq=seen + 1).seq == seen + 3, (
        "a note changes nothing for others"
    )


def test_of_writers_at_the_same_moment_exactly_one_wins(linhai: Any) -> None:
    for _ in range(5):
        token = linhai.file()
        together = Barrier(4)

        def accept(_: int, token: str = token, together: Barrier = together) -> str:
            together.wait()
            try:
                return linhai.move(token, LEAD, "accept", seen_seq=2).state
            except Conflict:
                return "conflict"

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(accept, range(4))) == ["accepted", "conflict", "conflict", "conflict"]
        assert linhai.kinds(token)[2:] == ["request.accepted"]


def test_a_state_nobody_knows_moves_nowhere(linhai: Any) -> None:
    token = linhai.file()
    with linhai.database.transaction() as tx:
        tx.execute(update(report).where(report.c.token == token).values(state="lost"))
    assert "lost" not in STATES
    with pytest.raises(InvalidInput):
        linhai.move(token, LEAD, "accept")
