"""Migrations from nothing give exactly the models; events are append-only, whoever asks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from geoalchemy2 import alembic_helpers
from sqlalchemy import create_engine, pool, text
from sqlalchemy.exc import DBAPIError

from portal.cli.database import is_current, migrate
from portal.db import Database, insert_together
from portal.models.all_tables import metadata
from portal.models.ledger import event

CATALOGUE = {
    "columns": """
        SELECT table_name, column_name, column_default, is_nullable, udt_name, identity_generation
        FROM information_schema.columns WHERE table_schema = 'public'
    """,
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    """,
    "triggers": "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
}


def catalogue(database: Database, kind: str) -> set[tuple[Any, ...]]:
    """What PostgreSQL knows of our tables; what PostGIS and Alembic bring along is left out."""
    with database.reading() as tx:
        rows = {tuple(row) for row in tx.execute(text(CATALOGUE[kind]))}
        ours = set(metadata.tables)
    return {row for row in rows if str(row[0]).strip('"') in ours}


@pytest.fixture(scope="module")
def from_models(new_database: Callable[..., str], postgis_template: str) -> Iterator[Database]:
    """A database made from the models alone."""
    made = Database(new_database(postgis_template))
    with made.transaction() as tx:
        metadata.create_all(tx)
    yield made
    made.dispose()


def test_nothing_is_left_to_migrate(database: Database) -> None:
    def include(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
        if kind == "table" and name == "spatial_ref_sys":
            return False
        return bool(alembic_helpers.include_object(thing, name, kind, reflected, other))

    with database.reading() as tx:
        options = {"compare_type": True, "include_object": include, "target_metadata": metadata}
        context = MigrationContext.configure(tx, opts=options)
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("kind", ["columns", "indexes", "constraints"])
def test_migrations_and_models_make_the_same(database: Database, from_models: Database, kind: str) -> None:
    """Server defaults, partial and descending indexes, checks: compared as PostgreSQL writes them."""
    migrated, modelled = catalogue(database, kind), catalogue(from_models, kind)
    assert len(modelled) > 20
    assert sorted(migrated - modelled, key=str) == []
    assert sorted(modelled - migrated, key=str) == []


def test_the_comparison_would_notice(
    database_url: str, new_database: Callable[..., str], migrated_template: str
) -> None:
    spoilt = Database(new_database(migrated_template))
    with spoilt.transaction() as tx:
        tx.execute(text("ALTER TABLE report ALTER transfer_count SET DEFAULT 7"))
        tx.execute(text("DROP INDEX ix_clock_next"))
    sound = Database(database_url)
    assert catalogue(spoilt, "columns") != catalogue(sound, "columns")
    assert catalogue(spoilt, "indexes") < catalogue(sound, "indexes")
    spoilt.dispose()
    sound.dispose()


def test_migrating_twice_changes_nothing(database: Database, database_url: str) -> None:
    before = {kind: catalogue(database, kind) for kind in CATALOGUE}
    assert is_current(database_url)
    migrate(database_url)
    assert {kind: catalogue(database, kind) for kind in CATALOGUE} == before


def test_an_empty_database_is_not_current(empty_database_url: str) -> None:
    assert not is_current(empty_database_url)


def test_every_row_names_its_city(database: Database) -> None:
    parts = {"jurisdiction", "event_pending", "seal_day"}  # the city itself, a queue, a root over all cities
    without = {name for name, table in metadata.tables.items() if "jurisdiction_id" not in table.c}
    assert without == parts


OWNER = f"wenlu_test_owner_{os.getpid()}"
EVENT = {
    "jurisdiction_id": "x.example", "case_id": 1, "at": "2026-03-10T02:00:00+00:00", "kind": "request.submitted",
    "public": {}, "private_commitment": bytes(32), "prev_hash": bytes(32), "hash": bytes(32),
}  # fmt: skip


def test_new_events_wait_for_the_sealer(database: Database) -> None:
    with database.transaction() as tx:
        insert_together(tx, [(event, [EVENT | {"case_seq": seq} for seq in (1, 2, 3)])])
    with database.reading() as tx:
        waiting = list(tx.scalars(text("SELECT event_id FROM event_pending ORDER BY event_id")))
        events = list(tx.scalars(text("SELECT id FROM event ORDER BY id")))
    assert len(events) == 3
    assert waiting == events


@pytest.fixture(scope="module")
def as_owner(database_url: str, database: Database) -> Iterator[Any]:
    """The database migrated by an owner who is no superuser, as in an installation."""
    with database.transaction() as tx:
        insert_together(tx, [(event, [EVENT | {"case_id": 2, "case_seq": 1}])])
        tx.execute(text(f"DROP ROLE IF EXISTS {OWNER}"))
        tx.execute(text(f"CREATE ROLE {OWNER} NOLOGIN"))
        tx.execute(text(f"GRANT ALL ON SCHEMA public TO {OWNER}"))
        tx.execute(text(f"ALTER TABLE event OWNER TO {OWNER}"))
    engine = create_engine(database_url, poolclass=pool.NullPool)
    yield engine
    engine.dispose()
    with database.transaction() as tx:
        tx.execute(text("ALTER TABLE event OWNER TO CURRENT_USER"))
        tx.execute(text(f"DROP OWNED BY {OWNER}"))
        tx.execute(text(f"DROP ROLE {OWNER}"))


@pytest.mark.parametrize("role", [OWNER, None], ids=["the table's owner", "a superuser"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET kind = 'request.closed'",
        "UPDATE event SET public = '{}' WHERE id = -1 OR true",
        "DELETE FROM event",
        "TRUNCATE event",
        "TRUNCATE event CASCADE",
        "INSERT INTO event OVERRIDING SYSTEM VALUE SELECT * FROM event ON CONFLICT (id) DO UPDATE SET kind = 'x'",
    ],
)
def test_an_event_cannot_be_changed(as_owner: Any, role: str | None, statement: str) -> None:
    with as_owner.connect() as session:
        if role:
            session.execute(text(f"SET ROLE {role}"))
        with pytest.raises(DBAPIError) as caught:
            session.execute(text(statement))
    assert caught.value.orig.sqlstate == "42501", caught.value
