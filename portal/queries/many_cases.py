"""Knows what must be read of many cases before something is done to all of them, and what happened to some since."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, Integer, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from portal.models.ledger import case_file, event
from portal.models.report import report

_LISTED = ("token", "lead_unit", "assist_units", "about_unit", "service_code", "kind", "state", "locale")


@dataclass(frozen=True, slots=True)
class ManyCase:
    """One of many cases: enough to know what somebody is to it, and which ready-made answer fits."""

    id: int
    token: str
    lead_unit: str
    assist_units: Collection[str]
    about_unit: str | None
    service_code: str
    kind: str
    state: str
    locale: str
    last_seq: int


def many_cases(tx: Connection, jurisdiction_id: str, tokens: Collection[str]) -> dict[str, ManyCase]:
    """Those of the numbers that exist; one statement."""
    here = (report.c.jurisdiction_id == jurisdiction_id) & report.c.token.in_(tokens)
    query = select(report.c.id, *(report.c[name] for name in _LISTED), case_file.c.last_seq)
    joined = query.join_from(report, case_file, case_file.c.id == report.c.id).where(here)
    return {row.token: ManyCase(**row._mapping) for row in tx.execute(joined)}


def kinds_since(tx: Connection, seen: Mapping[int, int]) -> dict[int, Sequence[str]]:
    """What happened to each of these cases after the event that was seen last; one statement."""
    after = func.unnest(literal([*seen], ARRAY(BigInteger)), literal([*seen.values()], ARRAY(Integer)))
    seen_rows = after.table_valued("id", "seq").render_derived()
    kinds = func.array_agg(aggregate_order_by(event.c.kind, event.c.case_seq)).label("kinds")
    newer = (event.c.case_id == seen_rows.c.id) & (event.c.case_seq > seen_rows.c.seq)
    query = select(event.c.case_id, kinds).join(seen_rows, newer).group_by(event.c.case_id)
    return {row.case_id: row.kinds for row in tx.execute(query)}
