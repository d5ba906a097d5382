"""Knows what of all reports and events anybody may have: streamed in order, private cases only as hashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, false, func, select

from portal.models.ledger import case_file, event, event_seal, seal_day
from portal.models.report import report
from routing.custody import wire_time
from routing.lifecycle import STATES

BATCH = 5_000
_PLAIN = (
    "token",
    "kind",
    "service_code",
    "state",
    "closing_code",
    "priority",
    "channel",
    "lead_unit",
    "rule",
)
_INSTANTS = ("opened_at", "updated_at", "accepted_at", "closed_at", "promise_due_at", "second_due_at")
REPORT_COLUMNS = (
    *_PLAIN, "status", *_INSTANTS, "transfer_count", "lon", "lat", "place_flag", "places", "text",
)  # fmt: skip


def open_reports(tx: Connection, jurisdiction_id: str) -> Iterator[dict[str, Any]]:
    """Every report that is not private, oldest first, as a row of `REPORT_COLUMNS`; points are the public ones."""
    query = (
        select(
            *(report.c[name] for name in (*_PLAIN, *_INSTANTS, "transfer_count", "place_flag", "places")),
            report.c.public_text.label("text"),
            func.ST_X(report.c.public_geom).label("lon"),
            func.ST_Y(report.c.public_geom).label("lat"),
        )
        .where(report.c.jurisdiction_id == jurisdiction_id, report.c.is_private == false())
        .order_by(report.c.id)
    )
    for row in _streamed(tx, query):
        found = dict(row._mapping) | {"status": STATES[row.state], "places": " ".join(row.places)}
        found |= {name: found[name] and found[name].isoformat() for name in _INSTANTS}
        yield {name: found[name] for name in REPORT_COLUMNS}


def open_events(tx: Connection, jurisdiction_id: str) -> Iterator[dict[str, Any]]:
    """The public part of every event with its links, case by case; the city's own book included.

    Of a private case nothing is told here; its hashes stand in the seals.
    """
    query = (
        select(
            case_file.c.token, event.c.case_seq, event.c.at, event.c.kind, event.c.public,
            event.c.private_commitment, event.c.prev_hash, event.c.hash,
        )
        .join(case_file, case_file.c.id == event.c.case_id)
        .outerjoin(report, report.c.id == event.c.case_id)
        .where(event.c.jurisdiction_id == jurisdiction_id, _is_open())
        .order_by(event.c.case_id, event.c.case_seq)
    )  # fmt: skip
    for row in _streamed(tx, query):
        yield {
            "case": row.token,
            "seq": row.case_seq,
            "at": wire_time(row.at),
            "kind": row.kind,
            "public": row.public,
            "commitment": row.private_commitment.hex(),
            "prev": row.prev_hash.hex(),
            "hash": row.hash.hex(),
        }


def open_seals(tx: Connection, jurisdiction_id: str) -> Iterator[dict[str, Any]]:
    """Every seal in order with the hash that it seals; `case` and `seq` stand where `open_events` tells the event.

    The sealing runs over all cities of an installation, so the hashes of all of them are here.
    """
    is_told = _is_open() & (event_seal.c.jurisdiction_id == jurisdiction_id)
    query = (
        select(event_seal, event.c.hash, case_file.c.token, is_told.label("is_told"))
        .join(event, event.c.id == event_seal.c.event_id)
        .join(case_file, case_file.c.id == event_seal.c.case_id)
        .outerjoin(report, report.c.id == event_seal.c.case_id)
        .order_by(event_seal.c.global_seq)
    )
    for row in _streamed(tx, query):
        seal = {"n": row.global_seq, "hash": row.hash.hex(), "chain": row.chain_hash.hex()}
        yield seal | ({"case": row.token, "seq": row.case_seq} if row.is_told else {})


def day_roots(tx: Connection) -> list[Mapping[str, Any]]:
    """The root of every finished day."""
    rows = tx.execute(select(seal_day).order_by(seal_day.c.first_seq))
    return [
        {"day": row.day.isoformat(), "first": row.first_seq, "last": row.last_seq, "root": row.root.hex()}
        for row in rows
    ]


def _is_open() -> Any:
    """A case that is no report is the city's own book."""
    return func.coalesce(report.c.is_private, false()) == false()


def _streamed(tx: Connection, query: Any) -> Iterator[Any]:
    yield from tx.execute(query, execution_options={"yield_per": BATCH})
