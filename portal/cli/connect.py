"""Knows how a command reaches the city it works on: database, keys and files of the installation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from portal.cli.home import reach_servers
from portal.crypto import Keyring
from portal.db import Database
from portal.operations.context import Context
from portal.queries.city import the_only_city
from portal.settings import Settings
from portal.storage import FileStore


@dataclass(frozen=True, slots=True)
class Reached:
    """An installation that a command works on."""

    settings: Settings
    database: Database
    redis_url: str

    def context(self) -> Context:
        """The context of operations for the city that is loaded; NotReady without one."""
        with self.database.reading() as tx:
            city = the_only_city(tx, self.settings.jurisdiction)
        keyring = Keyring(self.settings.secret_key, self.settings.old_secret_keys)
        store = FileStore(self.settings.folder("files"))
        return Context(city, keyring, store, public_url=self.settings.public_url)


@contextmanager
def reached(jurisdiction: str = "") -> Iterator[Reached]:
    """Reach the installation of the environment, or the private servers of WENLU_HOME."""
    settings = Settings.from_environ()
    with reach_servers(settings, jurisdiction) as (database_url, redis_url):
        database = Database(database_url, pool_size=2)
        try:
            yield Reached(settings, database, redis_url)
        finally:
            database.dispose()
