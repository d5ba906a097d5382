"""Knows `wenlu anonymise`: a person is forgotten, by report, by address, or by age; the ledger holds all the same."""

from __future__ import annotations

import sys
from datetime import timedelta

import click

from portal import clock
from portal.cli.connect import Reached, reached
from portal.operations.context import SYSTEM, Context
from portal.operations.erase_personal import BATCH, Stage, erase_case, erase_closed, tokens_of_contact
from portal.operations.subscribe import forget_mailbox

STAGES: tuple[Stage, ...] = ("contact", "text")


@click.command()
@click.argument("token", required=False)
@click.option("--contact", default="", help="Every report of this e-mail address or telephone number.")
@click.option(
    "--older-than",
    type=click.IntRange(0, 36_500),
    metavar="DAYS",
    help="Every report that was closed longer ago than so many days.",
)
def anonymise(token: str | None, contact: str, older_than: int | None) -> None:
    """Forget contact, words as written, exact place, private notes and original photos.

    The public history stays, and `wenlu ledger verify` still passes. `--contact -` reads the address from
    standard input, so that it stands in no list of processes.
    """
    if sum((bool(token), bool(contact), older_than is not None)) != 1:
        raise click.UsageError("name one report, or say --contact, or --older-than")
    with reached() as here:
        context = here.context()
        if older_than is not None:
            count = _older(here, context, older_than)
        else:
            tokens = [token] if token else _of_contact(here, context, contact)
            count = sum(_one(here, context, each) for each in tokens)
    click.echo(f"{count} reports anonymised")


def _of_contact(here: Reached, context: Context, contact: str) -> list[str]:
    wanted = sys.stdin.readline() if contact == "-" else contact
    with here.database.transaction() as tx:
        forget_mailbox(tx, context, wanted)  # letters about an area, a service or a unit end as well
        return list(tokens_of_contact(tx, context, wanted))


def _one(here: Reached, context: Context, token: str) -> int:
    with here.database.transaction() as tx:
        return erase_case(tx, context, token, SYSTEM, "operator")


def _older(here: Reached, context: Context, days: int) -> int:
    """Batch by batch, so that no case is locked for long."""
    before, total = clock.now() - timedelta(days=days), 0
    for stage in STAGES:
        count = BATCH
        while count:
            with here.database.transaction() as tx:
                count = erase_closed(tx, context, before, stage)
            total += count if stage == STAGES[0] else 0
            if sys.stderr.isatty():
                click.echo(f"\r{total:,} reports", nl=False, err=True)
    return total
