"""Knows how to reach PostgreSQL and the only place that begins and commits a transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, text

Rows = Sequence[Mapping[str, Any]]


class Database:
    """A pool of connections to one PostGIS database."""

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self.url = url
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=5,
            pool_pre_ping=True,  # one round trip, so that a restarted database costs nobody an error
            # Compiling costs more than it saves on statements as short as ours.
            connect_args={
                "options": "-c timezone=UTC -c jit=off -c lock_timeout=10s -c statement_timeout=60s"
            },
            json_serializer=to_json,
        )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        with self.engine.connect() as tx, tx.begin():
            yield tx

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read without writing; a snapshot per statement."""
        with self.engine.connect().execution_options(postgresql_readonly=True) as tx, tx.begin():
            yield tx

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Read without writing; every statement sees the same instant."""
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as tx, tx.begin():
            tx.execute(text("SET LOCAL statement_timeout = 0"))  # a proof over years of events takes its time
            yield tx

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def to_json(value: Any) -> str:
    """JSON text of what goes to the database: aware instants in ISO 8601, bytes as PostgreSQL hex."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def as_bytea(value: bytes) -> str:
    """Bytes as PostgreSQL reads them; for rows by the thousand, where asking `to_json` for each would tell."""
    return "\\x" + value.hex()


def _plain(value: Any) -> Any:
    if isinstance(value, date):  # instants, too
        return value.isoformat()
    if isinstance(value, bytes):
        return as_bytea(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def insert_together(tx: Connection, batches: Sequence[tuple[Table, Rows]]) -> None:
    """Insert rows into several tables in one statement, so that an intake costs one round trip.

    Rows of one table share their keys. Geometry goes in as EWKT text, bytes and instants as they are.
    Foreign keys among the tables hold, because PostgreSQL checks them when the statement ends.
    """
    filled = [(table, rows) for table, rows in batches if rows]
    if not filled:
        return
    shape = tuple((table.name, tuple(rows[0])) for table, rows in filled)
    tx.execute(_together(shape), {f"rows_{n}": to_json(rows) for n, (_, rows) in enumerate(filled)})


@lru_cache(maxsize=256)
def _together(shape: tuple[tuple[str, tuple[str, ...]], ...]) -> Any:
    """The statement for a set of tables and columns; both come from our own models, never from input."""
    parts = []
    for number, (table, columns) in enumerate(shape):
        names = ", ".join(f'"{column}"' for column in columns)
        parts.append(
            f'INSERT INTO "{table}" ({names}) SELECT {names} '  # noqa: S608
            f'FROM jsonb_populate_recordset(NULL::"{table}", CAST(:rows_{number} AS jsonb))'
        )
    *first, last = parts
    named = ", ".join(f"w{number} AS ({part})" for number, part in enumerate(first))
    return text(f"WITH {named} {last}" if named else last)


def update_together(tx: Connection, table: Table, key: str, rows: Rows) -> int:
    """Update many rows of one table in one statement, matched by `key`; answers how many were there."""
    if not rows:
        return 0
    changed = tuple(column for column in rows[0] if column != key)
    result = tx.execute(_update_shape(table.name, key, changed), {"rows": to_json(rows)})
    return int(result.rowcount)


@lru_cache(maxsize=64)
def _update_shape(table: str, key: str, columns: tuple[str, ...]) -> Any:
    """The statement for a set of columns; names come from our own models, never from input."""
    changes = ", ".join(f'"{column}" = new."{column}"' for column in columns)
    return text(
        f'UPDATE "{table}" SET {changes} '  # noqa: S608
        f'FROM jsonb_populate_recordset(NULL::"{table}", CAST(:rows AS jsonb)) AS new '
        f'WHERE "{table}"."{key}" = new."{key}"'
    )


def try_lock(tx: Connection, name: str) -> bool:
    """Take the advisory lock of that name until the transaction ends; False when another process has it."""
    return bool(
        tx.scalar(text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})
    )
