"""Knows how targets are learnt from past due times: which amount and unit of time a city gave each service."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from routing.calendar import TimeUnit, WorkingCalendar
from routing.targets import ANYTHING, Target

TOLERANCE = timedelta(minutes=2)
LEAST = 5  # so many cases of a service before its due times are believed
LONGEST_DAYS = 3660
# Where several units explain a service's due times equally well, the first of these is meant.
UNITS: tuple[TimeUnit, ...] = ("working_days", "days", "working_hours", "hours")
Amount = tuple[float, TimeUnit]


@dataclass(frozen=True, slots=True)
class PastDue:
    """A past case with the due time that the city gave it; both instants aware."""

    service: str
    opened_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class LearntTarget:
    """What explains most due times of a service, and how many of them."""

    service: str
    amount: float
    unit: TimeUnit
    explained: int
    cases: int

    @property
    def share(self) -> float:
        """The share of the service's cases that it explains."""
        return self.explained / self.cases

    @property
    def target(self) -> Target:
        """The promise as a row of targets.csv."""
        return Target(self.service, "", "promise", "resolve", self.amount, self.unit)


def learn_targets(
    past: Iterable[PastDue], calendar: WorkingCalendar, least: int = LEAST
) -> list[LearntTarget]:
    """Learn one target for each service with at least `least` cases, and one for all together as `*`."""
    by_service: defaultdict[str, list[PastDue]] = defaultdict(list)
    votes: defaultdict[str, Counter[Amount]] = defaultdict(Counter)
    for case in past:
        by_service[case.service].append(case)
        votes[case.service].update(explanations(case, calendar))
    everything = sum(votes.values(), Counter[Amount]())
    learnt = [_learnt(ANYTHING, everything, sum(map(len, by_service.values())))] if everything else []
    for service in sorted(by_service):
        if len(by_service[service]) >= least and votes[service]:
            learnt.append(_learnt(service, votes[service], len(by_service[service])))
    return learnt


def explanations(case: PastDue, calendar: WorkingCalendar) -> list[Amount]:
    """Every whole amount of time that leads from the case's opening to its due time under this calendar."""
    if not timedelta() < case.due_at - case.opened_at < timedelta(days=LONGEST_DAYS):
        return []
    guesses = [(amount, unit) for unit in UNITS if (amount := _guess(case, unit, calendar)) > 0]
    return [(amount, unit) for amount, unit in guesses if is_met(case, amount, unit, calendar)]


def is_met(case: PastDue, amount: float, unit: TimeUnit, calendar: WorkingCalendar) -> bool:
    """Whether a target gives the city's own due time, within two minutes."""
    return abs(calendar.add(case.opened_at, amount, unit) - case.due_at) <= TOLERANCE


def explained(past: Sequence[PastDue], learnt: Iterable[LearntTarget], calendar: WorkingCalendar) -> int:
    """How many past cases get the city's own due time from the learnt targets."""
    known = {one.service: (one.amount, one.unit) for one in learnt}
    count = 0
    for case in past:
        aim = known.get(case.service) or known.get(ANYTHING)
        count += aim is not None and is_met(case, *aim, calendar)
    return count


def _learnt(service: str, votes: Counter[Amount], cases: int) -> LearntTarget:
    (amount, unit), number = min(
        votes.items(), key=lambda item: (-item[1], UNITS.index(item[0][1]), item[0][0])
    )
    return LearntTarget(service, amount, unit, number, cases)


def _guess(case: PastDue, unit: TimeUnit, calendar: WorkingCalendar) -> int:
    """The whole amount that could be meant; right or not, `is_met` tells."""
    local_due = case.due_at.astimezone(calendar.zone)
    if unit == "hours":
        return round((case.due_at - case.opened_at) / timedelta(hours=1))
    if unit == "days":
        return (local_due.date() - case.opened_at.astimezone(calendar.zone).date()).days
    begin = calendar.counts_from(case.opened_at)
    if unit == "working_hours":
        return round(calendar.working_minutes(begin, case.due_at) / 60)
    return calendar.working_days_between(begin.astimezone(calendar.zone).date(), local_due.date())
