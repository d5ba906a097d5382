"""Knows `wenlu secret`: what is sealed moves from old keys to the newest one."""

from __future__ import annotations

import sys

import click

from portal.cli.connect import reached
from portal.operations.reseal import reseal_contacts, reseal_settings


@click.group()
def secret() -> None:
    """Look after the installation's key."""


@secret.command()
def rotate() -> None:
    """Seal contacts, channels, webhooks, followers and subscribers anew with WENLU_SECRET_KEY.

    Set the new key, put the one before it into WENLU_OLD_SECRET_KEYS, restart, run this, and keep the old key
    for as long as private links made with it shall open. Exit 1 where something opens with none of the keys.
    """
    after, sealed, lost = 0, 0, 0
    with reached() as here:
        context = here.context()
        while True:
            with here.database.transaction() as tx:
                after, good, bad = reseal_contacts(tx, context, after)
            sealed, lost = sealed + good, lost + bad
            if not after:
                break
        with here.database.transaction() as tx:
            good, bad = reseal_settings(tx, context)
    click.echo(f"{sealed + good} sealed with the newest key")
    if lost + bad:
        click.echo(f"{lost + bad} open with none of the keys", err=True)
        sys.exit(1)
