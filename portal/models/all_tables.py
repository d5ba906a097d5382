"""Knows every table: importing this fills the MetaData, for migrations and tests."""

from portal.models import (
    city,
    crews,
    custody,
    desk,
    incident,
    ledger,
    messaging,
    open_city,
    oversight,
    people,
    report,
    voice,
    work,
)
from portal.models.base import metadata

__all__ = [
    "city",
    "crews",
    "custody",
    "desk",
    "incident",
    "ledger",
    "messaging",
    "metadata",
    "open_city",
    "oversight",
    "people",
    "report",
    "voice",
    "work",
]
