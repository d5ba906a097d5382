"""Knows how to make a database ready to serve a city: the newest schema, then the pack if it is not loaded.

Run as a program of its own by `wenlu up`, so that the supervisor never carries the geographic libraries.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sqlalchemy.exc import OperationalError

from portal.cli.connect import keyring_of
from portal.cli.database import is_current, migrate
from portal.cli.demo_life import live_first
from portal.cli.processes import PREPARING
from portal.crypto import Keyring
from portal.db import Database
from portal.demo.lanpu.build import HERE, ensure_demo_city
from portal.errors import WenluError
from portal.operations.context import Context
from portal.operations.ensure_demo_accounts import ensure_demo_accounts
from portal.operations.load_city import Loaded, is_demo_folder, load_city_folder
from portal.settings import Settings
from portal.storage import FileStore


def prepare(settings: Settings, pack: Path) -> None:
    """Migrate and load; both do nothing where it was done before. The demo city is drawn, and gets accounts."""
    if not is_current(settings.database_url):
        migrate(settings.database_url)
    database = Database(settings.database_url)
    try:
        is_drawn = pack.resolve() == HERE.resolve()
        if is_drawn:
            pack = ensure_demo_city(settings.home, _say)
        loaded = load_city_folder(database, pack, _say, keyring_of(settings))
        if is_demo_folder(pack) and (settings.is_loopback or settings.allow_demo_accounts):
            _make_demo_accounts(settings, database, loaded)
        if is_drawn and settings.has_demo_life:
            live_first(settings, database, pack, _say)
    finally:
        database.dispose()


def _say(step: str) -> None:
    sys.stdout.write(f"{PREPARING}{step}\n")
    sys.stdout.flush()


def _make_demo_accounts(settings: Settings, database: Database, loaded: Loaded) -> None:
    store = FileStore(settings.folder("files"))
    context = Context(loaded.jurisdiction_id, Keyring(settings.secret_key), store)
    with database.transaction() as tx:
        ensure_demo_accounts(tx, context, settings.home, is_allowed=True)


def main(arguments: list[str]) -> int:
    """`python -m portal.cli.prepare PACK`, with DATABASE_URL set; what is wrong goes to stderr in one line."""
    try:
        prepare(Settings.from_environ(), Path(arguments[0]))
    except OperationalError as error:
        sys.stderr.write(f"the database cannot be used: {str(error.orig).splitlines()[0]}\n")
    except (WenluError, ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
