"""Knows whether a proof photo was taken at the place of a case and after the work began, as far as it says so."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from routing.closing import ClosingFigures

Place = Literal["close", "far", "unknown"]
Time = Literal["fresh", "before_report", "before_work", "old", "ahead", "unknown"]

# A camera's clock and ours differ by a little; the accuracy that a photo claims for itself is believed so far.
CLOCK_SLACK = timedelta(minutes=5)
MOST_CLAIMED_M = 100.0


@dataclass(frozen=True, slots=True)
class Taken:
    """What a photo says of itself: metres from the case, its own inaccuracy, and the instant; None: nothing."""

    distance_m: float | None = None
    accuracy_m: float = 0.0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What a photo is held against: the accuracy of the case's point, and its instants.

    `work_from` is when the unit accepted the case, or when it was last opened again.
    """

    accuracy_m: float
    opened_at: datetime
    work_from: datetime | None


@dataclass(frozen=True, slots=True)
class ProofFlag:
    """What is said of a proof photo, without a coordinate or a distance."""

    place: Place
    time: Time

    @property
    def is_sound(self) -> bool:
        """Whether the photo shows by itself that somebody was there in time."""
        return (self.place, self.time) == ("close", "fresh")


def judge_proof(taken: Taken, case: CaseFacts, figures: ClosingFigures, now: datetime) -> ProofFlag:
    """Hold a photo against its case; the first fault of time counts, in the order of the conditions."""
    return ProofFlag(_place(taken, case, figures), _time(taken, case, figures, now))


def _place(taken: Taken, case: CaseFacts, figures: ClosingFigures) -> Place:
    if taken.distance_m is None:
        return "unknown"
    slack = case.accuracy_m + min(taken.accuracy_m, MOST_CLAIMED_M)
    return "close" if taken.distance_m - slack <= figures.proof_max_m else "far"


def _time(taken: Taken, case: CaseFacts, figures: ClosingFigures, now: datetime) -> Time:
    if taken.at is None:
        return "unknown"
    if taken.at > now + CLOCK_SLACK:
        return "ahead"
    if taken.at < case.opened_at - CLOCK_SLACK:
        return "before_report"
    if case.work_from is not None and taken.at < case.work_from - CLOCK_SLACK:
        return "before_work"
    return "old" if now - taken.at > timedelta(hours=figures.proof_max_hours) else "fresh"
