"""`wenlu outbox`: what was given up, why, and its new start; no address and no words of anybody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from portal.cli.outbox import outbox
from portal.operations.run_once import GiveUp, begin_attempt, put_back
from portal.queries.outbox import count_given_up

WenluOutbox = Callable[..., Result]


@pytest.fixture
def wenlu_outbox(town, database_url, redis_url, tmp_path, monkeypatch) -> WenluOutbox:
    """Run `wenlu outbox …` on the module's town, where nothing was given up yet."""
    for name, value in (
        ("DATABASE_URL", database_url),
        ("REDIS_URL", redis_url),
        ("WENLU_HOME", str(tmp_path)),
    ):
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(outbox, arguments)

    run("retry", "--all")
    return run


def lose(town, why: str = "the mail server refuses this recipient (550)", **payload: object) -> int:
    """A row that was begun once and given up."""
    case_id = town.add_case(email="li@example.org")
    letter = {"template": "received", "report_id": case_id, "to": "reporter", "text": "secret"}
    row = town.add_work(**(letter | payload))
    with town.database.transaction() as tx:
        begin_attempt(tx, row, timedelta(minutes=1))
    with town.database.transaction() as tx:
        put_back(tx, row, GiveUp(why))
    return row


def test_what_was_given_up_is_listed_with_its_reason(town, wenlu_outbox: WenluOutbox) -> None:
    assert wenlu_outbox("list").output == "Nothing was given up.\n"
    first, second = lose(town), lose(town, template="transferred_to_you", to="roads")
    answer = wenlu_outbox("list")
    lines = [line.split("\t") for line in answer.stdout.splitlines()]
    assert [(line[0], line[2], line[4]) for line in lines] == [
        (
            str(second),
            "transferred_to_you to roads",
            "the mail server refuses this recipient (550) after 1 attempts",
        ),
        (str(first), "received to reporter", "the mail server refuses this recipient (550) after 1 attempts"),
    ]
    assert all(len(line[3]) == 14 for line in lines), "the number of the report"
    assert "li@example.org" not in answer.output
    assert "secret" not in answer.output
    cut = wenlu_outbox("list", "--limit", "1")
    assert (len(cut.stdout.splitlines()), "1 more" in cut.stderr) == (1, True)


def test_a_row_gets_a_new_start_once(town, wenlu_outbox: WenluOutbox) -> None:
    row, other = lose(town), lose(town)
    answer = wenlu_outbox("retry", str(row))
    assert (answer.exit_code, answer.output.split()[0]) == (0, "1")
    kept = town.work(row)
    assert (kept.failed_at, kept.attempts) == (None, 0)
    assert town.work(other).failed_at is not None
    again = wenlu_outbox("retry", str(row), str(other))
    assert (again.exit_code, f"{row} was not given up" in again.stderr) == (1, True)
    assert town.work(other).failed_at is None, "the others start all the same"


def test_everything_at_once(town, wenlu_outbox: WenluOutbox) -> None:
    rows = [lose(town) for _ in range(3)]
    assert wenlu_outbox("retry", "--all").output.startswith("3 ")
    with town.database.reading() as tx:
        assert count_given_up(tx) == 0
    assert all(town.work(row).failed_at is None for row in rows)


@pytest.mark.parametrize("arguments", [(), ("1", "--all"), ("x",), ("0",), ("9" * 30,)], ids=str)
def test_a_wrong_call_changes_nothing(town, wenlu_outbox: WenluOutbox, arguments: tuple[str, ...]) -> None:
    row = lose(town)
    assert wenlu_outbox("retry", *arguments).exit_code == 2
    assert town.work(row).failed_at is not None
