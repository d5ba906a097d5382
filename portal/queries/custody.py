"""Knows which event gives a case to a unit: the one rule behind every list of who held it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Whatever hands a case from the unit that leads to another.
HANDED = frozenset({"request.transferred", "request.assigned", "request.ruled", "request.swapped"})


def new_holder(kind: str, public: Mapping[str, Any]) -> str:
    """The unit that leads from this event on; empty where it changes nothing.

    Only what happens to the request itself hands it over: a message, too, goes "to" a unit.
    """
    if kind == "request.routed":
        return str(public.get("unit") or "")
    return str(public.get("to") or "") if kind.startswith("request.") else ""
