"""Knows how the clocks of a case become two bars: the promise to the resident, and the leading unit's stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Level = Literal["running", "soon", "late", "held", "met", "met_late"]
# The stages of a unit, in the order in which they come.
STAGES = ("dispatch", "accept", "first_answer", "resolve")
MOST = 100.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A stage of a bar: when it is due, how it stands, and where it lies between 0 and 100."""

    stage: str
    due_at: datetime
    level: Level
    at: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: `share` of its time has gone by, from 0 to 100. `level` is that of its last stage."""

    kind: str
    unit_code: str
    due_at: datetime
    share: float
    level: Level
    marks: Sequence[Mark]


def clock_bars(clocks: Sequence[Mapping[str, Any]], lead_unit: str, now: datetime) -> list[Bar]:
    """The bars of a case: its promise, and the clock of the unit that leads now; those there are."""
    counted = [one for one in clocks if one["state"] != "cancelled"]
    promises = [one for one in counted if one["kind"] == "promise"]
    mine = [one for one in counted if one["kind"] == "unit" and one["unit_code"] == lead_unit]
    newest = {one["stage"]: one for one in mine}
    stages = [newest[stage] for stage in STAGES if stage in newest]
    return [_bar(rows, now) for rows in (promises[-1:], stages) if rows]


def _bar(rows: Sequence[Mapping[str, Any]], now: datetime) -> Bar:
    start = min(one["started_at"] for one in rows)
    last = max(rows, key=lambda one: one["due_at"])
    length: float = max((last["due_at"] - start).total_seconds(), 1.0)

    def place(at: datetime) -> float:
        gone: float = (at - start).total_seconds() / length
        return round(min(max(gone, 0.0), 1.0) * MOST, 1)

    marks = [Mark(one["stage"], one["due_at"], level_of(one, now), place(one["due_at"])) for one in rows]
    reached = _stands_at(last, now)
    return Bar(
        last["kind"], last["unit_code"] or "", last["due_at"], place(reached), level_of(last, now), marks
    )


def _stands_at(clock: Mapping[str, Any], now: datetime) -> datetime:
    """How far a clock has come: to now, unless it was stopped or met before."""
    at: datetime | None = {"met": clock["met_at"], "paused": clock["paused_at"]}.get(clock["state"])
    return at or now


def level_of(clock: Mapping[str, Any], now: datetime) -> Level:
    """How a clock stands."""
    if clock["state"] == "met":
        return "met_late" if clock["met_at"] and clock["met_at"] > clock["due_at"] else "met"
    if clock["state"] == "paused":
        return "held"
    if clock["due_at"] < now:
        return "late"
    return "soon" if clock["at_risk_at"] <= now else "running"
