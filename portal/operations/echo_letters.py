"""Knows who hears of a letter beside the reporter of an incident: everybody who follows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row

from portal.queries.followers import followers_of

# A new report, or an incident that joins another one, is news for its own reporter alone.
OWN = frozenset({"received", "merged"})


def echoes(tx: Connection, row: Row[Any], letters: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The letters to a report's reporter once more, for everybody who follows it: each about their own report.

    At most one statement, none where the reporter is told nothing.
    """
    told = [one for one in letters if one["to"] == "reporter" and one["template"] not in OWN]
    if not told:
        return []
    return [
        {**one, "report_id": follower.report_id, "to": follower.to, "incident": row.token}
        for follower in followers_of(tx, row.id)
        for one in told
    ]
