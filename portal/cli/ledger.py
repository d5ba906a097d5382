"""Knows `wenlu ledger`: the proof that no event was altered, removed or slipped in."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from portal.cli.connect import reached
from portal.db import Database
from portal.operations.seal_events import make_day_roots, seal_events
from portal.operations.verify_dump import verify_dump
from portal.operations.verify_ledger import verify_ledger

SHOWN = 50


@click.group()
def ledger() -> None:
    """Seal and verify the record of events."""


@ledger.command()
@click.option(
    "--dump",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Check a folder of published files instead; needs no database.",
)
def verify(dump: Path | None) -> None:
    """Check every chain, seal and daily root; exit 1 and name each fault where one does not hold."""
    if dump is not None:
        verdict = verify_dump(dump, _progress)
    else:
        with reached() as here, here.database.snapshot() as tx:
            verdict = verify_ledger(tx, _progress)
    for fault in verdict.faults[:SHOWN]:
        click.echo(fault, err=True)
    if len(verdict.faults) > SHOWN:
        click.echo(f"… and {len(verdict.faults) - SHOWN} more", err=True)
    counted = f"{verdict.events} events, {verdict.seals} seals, {verdict.days} daily roots"
    if verdict.faults:
        click.echo(f"{len(verdict.faults)} faults in {counted}", err=True)
        sys.exit(1)
    click.echo(f"the ledger holds: {counted}")


@ledger.command()
def seal() -> None:
    """Seal what waits now, and close the days that are over (workers do this by themselves)."""
    total = 0
    with reached() as here:
        while sealed := _seal_some(here.database):
            total += sealed
        with here.database.transaction() as tx:
            days = make_day_roots(tx)
    click.echo(f"{total} events sealed, {days} days closed")


def _seal_some(database: Database) -> int:
    with database.transaction() as tx:
        return seal_events(tx)


def _progress(count: int) -> None:
    if sys.stderr.isatty() and count % 1000 < 5:
        click.echo(f"\r{count:,} events", nl=False, err=True)
