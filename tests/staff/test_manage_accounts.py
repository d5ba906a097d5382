"""Accounts, grants and the demo's accounts: what is taken, what is refused, what is written down."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal.crypto import Keyring
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.models.city import jurisdiction_table
from portal.models.ledger import event
from portal.models.people import account
from portal.operations.ensure_demo_accounts import ensure_demo_accounts, read_demo_accounts
from portal.operations.manage_accounts import (
    NewAccount,
    add_account,
    change_password,
    grant_role,
    revoke_role,
)
from portal.operations.passwords import is_password
from portal.operations.verify_ledger import verify_ledger
from portal.queries.accounts import account_by_email, list_accounts
from portal.queries.staff_rights import STAFF_ROLES, Grant

from .conftest import PASSWORD, city_row, mode_of


@pytest.mark.parametrize(
    ("email", "password", "grant", "field"),
    [
        pytest.param("no-address", PASSWORD, Grant("handler", "oak"), "email", id="not an address"),
        pytest.param("a@b.example", "short", Grant("handler", "oak"), "password", id="short password"),
        pytest.param("a@b.example", PASSWORD, Grant("mayor", "oak"), "role", id="unknown role"),
        pytest.param("a@b.example", PASSWORD, Grant("handler", ""), "unit", id="a handler of no unit"),
        pytest.param("a@b.example", PASSWORD, Grant("unit_head", ""), "unit", id="a head of no unit"),
        pytest.param("a@b.example", PASSWORD, Grant("handler", "moon"), "unit", id="unknown unit"),
    ],
)
def test_accounts_that_are_refused(email, password, grant, field, database, context):
    with pytest.raises(InvalidInput) as refused, database.transaction() as tx:
        add_account(tx, context, NewAccount(email, "", password), grant)
    assert list(refused.value.fields) == [field]
    with database.reading() as tx:
        assert account_by_email(tx, context.jurisdiction_id, email) is None


def test_an_address_is_used_once_whatever_its_case(database, context, make_account):
    make_account("once@hillside.example")
    with pytest.raises(Conflict), database.transaction() as tx:
        add_account(tx, context, NewAccount("ONCE@hillside.example", "", PASSWORD), Grant("admin"))


def test_granting_and_revoking(database, context, make_account):
    make_account("many@hillside.example", "handler", "elm")
    steps = []
    with database.transaction() as tx:
        steps.append(grant_role(tx, context, "many@hillside.example", Grant("dispatcher", "centre")))
        steps.append(grant_role(tx, context, "MANY@hillside.example", Grant("dispatcher", "centre")))
        steps.append(revoke_role(tx, context, "many@hillside.example", Grant("handler", "elm")))
        steps.append(revoke_role(tx, context, "many@hillside.example", Grant("handler", "elm")))
        rows = {row.email: row.grants for row in list_accounts(tx, context.jurisdiction_id)}
    assert steps == [True, False, True, False]
    assert rows["many@hillside.example"] == (Grant("dispatcher", "centre"),)


def test_unknown_accounts_are_not_found(database, context):
    with pytest.raises(NotFound), database.transaction() as tx:
        grant_role(tx, context, "nobody@hillside.example", Grant("admin"))


def test_grants_are_events_that_name_no_person(database, context, make_account):
    make_account("noted@hillside.example", "unit_head", "north")
    with database.reading() as tx:
        kind, public = tx.execute(
            select(event.c.kind, event.c.public).order_by(event.c.id.desc()).limit(1)
        ).one()
    assert kind == "staff.granted"
    assert public == {"actor": {"role": "system"}, "role": "unit_head", "unit": "north"}


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("not my password", "quite another phrase", "old_password"),
        (PASSWORD, "short", "password"),
        (PASSWORD, "quite another phrase", None),
    ],
    ids=["wrong old one", "weak new one", "changed"],
)
def test_changing_ones_own_password(old, new, field, database, context, make_account):
    email = f"change-{field}@hillside.example"
    account_id = make_account(email)
    if field:
        with pytest.raises(InvalidInput) as refused, database.transaction() as tx:
            change_password(tx, context, account_id, old, new)
        assert list(refused.value.fields) == [field]
    else:
        with database.transaction() as tx:
            change_password(tx, context, account_id, old, new)
    with database.reading() as tx:
        kept = account_by_email(tx, context.jurisdiction_id, email).password_hash
    assert is_password(kept, PASSWORD if field else new)


def test_demo_accounts_one_for_each_role_in_a_private_file(database, context, tmp_path):
    with database.transaction() as tx:
        path = ensure_demo_accounts(tx, context, tmp_path / "home", is_allowed=True)
    people = json.loads(path.read_text())
    assert [person["role"] for person in people] == list(STAFF_ROLES)
    assert mode_of(path) == 0o600
    assert len({person["password"] for person in people}) == len(STAFF_ROLES)
    places = {person["role"]: person["unit"] for person in people}
    assert places == {
        "handler": "oak",
        "unit_head": "north",
        "dispatcher": "centre",
        "admin": "",
        "auditor": "",
    }
    with database.reading() as tx:
        for person in people:
            row = account_by_email(tx, context.jurisdiction_id, person["email"])
            assert row.is_demo
            assert is_password(row.password_hash, person["password"])


def test_demo_accounts_are_made_once_and_renewed_when_their_file_is_lost(database, context, tmp_path):
    def ensure() -> list[dict[str, str]]:
        with database.transaction() as tx:
            ensure_demo_accounts(tx, context, tmp_path, is_allowed=True)
        return read_demo_accounts(tmp_path)

    first = ensure()
    assert ensure() == first
    (tmp_path / "demo_accounts.json").unlink()
    second = ensure()
    assert [p["email"] for p in second] == [p["email"] for p in first]
    assert second[0]["password"] != first[0]["password"]
    with database.reading() as tx:
        row = account_by_email(tx, context.jurisdiction_id, second[0]["email"])
    assert is_password(row.password_hash, second[0]["password"])
    assert not is_password(row.password_hash, first[0]["password"])


@pytest.mark.parametrize("why", ["off the loopback address", "a real city"])
def test_demo_accounts_are_refused(why, database, context, tmp_path):
    real = replace(context, jurisdiction_id="real.example", keyring=Keyring("another secret"))
    where, is_allowed = (real, True) if why == "a real city" else (context, False)
    with database.transaction() as tx:
        tx.execute(
            insert(jurisdiction_table)
            .values(city_row("real.example", is_demo=False))
            .on_conflict_do_nothing()
        )
    with pytest.raises(Forbidden), database.transaction() as tx:
        ensure_demo_accounts(tx, where, tmp_path, is_allowed=is_allowed)
    assert list(tmp_path.iterdir()) == []
    with database.reading() as tx:
        assert tx.execute(select(account.c.id).where(account.c.jurisdiction_id == "real.example")).all() == []


def test_the_citys_book_still_holds(database):
    with database.reading() as tx:
        verdict = verify_ledger(tx)
    assert verdict.events > 10
    assert verdict.faults == []
