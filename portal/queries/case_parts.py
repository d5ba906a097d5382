"""Knows what belongs to one case in other tables: all of it is read in one statement, for the desk and the public.

A module that keeps something about cases adds its rows to `DESK_PARTS` or `PUBLIC_PARTS`; the case pages then
have them under that name, at the cost of no further statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Column, Connection, DateTime, ScalarSelect, Table, func, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by

from portal.models.report import clock, media

Row = Mapping[str, Any]
Parts = Mapping[str, Sequence[Row]]


class CasePart(Protocol):
    """Something of a case that comes as one JSON value."""

    def of(self, case_id: int) -> ScalarSelect[Any]:
        """The value."""

    def read(self, rows: list[Any] | None) -> list[Row]:
        """The rows of that value."""


class Part:
    """Rows of one table that belong to a case, oldest first; the public sees the `shown` columns only."""

    def __init__(self, table: Table, *shown: str, case_column: str = "report_id") -> None:
        self._columns: list[Column[Any]] = [table.c[name] for name in shown] or list(table.c)
        self._key, self._order = table.c[case_column], table.c["id"]
        self._instants = [each.name for each in self._columns if isinstance(each.type, DateTime)]

    def of(self, case_id: int) -> ScalarSelect[Any]:
        """The rows as one JSON value."""
        pairs = [item for each in self._columns for item in (text(f"'{each.name}'"), each)]
        rows = aggregate_order_by(func.json_build_object(*pairs), self._order)
        return select(func.json_agg(rows)).where(self._key == case_id).scalar_subquery()

    def read(self, rows: list[dict[str, Any]] | None) -> list[Row]:
        """The rows of that value, their instants read again."""
        return [row | {name: _instant(row[name]) for name in self._instants} for row in rows or []]


DESK_PARTS: dict[str, CasePart] = {
    "clocks": Part(clock),
    "photos": Part(media, "id", "token", "purpose", "state", "width", "height", "capture", "created_at"),
}
PUBLIC_PARTS: dict[str, CasePart] = {}


def case_parts(tx: Connection, case_id: int, parts: Mapping[str, CasePart]) -> Parts:
    """All parts of a case by name; one statement, none where there are no parts."""
    if not parts:
        return {}
    found = tx.execute(select(*(part.of(case_id).label(name) for name, part in parts.items()))).one()
    return {name: part.read(found._mapping[name]) for name, part in parts.items()}


def _instant(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
