"""Signing in: limits that hold across connections, rotation, expiry, and words that give nobody away."""

from __future__ import annotations

import itertools
import threading
import time
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select, update

from portal import clock
from portal.crypto import digest
from portal.models.ledger import event, event_private
from portal.models.people import account, attempt, staff_session
from portal.operations.limit_attempts import address_block
from portal.operations.manage_accounts import change_password, grant_role, revoke_role, set_active
from portal.operations.passwords import is_outdated
from portal.operations.sign_in import (
    NO_DEMO,
    REFUSED,
    SESSION_IDLE,
    SESSION_LASTS,
    Credentials,
    SignIn,
    reserve_sign_in,
    resume_session,
    sign_in,
    sign_out,
    sign_out_everywhere,
)
from portal.queries.accounts import count_sessions
from portal.queries.staff_rights import Grant

from .conftest import AT, PASSWORD

WRONG = "five other words entirely"
numbers = itertools.count(1)


@pytest.fixture
def email(make_account) -> str:
    """A fresh handler of oak."""
    email = f"handler{next(numbers)}@hillside.example"
    make_account(email)
    return email


@pytest.fixture
def enter(database, context):
    """Try to sign in as the web does: count the attempt, then look at the password."""

    def attempt_once(
        email: str, password: str = PASSWORD, address: str = "203.0.113.7", old: str = "", demo: bool = True
    ) -> SignIn | int:
        credentials = Credentials(email, password, address, old)
        with database.transaction() as tx:
            wait = reserve_sign_in(tx, context, credentials)
        if wait:
            return wait
        with database.transaction() as tx:
            return sign_in(tx, context, credentials, is_demo_allowed=demo)

    return attempt_once


@pytest.fixture
def who(database, context):
    """Who a secret belongs to now."""

    def resume(secret: str):
        with database.transaction() as tx:
            return resume_session(tx, context, secret)

    return resume


def test_a_right_password_starts_a_session_with_the_grants(enter, who, email):
    staff = who(enter(email.upper()).secret)
    assert (staff.email, staff.grants, staff.roles) == (email, (Grant("handler", "oak"),), {"handler"})


def test_only_a_hash_of_the_secret_is_kept(enter, email, database):
    secret = enter(email).secret
    with database.reading() as tx:
        kept = set(tx.scalars(select(staff_session.c.key_hash)))
    assert len(secret) >= 43  # 256 bits
    assert digest(secret) in kept
    assert secret.encode() not in kept


@pytest.mark.parametrize("case", ["wrong password", "unknown account", "closed account"])
def test_every_refusal_says_the_same(case, enter, email, database, context):
    if case == "closed account":
        with database.transaction() as tx:
            set_active(tx, context, email, False)
    name, password = {
        "wrong password": (email, WRONG),
        "unknown account": ("nobody@hillside.example", PASSWORD),
        "closed account": (email, PASSWORD),
    }[case]
    assert enter(name, password) == SignIn(refusal=REFUSED)


def test_an_unknown_account_costs_as_much_as_a_known_one(enter, make_account):
    make_account("timed@hillside.example")
    enter("nobody0@hillside.example", WRONG)  # makes the dummy hash

    def best_of_five(name: str) -> float:
        spans = []
        for number in range(5):
            began = time.process_time()  # the password's work, whatever else the machine does
            enter(name.replace("#", str(number)), WRONG, address=f"198.51.100.{number}")
            spans.append(time.process_time() - began)
        return min(spans)

    known, unknown = best_of_five("timed@hillside.example"), best_of_five("nobody#@hillside.example")
    assert unknown > known * 0.6
    assert known > unknown * 0.6


