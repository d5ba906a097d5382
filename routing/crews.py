"""Knows which crew suits a job: able, on duty and with room; the nearest of them, or the least loaded."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

Why = Literal["nearest_free", "least_loaded"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A crew as it stands now. `distance_m` from its base or its last job; None where either place is unknown."""

    code: str
    unit: str
    load: int
    capacity: int
    is_on_duty: bool
    can_do: bool = True
    distance_m: float | None = None

    @property
    def is_free(self) -> bool:
        """Whether it could go now."""
        return self.is_on_duty and self.can_do and self.load < self.capacity

    @property
    def share(self) -> float:
        """How much of its room is taken."""
        return self.load / self.capacity if self.capacity else float("inf")


def can_do(skills: Collection[str], service_code: str, group: str) -> bool:
    """Tell whether a crew does this service; one that names none does all that its unit does."""
    return not skills or service_code in skills or group in skills


def ranked(crews: Iterable[Candidate]) -> list[Candidate]:
    """The crews in the order in which they should be asked: free before busy before off duty, then the nearest."""
    return sorted(crews, key=lambda one: (not one.is_free, not one.is_on_duty, not one.can_do, *_near(one)))


def suggested(crews: Iterable[Candidate]) -> dict[Why, Candidate]:
    """The nearest free crew and the least loaded one; empty where none is free."""
    free = [one for one in crews if one.is_free]
    if not free:
        return {}
    return {
        "nearest_free": min(free, key=_near),
        "least_loaded": min(free, key=lambda one: (one.share, *_near(one))),
    }


def _near(one: Candidate) -> tuple[float, float, str]:
    return (float("inf") if one.distance_m is None else one.distance_m, one.share, one.code)
