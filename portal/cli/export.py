"""Knows `wenlu export`: the public data of a city as files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from portal.cli.connect import reached
from portal.operations.publish_open_data import publish_open_data


@click.group()
def export() -> None:
    """Write what is public into files."""


@export.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def opendata(folder: Path) -> None:
    """Write the public dump: reports, events with their proofs, services, units, duties and boundaries."""
    with reached() as here, here.database.snapshot() as tx:
        context = here.context()
        index = publish_open_data(tx, context.cities.city(tx, context.jurisdiction_id), folder, _progress)
    for each in index["files"]:
        click.echo(f"{each['name']}\t{each['rows']} rows\t{each['bytes']} bytes")


def _progress(name: str, count: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{name}: {count:,}\033[K", nl=False, err=True)