# failures so far, from where, which account -> may the next one be tried?
@pytest.mark.parametrize(
    ("failures", "addresses", "next_address", "is_open"),
    [
        pytest.param(4, 1, "same", True, id="four failures here"),
        pytest.param(5, 1, "same", False, id="five failures here"),
        pytest.param(5, 1, "other", True, id="five failures elsewhere"),
        pytest.param(19, 10, "other", True, id="nineteen from ten addresses"),
        pytest.param(20, 10, "other", False, id="twenty from ten addresses"),
    ],
)
def test_failures_are_limited(failures, addresses, next_address, is_open, enter, email):
    n = next(numbers)
    for turn in range(failures):
        assert enter(email, WRONG, address=f"10.{n}.0.{turn % addresses}") == SignIn(refusal=REFUSED)
    last = f"10.{n}.0.0" if next_address == "same" else f"10.{n}.1.1"
    answer = enter(email, PASSWORD, address=last)
    assert isinstance(answer, SignIn) is is_open
    if is_open:
        assert answer.secret
    else:
        assert 0 < answer <= 15 * 60


def test_an_unknown_account_is_limited_in_the_same_way(enter):
    for _ in range(5):
        enter("ghost@hillside.example", WRONG, address="10.200.0.1")
    assert isinstance(enter("ghost@hillside.example", WRONG, address="10.200.0.1"), int)


def test_the_wait_ends_when_the_first_failure_is_old_enough(enter, email):
    with clock.simulated(AT) as pretended:
        for minute in range(5):
            pretended.move_to(AT + timedelta(minutes=minute))
            enter(email, WRONG)
        assert enter(email, PASSWORD) == 11 * 60
        pretended.move_to(AT + timedelta(minutes=15, seconds=1))
        assert enter(email, PASSWORD).secret


def test_refused_attempts_do_not_prolong_the_wait(enter, email):
    with clock.simulated(AT) as pretended:
        for _ in range(5):
            enter(email, WRONG)
        pretended.move_to(AT + timedelta(minutes=14))
        for _ in range(10):
            assert enter(email, PASSWORD) == 60
        pretended.move_to(AT + timedelta(minutes=15, seconds=1))
        assert enter(email, PASSWORD).secret


def test_a_success_clears_ones_own_failures_but_not_those_of_others(enter, email):
    for turn in range(17):
        enter(email, WRONG, address=f"10.210.0.{turn % 6}")
    assert enter(email, address="10.211.0.1").secret
    results = [enter(email, WRONG, address="10.211.0.1") for _ in range(4)]
    assert [isinstance(result, SignIn) for result in results] == [True, True, True, False]


def test_many_requests_at_once_get_no_more_tries(database, context, email):
    """Twenty threads with connections of their own: five may look at the password."""
    waits: list[int] = []
    gate = threading.Barrier(10)

    def rush() -> None:
        gate.wait()
        for _ in range(2):
            with database.transaction() as tx:
                waits.append(reserve_sign_in(tx, context, Credentials(email, WRONG, "10.220.0.1")))

    threads = [threading.Thread(target=rush) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(waits) == 20
    assert waits.count(0) == 5


def test_attempts_hold_neither_address_nor_account(enter, email, database):
    enter(email, WRONG, address="10.230.0.1")
    with database.reading() as tx:
        subjects = list(tx.scalars(select(attempt.c.subject)))
    assert all(len(subject) == 32 for subject in subjects)
    assert not any(email.encode() in subject or b"10.230" in subject for subject in subjects)


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", "unknown"),
    ],
)
def test_what_counts_as_one_address(address, block):
    assert address_block(address) == block


def test_signing_in_again_rotates_the_session(enter, who, email):
    first = enter(email).secret
    second = enter(email, old=first).secret
    assert first != second
    assert who(first) is None
    assert who(second).email == email


