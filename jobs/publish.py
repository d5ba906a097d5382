"""Knows the job that publishes the open data."""

from __future__ import annotations

from jobs.runtime import runtime
from portal import clock
from portal.operations import publish_open_data as operation


def publish_open_data() -> None:
    """Write the public dump of the city that this installation serves, once in its night."""
    parts = runtime()
    folder = parts.settings.folder("open-data")
    with parts.database.snapshot() as tx:
        city = parts.context.cities.city(tx, parts.context.jurisdiction_id)
        if operation.is_night_due(folder, clock.now(), city.timezone):
            operation.publish_open_data(tx, city, folder)
