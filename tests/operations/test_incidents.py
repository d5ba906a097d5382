"""One incident, many voices: the first promise counts, everybody hears every answer, and chains are flat."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from portal.errors import Conflict, Forbidden, InvalidInput
from portal.models.incident import follower
from portal.models.report import report
from portal.operations.context import REPORTER, Actor
from portal.operations.follow_report import (
    confirm_follower,
    follow_report,
    follower_secret,
    leave_report,
)
from portal.operations.verify_ledger import verify_ledger
from portal.queries.followers import followers_of, voices_of

LEAD = Actor("handler", "street-cn2")
DONE = {"closing_code": "fixed", "reason": "no camera", "public_text": "Filled."}


def merge(linhai: Any, one: str, into: str) -> None:
    linhai.move(one, LEAD, "mark_duplicate", duplicate_of=into)


def ends(linhai: Any, *tokens: str) -> list[str | None]:
    """The number of the first report of each one's incident."""
    with linhai.database.reading() as tx:
        numbers = dict(tx.execute(select(report.c.id, report.c.token)).all())
    return [numbers.get(linhai.row(token).primary_id) for token in tokens]


def follow(linhai: Any, token: str, voice: str = "a", email: str = "", address: str = "") -> Any:
    with linhai.database.transaction() as tx:
        return follow_report(tx, linhai.context, token, voice, address or str(uuid.uuid4()), email, "en")


def own_link(linhai: Any, token: str) -> tuple[str, str]:
    """The newest follower's token and secret."""
    with linhai.database.reading() as tx:
        of_case = select(follower.c.token).where(follower.c.report_id == linhai.row(token).id)
        number = tx.scalar(of_case.order_by(follower.c.id.desc()).limit(1))
    return number, follower_secret(linhai.context, number)


def test_chains_are_flat_and_leave_as_they_came(linhai: Any) -> None:
    a, b, c, d = (linhai.file() for _ in range(4))
    merge(linhai, c, b)
    merge(linhai, b, a)
    merge(linhai, d, c)  # names a report that was joined itself: its incident is meant
    assert ends(linhai, a, b, c, d) == [None, a, a, a]
    assert linhai.events(d)[-1].public["duplicate_of"] == a
    linhai.move(b, REPORTER, "unmerge")
    assert ends(linhai, a, b, c, d) == [None, None, b, a]
    with linhai.database.reading() as tx:
        assert verify_ledger(tx).faults == []


def test_the_earliest_promise_counts(linhai: Any, at: Any) -> None:
    with at():
        early = linhai.file()
    with at(hours=5):
        late = linhai.file()
        assert linhai.row(late).promise_due_at > linhai.row(early).promise_due_at
        merge(linhai, early, late)
    promised = linhai.row(early).promise_due_at
    assert linhai.row(late).promise_due_at == promised
    assert linhai.clocks(late)["promise", "resolve"].due_at == promised
    assert linhai.events(late)[-1].public["promise_due_at"] == promised.isoformat()


def test_a_later_promise_changes_nothing(linhai: Any, at: Any) -> None:
    with at():
        early = linhai.file()
    with at(hours=5):
        late = linhai.file()
        before = linhai.row(early).promise_due_at
        merge(linhai, late, early)
    assert linhai.row(early).promise_due_at == before


def test_every_answer_reaches_every_member_and_follower(linhai: Any) -> None:
    first, second, silent = linhai.file(), linhai.file(), linhai.file(contact=None)
    merge(linhai, second, first)
    merge(linhai, silent, first)
    follow(linhai, second, email="neighbour@mail.example")
    number, secret = own_link(linhai, first)
    with linhai.database.transaction() as tx:
        confirm_follower(tx, linhai.context, number, secret)
    linhai.move(first, LEAD, "accept")
    linhai.move(first, LEAD, "update", public_text="We come tomorrow.")
    linhai.move(first, LEAD, "resolve", **DONE)
    heard = [
        (one["template"], one["to"].partition(":")[0], one.get("incident"))
        for token in (first, second, silent)
        for one in linhai.messages(token)
        if one["template"] in {"updated", "resolved"}
    ]
    everybody = [("reporter", None), ("follower", first), ("reporter", first)]
    assert sorted(heard, key=str) == sorted(
        ((template, to, incident) for template in ("updated", "resolved") for to, incident in everybody),
        key=str,
    )


def test_me_too_counts_a_person_once(linhai: Any) -> None:
    token = linhai.file()
    assert follow(linhai, token, "a").is_new
    assert not follow(linhai, token, "a").is_new
    assert follow(linhai, token, "b").is_new
    follow(linhai, token, email="Anne+x@mail.example")
    follow(linhai, token, email="anne@mail.example")
    case_id = linhai.row(token).id
    with linhai.database.reading() as tx:
        assert voices_of(tx, case_id) == 3, "an unproved address is no voice yet"
        assert followers_of(tx, case_id) == []
        stored = tx.execute(select(follower).where(follower.c.report_id == case_id)).all()
    assert "anne" not in str(stored).lower()
    assert linhai.kinds(token).count("request.followed") == 2


def test_letters_only_after_a_proof_and_never_after_leaving(linhai: Any) -> None:
    token = linhai.file()
    assert follow(linhai, token, email="proof@mail.example").is_asked
    number, secret = own_link(linhai, token)
    with pytest.raises(Forbidden), linhai.database.transaction() as tx:
        confirm_follower(tx, linhai.context, number, "wrong")
    for act, expected in ((confirm_follower, 1), (leave_report, 0)):
        with linhai.database.transaction() as tx:
            act(tx, linhai.context, number, secret)
            assert len(followers_of(tx, linhai.row(token).id)) == expected
    with linhai.database.reading() as tx:
        assert voices_of(tx, linhai.row(token).id) == 2, "the voice stays"


def test_an_address_that_is_none_is_refused(linhai: Any) -> None:
    with pytest.raises(InvalidInput):
        follow(linhai, linhai.file(), email="nobody")


def test_many_who_join_and_follow_at_once_end_in_one_incident(linhai: Any) -> None:
    tokens = [linhai.file(contact=None) for _ in range(6)]
    together = Barrier(6)

    def join(turn: int) -> str:
        together.wait()
        follow(linhai, tokens[0], "same voice")
        try:
            merge(linhai, tokens[turn], tokens[(turn + 1) % 6])
        except (InvalidInput, Conflict):
            return "refused"
        return "joined"

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(join, range(6)))
    primaries = [linhai.row(token).primary_id for token in tokens]
    for token, primary in zip(tokens, primaries, strict=True):
        assert (primary is None) == (linhai.row(token).state != "duplicate")
    first = {row.id: row.primary_id for row in map(linhai.row, tokens)}
    assert all(first[one] is None for one in primaries if one is not None), "no chain, no circle"
    assert done.count("joined") == 6 - primaries.count(None)
    with linhai.database.reading() as tx:
        query = select(follower.c.id).where(follower.c.report_id.in_(list(first)))
        assert len(tx.execute(query).all()) <= 2
        assert verify_ledger(tx).faults == []


def test_a_known_work_is_told_and_stands_in_the_history(linhai: Any, at: Any) -> None:
    with at(days=260):  # in November: the avenue is being resurfaced
        found = linhai.submit(lon=121.5529, lat=29.2091)
    assert len(found.works) == 1
    event = next(row for row in linhai.events(found.token) if row.kind == "work.known")
    assert "resurfaced" in event.public["text"]
    with at():
        assert linhai.submit(lon=121.5529, lat=29.2091).works == ()
    assert found.works[0].until - found.works[0].since > timedelta(days=100)
