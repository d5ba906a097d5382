"""Knows the jobs that count: the days of areas and units, and the places on which too many reports lie."""

from __future__ import annotations

import sys

from jobs.runtime import runtime
from portal.operations import refresh_area_days as operation
from portal.operations import suspect_points as suspicion
from portal.queries.city import the_only_city


def refresh_area_days() -> int:
    """Count the newest days anew, and once a night the whole year."""
    return runtime().repeat(
        lambda tx, parts: operation.refresh_area_days(tx, the_only_city(tx, parts.context.jurisdiction_id)),
        sys.maxsize,
    )


def suspect_points() -> int:
    """Look for places that programs write when they know none; answers how many are suspected."""
    return runtime().repeat(
        lambda tx, parts: suspicion.suspect_points(tx, the_only_city(tx, parts.context.jurisdiction_id)),
        sys.maxsize,
    )
