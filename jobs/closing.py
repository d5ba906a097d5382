"""Knows the jobs that move cases by time alone: what nobody answered to is closed, named dates are kept."""

from __future__ import annotations

from jobs.runtime import runtime
from portal.operations import close_silent as operation
from portal.operations import keep_dates as dates

FULL = 500


def close_silent() -> int:
    """Close every case that waited its days for a word; answers how many."""
    return runtime().repeat(lambda tx, _: operation.close_silent(tx, FULL), FULL)


def keep_dates() -> int:
    """Make every move whose date has come; answers how many."""
    return runtime().repeat(lambda tx, work: dates.keep_dates(tx, work.context), 1)
