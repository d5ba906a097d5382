"""Knows the job that looks at clocks whose next instant has come."""

from __future__ import annotations

from jobs.runtime import runtime
from portal.operations import sweep_clocks as operation

FULL = 1_000


def sweep_clocks() -> int:
    """Sweep every clock that is due; answers how many."""
    return runtime().repeat(lambda tx, _: operation.sweep_clocks(tx, FULL), FULL)
