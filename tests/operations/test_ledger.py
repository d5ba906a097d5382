"""What somebody with every right in the database does to the ledger by hand is found and named."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import pairwise
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from portal.models.ledger import event_pending, event_seal, seal_day
from portal.operations.context import Actor
from portal.operations.record_events import Draft, lock_head, record
from portal.operations.seal_events import make_day_roots, seal_events
from portal.operations.verify_ledger import Verdict, verify_ledger
from routing.custody import commit_private, make_link

LEAD = Actor("handler", "street-cn2")


def seal(linhai: Any, limit: int = 20_000) -> int:
    with linhai.database.transaction() as tx:
        return seal_events(tx, limit)


def close_days(linhai: Any) -> int:
    with linhai.database.transaction() as tx:
        return make_day_roots(tx)


def verify(linhai: Any) -> Verdict:
    with linhai.database.snapshot() as tx:
        return verify_ledger(tx)


@pytest.fixture
def sealed(linhai: Any, at: Callable[..., Any]) -> str:
    """A case of five events, all sealed and their day closed, in a ledger that holds."""
    with at():
        token = linhai.file()
        linhai.moved(token, (LEAD, "accept"), (LEAD, "start"), (LEAD, "update", {"public_text": "Soon."}))
        seal(linhai)
    with at(days=1):
        close_days(linhai)
        linhai.file()  # one event that is not sealed yet
    assert verify(linhai).faults == []
    return token


@pytest.fixture
def by_hand(linhai: Any) -> Iterator[Callable[[str], list[str]]]:
    """Do something to the database with its triggers off, and hear what a verification then says; undone later."""
    with linhai.database.engine.connect() as connection:
        transaction = connection.begin()
        connection.execute(text("SET LOCAL session_replication_role = replica"))

        def tamper(statement: str, **values: Any) -> list[str]:
            done = connection.execute(text(statement), values)
            assert done.rowcount > 0, "nothing was tampered with"
            return verify_ledger(connection).faults

        tamper.connection = connection  # type: ignore[attr-defined]
        yield tamper
        transaction.rollback()


OF = "case_id = (SELECT id FROM case_file WHERE token = :token)"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        pytest.param(f"UPDATE event SET public = public || '{{\"unit\": \"parks\"}}' WHERE {OF} AND case_seq = 2",
                     "event {}/2 (request.routed): altered", id="who answers was altered"),
        pytest.param(f"UPDATE event SET at = at - interval '1 microsecond' WHERE {OF} AND case_seq = 3",
                     "event {}/3 (request.accepted): altered", id="a time moved by a microsecond"),
        pytest.param(f"UPDATE event SET kind = 'request.closed' WHERE {OF} AND case_seq = 5",
                     "event {}/5 (request.closed): altered", id="a kind was altered"),
        pytest.param(f"UPDATE event SET private_commitment = '\\x00' WHERE {OF} AND case_seq = 5",
                     "event {}/5 (request.updated): altered", id="a commitment was altered"),
        pytest.param(f"UPDATE event SET hash = '\\x00' WHERE {OF} AND case_seq = 3",
                     "event {}/4 (request.started): does not follow", id="a hash was altered"),
        pytest.param(f"DELETE FROM event WHERE {OF} AND case_seq = 3",
                     "event {}/4 (request.started): expected number 3; events before it are missing", id="one removed"),
        pytest.param(f"DELETE FROM event WHERE {OF} AND case_seq = 3",
                     "event {}/3: sealed, but missing", id="one removed, as the seals see it"),
        pytest.param(f"DELETE FROM event WHERE {OF} AND case_seq >= 4",
                     "case {}: ends at event 3, but its file says 5", id="the tail removed"),
        pytest.param(f"DELETE FROM event WHERE {OF}", "case {}: all of its events are missing", id="all removed"),
        pytest.param(
            "WITH gone AS (DELETE FROM event WHERE " + OF + " AND case_seq = 5), "
            "head AS (SELECT hash FROM event WHERE " + OF + " AND case_seq = 4) "
            "UPDATE case_file SET last_seq = 4, last_hash = head.hash FROM head WHERE token = :token",
            "event {}/5: sealed, but missing", id="the tail removed and the file adapted",
        ),
        pytest.param(f"DELETE FROM event_seal WHERE {OF} AND case_seq = 3",
                     ": seals before it are missing", id="a seal removed"),
        pytest.param("DELETE FROM event_seal WHERE global_seq = (SELECT max(global_seq) FROM event_seal)",
                     "{}/5 (request.updated): inserted by hand, never queued", id="the last seal removed"),
        pytest.param(f"UPDATE event_seal SET chain_hash = '\\x00' WHERE {OF} AND case_seq = 3",
                     "of event {}/3: does not hold", id="a seal altered"),
        pytest.param("UPDATE seal_day SET root = '\\x00'", "day 2026-03-10: its published root", id="a root altered"),
        pytest.param("DELETE FROM event_pending", "(request.submitted): inserted by hand, never queued", id="unqueued"),
        pytest.param(f"UPDATE event_private SET private = '{{}}' WHERE {OF} AND case_seq = 1",
                     "event {}/1 (request.submitted): its private part was altered", id="a private part altered"),
        pytest.param(f"UPDATE event_private SET salt = sha256('x') WHERE {OF} AND case_seq = 1",
                     "event {}/1 (request.submitted): its private part was altered", id="a salt altered"),
        pytest.param("UPDATE case_file SET token = 'ANOTHER' WHERE token = :token",
                     "event ANOTHER/1 (request.submitted): altered", id="events given to another number"),
        pytest.param("DELETE FROM case_file WHERE token = :token", "belongs to no case", id="the file removed"),
    ],
)  # fmt: skip
def test_tampering_is_named(
    linhai: Any, sealed: str, by_hand: Callable[..., list[str]], statement: str, named: str
) -> None:
    values = {"token": sealed} if ":token" in statement else {}
    faults = by_hand(statement, **values)
    wanted = named.format(sealed)
    assert any(wanted in fault for fault in faults), faults


def test_an_event_forged_with_a_right_hash_is_given_away_by_its_seal(
    linhai: Any, sealed: str, by_hand: Any
) -> None:
    """Whoever can compute hashes rewrites the last event and the file: the seal remembers the first hash."""
    connection: Connection = by_hand.connection
    last, before = linhai.events(sealed)[-1], linhai.events(sealed)[-2]
    forged = make_link(
        case=sealed, seq=last.case_seq, at=last.at, kind=last.kind, public=last.public | {"text": "Never."},
        commitment=last.private_commitment, prev_hash=before.hash,
    )  # fmt: skip
    connection.execute(
        text("UPDATE case_file SET last_hash = :hash WHERE token = :token"),
        {"hash": forged.hash, "token": sealed},
    )
    faults = by_hand(
        "UPDATE event SET public = CAST(:public AS jsonb) || '{\"text\": \"Never.\"}', hash = :hash WHERE id = :id",
        public=json.dumps(last.public), hash=forged.hash, id=last.id,
    )  # fmt: skip
    assert len(faults) == 1
    assert f"of event {sealed}/5: does not hold" in faults[0]


def test_an_event_slipped_in_with_a_right_hash_is_given_away_by_the_queue(
    linhai: Any, sealed: str, by_hand: Any
) -> None:
    connection: Connection = by_hand.connection
    head = lock_head(connection, linhai.row(sealed).id)
    record(connection, head, [Draft("request.resolved", {"actor": {"role": "handler"}})])
    faults = verify_ledger(connection).faults
    assert faults == [f"event {sealed}/6 (request.resolved): inserted by hand, never queued for sealing"]


def test_erasing_private_parts_breaks_nothing(linhai: Any, sealed: str, by_hand: Any) -> None:
    assert by_hand(f"DELETE FROM event_private WHERE {OF}", token=sealed) == []


def test_every_private_part_is_bound_with_a_salt_of_its_own(linhai: Any, sealed: str) -> None:
    with linhai.database.reading() as tx:
        rows = tx.execute(text("SELECT salt, private FROM event_private")).all()
    assert len({bytes(row.salt) for row in rows}) == len(rows) > 3
    assert commit_private(rows[0].salt, rows[0].private) != commit_private(rows[1].salt, rows[0].private)


def test_sealing_takes_each_event_once_in_order(linhai: Any, at: Callable[..., Any]) -> None:
    with at(days=2):
        for _ in range(3):
            linhai.file()
        seal(linhai, limit=4)
        while seal(linhai, limit=4):
            pass
    with linhai.database.reading() as tx:
        seals = tx.execute(select(event_seal).order_by(event_seal.c.global_seq)).all()
        assert tx.execute(select(event_pending)).all() == []
    assert [one.global_seq for one in seals] == list(range(1, len(seals) + 1))
    assert len({one.event_id for one in seals}) == len(seals)
    verdict = verify(linhai)
    assert (verdict.faults, verdict.seals, verdict.events) == ([], len(seals), len(seals))


def test_several_sealers_at_once_seal_each_event_once(linhai: Any) -> None:
    for _ in range(20):
        linhai.file()
    together = Barrier(4)

    def one(_: int) -> int:
        together.wait()
        return sum(seal(linhai, limit=7) for _ in range(6))

    with ThreadPoolExecutor(4) as pool:
        sealed = sum(pool.map(one, range(4)))
    assert sealed + seal(linhai) >= 40
    assert verify(linhai).faults == []


def test_a_day_is_closed_when_it_is_over_and_once(linhai: Any, at: Callable[..., Any]) -> None:
    with at(days=400):
        linhai.file()
        seal(linhai)
        close_days(linhai)
        today = date(2027, 4, 14)
    with linhai.database.reading() as tx:
        assert today not in set(tx.scalars(select(seal_day.c.day))), "the day is not over"
    with at(days=401):
        assert close_days(linhai) == 1
        assert close_days(linhai) == 0
    with linhai.database.reading() as tx:
        days = tx.execute(select(seal_day).order_by(seal_day.c.first_seq)).all()
    assert days[-1].day == today
    assert all(after.first_seq == before.last_seq + 1 for before, after in pairwise(days))
    assert verify(linhai).faults == []


def test_clocks_that_differ_at_midnight_break_no_day(linhai: Any, at: Callable[..., Any]) -> None:
    """Two hosts seal in turn, and the clock of one is a minute behind: 00:00:30, 23:59:30, 00:01:00 UTC."""
    for seconds in (30, -30, 60):
        with at(days=500, hours=22, seconds=seconds):  # Tuesday 02:00 UTC and 22 hours
            linhai.file()
            assert seal(linhai) > 0
    with at(days=502):
        assert close_days(linhai) > 0
    assert verify(linhai).faults == []
    with linhai.database.reading() as tx:
        at_last = list(tx.scalars(select(event_seal.c.sealed_at).order_by(event_seal.c.global_seq)))[-3:]
    assert at_last == sorted(at_last)


def test_a_clock_set_back_behind_a_closed_day_stops_nothing(linhai: Any, at: Callable[..., Any]) -> None:
    with at(days=600):
        linhai.file()
        seal(linhai)
    with at(days=601):
        assert close_days(linhai) > 0
    with at(days=590):
        linhai.file()
        assert seal(linhai) > 0
    with at(days=602):
        assert close_days(linhai) == 1
    assert verify(linhai).faults == []


def test_an_honest_ledger_holds_while_reports_come_in(linhai: Any) -> None:
    """A proof sees one instant; else a report filed in between looks like tampering."""
    stop = threading.Event()

    def keep_writing() -> None:
        while not stop.is_set():
            linhai.file()
            seal(linhai, limit=5)

    writers = [threading.Thread(target=keep_writing) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        faults = [fault for _ in range(12) for fault in verify(linhai).faults]
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert faults == []
