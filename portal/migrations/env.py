"""Knows how Alembic reaches the database: the address comes from the caller, waits are bounded."""

from typing import Any

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import create_engine, pool

from portal.models.all_tables import metadata
from portal.settings import Settings

# Fail soon and loudly where another session holds a table, instead of stopping the whole portal behind us.
OPTIONS = "-c lock_timeout=10s -c statement_timeout=1h -c timezone=UTC"
EXTENSION_TABLES = {"spatial_ref_sys"}


def include_object(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    """Leave what PostGIS owns alone."""
    if kind == "table" and name in EXTENSION_TABLES:
        return False
    return bool(alembic_helpers.include_object(thing, name, kind, reflected, other))  # type: ignore[no-untyped-call]


def run() -> None:
    """Bring the database up to date in one transaction."""
    url = context.config.attributes.get("url") or Settings.from_environ().database_url
    engine = create_engine(url, poolclass=pool.NullPool, connect_args={"options": OPTIONS})
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            include_object=include_object,
            compare_server_default=False,  # the migration test compares defaults through the catalogue
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
