"""Knows how to bring a database to the newest schema, and whether it is there."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool, text

MIGRATIONS = Path(__file__).parent.parent / "migrations"
LOCK = "wenlu migrations"


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def migrate(url: str) -> None:
    """Create or update every table; two processes at once wait for each other."""
    engine = create_engine(url, poolclass=pool.NullPool)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with engine.connect() as guard:
        guard.execute(text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), {"name": LOCK})
        command.upgrade(_config(url), "head")
        guard.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), {"name": LOCK})
    engine.dispose()


def is_current(url: str) -> bool:
    """Whether the database has the schema that this code expects."""
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return found == ScriptDirectory.from_config(_config(url)).get_current_head()


@click.group()
def database() -> None:
    """The schema of a database: bring it up to date, or ask whether it is."""


@database.command("migrate")
def migrate_command() -> None:
    """Create or update every table."""
    from portal.cli.connect import reached

    with reached() as here:
        migrate(here.database.url)
    click.echo("the database has the newest schema")


@database.command()
def check() -> None:
    """Say whether the database has the schema that this code expects; exit 1 where not."""
    from portal.cli.connect import reached

    with reached() as here:
        found = is_current(here.database.url)
    if not found:
        click.echo("the database has another schema; run `wenlu database migrate`", err=True)
        sys.exit(1)
    click.echo("the database has the newest schema")
