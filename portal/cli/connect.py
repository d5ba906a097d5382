"""Knows how a command reaches the city it works on: database, keys and files of the installation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from portal.cli.home import reach_servers
from portal.crypto import Keyring
from portal.db import Database
from portal.operations.context import Context
from portal.queries.city import CityCache, the_only_city
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
        return context_of(self.settings, city)


def keyring_of(settings: Settings) -> Keyring:
    """The keys of the installation."""
    return Keyring(settings.secret_key, settings.old_secret_keys)


def context_of(settings: Settings, jurisdiction_id: str) -> Context:
    """The context of operations for a city; what is built of its map is kept for the next process."""
    keyring = keyring_of(settings)
    store, cities = FileStore(settings.folder("files")), CityCache(settings.folder("cache"))
    return Context(jurisdiction_id, keyring, store, public_url=settings.public_url, cities=cities)


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
