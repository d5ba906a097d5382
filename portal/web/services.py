"""Knows the installation's parts as a request reaches them: settings, database, keys and files, cities."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from flask import current_app, g
from sqlalchemy import Connection

from portal.crypto import Keyring
from portal.db import Database
from portal.operations.context import Context
from portal.queries.city import CityCache, CityView, the_only_city
from portal.settings import Settings
from portal.storage import FileStore

EXTENSION = "wenlu"


@dataclass(slots=True)
class Services:
    """What handlers use; one per application. `context` waits until a city has been loaded."""

    settings: Settings
    database: Database
    keyring: Keyring
    store: FileStore
    cities: CityCache
    _context: Context | None = field(default=None, repr=False)

    @property
    def context(self) -> Context:
        """The context of operations for the city that is served; NotReady before one is loaded."""
        if self._context is None:
            self._context = Context(
                self._find_city(),
                self.keyring,
                self.store,
                self.cities,
                self.settings.public_url,
                bool(self.settings.sms_url),
            )
        return self._context

    @property
    def jurisdiction_id(self) -> str:
        """The city that is served."""
        return self.context.jurisdiction_id

    def _find_city(self) -> str:
        with self.database.reading() as tx:
            return the_only_city(tx, self.settings.jurisdiction)


def make_services(settings: Settings) -> Services:
    """Open the database and the files of an installation."""
    return Services(
        settings=settings,
        database=Database(settings.database_url),
        keyring=Keyring(settings.secret_key, settings.old_secret_keys),
        store=FileStore(settings.folder("files")),
        cities=CityCache(settings.folder("cache")),
    )


def services() -> Services:
    """The parts of the application that answers this request."""
    return cast(Services, current_app.extensions[EXTENSION])


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection for queries; inside another one of this request it is the same."""
    if (outer := g.get("tx")) is not None:
        yield outer
        return
    with services().database.reading() as tx:
        g.tx = tx
        try:
            yield tx
        finally:
            g.tx = None


@contextmanager
def writing() -> Iterator[Connection]:
    """A transaction for one operation: committed when the block ends."""
    with services().database.transaction() as tx:
        yield tx


def city() -> CityView:
    """The city that is served, at most a second old; asked once in a request."""
    if "city" not in g and (recent := services().cities.recent(services().jurisdiction_id)) is not None:
        g.city = recent
    if "city" not in g:
        with reading() as tx:
            g.city = services().cities.city(tx, services().jurisdiction_id)
    return cast(CityView, g.city)
