"""`wenlu user`: what it prints, what it refuses, and that no secret is shown unasked."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from portal.cli.user import user
from portal.operations.passwords import is_password
from portal.queries.accounts import account_by_email

from .conftest import JURISDICTION, PASSWORD


@pytest.fixture
def wenlu_user(context, database_url, redis_url, tmp_path, monkeypatch):
    """Run `wenlu user …` on the module's city."""
    for name, value in (
        ("DATABASE_URL", database_url),
        ("REDIS_URL", redis_url),
        ("WENLU_HOME", str(tmp_path)),
        ("WENLU_JURISDICTION", JURISDICTION),
    ):
        monkeypatch.setenv(name, value)

    def run(*arguments: str, typed: str | None = None):
        return CliRunner().invoke(user, arguments, input=typed)

    return run


def test_adding_with_a_password_from_stdin(wenlu_user, database):
    answer = wenlu_user(
        "add", "ann@hillside.example", "--role", "handler", "--unit", "oak", typed=PASSWORD + "\n"
    )
    assert (answer.exit_code, answer.output) == (0, "Added ann@hillside.example as handler of oak.\n")
    with database.reading() as tx:
        assert is_password(account_by_email(tx, JURISDICTION, "ann@hillside.example").password_hash, PASSWORD)


def test_adding_with_a_password_from_a_file(wenlu_user, tmp_path):
    (tmp_path / "secret").write_text(PASSWORD + "\n")
    options = ("--role", "admin", "--password-file", str(tmp_path / "secret"), "--name", "Ben")
    assert wenlu_user("add", "ben@hillside.example", *options).exit_code == 0
    listed = wenlu_user("list").output
    assert "ben@hillside.example\tBen\tadmin of the whole city\n" in listed
    assert PASSWORD not in listed


def test_a_generated_password_is_printed_once_and_works(wenlu_user, database):
    answer = wenlu_user("add", "cat@hillside.example", "--role", "auditor", "--generate")
    shown = answer.output.strip().rpartition(" ")[2]
    with database.reading() as tx:
        kept = account_by_email(tx, JURISDICTION, "cat@hillside.example").password_hash
    assert is_password(kept, shown)
    again = wenlu_user("password", "cat@hillside.example", "--generate").output.strip().rpartition(" ")[2]
    assert again != shown


def test_granting_revoking_closing_and_opening(wenlu_user):
    wenlu_user("add", "dan@hillside.example", "--role", "handler", "--unit", "oak", typed=PASSWORD)
    steps = [
        (
            ("grant", "dan@hillside.example", "--role", "unit_head", "--unit", "north"),
            "is now unit_head of north",
        ),
        (
            ("grant", "dan@hillside.example", "--role", "unit_head", "--unit", "north"),
            "already was unit_head",
        ),
        (
            ("revoke", "dan@hillside.example", "--role", "handler", "--unit", "oak"),
            "no longer handler of oak",
        ),
        (("disable", "dan@hillside.example"), "can no longer sign in"),
        (("list",), "dan@hillside.example\tdan\tunit_head of north\tdisabled"),
        (("enable", "dan@hillside.example"), "can sign in again"),
    ]
    for arguments, says in steps:
        answer = wenlu_user(*arguments)
        assert answer.exit_code == 0
        assert says in answer.output


@pytest.mark.parametrize(
    ("arguments", "typed", "says"),
    [
        (("add", "x@y.example", "--role", "handler"), PASSWORD, "This role needs a unit."),
        (("add", "x@y.example", "--role", "handler", "--unit", "moon"), PASSWORD, "There is no unit moon."),
        (("add", "x@y.example", "--role", "mayor"), PASSWORD, "'mayor' is not one of"),
        (("add", "x@y.example", "--role", "admin"), "short", "Use at least 12 characters."),
        (("add", "x@y.example", "--role", "admin"), "", "Use at least 12 characters."),
        (("add", "no-address", "--role", "admin"), PASSWORD, "This is not an e-mail address."),
        (
            ("add", "x@y.example", "--role", "admin", "--password-file", "/nowhere/at/all"),
            None,
            "cannot be read",
        ),
        (("grant", "nobody@y.example", "--role", "admin"), None, "There is no account"),
        (("disable", "nobody@y.example"), None, "There is no account"),
        (("revoke", "nobody@y.example", "--role", "admin"), None, "There is no account"),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_readable_line(arguments, typed, says, wenlu_user):
    answer = wenlu_user(*arguments, typed=typed)
    assert answer.exit_code != 0
    assert says in answer.output
    assert "Traceback" not in answer.output
    assert PASSWORD not in answer.output


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none", "the database cannot be used"),
        ("WENLU_JURISDICTION", "elsewhere.example", "No city is loaded yet."),
    ],
)
def test_a_missing_server_or_city_is_one_readable_line(name, value, says, wenlu_user, monkeypatch):
    monkeypatch.setenv(name, value)
    answer = wenlu_user("list")
    assert answer.exit_code == 1
    assert says in answer.output
    assert len(answer.output.strip().splitlines()) == 1


def test_accounts_need_no_map(wenlu_user, monkeypatch):
    def refuse(*args):
        raise AssertionError("an index was made")

    monkeypatch.setattr("geo.index.PointIndex._take", refuse)
    assert (
        wenlu_user(
            "add", "map@hillside.example", "--role", "handler", "--unit", "oak", "--generate"
        ).exit_code
        == 0
    )
    assert wenlu_user("list").exit_code == 0
