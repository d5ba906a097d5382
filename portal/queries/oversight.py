"""Knows what is overdue and who watches it: cases by colour, applications that wait, supervision that is open."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, func, select, tuple_

from portal.models.oversight import extension, supervision
from portal.models.report import report
from portal.queries.case_filter import not_about
from portal.queries.case_parts import DESK_PARTS, PUBLIC_PARTS, Part

DESK_PARTS["extensions"] = Part(extension)
DESK_PARTS["supervisions"] = Part(supervision)
PUBLIC_PARTS["extensions"] = Part(
    extension, "state", "unit_code", "decider", "public_reason", "public_answer", "asked_at", "wished_at",
    "granted_at", "answered_at", "answered_by_unit",
)  # fmt: skip
PUBLIC_PARTS["supervisions"] = Part(
    supervision, "state", "cause", "unit_code", "public_words", "finding", "public_finding_words", "opened_at",
    "due_at", "closed_at",
)  # fmt: skip
MOST = 100
COUNTED_AT_MOST = 1000
# Where a page begins: behind this instant and number.
After: TypeAlias = tuple[datetime, int] | None
_SHOWN = (
    "token",
    "service_code",
    "state",
    "priority",
    "lead_unit",
    "colour",
    "promise_due_at",
    "second_due_at",
)


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose cases are shown: `units` None means of every unit; complaints about `kept_from` are left out."""

    jurisdiction_id: str
    units: Collection[str] | None
    kept_from: Collection[str] = ()

    def led(self) -> list[ColumnElement[bool]]:
        """What holds for their cases."""
        where: list[ColumnElement[bool]] = [report.c.jurisdiction_id == self.jurisdiction_id]
        if self.units is not None:
            where += [report.c.lead_unit.in_(sorted(self.units)), *not_about(self.kept_from)]
        return where

    def asked(self) -> list[ColumnElement[bool]]:
        """What holds for the applications that they answer."""
        where: list[ColumnElement[bool]] = [extension.c.jurisdiction_id == self.jurisdiction_id]
        if self.units is not None:
            where += [extension.c.decider.in_(sorted(self.units)), *not_about(self.kept_from)]
        return where


def cases_of_colour(tx: Connection, whose: Whose, colour: int, after: After = None) -> Sequence[Any]:
    """Open cases of a colour, those first whose promise is the oldest; one more than a page where there are more."""
    due = func.coalesce(report.c.promise_due_at, report.c.opened_at)
    query = (
        select(
            *(report.c[name] for name in _SHOWN),
            report.c.id.label("report_id"),
            due.label("order_at"),
            func.left(report.c.description, 200).label("description"),
        )
        .where(*whose.led(), _is_shown(), report.c.colour == colour)
        .order_by(due, report.c.id)
        .limit(MOST + 1)
    )
    if after is not None:
        query = query.where(tuple_(due, report.c.id) > tuple_(*after))
    return tx.execute(query).all()


def count_colours(tx: Connection, whose: Whose) -> Mapping[int, int]:
    """How many open cases have each colour, counted no further than `COUNTED_AT_MOST` together."""
    some = select(report.c.colour).where(*whose.led(), _is_shown()).limit(COUNTED_AT_MOST).subquery("some")
    counted = select(some.c.colour, func.count().label("number")).group_by(some.c.colour)
    return {row.colour: row.number for row in tx.execute(counted)}


def waiting_extensions(tx: Connection, whose: Whose, after: After = None) -> Sequence[Any]:
    """The applications for more time that wait for these units, the oldest first; one more than a page if there are."""
    query = (
        select(extension, report.c.token, report.c.service_code, report.c.promise_due_at, report.c.lead_unit)
        .join(report, report.c.id == extension.c.report_id)
        .where(*whose.asked(), extension.c.state == "asked")
        .order_by(extension.c.asked_at, extension.c.id)
        .limit(MOST + 1)
    )
    if after is not None:
        query = query.where(tuple_(extension.c.asked_at, extension.c.id) > tuple_(*after))
    return tx.execute(query).all()


def count_extensions(tx: Connection, whose: Whose) -> int:
    """How many applications wait, counted no further than `COUNTED_AT_MOST`."""
    some = (
        select(extension.c.id)
        .join(report, report.c.id == extension.c.report_id)
        .where(*whose.asked(), extension.c.state == "asked")
    )
    return tx.scalar(_number_of(some)) or 0


def supervised_cases(
    tx: Connection, whose: Whose, *, closed: bool = False, after: After = None
) -> Sequence[Any]:
    """Supervision of cases by its date: what is open, or, the latest first, what was closed; one more than a page."""
    place = tuple_(supervision.c.due_at, supervision.c.id)
    order = [supervision.c.due_at, supervision.c.id]
    query = (
        select(supervision, report.c.token, report.c.service_code, report.c.state.label("case_state"),
               report.c.lead_unit, report.c.colour, report.c.closed_at.label("case_closed_at"))
        .join(report, report.c.id == supervision.c.report_id)
        .where(*_supervised(whose, "closed" if closed else "open"))
        .order_by(*(column.desc() if closed else column for column in order))
        .limit(MOST + 1)
    )  # fmt: skip
    if after is not None:
        query = query.where(place < tuple_(*after) if closed else place > tuple_(*after))
    return tx.execute(query).all()


def count_supervised(tx: Connection, whose: Whose) -> Mapping[str, int]:
    """How many are open, of these those that only lack their finding, and closed: each up to `COUNTED_AT_MOST`."""
    of_case = supervision.join(report, report.c.id == supervision.c.report_id)
    some = {state: select(supervision.c.id).select_from(of_case).where(*_supervised(whose, state))
            for state in ("open", "closed")}  # fmt: skip
    some["ended"] = some["open"].where(report.c.closed_at.is_not(None))
    counts = select(*(_number_of(query).scalar_subquery().label(name) for name, query in some.items()))
    return dict(tx.execute(counts).one()._mapping)


def _supervised(whose: Whose, state: str) -> list[ColumnElement[bool]]:
    here = supervision.c.jurisdiction_id == whose.jurisdiction_id
    return [*whose.led(), here, supervision.c.state == state]


def _number_of(query: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(query.limit(COUNTED_AT_MOST).subquery())


def _is_shown() -> ColumnElement[bool]:
    return report.c.closed_at.is_(None) & (report.c.colour > 0)
