"""Knows how many public reports stand behind every choice of a filter: by state, by service, by unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Select, func, literal, select, union_all

from portal.models.report import report
from portal.queries.public_reports import ReportFilter, conditions

MOST_COUNTED = 30_000
# Of every choice: its column, and the filter when nothing is chosen of it.
COLUMNS = {"state": report.c.state, "service": report.c.service_code, "unit": report.c.lead_unit}
NOTHING: Mapping[str, Mapping[str, Any]] = {
    "state": {"states": ()},
    "service": {"service_code": ""},
    "unit": {"unit_code": ""},
}


@dataclass(frozen=True, slots=True)
class Counted:
    """How many reports each value of one choice would leave; `is_more` than were counted, the newest ones."""

    by_value: Mapping[str, int]
    is_more: bool = False

    def of(self, values: Iterable[str]) -> int:
        """How many have one of these values."""
        return sum(self.by_value.get(value, 0) for value in values)

    @property
    def all(self) -> int:
        """How many there are whatever is chosen."""
        return sum(self.by_value.values())


def count_reports(
    tx: Connection, jurisdiction_id: str, wanted: ReportFilter, most: int = MOST_COUNTED
) -> dict[str, Counted]:
    """For every name of `COLUMNS`: how many each of its values would leave beside the other choices.

    One statement. Counted to `most`: nobody waits for the exact number of a whole city's years.
    """
    beside: dict[ReportFilter, list[str]] = {}
    for name, nothing in NOTHING.items():
        beside.setdefault(replace(wanted, **nothing), []).append(name)
    query: CompoundSelect[Any] = union_all(
        *(each for found, names in beside.items() for each in _counts(jurisdiction_id, found, names, most))
    )
    values: dict[str, dict[str, int]] = {name: {} for name in COLUMNS}
    for name, value, count in tx.execute(query):
        values[name][value] = count
    return {name: Counted(each, sum(each.values()) > most) for name, each in values.items()}


def _counts(
    jurisdiction_id: str, wanted: ReportFilter, names: list[str], most: int
) -> list[Select[tuple[str, str, int]]]:
    """The counts of the choices that share one filter: its reports are found once."""
    found = (
        select(*(COLUMNS[name].label(name) for name in names))
        .where(*conditions(jurisdiction_id, wanted))
        .order_by(report.c.opened_at.desc())
        .limit(most + 1)
        .cte(f"beside_{names[0]}")
    )
    return [select(literal(name), found.c[name], func.count()).group_by(found.c[name]) for name in names]
