"""Knows what a unit's head counts: the same conditions for the number on the head's page and for the list behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, literal_column

from portal.models.custody import dispute
from portal.models.oversight import extension
from portal.models.report import report
from portal.queries.custody import HANDED
from routing.escalation import RED

# How far back hand-overs and contested closings are counted.
LOOK_BACK = timedelta(days=30)
UNACCEPTED = ("submitted", "routed")
# What an open case can be chosen for, in the order of the form.
OPEN_MATTERS: Mapping[str, Callable[[datetime], ColumnElement[bool]]] = {
    "late": lambda now: report.c.promise_due_at < now,
    # Said in two ways: the second is the one by which the index of coloured cases is known.
    "risk": lambda now: and_(_before_red(), report.c.promise_due_at >= now),
    "unaccepted": lambda _: report.c.state.in_([literal_column(f"'{state}'") for state in UNACCEPTED]),
    "reopened": lambda _: report.c.reopen_count > literal_column("0"),
    "asked": lambda _: _asks_for_time(),
}
# What is counted from events or disputes: the case may be another unit's by now.
MOVED: Mapping[str, tuple[frozenset[str], str]] = {
    "into": (HANDED, "to"),
    "out": (HANDED, "from"),
    "contested": (frozenset({"request.contested"}), "unit"),
}
DISPUTED = "disputed"


def opened_disputes() -> ColumnElement[bool]:
    """That a dispute waits for its ruling; as the partial index says it."""
    return dispute.c.state == literal_column("'open'")


def _before_red() -> ColumnElement[bool]:
    return and_(report.c.colour > literal_column("0"), report.c.colour < literal_column(str(RED)))


def _asks_for_time() -> Any:
    mine = (extension.c.report_id == report.c.id) & (extension.c.state == literal_column("'asked'"))
    return exists().where(mine, extension.c.unit_code == report.c.lead_unit).correlate(report)
