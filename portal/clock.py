"""Knows what time it is: the only place that reads the wall clock, and the one that can pretend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(slots=True)
class SimulatedClock:
    """A clock that stands still until it is moved; used by replays, the demo and tests."""

    at: datetime

    def move_to(self, at: datetime) -> None:
        """Set the pretended time (aware; stored as UTC)."""
        self.at = at.astimezone(UTC)


_simulated: ContextVar[SimulatedClock | None] = ContextVar("simulated_clock", default=None)


def now() -> datetime:
    """The current instant, aware, in UTC: simulated where a simulation is running."""
    pretended = _simulated.get()
    return pretended.at if pretended is not None else datetime.now(UTC)


def is_simulated() -> bool:
    """Whether time is pretended, so that nothing must be sent to the outside."""
    return _simulated.get() is not None


@contextmanager
def simulated(at: datetime) -> Iterator[SimulatedClock]:
    """Run a block of code at a pretended time."""
    clock = SimulatedClock(at.astimezone(UTC))
    mark = _simulated.set(clock)
    try:
        yield clock
    finally:
        _simulated.reset(mark)
