"""Knows the `wenlu` command: its subcommands, and how an error becomes one readable line."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click
from sqlalchemy.exc import DBAPIError, OperationalError

from portal.errors import WenluError

# Subcommand -> module and attribute; imported when called, so that `wenlu --help` does not load a GIS stack.
COMMANDS = {
    "up": ("portal.cli.up", "up"),
    "city": ("portal.cli.city", "city"),
    "boundaries": ("portal.cli.boundaries", "boundaries"),
    "rules": ("portal.cli.rules", "rules"),
    "targets": ("portal.cli.targets", "targets"),
    "route": ("portal.cli.route", "route"),
    "replay": ("portal.cli.replay", "replay"),
    "ledger": ("portal.cli.ledger", "ledger"),
    "export": ("portal.cli.export", "export"),
    "outbox": ("portal.cli.outbox", "outbox"),
    "user": ("portal.cli.user", "user"),
    "anonymise": ("portal.cli.anonymise", "anonymise"),
    "secret": ("portal.cli.secret", "secret"),
    "database": ("portal.cli.database", "database"),
}
HELP = {
    "up": "Start everything: database, queue, web, workers and the clock.",
    "city": "Check a city pack, or load it.",
    "boundaries": "Check a boundary file; stage, switch and list editions.",
    "rules": "Check, publish and list rulebooks.",
    "targets": "Learn by when a city promises each service.",
    "route": "Explain one decision, or route a whole file.",
    "replay": "Put a file of past requests through the real intake.",
    "ledger": "Prove that no event was changed.",
    "export": "Write the public dump.",
    "outbox": "List work that was given up, and give it a new start.",
    "user": "Add and list staff accounts.",
    "anonymise": "Forget a person: by report, by address, or by age.",
    "secret": "Move what is sealed to the newest key.",
    "database": "Bring the database to the newest schema.",
}


class LazyGroup(click.Group):
    """Finds its subcommands by name and imports only the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every subcommand, in the order of the list above."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the subcommand."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, HELP[name]) for name in COMMANDS])


@click.command(cls=LazyGroup)
def cli() -> None:
    """Wenlu (问路): reports from residents, the unit that answers, and the clocks until it is fixed."""


def main(arguments: Sequence[str] | None = None) -> Any:
    """Run the command; a known error is one line on stderr and exit code 1 (2 for a wrong call), no traceback."""
    given = None if arguments is None else list(arguments)
    try:
        return cli.main(args=given, prog_name="wenlu", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _fail(" ".join(error.format_message().split()), error.exit_code)
    except click.Abort:
        _fail("stopped", 130)
    except WenluError as error:
        _fail(str(error))
    except OperationalError as error:
        _fail(f"the database cannot be reached: {_first_line(error)}")
    except DBAPIError as error:
        _fail(f"the database refused: {_first_line(error)}")
    except (OSError, ValueError) as error:
        _fail(str(error) or type(error).__name__)


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).splitlines()[0]


def _fail(message: str, exit_code: int = 1) -> None:
    click.echo(f"wenlu: {message}", err=True)
    sys.exit(exit_code)