@pytest.mark.parametrize(
    ("clicks", "then", "is_alive"),
    [
        pytest.param((), SESSION_IDLE - timedelta(seconds=1), True, id="just before idling out"),
        pytest.param((), SESSION_IDLE + timedelta(seconds=1), False, id="idle for too long"),
        pytest.param((timedelta(hours=1.5),), timedelta(hours=3), True, id="used in between"),
        pytest.param(
            tuple(timedelta(hours=h) for h in range(1, 12)),
            SESSION_LASTS - timedelta(minutes=1),
            True,
            id="busy day",
        ),
        pytest.param(
            tuple(timedelta(hours=h) for h in range(1, 12)),
            SESSION_LASTS + timedelta(seconds=1),
            False,
            id="too long a day",
        ),
    ],
)
def test_sessions_end(clicks, then, is_alive, enter, who, email):
    with clock.simulated(AT) as pretended:
        secret = enter(email).secret
        for click in clicks:
            pretended.move_to(AT + click)
            assert who(secret)
        pretended.move_to(AT + then)
        assert (who(secret) is not None) is is_alive


def test_signing_out_ends_this_session_only(enter, who, email, database):
    here, there = enter(email).secret, enter(email).secret
    with database.transaction() as tx:
        sign_out(tx, here)
    assert who(here) is None
    assert who(there)


def test_signing_out_everywhere(enter, who, email, database, context):
    secrets = [enter(email).secret for _ in range(3)]
    account_id = who(secrets[0]).account_id
    with database.transaction() as tx:
        assert count_sessions(tx, account_id, clock.now(), clock.now() - SESSION_IDLE) == 3
        assert sign_out_everywhere(tx, context, account_id) == 3
    assert [who(secret) for secret in secrets] == [None] * 3


@pytest.mark.parametrize("change", ["password", "closed"])
def test_a_changed_password_or_closed_account_ends_every_session(
    change, enter, who, email, database, context
):
    secret = enter(email).secret
    with database.transaction() as tx:
        if change == "password":
            change_password(tx, context, who(secret).account_id, PASSWORD, "quite another phrase")
        else:
            set_active(tx, context, email, False)
    assert who(secret) is None


def test_grants_count_from_the_next_request(enter, who, email, database, context):
    secret = enter(email).secret
    with database.transaction() as tx:
        grant_role(tx, context, email, Grant("auditor"))
        revoke_role(tx, context, email, Grant("handler", "oak"))
    assert who(secret).grants == (Grant("auditor"),)


def test_an_outdated_hash_is_renewed_at_sign_in(enter, email, database):
    old = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    mine = func.lower(account.c.email) == email
    with database.transaction() as tx:
        tx.execute(update(account).where(mine).values(password_hash=old))
    assert enter(email, WRONG).refusal
    with database.reading() as tx:
        assert tx.scalar(select(account.c.password_hash).where(mine)) == old
    assert enter(email).secret
    with database.reading() as tx:
        renewed = tx.scalar(select(account.c.password_hash).where(mine))
    assert renewed != old
    assert not is_outdated(renewed)
    assert enter(email).secret


@pytest.mark.parametrize(("is_allowed", "refusal"), [(True, None), (False, NO_DEMO)])
def test_demo_accounts_enter_only_where_they_are_allowed(is_allowed, refusal, enter, make_account):
    name = f"demo{next(numbers)}@hillside.example"
    make_account(name, is_demo=True)
    assert enter(name, demo=is_allowed).refusal == refusal
    assert enter(name, WRONG, demo=is_allowed).refusal == REFUSED


def test_a_sign_in_is_public_as_role_and_unit_and_private_as_a_person(enter, who, email, database):
    account_id = who(enter(email).secret).account_id
    with database.reading() as tx:
        last = tx.execute(
            select(event.c.kind, event.c.public, event_private.c.private)
            .join(
                event_private,
                (event_private.c.case_id == event.c.case_id) & (event_private.c.case_seq == event.c.case_seq),
            )
            .order_by(event.c.id.desc())
            .limit(1)
        ).one()
    assert last.kind == "staff.signed_in"
    assert last.public == {"grants": [{"role": "handler", "unit": "oak"}]}
    assert last.private == {"account_id": account_id}
