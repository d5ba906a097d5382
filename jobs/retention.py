"""Knows the jobs that forget what is kept only for a time."""

from __future__ import annotations

import sys

from jobs.runtime import runtime
from portal.operations import erase_personal
from portal.operations import forget_expired as operation


def erase_due() -> int:
    """Forget the people of cases that were closed long enough ago; answers how many cases were handled."""
    return runtime().repeat(lambda tx, parts: erase_personal.erase_due(tx, parts.context), 1)


def forget_expired() -> int:
    """Remove rows and files whose time is over; answers how many."""
    rows = runtime().repeat(lambda tx, _: operation.forget_expired(tx), sys.maxsize)
    files = runtime().repeat(
        lambda tx, parts: operation.remove_stray_files(tx, parts.context.store), sys.maxsize
    )
    return rows + files
