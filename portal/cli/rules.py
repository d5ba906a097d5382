"""Knows `wenlu rules`: a rulebook linted, tried on the past, proposed, published, listed, rolled back."""

from __future__ import annotations

from pathlib import Path

import click

from portal.cli.connect import reached
from portal.cli.rules_learn import learn, propose
from portal.cli.rules_lint import file_type, lint, read_text, tell_problems
from portal.cli.rules_simulate import simulate
from portal.operations.publish_rulebook import (
    Published,
    RulesRefused,
    publish_rulebook,
    roll_back_rulebook,
)
from portal.queries.rulebooks import list_rulebooks


@click.group()
def rules() -> None:
    """The rulebook: what is wrong with it, what it would change, which one is in force, another one."""


rules.add_command(lint)
rules.add_command(simulate)
rules.add_command(propose)
rules.add_command(learn)


@rules.command()
@click.argument("file", type=file_type)
def publish(file: Path) -> None:
    """Put a rulebook in force, after linting it against the loaded city; errors refuse it."""
    text = read_text(file)
    try:
        with reached() as here, here.database.transaction() as tx:
            done = publish_rulebook(tx, here.context(), text)
    except RulesRefused as refusal:
        raise _refused(file.name, refusal) from None
    _tell_published(file.name, done)


@rules.command()
@click.argument("version", type=int, required=False)
def rollback(version: int | None) -> None:
    """Put the rules of VERSION in force again, as a new version; without it those in force before."""
    try:
        with reached() as here, here.database.transaction() as tx:
            done = roll_back_rulebook(tx, here.context(), version)
    except RulesRefused as refusal:
        raise _refused("the old rulebook", refusal) from None
    _tell_published("the old rulebook", done)


@rules.command("list")
def list_() -> None:
    """List every version, the newest first."""
    with reached() as here, here.database.reading() as tx:
        rows = list_rulebooks(tx, here.context().jurisdiction_id)
    for row in rows:
        at = f"{row.published_at:%Y-%m-%d %H:%M}Z" if row.published_at else "never"
        by = " of ".join(filter(None, (row.published_by_role, row.published_by_unit)))
        click.echo("\t".join([f"version {row.version}", row.state, at, by, row.digest[:12]]))


def _refused(name: str, refusal: RulesRefused) -> click.ClickException:
    tell_problems(name, refusal.problems)
    return click.ClickException(f"{refusal} Nothing was published.")


def _tell_published(name: str, done: Published) -> None:
    tell_problems(name, done.problems)
    said = "is in force" if done.is_changed else "was in force already; nothing changed"
    click.echo(f"rulebook version {done.version} {said}")
