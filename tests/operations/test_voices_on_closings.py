"""Who may say yes or no to a closing and rate it, what follows, and how silence ends a case."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from portal import clock
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound, WenluError
from portal.models.oversight import supervision
from portal.models.voice import rating, voice
from portal.operations.cast_voice import cast_voice
from portal.operations.close_silent import close_silent
from portal.operations.context import Actor
from portal.operations.rate_closing import Rating, rate_closing
from portal.operations.voice_links import Voter, link_for, link_of_letter, read_link, voter_of
from portal.queries.unit_ratings import unit_ratings

LEAD = Actor("handler", "street-cn2")
FIXED = {"closing_code": "fixed", "reason": "dark"}
FIVE = Rating({"speed": 5, "result": 4, "manner": 3}, "Thank you, 13812345678")


def who(linhai: Any, token: str, role: str, person: str = "") -> Voter:
    return voter_of(linhai.context.keyring, token, role, person)


def say(linhai: Any, token: str, role: str, says: str, person: str = "", **more: Any) -> Any:
    with linhai.database.transaction() as tx:
        return cast_voice(tx, linhai.context, token, who(linhai, token, role, person), says, **more)


def rate(linhai: Any, token: str, role: str, person: str = "", given: Rating = FIVE, **more: Any) -> None:
    with linhai.database.transaction() as tx:
        rate_closing(tx, linhai.context, token, who(linhai, token, role, person), given, **more)


def resolved(linhai: Any, **typed: Any) -> str:
    token = linhai.file()
    linhai.moved(token, (LEAD, "accept"), (LEAD, "resolve", FIXED | typed))
    return token


def in_state(linhai: Any, state: str) -> str:
    token = resolved(linhai)
    if state == "confirmed":
        say(linhai, token, "reporter", "confirm")
    if state == "closed":
        linhai.move(token, Actor("dispatcher", "centre"), "close")
    if state == "accepted":
        say(linhai, token, "reporter", "contest")
    if state == "rejected":
        token = linhai.file()
        linhai.moved(
            token, (Actor("unit_head", "street-cn2"), "reject", {"reason": "4", "public_text": "Rule"})
        )
    assert linhai.row(token).state == state
    return token


@pytest.mark.parametrize(
    ("state", "role", "says", "becomes"),
    [
        ("resolved", "reporter", "confirm", "confirmed"),
        ("resolved", "reporter", "contest", "accepted"),
        ("resolved", "follower", "confirm", "resolved"),
        ("resolved", "follower", "contest", "accepted"),
        ("resolved", "neighbour", "confirm", "resolved"),
        ("resolved", "neighbour", "contest", "resolved"),
        ("confirmed", "reporter", "contest", "accepted"),
        ("confirmed", "follower", "contest", "confirmed"),
        ("confirmed", "neighbour", "contest", "confirmed"),
        ("closed", "reporter", "confirm", "closed"),
        ("closed", "reporter", "contest", "accepted"),
        ("closed", "follower", "contest", "accepted"),
        ("rejected", "reporter", "contest", "accepted"),
        ("rejected", "reporter", "confirm", Conflict),
        ("rejected", "follower", "contest", Conflict),
        ("rejected", "neighbour", "contest", Conflict),
        ("accepted", "follower", "confirm", Conflict),
        ("accepted", "reporter", "confirm", Conflict),
        ("resolved", "guest", "confirm", Forbidden),
        ("resolved", "handler", "confirm", WenluError),
        ("resolved", "reporter", "praise", NotFound),
    ],
)
def test_who_may_say_what(linhai: Any, at: Any, state: str, role: str, says: str, becomes: Any) -> None:
    with at():
        token = in_state(linhai, state)
        before = linhai.count(voice)
        if isinstance(becomes, str):
            say(linhai, token, role, says, "p")
            assert linhai.row(token).state == becomes
            assert linhai.count(voice) == before + 1
        else:
            with pytest.raises(becomes):
                say(linhai, token, role, says, "p")
            assert linhai.row(token).state == state
            assert linhai.count(voice) == before


def test_so_many_different_neighbours_open_it_again_together(linhai: Any, at: Any) -> None:
    with at():
        token = resolved(linhai)
        for person in ("a", "a", "b"):
            say(linhai, token, "neighbour", "contest", person)
        assert linhai.row(token).state == "resolved", "the same neighbour counts once"
        assert say(linhai, token, "neighbour", "contest", "c").is_reopened
    told = linhai.events(token)[-1]
    assert (told.kind, told.public["actor"], told.public["unit"]) == (
        "request.contested", {"role": "neighbour"}, "street-cn2",
    )  # fmt: skip
    assert linhai.row(token).reopen_count == 1


def test_neighbours_never_close_anything_and_may_change_their_mind(linhai: Any, at: Any) -> None:
    with at():
        token = resolved(linhai)
        for person in range(9):
            say(linhai, token, "neighbour", "confirm", str(person))
        say(linhai, token, "neighbour", "contest", "0")
        assert linhai.row(token).state == "resolved"
        with linhai.database.reading() as tx:
            mine = voice.c.report_id == linhai.row(token).id
            said = dict(
                tx.execute(select(voice.c.says, func.count()).where(mine).group_by(voice.c.says)).all()  # type: ignore[arg-type]
            )
    assert said == {"confirm": 8, "contest": 1}


def test_a_private_report_is_no_neighbours_business(linhai: Any, at: Any) -> None:
    with at():
        token = resolved(linhai)
        with linhai.database.transaction() as tx:
            tx.execute(text("UPDATE report SET is_private = true WHERE token = :t"), {"t": token})
        with pytest.raises(Forbidden):
            say(linhai, token, "neighbour", "contest", "a")


def test_a_second_tap_changes_nothing_and_an_earlier_closing_cannot_be_answered(linhai: Any, at: Any) -> None:
    with at():
        token = resolved(linhai)
        say(linhai, token, "reporter", "contest", closing_no=1)
        seq = linhai.events(token)[-1].case_seq
        assert say(linhai, token, "reporter", "contest", closing_no=1).state == "accepted"
        assert linhai.events(token)[-1].case_seq == seq
        linhai.move(token, LEAD, "resolve", **FIXED)
        with pytest.raises(Conflict, match="earlier closing"):
            say(linhai, token, "reporter", "confirm", closing_no=1)
        assert say(linhai, token, "reporter", "confirm", closing_no=2).state == "confirmed"
    assert (linhai.row(token).closing_count, linhai.row(token).reopen_count) == (2, 1)


def test_dissatisfied_twice_brings_it_to_the_centre(linhai: Any, at: Any) -> None:
    with at():
        token = resolved(linhai)
        say(linhai, token, "reporter", "contest", words="Still there. Ring 13812345678")
        assert "supervision.opened" not in linhai.kinds(token)
        linhai.move(token, LEAD, "resolve", **FIXED)
        say(linhai, token, "follower", "contest", "f")
    kinds = linhai.kinds(token)
    assert kinds[-2:] == ["request.contested", "supervision.opened"]
    with linhai.database.reading() as tx:
        found = tx.execute(select(supervision).where(supervision.c.report_id == linhai.row(token).id)).one()
    assert (found.cause, found.unit_code) == ("dissatisfied", "street-cn2")
    contested = [event for event in linhai.events(token) if event.kind == "request.contested"]
    assert [event.public["contests"] for event in contested] == [1, 2]
    assert contested[0].public["text"] == "Still there. Ring ▇▇▇"
    told = [one["template"] for one in linhai.messages(token) if one["to"] == "reporter"]
    assert told.count("reopened") == 2


def test_confirm_and_contest_at_once_end_in_one_story(linhai: Any, at: Any) -> None:
    for _ in range(5):
        with at():
            token = resolved(linhai)
        start, refused = threading.Barrier(2), []

        def tap(says: str, token: str = token, start: Any = start, refused: list[str] = refused) -> None:
            start.wait()
            try:
                say(linhai, token, "reporter", says)
            except Conflict:
                refused.append(says)

        taps = [threading.Thread(target=tap, args=(says,)) for says in ("confirm", "contest")]
        for one in taps:
            one.start()
        for one in taps:
            one.join()
        assert linhai.row(token).state == "accepted", "a no is never lost, whichever came first"
        assert refused in ([], ["confirm"])
        assert linhai.row(token).reopen_count == 1


@pytest.mark.parametrize(
    ("role", "is_heard"), [("reporter", True), ("follower", True), ("guest", True), ("neighbour", False)]
)
def test_who_may_rate(linhai: Any, at: Any, role: str, is_heard: bool) -> None:
    with at():
        token = resolved(linhai)
        if not is_heard:
            with pytest.raises(Forbidden):
                rate(linhai, token, role, "p")
            return
        rate(linhai, token, role, "p")
        with pytest.raises(Conflict, match="already"):
            rate(linhai, token, role, "p")
        told = linhai.events(token)[-1]
    assert told.kind == "closing.rated"
    assert told.public["text"] == "Thank you, ▇▇▇"
    assert told.private["text"].endswith("13812345678")
    assert (told.public["speed"], told.public["result"], told.public["manner"]) == (5, 4, 3)


@pytest.mark.parametrize(
    ("scores", "words", "field"),
    [
        ({"speed": 6, "result": 4, "manner": 3}, "", "speed"),
        ({"speed": 5, "manner": 3}, "", "result"),
        ({"speed": 5, "result": 4, "manner": 0}, "", "manner"),
        ({"speed": 5, "result": 4, "manner": 3}, "x" * 1001, "words"),
    ],
)
def test_a_rating_is_whole(linhai: Any, at: Any, scores: dict[str, int], words: str, field: str) -> None:
    with at():
        token = resolved(linhai)
        with pytest.raises(InvalidInput) as refused:
            rate(linhai, token, "reporter", given=Rating(scores, words))
    assert list(refused.value.fields) == [field]


def test_what_was_never_closed_cannot_be_rated_and_a_redo_is_rated_anew(linhai: Any, at: Any) -> None:
    with at():
        token = linhai.file()
        with pytest.raises(Conflict):
            rate(linhai, token, "reporter")
        linhai.moved(token, (LEAD, "accept"), (LEAD, "resolve", FIXED))
        say(linhai, token, "reporter", "contest")
        rate(linhai, token, "reporter", closing_no=1)
        linhai.move(token, LEAD, "resolve", **FIXED)
        with pytest.raises(Conflict):
            rate(linhai, token, "reporter", closing_no=1)
        rate(linhai, token, "reporter", closing_no=2)


def test_averages_want_five_and_leave_codes_apart(linhai: Any, at: Any) -> None:
    with at(days=500):
        now = clock.now()
        for number in range(5):
            with linhai.database.reading() as tx:
                found = unit_ratings(tx, "linhai.example", now, "street-cn2").get("street-cn2")
            assert found is None or (found.count, found.speed) == (number, None)
            token = resolved(linhai)
            rate(linhai, token, "reporter", given=Rating({"speed": 1 + number, "result": 2, "manner": 5}))
            rate(linhai, token, "guest", "g", given=Rating({"speed": 5, "result": 5, "manner": 5}))
        with linhai.database.reading() as tx:
            found = unit_ratings(tx, "linhai.example", now + timedelta(seconds=1))["street-cn2"]
            tx.execute(text("SET LOCAL enable_seqscan = off"))
            plan = "\n".join(
                tx.scalars(
                    text(
                        "EXPLAIN SELECT unit_code, avg(speed) FROM rating WHERE jurisdiction_id = 'x' "
                        "AND unit_code = 'y' AND at > now() GROUP BY unit_code"
                    )
                )
            )
    assert (found.count, found.speed, found.result, found.manner, found.by_code) == (5, 3.0, 2.0, 5.0, 5)
    assert "ix_rating_unit" in plan
    assert linhai.count(rating) >= 10


@pytest.mark.parametrize(
    ("days", "word", "becomes"),
    [(6.9, "", "resolved"), (7.1, "", "closed"), (7.1, "confirm", "confirmed"), (7.1, "contest", "accepted")],
)
def test_silence_closes_as_unverified(linhai: Any, at: Any, days: float, word: str, becomes: str) -> None:
    with at():
        token = resolved(linhai)
        if word:
            say(linhai, token, "reporter", word)
    with at(days=days), linhai.database.transaction() as tx:
        close_silent(tx)
    row = linhai.row(token)
    assert row.state == becomes
    if becomes == "closed":
        told = linhai.events(token)[-1]
        assert (told.kind, told.public["verified"], row.confirmed_at) == (
            "request.closed",
            "unverified",
            None,
        )
        assert linhai.messages(token)[-1]["template"] == "closed"


def test_silent_cases_are_closed_in_batches_from_an_index(
    linhai: Any, at: Any, statements: list[str]
) -> None:
    with at():
        for _ in range(7):
            resolved(linhai)
    with at(days=30):
        counts, sent = [], []
        while not counts or counts[-1] == 3:
            del statements[:]
            with linhai.database.transaction() as tx:
                counts.append(close_silent(tx, 3))
            sent.append(len(statements))
    assert sum(counts) >= 7
    assert max(sent) <= 8, "the same few statements for one case as for three"
    with linhai.database.reading() as tx:
        tx.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(
            tx.scalars(
                text(
                    "EXPLAIN SELECT id FROM report WHERE jurisdiction_id = 'x' AND state = 'resolved' "
                    "AND closed_at <= now() ORDER BY closed_at, id LIMIT 500"
                )
            )
        )
    assert "ix_report_silent" in plan


def test_a_case_in_other_hands_is_passed_over(linhai: Any, at: Any) -> None:
    with at():
        token = resolved(linhai)
    with at(days=60), linhai.database.transaction() as other:
        other.execute(text("SELECT 1 FROM case_file WHERE token = :t FOR UPDATE"), {"t": token})
        with linhai.database.transaction() as tx:
            close_silent(tx)
        assert linhai.row(token).state == "resolved"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda code: code[:-1] + ("A" if code[-1] != "A" else "B"), id="signature"),
        pytest.param(lambda code: code.replace("r.1.", "f.1.", 1), id="role"),
        pytest.param(lambda code: code.replace("r.1.", "r.2.", 1), id="closing"),
        pytest.param(lambda code: code.replace(".", ".f", 2), id="expiry"),
        pytest.param(lambda code: code.rpartition(".")[0], id="no signature"),
        pytest.param(lambda code: "", id="nothing"),
        pytest.param(lambda code: "é" * 40, id="other letters"),
    ],
)
def test_a_link_cannot_be_changed(linhai: Any, change: Any) -> None:
    keyring, now = linhai.context.keyring, clock.now()
    code = link_for("reporter", 1, now, 30).code(keyring, "A" * 14)
    assert read_link(keyring, "A" * 14, code, now).closing_no == 1
    with pytest.raises(Forbidden):
        read_link(keyring, "A" * 14, change(code), now)


def test_a_link_is_for_one_case_and_one_time(linhai: Any) -> None:
    keyring, now = linhai.context.keyring, clock.now()
    code = link_for("follower", 1, now, 30, "7").code(keyring, "A" * 14)
    with pytest.raises(Forbidden):
        read_link(keyring, "B" * 14, code, now)
    assert read_link(keyring, "A" * 14, code, now + timedelta(days=29)).person == "7"
    with pytest.raises(Forbidden, match="too old"):
        read_link(keyring, "A" * 14, code, now + timedelta(days=31))


@pytest.mark.parametrize(
    ("payload", "role", "person"),
    [
        ({"to": "reporter"}, "reporter", ""),
        ({"to": "reporter", "incident": "B" * 14}, "follower", "A" * 14),
        ({"to": "follower:12"}, "follower", "12"),
    ],
)
def test_the_letters_link_is_its_readers(
    linhai: Any, payload: dict[str, str], role: str, person: str
) -> None:
    context, now = replace(linhai.context, public_url="https://x.example"), clock.now()
    url = link_of_letter(context, "A" * 14, payload | {"closing_no": "2"}, now)
    asked = payload.get("incident", "A" * 14)
    assert url.startswith(f"https://x.example/r/{asked}/say/")
    link = read_link(context.keyring, asked, url.rpartition("/")[2], now)
    assert (link.role, link.person, link.closing_no) == (role, person, 2)
    assert link_of_letter(context, "A" * 14, payload, now) == ""


def test_the_letter_of_an_ending_names_its_closing(linhai: Any, at: Any) -> None:
    with at():
        token = resolved(linhai)
        say(linhai, token, "reporter", "contest")
        linhai.move(token, LEAD, "resolve", **FIXED)
    told = [one for one in linhai.messages(token) if one["to"] == "reporter"]
    assert [one.get("closing_no") for one in told if one["template"] == "resolved"] == ["1", "2"]
    assert [one for one in told if one["template"] in ("accepted", "reopened") and "closing_no" in one] == []
