"""Knows `wenlu outbox`: the work that was given up, such as letters that nobody took, and its new start."""

from __future__ import annotations

import sys

import click

from portal.cli.connect import reached
from portal.operations.run_once import revive
from portal.queries.outbox import count_given_up, given_up

MOST_SHOWN = 1000


@click.group()
def outbox() -> None:
    """List the work that was given up, and give it a new start."""


@outbox.command("list")
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, MOST_SHOWN), help="At most so many."
)
def list_command(limit: int) -> None:
    """What was given up, newest first: number, since when, what, about which report, and why."""
    with reached() as here, here.database.reading() as tx:
        rows, total = given_up(tx, limit), count_given_up(tx)
    for row in rows:
        what = f"{row.template} to {row.to}" if row.template else row.job
        why = f"{row.last_error} after {row.attempts} attempts"
        click.echo(f"{row.outbox_id}\t{row.failed_at:%Y-%m-%d %H:%M} UTC\t{what}\t{row.subject}\t{why}")
    if total > len(rows):
        click.echo(f"… and {total - len(rows)} more", err=True)
    if not total:
        click.echo("Nothing was given up.")


@outbox.command()
@click.argument("numbers", metavar="NUMBER…", type=click.IntRange(1, 2**63 - 1), nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="Everything that was given up.")
def retry(numbers: tuple[int, ...], is_all: bool) -> None:
    """Give rows a new start, by the numbers that `list` shows; exit 1 where one was not given up."""
    if is_all == bool(numbers):
        raise click.UsageError("name the numbers, or say --all")
    with reached() as here, here.database.transaction() as tx:
        wanted = [row.outbox_id for row in given_up(tx)] if is_all else numbers
        missed = [number for number in dict.fromkeys(wanted) if not revive(tx, number)]
    done = len(set(wanted)) - len(missed)
    click.echo(f"{done} given a new start; the workers take them within seconds.")
    for number in missed:
        click.echo(f"{number} was not given up", err=True)
    if missed:
        sys.exit(1)
