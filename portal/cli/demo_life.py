"""Knows when the demo city lives its year: the newest days before the start is over, the rest in the background.

Run as a program of its own by `wenlu up`; killed and started again it goes on where it was.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

from portal.cli.connect import context_of
from portal.db import Database
from portal.demo.lanpu.build import JURISDICTION, demo_folder
from portal.demo.life.load import finish, is_whole, live_year, plan_year
from portal.operations.publish_open_data import publish_open_data
from portal.settings import Settings

# How long a start may wait for the first days, and how much the rest stands back behind everybody else.
FIRST_SECONDS, NICENESS = 12.0, 5
SAID_EVERY = 500


def live_first(settings: Settings, database: Database, folder: Path, say: Callable[[str], None]) -> None:
    """Live the newest days, for a short while; nothing where the year was begun before."""
    context = context_of(settings, JURISDICTION)
    if not is_whole(database, context, is_begun=True):
        say("the newest days of a year of reports")
        live_year(database, context, plan_year(folder), seconds=FIRST_SECONDS)
        finish(database, context)


def live_rest(settings: Settings, say: Callable[[str], None]) -> None:
    """Live what is left of the year, count its days and publish it; nothing where it is whole."""
    database, context = Database(settings.database_url, pool_size=1), context_of(settings, JURISDICTION)
    try:
        if is_whole(database, context):
            return
        said = 0

        def progress(filed: int, wanted: int, day: date) -> None:
            nonlocal said
            if filed >= said + SAID_EVERY:
                said = filed
                finish(database, context)  # or the figures of months would stand still until the night
                say(f"{filed} of {wanted} reports, back to {day}")

        live_year(database, context, plan_year(demo_folder(settings.home)), on_progress=progress)
        finish(database, context)
        with database.snapshot() as tx:
            city = context.cities.city(tx, JURISDICTION)
            publish_open_data(tx, city, settings.folder("open-data"))
        say("the year is whole")
    finally:
        database.dispose()


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main() -> int:
    """`python -m portal.cli.demo_life`, with DATABASE_URL set."""
    os.nice(NICENESS)
    live_rest(Settings.from_environ(), _say)
    return 0


if __name__ == "__main__":
    sys.exit(main())
