"""Knows the commands for accounts: `wenlu user add|grant|revoke|password|disable|enable|list`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from portal.cli.home import reach_servers
from portal.cli.places import ServerError
from portal.crypto import Keyring
from portal.db import Database
from portal.errors import WenluError
from portal.operations import manage_accounts
from portal.operations.context import Context
from portal.operations.passwords import new_password
from portal.queries.accounts import list_accounts
from portal.queries.city import CityCache, the_only_city
from portal.queries.staff_rights import STAFF_ROLES, WHOLE_CITY, Grant
from portal.settings import Settings
from portal.storage import FileStore

role_option = click.option(
    "--role", required=True, type=click.Choice(STAFF_ROLES), help="what the person does"
)
unit_option = click.option(
    "--unit", default=WHOLE_CITY, help="unit_code the role is held in; without it the whole city"
)
password_file_option = click.option(
    "--password-file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="read the password from the first line of a file, or of stdin with -",
)
generate_option = click.option(
    "--generate", is_flag=True, help="make a random password and print it, this once"
)


@click.group()
def user() -> None:
    """Accounts of staff, and what they may do."""


@user.command()
@click.argument("email")
@role_option
@unit_option
@click.option("--name", default="", help="name shown to colleagues")
@password_file_option
@generate_option
def add(email: str, role: str, unit: str, name: str, password_file: Path | None, generate: bool) -> None:
    """Add a person with a role in a unit."""
    password = read_password(password_file, generate)
    person = manage_accounts.NewAccount(email, name, password)
    with city_transaction() as (tx, context):
        manage_accounts.add_account(tx, context, person, Grant(role, unit))
    click.echo(f"Added {email} as {describe(Grant(role, unit))}.")
    if generate:
        click.echo(f"Password, shown only now: {password}")


@user.command()
@click.argument("email")
@role_option
@unit_option
def grant(email: str, role: str, unit: str) -> None:
    """Give a person a further role."""
    with city_transaction() as (tx, context):
        is_new = manage_accounts.grant_role(tx, context, email, Grant(role, unit))
    said = "is now" if is_new else "already was"
    click.echo(f"{email} {said} {describe(Grant(role, unit))}.")


@user.command()
@click.argument("email")
@role_option
@unit_option
def revoke(email: str, role: str, unit: str) -> None:
    """Take a role away; it counts from the person's next click."""
    with city_transaction() as (tx, context):
        was_held = manage_accounts.revoke_role(tx, context, email, Grant(role, unit))
    if not was_held:
        raise click.ClickException(f"{email} was not {describe(Grant(role, unit))}.")
    click.echo(f"{email} is no longer {describe(Grant(role, unit))}.")


@user.command()
@click.argument("email")
@password_file_option
@generate_option
def password(email: str, password_file: Path | None, generate: bool) -> None:
    """Set another password and end the person's sessions."""
    new = read_password(password_file, generate)
    with city_transaction() as (tx, context):
        manage_accounts.set_password(tx, context, email, new)
    click.echo(f"{email} has a new password and is signed out everywhere.")
    if generate:
        click.echo(f"Password, shown only now: {new}")


@user.command()
@click.argument("email")
def disable(email: str) -> None:
    """Close an account: it cannot sign in, and its sessions end."""
    with city_transaction() as (tx, context):
        manage_accounts.set_active(tx, context, email, False)
    click.echo(f"{email} can no longer sign in.")


@user.command()
@click.argument("email")
def enable(email: str) -> None:
    """Open a closed account again."""
    with city_transaction() as (tx, context):
        manage_accounts.set_active(tx, context, email, True)
    click.echo(f"{email} can sign in again.")


@user.command("list")
def list_() -> None:
    """List every account with its roles."""
    with city_transaction() as (tx, context):
        accounts = list_accounts(tx, context.jurisdiction_id)
    for row in accounts:
        notes = [note for note, holds in (("demo", row.is_demo), ("disabled", not row.is_active)) if holds]
        roles = "; ".join(describe(grant) for grant in row.grants) or "no role"
        click.echo("\t".join([row.email, row.name, roles, ", ".join(notes)]).rstrip())


def describe(grant: Grant) -> str:
    """A grant in words for the terminal."""
    return f"{grant.role} of {grant.unit_code or 'the whole city'}"


def read_password(password_file: Path | None, is_generated: bool) -> str:
    """The password: generated, from a file or stdin, or asked for twice at the terminal. Never an argument."""
    if is_generated:
        if password_file:
            raise click.UsageError("choose one of --generate and --password-file")
        return new_password()
    if password_file and str(password_file) != "-":
        try:
            return _first_line(password_file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            raise click.ClickException(f"the password cannot be read from {password_file}") from None
    if password_file or not sys.stdin.isatty():
        return _first_line(sys.stdin.read(4096))
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""


@contextmanager
def city_transaction() -> Iterator[tuple[Connection, Context]]:
    """A transaction on the installation's city; every refusal becomes one line on stderr."""
    try:
        settings = Settings.from_environ()
        with reach_servers(settings) as (database_url, _):
            database = Database(database_url, pool_size=1)
            try:
                with database.transaction() as tx:
                    yield tx, _context(tx, settings)
            finally:
                database.dispose()
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise click.ClickException(f"the database cannot be used: {reason}") from None
    except (WenluError, ServerError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def _context(tx: Connection, settings: Settings) -> Context:
    return Context(
        jurisdiction_id=the_only_city(tx, settings.jurisdiction),
        keyring=Keyring(settings.secret_key),
        store=FileStore(settings.home / "files"),
        public_url=settings.public_url,
        cities=CityCache(),
    )
