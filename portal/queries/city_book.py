"""Knows the city's own book as administrators read it: what was changed, by whom, and how large each table is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Table, case, cast, func, literal, select, union_all

from portal.models.ledger import case_file, event, event_private
from portal.models.people import account

# Coming and going is no administration.
UNTOLD = ("staff.signed_in", "staff.signed_out_everywhere")


@dataclass(frozen=True, slots=True)
class BookLine:
    """One event of the book. `person` is who did it, "" for the system and the command line."""

    seq: int
    at: datetime
    kind: str
    public: Mapping[str, Any]
    private: Mapping[str, Any]
    person: str
    subject: str = ""


def book_lines(
    tx: Connection, jurisdiction_id: str, *, before: int | None = None, kind: str = "", most: int = 50
) -> list[BookLine]:
    """The newest lines first; one statement."""
    author, about = account.alias("author"), account.alias("about")
    told = event_private.c.private
    of_staff = event.c.kind.startswith("staff.")
    subject = cast(told["account_id"].astext, BigInteger)  # of a line about staff: whom it is about
    by = case((of_staff, cast(told["by"]["account_id"].astext, BigInteger)), else_=subject)
    private = (event_private.c.case_id == event.c.case_id) & (event_private.c.case_seq == event.c.case_seq)
    book = select(case_file.c.id).where(case_file.c.token == f"CITY-{jurisdiction_id}").scalar_subquery()
    query = (
        select(
            event.c.case_seq.label("seq"), event.c.at, event.c.kind, event.c.public, told.label("private"),
            author.c.name.label("person"), about.c.name.label("subject"),
        )
        .outerjoin(event_private, private)
        .outerjoin(author, author.c.id == by)
        .outerjoin(about, of_staff & (about.c.id == subject))
        .where(event.c.case_id == book, event.c.kind.not_in(UNTOLD))
    )  # fmt: skip
    if before is not None:
        query = query.where(event.c.case_seq < before)
    if kind:
        query = query.where(event.c.kind == kind)
    rows = tx.execute(query.order_by(event.c.case_seq.desc()).limit(most))
    return [
        BookLine(
            row.seq, row.at, row.kind, row.public, row.private or {}, row.person or "", row.subject or ""
        )
        for row in rows
    ]


def table_sizes(tx: Connection, jurisdiction_id: str, tables: Mapping[str, Table]) -> dict[str, int]:
    """How many rows each table of the city has; one statement."""
    counts = (
        select(literal(name).label("name"), func.count().label("rows"))
        .select_from(table)
        .where(table.c.jurisdiction_id == jurisdiction_id)
        for name, table in tables.items()
    )
    return {row.name: row.rows for row in tx.execute(union_all(*counts))}
