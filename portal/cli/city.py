"""Knows `wenlu city`: every problem of a pack listed, and a pack loaded into its own database."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from portal import clock
from portal.cli.connect import keyring_of, reached
from portal.cli.database import is_current, migrate
from portal.operations.load_city import Loaded, load_city
from portal.operations.load_letters import check_wordings
from portal.pack.check import check as check_pack
from portal.pack.model import Finding
from portal.pack.reader import read_pack
from portal.queries.city_export import pack_files

NO_BASEMAP = "the pack has no streets in basemap/, so that maps are empty unless TILE_URL is set"
pack_argument = click.argument("pack", type=click.Path(path_type=Path))


@click.group()
def city() -> None:
    """A city is a folder: check it, load it."""


@city.command()
@pack_argument
def check(pack: Path) -> None:
    """List every problem of a pack with file, row and column; exit 1 where there are errors."""
    read = read_pack(pack)
    findings = check_pack(read, clock.now().date())
    findings += check_wordings(read) if read.config else []
    errors = report_findings(findings)
    if errors:
        sys.exit(1)
    if not read.basemap:
        click.echo(f"Note: {NO_BASEMAP}.")
    click.echo(f"{pack}: no errors, {len(findings)} warnings")


@city.command()
@pack_argument
def load(pack: Path) -> None:
    """Load a pack into its own database; loading it again changes nothing."""
    read = read_pack(pack)
    if report_findings(read.errors):
        sys.exit(1)
    with reached(read.city.jurisdiction_id) as here:
        if not is_current(here.database.url):
            migrate(here.database.url)
        with here.database.transaction() as tx:
            keyring = keyring_of(here.settings)
            loaded = load_city(tx, read, lambda step: click.echo(f"  {step}", err=True), keyring)
    click.echo(outcome(loaded))


@city.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def export(folder: Path) -> None:
    """Write the loaded city as a pack into an empty FOLDER; loading that gives the same city."""
    if folder.exists() and any(folder.iterdir()):
        raise click.ClickException(f"{folder} is not empty")
    with reached() as here, here.database.snapshot() as tx:
        context = here.context()
        count = write_files(folder, pack_files(tx, context.jurisdiction_id, context.keyring))
    click.echo(f"{folder}: {count} files")


def write_files(folder: Path, files: Iterable[tuple[str, str]]) -> int:
    """Write files of a pack, by their names inside it; answers how many."""
    count = 0
    for name, text in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
        count += 1
    return count


def outcome(loaded: Loaded) -> str:
    """What loading did, in one line."""
    if not loaded.is_changed:
        return f"{loaded.jurisdiction_id} was loaded already; nothing changed"
    return f"{loaded.jurisdiction_id} is loaded"


def report_findings(findings: Iterable[Finding]) -> int:
    """Print findings, errors to stderr; answers how many errors there are."""
    errors = 0
    for found in findings:
        click.echo(str(found), err=found.severity == "error")
        errors += found.severity == "error"
    return errors
