"""Knows how alike two reports are: by distance, service, time and words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from geo.crs import ground_distance_m

if TYPE_CHECKING:
    from geo.crs import LonLat
    from routing.facts import Service

# What a full match in each respect adds to the score; together 1.
DISTANCE_WEIGHT = 0.4
SERVICE_WEIGHT = 0.3
TIME_WEIGHT = 0.15
TEXT_WEIGHT = 0.15
LIKELY_FROM = 0.6
# Another service of the same group is half a match: a lamp that is out, a lamp post that leans.
_SAME_GROUP = 0.5
_HALF_LIFE = timedelta(days=7)
_NOTHING_SAID = 0.5
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open case that a new report might repeat; `point` in EPSG:4326."""

    case_id: str
    point: LonLat
    service_code: str
    group: str
    reported_at: datetime
    text: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """How alike a candidate is: `score` from 0 to 1, `distance_m` from the new report."""

    case_id: str
    score: float
    distance_m: float

    @property
    def is_likely(self) -> bool:
        """Tell whether the reporter should be asked "me too?"."""
        return self.score >= LIKELY_FROM


def rank_duplicates(
    service: Service, point: LonLat, at: datetime, text: str, candidates: Iterable[Candidate]
) -> list[Match]:
    """Return the candidates within the service's radius and of its group, most alike first.

    Equal scores go to the lower case id.
    """
    found = []
    for candidate in candidates:
        same = _service_likeness(service, candidate)
        distance_m = ground_distance_m(point[0], point[1], candidate.point[0], candidate.point[1])
        if same == 0.0 or distance_m > service.duplicate_radius_m:
            continue
        score = (
            DISTANCE_WEIGHT * (1.0 - distance_m / max(service.duplicate_radius_m, 1.0))
            + SERVICE_WEIGHT * same
            + TIME_WEIGHT * time_likeness(at, candidate.reported_at)
            + TEXT_WEIGHT * text_likeness(text, candidate.text)
        )
        found.append(Match(candidate.case_id, round(score, 4), round(distance_m, 1)))
    return sorted(found, key=lambda match: (-match.score, match.case_id))


def text_likeness(one: str, other: str) -> float:
    """Return how many pairs of neighbouring characters two texts share (Dice, 0 to 1), in any script.

    0.5 when either says nothing: silence speaks neither for nor against.
    """
    first, second = _pairs(one), _pairs(other)
    if not first or not second:
        return _NOTHING_SAID
    shared = sum((first & second).values())
    return 2.0 * shared / (sum(first.values()) + sum(second.values()))


def time_likeness(one: datetime, other: datetime) -> float:
    """Return 1 for the same moment, half as much for every week between."""
    return float(0.5 ** (abs(one - other) / _HALF_LIFE))


def _service_likeness(service: Service, candidate: Candidate) -> float:
    if candidate.service_code == service.code:
        return 1.0
    return _SAME_GROUP if service.group and candidate.group == service.group else 0.0


def _pairs(text: str) -> Counter[str]:
    pairs: Counter[str] = Counter()
    for word in _WORDS.findall(text.casefold()):
        pairs.update(word[n : n + 2] for n in range(max(len(word) - 1, 1)))
    return pairs
