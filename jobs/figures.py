"""Knows the job that counts the days of areas and units."""

from __future__ import annotations

import sys

from jobs.runtime import runtime
from portal.operations import refresh_area_days as operation
from portal.queries.city import the_only_city


def refresh_area_days() -> int:
    """Count the newest days anew, and once a night the whole year."""
    return runtime().repeat(
        lambda tx, parts: operation.refresh_area_days(tx, the_only_city(tx, parts.context.jurisdiction_id)),
        sys.maxsize,
    )
