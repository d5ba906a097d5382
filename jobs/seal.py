"""Knows the jobs that seal events and make the root of each finished day."""

from __future__ import annotations

import sys

from jobs.runtime import runtime
from portal.operations import seal_events as operation

FULL = 20_000


def seal_events() -> int:
    """Seal the events that wait; answers how many."""
    return runtime().repeat(lambda tx, _: operation.seal_events(tx, FULL), FULL)


def make_day_roots() -> int:
    """Make the roots that are missing; answers how many."""
    return runtime().repeat(lambda tx, _: operation.make_day_roots(tx), sys.maxsize)
